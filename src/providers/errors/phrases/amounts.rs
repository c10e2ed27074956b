//! What a message says of the amount that is left of an account, and of the one that the request needs: money, credits,
//! characters. If some is left, but less than this request needs, a smaller one is answered.

use super::message::Message;
use crate::providers::errors::numbers::{amount_after, amount_before, number_after};

/// Words before what is left of a quota, which vendors say of nothing else.
const QUOTA: [&str; 3] = ["remaining quota", "remain quota", "剩余额度"];

/// Words before what is left.
const BEFORE_LEFT: [&str; 11] = [
    "remaining credits",
    "remaining balance",
    "available balance",
    "available credits",
    "current balance",
    "balance is",
    "balance of",
    "balance:",
    "only have",
    "have",
    "available",
];
/// Words after what is left.
const AFTER_LEFT: [&str; 5] =
    ["credits remaining", "credits left", "credits available", "characters remaining", "characters left"];

/// Words before what the request needs.
const BEFORE_NEEDED: [&str; 7] =
    ["estimated cost", "cost of this request", "costs", "requires", "required", "needs", "need"];
/// Words after what the request needs.
const AFTER_NEEDED: [&str; 4] =
    ["credits are required", "credits required", "credits needed", "are required"];

/// Words about an amount that an account must have, whatever the request.
const LEAST: [&str; 2] = ["minimum", "at least"];

/// What is left of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing for any request.
    Nothing,
    /// Too little for this request.
    TooLittle,
}

/// What is left of the account; `None` if the message does not say so.
pub(super) fn stated(status: u16, message: &Message) -> Option<Left> {
    if nothing_is_left(message) {
        return Some(Left::Nothing);
    }
    let text = message.text();
    // With other statuses, such words are of anything.
    if !matches!(status, 401..=403 | 429) || LEAST.iter().any(|words| text.contains(*words)) {
        return None;
    }
    let left = amount(text, &BEFORE_LEFT, &AFTER_LEFT)?;
    let needed = amount(text, &BEFORE_NEEDED, &AFTER_NEEDED)?;
    if left <= 0.0 { Some(Left::Nothing) } else { (needed > left).then_some(Left::TooLittle) }
}

/// Whether the account cannot pay for a single token, or its quota is used up.
fn nothing_is_left(message: &Message) -> bool {
    let text = message.text();
    let affords_none = || {
        number_after(text, "can only afford").is_some_and(|tokens| tokens < 1)
            || text.contains("can only afford -")
    };
    let is_none = |words: &str| amount_after(text, words).is_some_and(|amount| amount <= 0.0);
    message.may_hold("can only afford") && affords_none()
        || QUOTA.iter().any(|words| message.may_hold(words) && is_none(words))
}

/// The first amount directly after one of the first words, or directly before one of the others.
fn amount(text: &str, before: &[&str], after: &[&str]) -> Option<f64> {
    let follows = before.iter().find_map(|words| amount_after(text, words));
    follows.or_else(|| after.iter().find_map(|words| amount_before(text, words)))
}

#[cfg(test)]
mod tests {
    use super::super::normalized;
    use super::*;

    fn said(status: u16, message: &str) -> Option<Left> {
        stated(status, &Message::of(message))
    }

    #[test]
    fn parts_are_normalized() {
        let words = QUOTA.iter().chain(&BEFORE_LEFT).chain(&AFTER_LEFT).chain(&BEFORE_NEEDED);
        for part in words.chain(&AFTER_NEEDED).chain(&LEAST) {
            assert_eq!(&normalized(part), part);
        }
    }

    #[test]
    fn some_that_is_too_little_for_this_request_is_the_requests() {
        for message in [
            "This request exceeds your quota of 10000. You have 37 credits remaining, while 150 credits are required for this request.",
            "Your organization does not have enough balance to request this action (need $0.0700, have $0.0162 in active grants)",
            "Insufficient credits: required 1,200, available 1,150.5",
            "This request costs 12 credits, but you only have 5.",
            "Your current balance: $0.02; estimated cost: $0.10",
            "You have 120 characters left and this text needs 400 characters",
        ] {
            for status in [401, 402, 403, 429] {
                assert_eq!(said(status, message), Some(Left::TooLittle), "{status} {message}");
            }
            assert_eq!(said(500, message), None, "{message}");
        }
    }

    #[test]
    fn none_is_the_models_and_enough_or_half_of_it_says_nothing() {
        for message in [
            "You have 0 credits remaining, while 150 credits are required for this request.",
            "not enough balance (need $0.07, have $-1.20)",
            "user remaining quota: $0.00, need quota: $3.20",
            "You requested up to 100 tokens, but can only afford 0.",
        ] {
            assert_eq!(said(402, message), Some(Left::Nothing), "{message}");
        }
        for message in [
            "You have 200 credits remaining, while 150 credits are required.",
            "You have 37 credits remaining.",
            "150 credits are required for this request.",
            "Your balance is $0.50, but a minimum balance of $5 is required. It costs $6.",
            "You have exceeded your current quota. Need more? See your plan.",
            "Insufficient Balance",
            "",
        ] {
            assert_eq!(said(402, message), None, "{message}");
        }
    }
}
