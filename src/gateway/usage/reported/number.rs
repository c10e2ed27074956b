//! Parses numbers as vendors write them: tokens, dollars and ticks.

use crate::domain::amount::{MOST_NANO_DOLLARS, MOST_TOKENS};

/// The result of parsing a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// A valid count of tokens.
    Whole(i64),
    /// A fraction or a quoted number, rounded up.
    Near(i64),
    /// A number below 0 or above [`MOST_TOKENS`].
    OutOfRange,
    /// A value that is not a number.
    None,
}

/// Parses a count of tokens.
pub(crate) fn tokens(text: &str) -> Number {
    let (text, quoted) = unquoted(text);
    if let Ok(whole) = text.parse::<i64>() {
        return match whole {
            0..=MOST_TOKENS if quoted => Number::Near(whole),
            0..=MOST_TOKENS => Number::Whole(whole),
            _ => Number::OutOfRange,
        };
    }
    let Some(number) = number(text) else { return Number::None };
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let believed = (0.0..=MOST_TOKENS as f64).contains(&number);
    if !believed {
        return Number::OutOfRange;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was just found to fit")]
    let near = number.ceil() as i64;
    // Some vendors write whole numbers as 12.0.
    if quoted || number.fract() != 0.0 { Number::Near(near) } else { Number::Whole(near) }
}

/// Parses dollars into nano-dollars, also in quotes. `None` if it is not a plausible amount.
pub(crate) fn dollars(text: &str) -> Option<i64> {
    nano_dollars(number(unquoted(text).0)? * 1e9)
}

/// Parses ticks, of which ten billion are a dollar, into nano-dollars, also in quotes.
pub(crate) fn ticks(text: &str) -> Option<i64> {
    nano_dollars(number(unquoted(text).0)? / 10.0)
}

/// A value without its quotes, and whether it had some.
fn unquoted(text: &str) -> (&str, bool) {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => (inside.trim(), true),
        None => (text, false),
    }
}

/// Parses a float that starts with a digit, which excludes `inf` and `NaN`.
fn number(text: &str) -> Option<f64> {
    let begins = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    if begins { text.parse::<f64>().ok() } else { None }
}

fn nano_dollars(amount: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let believed = (0.0..=MOST_NANO_DOLLARS as f64).contains(&amount);
    #[expect(clippy::cast_possible_truncation, reason = "it was just found to fit")]
    let nearest = amount.round() as i64;
    // A positive amount is never rounded to 0.
    let least = i64::from(amount > 0.0);
    believed.then(|| nearest.max(least))
}
