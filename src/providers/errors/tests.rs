//! Vendors' error responses as they arrive, and how they are parsed.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, HeaderValue};

use super::*;

fn parsed(status: u16, body: &str) -> UpstreamError {
    parse_error(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH)
}

/// (code, type, inner code, param, message), empty if missing.
fn facts(error: &UpstreamError) -> [&str; 5] {
    [
        error.code.as_deref().unwrap_or_default(),
        error.kind.as_deref().unwrap_or_default(),
        error.inner_code.as_deref().unwrap_or_default(),
        error.param.as_deref().unwrap_or_default(),
        &error.message,
    ]
}

#[test]
fn vendors_shapes() {
    let cases: &[(&str, &str, [&str; 5])] = &[
        (
            "OpenAI",
            r#"{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            ["context_length_exceeded", "invalid_request_error", "", "messages", "m"],
        ),
        (
            "Azure",
            r#"{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true}}}}}"#,
            ["content_filter", "", "ResponsibleAIPolicyViolation", "prompt", "m"],
        ),
        (
            "Anthropic",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
            ["", "overloaded_error", "", "", "Overloaded"],
        ),
        (
            "Gemini",
            r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}"#,
            ["", "INVALID_ARGUMENT", "API_KEY_INVALID", "", "m"],
        ),
        (
            "Gemini, in an array",
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
            ["", "INVALID_ARGUMENT", "", "", "m"],
        ),
        (
            "Mistral",
            r#"{"object":"error","message":"m","type":"invalid_request_error","param":null,"code":"3051"}"#,
            ["3051", "invalid_request_error", "", "", "m"],
        ),
        (
            "Mistral, validation in the message",
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":32000}]},"type":"invalid_request_error","param":null,"code":null}"#,
            [
                "",
                "invalid_request_error",
                "",
                "max_completion_tokens",
                "max_completion_tokens: Extra inputs are not permitted",
            ],
        ),
        ("FastAPI, a sentence", r#"{"detail":"Not Found"}"#, ["", "", "", "", "Not Found"]),
        (
            "FastAPI, complaints; never the input",
            r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"bad role","type":"enum","input":"the caller's text"},{"loc":["body"],"msg":"also"}]}"#,
            ["", "enum", "", "messages.0.role", "messages.0.role: bad role; also"],
        ),
        (
            "OpenRouter, the vendor's error as text",
            r#"{"error":{"code":400,"message":"Provider returned error","metadata":{"provider_name":"X","raw":"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}","error_type":"invalid_request"}}}"#,
            ["c", "t", "invalid_request", "", "m"],
        ),
        (
            "OpenRouter, the vendor's plain words",
            r#"{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"plain words"}}}"#,
            ["", "", "", "", "plain words"],
        ),
        (
            "JSON within the message",
            r#"{"error":{"message":"{\n\"error\":{\"code\":400,\"message\":\"m\",\"status\":\"INVALID_ARGUMENT\"}}","code":400,"status":"Bad Request"}}"#,
            ["", "Bad Request", "", "", "m"],
        ),
        (
            "xAI",
            r#"{"code":"Client specified an invalid argument","error":"m"}"#,
            ["Client specified an invalid argument", "", "", "", "m"],
        ),
        ("Ollama", r#"{"error":"m"}"#, ["", "", "", "", "m"]),
        (
            "a code called error, beside its sentence",
            r#"{"error":"invalid_api_key","message":"m"}"#,
            ["invalid_api_key", "", "", "", "m"],
        ),
        (
            "AWS",
            r#"{"__type":"ThrottlingException","message":"m"}"#,
            ["ThrottlingException", "", "", "", "m"],
        ),
        (
            "Dashscope",
            r#"{"code":"DataInspectionFailed","message":"m","request_id":"x"}"#,
            ["DataInspectionFailed", "", "", "", "m"],
        ),
        (
            "errors in a list",
            r#"{"success":false,"errors":[{"code":7000,"message":"m"}]}"#,
            ["7000", "", "", "", "m"],
        ),
        (
            "an event",
            "event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"t\"}}\n\n",
            ["", "t", "", "", "m"],
        ),
        ("plain text", "  upstream connect error \n", ["", "", "", "", "upstream connect error"]),
        (
            "HTML",
            "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
            ["", "", "", "", "an HTML page titled \"502 Bad Gateway\""],
        ),
        (
            "a part of HTML",
            "\n<meta charset=utf-8><TITLE>502 Bad Gateway</TITLE>\n<h1>x</h1>",
            ["", "", "", "", "an HTML page titled \"502 Bad Gateway\""],
        ),
        (
            "HTML within JSON",
            r#"{"error":{"message":"<html><head><title>502 Bad Gateway</title></head></html>","code":"c"}}"#,
            ["c", "", "", "", "an HTML page titled \"502 Bad Gateway\""],
        ),
        (
            "XML",
            "<Error><Message>m</Message></Error>",
            ["", "", "", "", "<Error><Message>m</Message></Error>"],
        ),
        ("HTML without a title", "<html>x", ["", "", "", "", "an HTML page"]),
        ("nothing", "", ["", "", "", "", ""]),
        ("JSON that says nothing", r#"{"id":1,"items":[],"ok":null}"#, ["", "", "", "", ""]),
        ("a number", "42", ["", "", "", "", ""]),
    ];
    for (name, body, expected) in cases {
        let error = parsed(400, body);
        assert_eq!(&facts(&error), expected, "{name}");
        assert_eq!(error.status, 400, "{name}");
    }
}

