//! The limit of tokens that an error states, from headers or its sentence.

use super::limit_headers::LimitHeaders;
use super::numbers::{number_after, number_before, number_between};

/// A limit of tokens in a time, such as a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimit {
    /// The tokens that fit into that time.
    pub tokens: u64,
    /// Whether all of it is left, so that no other request has used any.
    pub unused: bool,
}

/// Words of a sentence that follow the number of a limit.
const PER_MINUTE: [&str; 5] =
    ["tokens per min", "input tokens per min", "output tokens per min", "tpm", "token per min"];

/// Words before the number of a limit of tokens.
const TOKENS_ARE_NAMED_BEFORE: [&str; 3] = ["tpm limit", "tokens per minute limit", "token limit"];

/// Words before the number of a limit, if `tokens` follows it.
const TOKENS_FOLLOW: [&str; 2] = ["rate limit is", "rate limit of"];

/// Words before the most tokens of a plan.
const OF_A_PLAN: [&str; 5] = ["above", "beyond", "exceeding", "over", "than"];

/// The limit that an error states; of several the lowest.
pub(super) fn stated(headers: &LimitHeaders<'_>, message: &str) -> Option<TokenLimit> {
    let in_sentence = in_sentence(message).map(|tokens| TokenLimit { tokens, unused: false });
    in_headers(headers).into_iter().chain(in_sentence).min_by_key(|limit| (limit.tokens, !limit.unused))
}

/// The most tokens that the account may send: `Contexts above 32,000 tokens require a paid plan`.
pub(super) fn of_a_plan(message: &str) -> Option<TokenLimit> {
    let message = message.to_ascii_lowercase();
    let stated = OF_A_PLAN.iter().filter_map(|words| number_between(&message, words, "token"));
    stated.filter(|tokens| *tokens > 0).min().map(|tokens| TokenLimit { tokens, unused: false })
}

/// The lowest limit of headers such as `x-ratelimit-limit-tokens` and `anthropic-ratelimit-input-tokens-limit`. It is
/// unused if nothing of any limit of tokens is.
fn in_headers(headers: &LimitHeaders<'_>) -> Option<TokenLimit> {
    let of_tokens = headers.iter().filter(|(name, _)| name.contains("token") && name.contains("limit"));
    let limits: Vec<(&str, u64)> =
        of_tokens.filter_map(|(name, value)| Some((name, value.trim().parse().ok()?))).collect();
    let tokens = limits.iter().map(|(_, tokens)| *tokens).min()?;
    let left = |name: &str| headers.beside::<u64>(name, "limit", "remaining");
    let unused = limits.iter().all(|(name, tokens)| left(name).is_some_and(|left| left >= *tokens));
    Some(TokenLimit { tokens, unused })
}

/// The number of a limit of tokens: `of 30,000 input tokens per minute`. One of zero is of no size of a request.
fn in_sentence(message: &str) -> Option<u64> {
    let message = message.to_ascii_lowercase();
    let before = || PER_MINUTE.iter().find_map(|words| number_before(&message, words));
    let after = || TOKENS_ARE_NAMED_BEFORE.iter().find_map(|words| number_after(&message, words));
    let between = || TOKENS_FOLLOW.iter().find_map(|words| number_between(&message, words, "token"));
    let found = of_a_metric(&message).or_else(before).or_else(after).or_else(between);
    found.filter(|tokens| *tokens > 0)
}

/// The lowest limit of Google's metrics of tokens: `metric: .../generate_content_input_token_count, limit: 16000`.
fn of_a_metric(message: &str) -> Option<u64> {
    let of_tokens = message
        .split("for metric:")
        .skip(1)
        .filter(|metric| metric.split(',').next().is_some_and(|name| name.contains("token_count")));
    of_tokens.filter_map(|metric| number_after(metric, "limit")).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(headers: &[(&str, &str)], message: &str) -> Option<(u64, bool)> {
        stated(&LimitHeaders::of(headers.iter().copied()), message).map(|limit| (limit.tokens, limit.unused))
    }

    #[test]
    fn headers_state_the_limit_and_whether_it_is_used() {
        let openai = |left| {
            limit(&[("x-ratelimit-limit-tokens", "30000"), ("x-ratelimit-remaining-tokens", left)], "")
        };
        assert_eq!(openai("30000"), Some((30_000, true)));
        assert_eq!(openai("29999"), Some((30_000, false)));
        assert_eq!(limit(&[("X-RateLimit-Limit-Tokens", "30000")], ""), Some((30_000, false)));
        assert_eq!(limit(&[("x-rate-limit-limit-tokens", "30000")], ""), Some((30_000, false)));
        let anthropic = [
            ("anthropic-ratelimit-input-tokens-limit", "30000"),
            ("anthropic-ratelimit-input-tokens-remaining", "30000"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-requests-limit", "50"),
        ];
        assert_eq!(limit(&anthropic, ""), Some((8_000, false)));
        assert_eq!(limit(&[("x-ratelimit-limit-requests", "50"), ("retry-after", "9")], ""), None);
        assert_eq!(limit(&[("x-ratelimit-limit-tokens", "many")], ""), None);
    }

    #[test]
    fn a_sentence_states_what_a_plan_has() {
        for (message, expected) in [
            ("Contexts above 32,000 tokens require a paid plan", Some(32_000)),
            ("Prompts of more than 128K tokens need an upgrade", Some(128_000)),
            ("You have 12 tokens left", None),
            ("max_tokens above 4096 requires a paid plan", None),
        ] {
            assert_eq!(of_a_plan(message).map(|limit| limit.tokens), expected, "{message}");
        }
    }

    #[test]
    fn a_sentence_states_the_limit_before_its_words() {
        for (message, expected) in [
            ("the rate limit of 30,000 input tokens per minute.", Some(30_000)),
            ("Limit: 6000 TPM", Some(6_000)),
            ("at most 100000 tokens per min", Some(100_000)),
            ("on tokens per min (TPM): Limit 30000", None),
            ("tokens per minute", None),
            ("TPM limit 16000 exceeded", Some(16_000)),
            ("You have a limit of 16K TPM", Some(16_000)),
            ("Your rate limit is 16000 tokens", Some(16_000)),
            ("Your rate limit is 60 requests", None),
            (
                "* Quota exceeded for metric: x/generate_content_paid_tier_input_token_count, limit: 16000, model: y",
                Some(16_000),
            ),
            (
                "* Quota exceeded for metric: x/generate_requests, limit: 20\n* Quota exceeded for metric: x/input_token_count, limit: 9000",
                Some(9_000),
            ),
            ("Quota exceeded for metric: x/free_tier_input_token_count, limit: 0", None),
            ("Quota exceeded for metric: x/generate_content_free_tier_requests, limit: 20", None),
        ] {
            assert_eq!(limit(&[], message).map(|(tokens, _)| tokens), expected, "{message}");
        }
    }
}
