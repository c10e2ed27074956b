//! Anthropic's words for errors: statuses, types and sentences on which its clients act.

use crate::domain::failure::class::ErrorClass;

/// The status of a failed chain in this dialect, where it differs from the one in `status`. Anthropic answers 402 when
/// an account has no money left, and 529 when it is overloaded.
#[must_use]
pub const fn status(class: ErrorClass, status: u16) -> u16 {
    match (class, status) {
        (ErrorClass::QuotaExhausted, 429) => 402,
        (ErrorClass::Overloaded, 503) => 529,
        (_, status) => status,
    }
}

/// The `error.type` of a status.
#[must_use]
pub const fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// The words by which clients recognize that a prompt does not fit, so that they shorten it.
const TOO_LONG: &str = "prompt is too long";

/// The message of a failed chain. Clients shorten their prompt only if the words of this dialect say that it is too long,
/// so they precede those of another vendor.
#[must_use]
pub fn message(class: ErrorClass, message: &str) -> String {
    let about_size = matches!(class, ErrorClass::ContextWindowExceeded | ErrorClass::TooLarge);
    if about_size && !message.to_ascii_lowercase().contains(TOO_LONG) {
        return format!("{TOO_LONG}: {message}");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_does_not_fit_is_named_in_the_words_that_clients_know() {
        let class = ErrorClass::ContextWindowExceeded;
        let own = "prompt is too long: 210000 tokens > 200000 maximum";
        assert_eq!(message(class, own), own);
        assert_eq!(message(class, "Too many tokens."), "prompt is too long: Too many tokens.");
        assert_eq!(message(ErrorClass::InvalidRequest, "Too many tokens."), "Too many tokens.");
    }

    #[test]
    fn statuses_have_the_types_of_anthropic() {
        for (status, kind) in [
            (400, "invalid_request_error"),
            (402, "billing_error"),
            (422, "invalid_request_error"),
            (429, "rate_limit_error"),
            (502, "api_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ] {
            assert_eq!(super::kind(status), kind, "{status}");
        }
        assert_eq!(status(ErrorClass::Overloaded, 503), 529);
        assert_eq!(status(ErrorClass::QuotaExhausted, 429), 402);
        assert_eq!(status(ErrorClass::RateLimited, 429), 429);
        assert_eq!(status(ErrorClass::Cooldown, 503), 503);
    }
}
