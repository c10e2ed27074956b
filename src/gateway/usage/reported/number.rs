//! Numbers as vendors write them: tokens, dollars, and parts of dollars.

use crate::domain::amount::{MOST_NANO_DOLLARS, MOST_TOKENS};

/// What is found in the place of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// A count.
    Whole(i64),
    /// Something near to a count: a fraction, or a number in quotes.
    Near(i64),
    /// A number that no count can be: below 0, or beyond [`MOST_TOKENS`].
    OutOfRange,
    /// No number.
    None,
}

/// Reads a count.
pub(crate) fn tokens(text: &str) -> Number {
    let (text, quoted) = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => (inside.trim(), true),
        None => (text, false),
    };
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

/// Dollars, as nano-dollars; none for what cannot be a bill.
pub(crate) fn dollars(text: &str) -> Option<i64> {
    nano_dollars(number(text)? * 1e9)
}

/// Ticks of which ten billion are a dollar, as nano-dollars.
pub(crate) fn ticks(text: &str) -> Option<i64> {
    nano_dollars(number(text)? / 10.0)
}

/// Only what begins like a number: `inf` and `NaN` are words.
fn number(text: &str) -> Option<f64> {
    let begins = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    if begins { text.parse::<f64>().ok() } else { None }
}

fn nano_dollars(amount: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^52")]
    let believed = (0.0..=MOST_NANO_DOLLARS as f64).contains(&amount);
    #[expect(clippy::cast_possible_truncation, reason = "it was just found to fit")]
    let nearest = amount.round() as i64;
    // However little it is, it is not nothing.
    let least = i64::from(amount > 0.0);
    believed.then(|| nearest.max(least))
}
