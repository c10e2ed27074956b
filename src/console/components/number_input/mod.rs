//! Parses numbers typed into forms and formats them for display.

pub mod limits;

use std::ops::RangeInclusive;

use crate::console::components::format::count;

/// Parses a whole number; `None` if the field is empty. Thousands separators are accepted.
///
/// # Errors
/// The text is not a number or is out of range.
pub fn whole(text: &str, range: &RangeInclusive<i64>) -> Result<Option<i64>, String> {
    scaled(text, 0, range)
}

/// Parses a number with at most `digits` decimals, in units of the last decimal; `None` if the field is empty.
///
/// # Errors
/// The text is not a number, has too many decimals, or is out of `range`, which is in the same units.
pub fn scaled(text: &str, digits: usize, range: &RangeInclusive<i64>) -> Result<Option<i64>, String> {
    let text: String = text.chars().filter(|letter| !matches!(letter, ',' | '_' | ' ' | '\u{a0}')).collect();
    if text.is_empty() {
        return Ok(None);
    }
    match units(&text, digits).filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let whole = if digits == 0 { "whole number" } else { "number" };
            let (least, most) = (shown(*range.start(), digits), shown(*range.end(), digits));
            Err(format!("must be a {whole} from {least} to {most}"))
        }
    }
}

fn units(text: &str, digits: usize) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && part.len() <= digits && plain(whole) && plain(part);
    let padding = "0".repeat(digits.saturating_sub(part.len()));
    fits.then(|| format!("{whole}{part}{padding}").parse().ok()).flatten()
}

/// Formats a value of [`scaled`] without trailing zeros: `2.5`.
#[must_use]
pub fn plain(number: i64, digits: usize) -> String {
    let (whole, part) = parts(number, digits);
    join(whole.to_string(), &part)
}

/// The same with thousands separators: `1,000,000.25`.
#[must_use]
pub fn shown(number: i64, digits: usize) -> String {
    let (whole, part) = parts(number, digits);
    join(count(whole), &part)
}

/// Micro-dollars with at least two decimals: `$2.50`, `$0.075`.
#[must_use]
pub fn dollars(micro_dollars: i64) -> String {
    let (whole, part) = parts(micro_dollars, 6);
    format!("${}.{part:0<2}", count(whole))
}

fn parts(number: i64, digits: usize) -> (i64, String) {
    let size = 10_i64.pow(u32::try_from(digits).unwrap_or(0));
    let part = if digits == 0 { String::new() } else { format!("{:0digits$}", number % size) };
    (number / size, part.trim_end_matches('0').to_owned())
}

fn join(whole: String, part: &str) -> String {
    if part.is_empty() { whole } else { format!("{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parsed_as_they_are_formatted() {
        let range = 0..=9_000_000_000;
        for (text, digits, number) in [
            ("", 0, None),
            ("128,000", 0, Some(128_000)),
            ("2.5", 6, Some(2_500_000)),
            ("0.000001", 6, Some(1)),
        ] {
            assert_eq!(scaled(text, digits, &range), Ok(number), "{text}");
        }
        assert_eq!((plain(2_500_000, 6), shown(1_234_000, 3)), ("2.5".to_owned(), "1,234".to_owned()));
        assert_eq!((plain(1, 6), shown(60_000, 3)), ("0.000001".to_owned(), "60".to_owned()));
        assert_eq!([2_500_000, 75_000, 1_000_000_000].map(dollars), ["$2.50", "$0.075", "$1,000.00"]);
        for bad in ["x", "-1", "1.5", ".", "1e3", "99999999999999999999", "\u{661}"] {
            let refused = whole(bad, &(0..=1_000)).expect_err(bad);
            assert_eq!(refused, "must be a whole number from 0 to 1,000");
        }
        assert!(scaled("0.0000001", 6, &range).is_err() && scaled("1.", 6, &range).is_ok());
    }
}
