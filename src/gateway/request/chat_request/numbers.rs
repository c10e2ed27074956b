//! Checks the numbers that bound an answer: how many choices, and how many tokens for each.
//!
//! An invalid number would count as the maximum for budgets, so it is rejected here.

use crate::dialects::Dialect;
use crate::domain::error::{Error, Result};
use crate::gateway::request::json_object::RawObject;

/// The most choices that vendors return for one request.
pub const MOST_CHOICES: i64 = 128;
/// The fields that limit the tokens of a choice.
pub const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
/// The fields that ask for several choices.
pub const CHOICES: [&str; 2] = ["n", "best_of"];

/// Values that some local servers read as no limit.
const NO_LIMIT: [f64; 2] = [-1.0, 0.0];

/// Checks the numbers of choices and tokens. Null counts as absent; `1e3` is a whole number too.
///
/// # Errors
/// 400 with the field and its range.
pub(super) fn check(dialect: Dialect, members: &RawObject<'_>) -> Result<()> {
    match dialect {
        Dialect::ChatCompletions => check_choices(members)?,
        // A message is one choice, and so are answers of the others.
        Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => {}
    }
    for name in LIMITS {
        let expected = || {
            "a whole number of tokens, 1 or more; -1 or 0 is no limit, to providers that read it so"
                .to_owned()
        };
        check_one(members, name, expected, |number| number >= 1.0 || NO_LIMIT.contains(&number))?;
    }
    Ok(())
}

fn check_choices(members: &RawObject<'_>) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let most = MOST_CHOICES as f64;
    for name in CHOICES {
        let expected = || format!("a whole number from 1 to {MOST_CHOICES}");
        check_one(members, name, expected, |number| (1.0..=most).contains(&number))?;
    }
    Ok(())
}

/// The number of choices that a value asks for, which was checked with the body.
pub(super) fn choices(value: &[u8]) -> usize {
    let number = serde_json::from_slice::<f64>(value).unwrap_or(1.0);
    // A whole number may be written as a fraction.
    format!("{number:.0}").parse().unwrap_or(1)
}

fn check_one(
    members: &RawObject<'_>,
    name: &'static str,
    expected: impl Fn() -> String,
    is_within: impl Fn(f64) -> bool,
) -> Result<()> {
    let Some(value) = members.present(name) else { return Ok(()) };
    let refused = |code| Err(Error::refused(Some(name), code, format!("'{name}' must be {}.", expected())));
    // The parser rejects numbers that do not fit into a float.
    let Ok(number) = serde_json::from_str::<f64>(value.get()) else { return refused("invalid_type") };
    if number.fract() == 0.0 && is_within(number) { Ok(()) } else { refused("invalid_value") }
}
