//! The form of a noun after a number.

/// The form of a noun that follows this number: `1 request`, `2 requests`.
#[must_use]
pub const fn plural<'a>(number: i64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
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
    }
}
