//! Validates account input: email addresses and the names of users and organizations.

use super::visible;

const LONGEST_NAME: usize = 100;
const LONGEST_EMAIL: usize = 254;

/// Parses and trims the name of an organization or a user.
///
/// # Errors
/// The cause and how to fix it, in one sentence.
pub fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {LONGEST_NAME} characters and no control characters"));
    }
    match visible::violation(name) {
        None => Ok(name.to_owned()),
        Some(reason) => Err(format!("the name {reason}")),
    }
}

/// Parses an email address and converts it to lower case. It catches typos; only a message can show that the
/// address exists.
///
/// # Errors
/// The cause and how to fix it, in one sentence.
pub fn parse_email(text: &str) -> Result<String, String> {
    let email = text.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty())
    });
    let unusual = |character: char| character.is_control() || character.is_whitespace();
    if !shaped || email.len() > LONGEST_EMAIL || email.chars().any(unusual) {
        return Err("that is no e-mail address; write it as name@example.com".to_owned());
    }
    if let Some(reason) = visible::violation(email) {
        return Err(format!("the e-mail address {reason}"));
    }
    Ok(email.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_parts_and_no_blanks() {
        assert_eq!(parse_email(" Ann@Example.com "), Ok("ann@example.com".to_owned()));
        assert!(parse_email("ann@localhost").is_ok());
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@b@c",
            "ann@example..com",
            "a b@example.com",
            "ann@example.com\n.x",
            "ann@ex\u{200b}ample.com",
            "\u{202e}ann@example.com",
        ] {
            assert!(parse_email(text).is_err(), "{text:?}");
        }
        assert!(parse_email(&format!("{}@example.com", "a".repeat(250))).is_err());
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(parse_name(" Acme "), Ok("Acme".to_owned()));
        for text in ["", "  ", "a\u{7}b", &"ä".repeat(101), "Acme\u{202e}", "Ac\u{200b}me"] {
            assert!(parse_name(text).is_err(), "{text:?}");
        }
        assert!(parse_name(&"ä".repeat(100)).is_ok());
    }
}