#[test]
fn moderation_is_a_fact_and_the_flagged_text_is_not_read() {
    let error = parsed(
        403,
        r#"{"error":{"code":403,"message":"m","metadata":{"reasons":["violence"],"flagged_input":"the caller's text","provider_name":"X"}}}"#,
    );
    assert!(error.moderated);
    assert_eq!(error.message, "m");
    assert!(!parsed(403, r#"{"error":{"message":"m","metadata":{"reasons":[]}}}"#).moderated);
}

#[test]
fn a_number_beside_another_status_is_kept_as_a_code() {
    assert_eq!(parsed(500, r#"{"error":{"code":429,"message":"m"}}"#).code.as_deref(), Some("429"));
    assert_eq!(parsed(429, r#"{"error":{"code":"429","message":"m"}}"#).code, None);
}

#[test]
fn waiting_is_asked_for_in_headers_first_and_else_in_the_body() {
    let body = r#"{"error":{"code":429,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#;
    assert_eq!(parsed(429, body).retry_after, Some(Duration::from_secs(34)));
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("3"));
    let error = parse_error(429, &headers, body.as_bytes(), DateTime::UNIX_EPOCH);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn amazon_names_the_exception_in_a_header() {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_static("ThrottlingException:http://internal.amazon.com/");
    headers.insert("x-amzn-errortype", value);
    let error = parse_error(429, &headers, br#"{"message":"m"}"#, DateTime::UNIX_EPOCH);
    assert_eq!(error.code.as_deref(), Some("ThrottlingException"));
}

#[test]
fn an_error_inside_an_answer_has_the_status_that_it_names() {
    for (body, status) in [
        (r#"{"code":429,"message":"m"}"#, 429),
        (r#"{"code":"503","message":"m"}"#, 503),
        (r#"{"code":200,"message":"m"}"#, 200),
        (r#"{"code":99999999,"message":"m"}"#, 200),
        (r#"{"type":"server_error","message":"m"}"#, 200),
        (r#""just words""#, 200),
        ("not json", 200),
    ] {
        assert_eq!(error_in_answer(body.as_bytes()).status, status, "{body}");
    }
    assert_eq!(error_in_answer(br#""just words""#).message, "just words");
}

#[test]
fn half_of_a_character_hides_no_error() {
    let half = r#"{"code":429,"message":"too many \ud83d"}"#;
    let errors = [
        parsed(429, half),
        error_in_answer(half.as_bytes()),
        error_instead_of_answer(half.as_bytes()).expect("an error"),
    ];
    for error in errors {
        assert_eq!((error.status, error.message.as_str()), (429, "too many \u{fffd}"));
    }
}

#[test]
fn a_body_beyond_the_limit_yields_its_first_sentence_only() {
    let echo = "secret prompt ".repeat(10_000);
    let body = format!(
        r#"{{"detail":[{{"type":"missing","msg":"Field required","input":{{"message":"{echo}"}}}}]}}"#
    );
    assert_eq!(parsed(422, &body).message, "Field required");
    let body = format!(r#"{{"error":{{"inputs":"{echo}","message":"too late to be seen"}}}}"#);
    assert_eq!(parsed(422, &body).message, "");
}

#[test]
fn depth_and_length_are_bounded() {
    let mut body = r#"{"message":"m"}"#.to_owned();
    for _ in 0..40 {
        body = format!(r#"{{"error":{body}}}"#);
    }
    assert_eq!(parsed(400, &body).message, "");
    assert_eq!(parsed(400, &"[".repeat(60_000)).message, "");
    let long = parsed(400, &"\u{1f980}".repeat(9_000));
    assert!(long.message.len() <= 16 * 1024 && !long.message.is_empty());
    let endless_code = format!(r#"{{"error":{{"code":"{}","message":"m"}}}}"#, "c".repeat(200));
    assert_eq!(parsed(400, &endless_code).code, None);
}

#[test]
fn debug_output_leaves_the_message_out() {
    let error = parsed(400, r#"{"error":{"message":"canary","param":"canary"}}"#);
    assert!(!format!("{error:?}").contains("canary"));
}
