//! Protects CSV cells against formula injection in spreadsheets.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Puts a quote before a cell that a spreadsheet would run as a formula. Cells contain text from outside, such as a
/// provider's message or a caller's session. Numbers stay as they are.
#[must_use]
pub(super) fn harmless(text: &str) -> String {
    if runs(text) && !is_number(text) { format!("'{text}") } else { text.to_owned() }
}

/// Whether a spreadsheet may run the text as a formula. Some skip invisible characters at the start, and some
/// convert full-width and small signs to ASCII.
fn runs(text: &str) -> bool {
    let breaks = |letter: char| matches!(letter, '\t' | '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}');
    if text.starts_with(breaks) {
        return true;
    }
    text.chars().find(|letter| !is_skipped(*letter)).is_some_and(is_sign)
}

fn is_skipped(letter: char) -> bool {
    use GeneralCategory as Category;
    letter.is_whitespace()
        || matches!(
            letter.general_category(),
            Category::Control | Category::Format | Category::NonspacingMark
        )
}

fn is_sign(letter: char) -> bool {
    matches!(letter, '=' | '+' | '-' | '@')
        || matches!(letter, '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
        || matches!(letter, '\u{fe66}' | '\u{fe62}' | '\u{fe63}' | '\u{fe6b}')
        || matches!(letter, '\u{207a}'..='\u{207c}' | '\u{208a}'..='\u{208c}' | '\u{2212}')
}

/// Whether the text is a decimal number with an optional minus sign, fraction and exponent. Stricter than parsing a
/// float, which accepts `-inf`.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let (whole, part) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    digits(whole) && part.is_none_or(digits) && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for cell in [
            "=1+1",
            "+a",
            "-a",
            "@a",
            "\tx",
            "\rx",
            "\nx",
            "\n=1+1",
            "\r\n=1",
            " =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "\u{200b}=1",
            "\u{ff1d}1",
            "\u{ff0b}1",
            "\u{ff0d}1",
            "\u{ff20}a",
            "\u{fe66}1",
            "-inf",
            "+inf",
            "-NaN",
            "-1-1",
            "+1",
            "-1=",
            "--1",
            "-",
            "-.5",
            "-1e",
            "=",
            "@",
            "\u{3000}@a",
            "-0x10",
        ] {
            assert_eq!(harmless(cell), format!("'{cell}"), "{cell:?}");
        }
    }

    #[test]
    fn numbers_and_other_texts_stay_as_they_are() {
        for cell in [
            "",
            "-1",
            "1",
            "0.5",
            "-0.5",
            "1e9",
            "-1.5e-7",
            "1E+3",
            "a=1",
            "smart",
            "inf",
            "'=1",
            "a\n=1",
            "2026-11-29T00:00:00Z",
        ] {
            assert_eq!(harmless(cell), cell, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_begins_like_a_formula_unless_it_is_a_number(cell in any::<String>(), sign in "[=+@\\-]?", blank in "[ \\t\n\r\u{200b}]{0,2}") {
            let shown = harmless(&format!("{blank}{sign}{cell}"));
            let first = shown.chars().find(|letter| !is_skipped(*letter));
            prop_assert!(!first.is_some_and(is_sign) || is_number(&shown), "{:?}", shown);
            prop_assert!(!shown.starts_with(['\t', '\r', '\n']));
        }

        #[test]
        fn a_number_stays_a_number(number in any::<i64>(), fraction in any::<f64>()) {
            prop_assert_eq!(harmless(&number.to_string()), number.to_string());
            if fraction.is_finite() {
                prop_assert_eq!(harmless(&fraction.to_string()), fraction.to_string());
            }
        }
    }
}
