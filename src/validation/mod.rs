//! Validation of providers, models, keys and accounts, shared by the API and the console.
//!
//! The message of each check is a clause that follows the field's name.

pub mod account;
pub mod bounds;
pub mod placeholder;
pub mod provider;
pub mod visible;

/// The longest name of a provider or a key, in characters.
const LONGEST_NAME: usize = 100;
/// The longest name of a model, in characters.
const LONGEST_MODEL_NAME: usize = 200;

/// Why a value is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViolationReason {
    /// The kind of violation, such as `value_error`.
    pub kind: &'static str,
    /// What is expected, as a clause that follows the field's name: "must be ...".
    pub message: String,
}

impl ViolationReason {
    /// Creates a reason of this kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Checks a display name.
///
/// # Errors
/// It is empty, longer than 100 characters, has spaces at either end, or contains invisible characters.
pub fn name(text: &str) -> Result<String, ViolationReason> {
    printable(text, LONGEST_NAME)
}

/// Checks a text on one line.
///
/// # Errors
/// It is empty, longer than `longest` characters, has spaces at either end, or contains invisible characters.
pub fn printable(text: &str, longest: usize) -> Result<String, ViolationReason> {
    let fits = !text.is_empty() && text.chars().count() <= longest;
    if fits && text.trim() == text && !text.chars().any(char::is_control) {
        return match visible::violation(text) {
            None => Ok(text.to_owned()),
            Some(reason) => Err(ViolationReason::new("value_error", reason)),
        };
    }
    let expected = format!("must be 1 to {longest} printable characters without a blank at either end");
    Err(ViolationReason::new("value_error", expected))
}

/// Checks a model's catalog name.
///
/// # Errors
/// It is not a valid model name.
pub fn model_name(text: &str) -> Result<String, ViolationReason> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'~');
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@+~-".contains(&byte);
    if first && bytes.all(inner) && text.len() <= LONGEST_MODEL_NAME {
        return Ok(text.to_owned());
    }
    let expected = format!(
        "must be 1 to {LONGEST_MODEL_NAME} of the letters A-Z and a-z, digits and . _ : / @ + ~ -, beginning with a \
         letter, a digit or ~"
    );
    Err(ViolationReason::new("string_pattern_mismatch", expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_follow_their_grammar() {
        let longest = "x".repeat(200);
        for good in ["a", "~free", "openai/gpt-4o", "meta:llama@3.1+turbo", "9_b-c", longest.as_str()] {
            assert_eq!(model_name(good).as_deref(), Ok(good));
        }
        let too_long = "x".repeat(201);
        for bad in
            ["", "/a", "-a", ".a", "@a", "a b", "a\n", "a?", "a%2Fb", "\u{e4}", "a\0", too_long.as_str()]
        {
            assert!(model_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_for_people_are_printable_and_not_padded() {
        for good in ["OpenAI (Europe)", "\u{d6}sterreich", "\u{1f600}", &"\u{e4}".repeat(100)] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in
            ["", " ", " a", "a ", "a\tb", "a\u{7f}", "a\nb", &"x".repeat(101), "a\u{202e}b", "a\u{200b}"]
        {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
