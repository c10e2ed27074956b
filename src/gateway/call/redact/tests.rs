//! What is taken out of messages, and what is left alone.

use proptest::prelude::*;

use super::*;

#[test]
fn credentials_go_and_the_sentence_stays() {
    for (message, expected) in [
        (
            "Incorrect API key provided: sk-proj-abcdEFGH1234. You can find your key at https://platform.openai.com/account/api-keys.",
            "Incorrect API key provided: [redacted] You can find your key at https://platform.openai.com/account/api-keys.",
        ),
        ("Incorrect API key provided: sk-abc*********wxyz", "Incorrect API key provided: [redacted]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("'Authorization': 'Bearer abcdef'", "'Authorization': 'Bearer [redacted]'"),
        ("bad header bearer abcdef, sorry", "bad header bearer [redacted], sorry"),
        (r#"{"api_key": "abc def", "n": 1}"#, r#"{"api_key": "[redacted]", "n": 1}"#),
        (r#"{\"x-api-key\":\"abcdef\"}"#, r#"{\"x-api-key\":\"[redacted]\"}"#),
        ("GET /models?key=abc&alt=json", "GET /models?key=[redacted]&alt=json"),
        ("password=hunter2; user=x", "password=[redacted]; user=x"),
        ("client_secret => 'hunter2'", "client_secret => '[redacted]'"),
        ("the key 0123456789abcdef0123456789abcdef is revoked", "the key [redacted] is revoked"),
        (
            "limit of organization org-AbCdEfGhIjKlMnOpQrSt on tokens",
            "limit of organization [redacted] on tokens",
        ),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln expired", "token [redacted] expired"),
    ] {
        assert_eq!(redact(message), expected);
    }
}

#[test]
fn ordinary_messages_stay_as_they_are() {
    for message in [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "Invalid value: 'foo'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        "Bearer token is missing",
        "Unknown key: 'colour'",
        "max_tokens: 5000 is too large",
        "Please mention request req_0123456789abcdef0123456789abcdef to support",
        "id 018f3c1e-7a4b-7c3d-9e2f-0123456789ab",
        "The decoder prompt (length 20) is longer than the maximum model length of 16. Make sure that `max_model_len` is no smaller.",
        "The model `accounts/fireworks/models/glm-5p1` does not exist; don't retry. It's gone.",
        "risk-based task-force disk-encryption-enabled",
    ] {
        assert_eq!(redact(message), message);
    }
}

#[test]
fn addresses_lose_user_query_and_fragment() {
    for (message, expected) in [
        (
            "error sending request for url (https://u:p@h.example/v1?key=abc#x)",
            "error sending request for url (https://[redacted]@h.example/v1?[redacted]",
        ),
        ("see https://h.example/docs", "see https://h.example/docs"),
        ("postgres://user:pa/ss?wo@rd@db:5432/x is down", "postgres://[redacted]@db:5432/x is down"),
        ("\"https://h.example/a?b=c\" and \"d\"", "\"https://h.example/a?[redacted]\" and \"d\""),
        ("https://h.example/#secret next", "https://h.example/#[redacted] next"),
        ("a://b?c d://e@f", "a://b?[redacted] d://[redacted]@f"),
        ("://", "://"),
    ] {
        assert_eq!(redact(message), expected);
    }
}

#[test]
fn long_quotations_become_their_length() {
    let text = "x ".repeat(40);
    let text = text.trim();
    for (open, close) in [
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("\u{201c}", "\u{201d}"),
        ("\u{2018}", "\u{2019}"),
        ("\u{ab}", "\u{bb}"),
    ] {
        assert_eq!(
            redact(&format!("bad value: {open}{text}{close}. Try again")),
            format!("bad value: {open}[79 characters]{close}. Try again")
        );
    }
    assert_eq!(redact(&format!("cut: \"{text}")), "cut: \"[79 characters]");
    let apostrophes = format!("bad: 'it's {text}'; isn't it");
    assert_eq!(redact(&apostrophes), "bad: '[84 characters]'; isn't it");
    let escaped = format!(r#"bad: "say \"hi\" {text}" end"#);
    assert_eq!(redact(&escaped), "bad: \"[90 characters]\" end");
    let edge = "y".repeat(64);
    assert_eq!(redact(&format!("'{edge}'")), format!("'{edge}'"));
}

#[test]
fn one_line_of_bounded_length() {
    assert_eq!(redact("a\r\nb\t\u{0}c"), "a b c");
    assert_eq!(redact("s\u{200b}k-abcdefgh12\u{202e}34"), "[redacted]");
    assert_eq!(redact(" \n "), "");
    let long = redact(&"\u{1f980} ".repeat(3_000));
    assert_eq!(long.chars().count(), 2_000);
    assert!(long.ends_with('\u{2026}'));
    let exact = "ab ".repeat(666) + "ab";
    assert_eq!(redact(&exact), exact);
}

#[test]
fn labels_are_short_and_plain_or_absent() {
    assert_eq!(redact_label("messages[0].content").as_deref(), Some("messages[0].content"));
    assert_eq!(redact_label("sk-abcdefgh1234").as_deref(), Some("[redacted]"));
    for odd in ["", "alice@example.com", "invalid_email_alice@example.com", "metadata.hunter2!xyz", "id=7"] {
        assert_eq!(redact_label(odd), None, "{odd}");
    }
    assert_eq!(redact_label("caf\u{e9}"), None);
    assert_eq!(redact_label(&"ab ".repeat(50)), None);
}

#[test]
fn work_is_linear() {
    // A pass that looked back or ahead over the whole message would need minutes for these.
    for piece in ["a-", "key=", "\"", "'a ", "://", "sk-", "bearer ", "key\"", "a_key:\\"] {
        let hostile = piece.repeat(256 * 1024 / piece.len());
        assert!(redact(&hostile).chars().count() <= 2_000);
    }
}

/// The ways in which a secret may turn up.
fn planted(secret: &str) -> Vec<String> {
    vec![
        format!("sk-{secret}"),
        format!("sk-proj-{secret}."),
        format!("fsk_{secret}"),
        format!("Bearer {secret}"),
        format!("authorization: bearer {secret}"),
        format!("Authorization: Basic {secret}"),
        format!("key={secret}"),
        format!("?alt=json&api_key={secret}&x=1"),
        format!("x-api-key: {secret}"),
        format!("\"api_key\": \"{secret}\""),
        format!("\\\"token\\\": \\\"{secret}\\\""),
        format!("{{'password': '{secret}'}}"),
        format!("https://user:{secret}@host.example/path"),
        format!("https://{secret}@host.example"),
        format!("(https://host.example/path?{secret})"),
        format!("https://host.example/path?key={secret}&b=c"),
        format!("\"{secret} {}\"", "the caller's own words ".repeat(4)),
    ]
}

#[test]
fn prose_is_recognized() {
    for (message, expected) in [
        ("The engine is currently overloaded, please try again later.", true),
        ("This model's maximum context length is 8192 tokens", true),
        ("", true),
        (" a", false),
        ("a ", false),
        ("a  b", false),
        ("the 'a' of b", false),
        ("a: b", false),
        ("a bearer abcdef", false),
        ("Basic abcdef", false),
        ("sk-12345678", false),
        ("AIzaabcdefghijklmnop", false),
    ] {
        assert_eq!(prose::is_plain(message), expected, "{message}");
    }
}

proptest! {
    #[test]
    fn no_pass_changes_prose(message in "(([a-zA-Z0-9.]{0,20}|sk-|AIza|eyJ|fw_|ya29\\.|[Bb]earer|basic|key|token)[ ,;!?()/'_.-]{0,2}){0,8}") {
        if prose::is_plain(&message) {
            prop_assert_eq!(redact_thoroughly(&message), message);
        }
    }

    #[test]
    fn a_planted_secret_never_shows(
        before in ".{0,60}",
        secret in "[A-Za-z0-9]{20,48}",
        after in ".{0,60}",
    ) {
        for text in planted(&secret) {
            let message = format!("{before} {text} {after}");
            let redacted = redact(&message);
            prop_assert!(!redacted.contains(&secret), "{message} -> {redacted}");
        }
    }

    #[test]
    fn any_text_becomes_one_bounded_line(text in any::<String>()) {
        let redacted = redact(&text);
        prop_assert!(redacted.chars().count() <= 2_000);
        prop_assert!(!redacted.chars().any(char::is_control));
    }
}
