//! The form of a noun after a number.

/// The form of a noun that follows this number: `1 request`, `2 requests`.
#[must_use]
pub const fn plural<'a>(number: i64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

/// A number and words that begin with a noun in the plural: `1 request per minute`, `2 requests per minute`.
#[must_use]
pub fn number_of(number: i64, words: &str) -> String {
    let (noun, rest) = words.split_at(words.find(' ').unwrap_or(words.len()));
    let noun = if number == 1 { noun.strip_suffix('s').unwrap_or(noun) } else { noun };
    format!("{number} {noun}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(
            [0, 1, 2, -1].map(|number| plural(number, "key", "keys")),
            ["keys", "key", "keys", "keys"]
        );
        let said = [1, 2].map(|number| number_of(number, "requests per minute"));
        assert_eq!(said, ["1 request per minute", "2 requests per minute"]);
        assert_eq!(number_of(1, "tokens"), "1 token");
    }
}
