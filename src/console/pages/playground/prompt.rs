//! Validates prompts typed into a page.

/// Maximum length in characters; longer prompts must be sent through the API.
const LONGEST: usize = 20_000;

/// Validates the prompt.
///
/// # Errors
/// The problem, as a sentence.
pub(crate) fn parse_prompt(typed: &str) -> Result<String, String> {
    let prompt = typed.trim();
    let length = prompt.chars().count();
    if length == 0 {
        return Err("Enter a prompt.".to_owned());
    }
    if length > LONGEST {
        return Err(format!(
            "The prompt has {length} characters; at most {LONGEST} are allowed here. Shorten it, or send it with curl."
        ));
    }
    Ok(prompt.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_not_empty_and_not_too_long() {
        assert_eq!(parse_prompt(" Hello \n").as_deref(), Ok("Hello"));
        assert!(parse_prompt(" \n").is_err() && parse_prompt(&"ä".repeat(LONGEST + 1)).is_err());
        assert!(parse_prompt(&"ä".repeat(LONGEST)).is_ok());
    }
}
