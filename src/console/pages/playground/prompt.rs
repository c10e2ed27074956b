//! What may be asked from a page.

/// The longest prompt, in characters. What is longer is asked by a program.
const LONGEST: usize = 20_000;

/// What was typed, if it can be asked.
///
/// # Errors
/// Why not.
pub(crate) fn parse_prompt(typed: &str) -> Result<String, String> {
    let prompt = typed.trim();
    let length = prompt.chars().count();
    if length == 0 {
        return Err("Type what the model is to be asked.".to_owned());
    }
    if length > LONGEST {
        return Err(format!(
            "This is {length} characters long; {LONGEST} are allowed here. Shorten it, or ask with curl."
        ));
    }
    Ok(prompt.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_neither_empty_nor_endless() {
        assert_eq!(parse_prompt(" Hello \n").as_deref(), Ok("Hello"));
        assert!(parse_prompt(" \n").is_err() && parse_prompt(&"ä".repeat(LONGEST + 1)).is_err());
        assert!(parse_prompt(&"ä".repeat(LONGEST)).is_ok());
    }
}
