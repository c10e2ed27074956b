//! The exceptions of Amazon Bedrock, which it sends over HTTP with a status and within a stream without one.

/// The status that an exception has over HTTP; `None` if it is not known. The case of the first letter does not matter: within
/// a stream it is a small one.
#[must_use]
pub fn status(name: &str) -> Option<u16> {
    let known = STATUSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, status)| *status)
}

/// V botocore's service model of `bedrock-runtime`, read in November 2026.
const STATUSES: [(&str, u16); 11] = [
    ("AccessDeniedException", 403),
    ("ConflictException", 400),
    ("InternalServerException", 500),
    ("ModelErrorException", 424),
    ("ModelNotReadyException", 429),
    ("ModelStreamErrorException", 424),
    ("ModelTimeoutException", 408),
    ("ResourceNotFoundException", 404),
    ("ServiceUnavailableException", 503),
    ("ThrottlingException", 429),
    ("ValidationException", 400),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_known_in_both_spellings() {
        for (name, expected) in [
            ("ThrottlingException", Some(429)),
            ("throttlingException", Some(429)),
            ("modelStreamErrorException", Some(424)),
            ("serviceUnavailableException", Some(503)),
            ("ofNextYearException", None),
            ("", None),
        ] {
            assert_eq!(status(name), expected, "{name}");
        }
    }
}
