//! Every way in which a provider fails, and how it is classified. This table drives the matrix.
//!
//! A row has a name, the provider's behavior, and the class and rule that its event must have. The wait, the retry
//! and the caller's error follow from the class. `.streamed(..)` is for faults that are classified differently for a
//! stream, `.only_whole()` and `.only_streamed()` for what is only a fault in that mode.

use std::time::Duration;

use serde_json::{Value, json};

use super::fault_case::{Fault, How, error_object, fault, garbage, hangs, hollow, plays, status};
use super::success_status::inside;
use crate::support::fake_provider::Script;

fn role() -> Value {
    json!({"role": "assistant", "content": "", "refusal": null})
}

/// The head of a response whose body has this length.
fn head(kind: &str, length: usize) -> Script {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    Script::new().send(head)
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn faults() -> Vec<Fault> {
    [connections(), silence(), statuses(), errors_inside(), inside(), bodies(), streams(), filters()].concat()
}

/// Failures that are the same in every dialect.
pub(crate) fn faults_of_any_dialect() -> Vec<Fault> {
    [connections(), statuses(), bodies()].concat()
}

fn connections() -> Vec<Fault> {
    let down = "unavailable";
    vec![
        fault("connection refused", How::Refuses, down, "connect:refused"),
        fault("no such name", How::HasNoAddress, down, "connect:dns"),
        fault("plain text behind https", How::SpeaksPlainly, down, "connect:tls"),
        fault("closed with the request unread", How::ClosesUnread, down, "connect:reset"),
        plays("closed before the head", Script::new().close(), down, "connect:reset"),
        plays("reset before the head", Script::new().reset(), down, "connect:reset"),
        plays(
            "closed within the head",
            Script::new().send("HTTP/1.1 200 OK\r\nconte").close(),
            down,
            "connect:reset",
        ),
        plays(
            "no HTTP at all",
            Script::new().send("SSH-2.0-OpenSSH_9.9\r\n\r\n").hang(),
            down,
            "connect:other",
        ),
        plays(
            "two lengths",
            Script::new().send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}").hang(),
            down,
            "connect:other",
        ),
    ]
}

fn silence() -> Vec<Fault> {
    vec![
        hangs("silence", Script::new().hang()),
        hangs("silence within the head", Script::new().send("HTTP/1.1 200 OK\r\n").hang()),
        hangs("silence after the head", head(JSON, 100).hang()),
        hangs("silence after a stream's head", Script::stream().hang()),
        hangs("silence within the body", head(JSON, 100).send(r#"{"choices":["#).hang()),
        hangs(
            "silence before a real frame",
            Script::stream().chunk(": ping\n\n").delta(&role(), None).hang(),
        ),
        hangs(
            "silence within the first real frame",
            Script::stream().chunk(r#"data: {"choices":[{"delta"#).hang(),
        ),
        hangs("a body that trickles", head(JSON, 1_000_000).send("{").repeat(" ", PAUSE)),
        hangs("pings for ever", Script::stream().repeat("8\r\n: ping\n\n\r\n", PAUSE)),
        hangs(
            "frames for ever that are never real",
            Script::stream().repeat("16\r\ndata: {\"choices\":[]}\n\n\r\n", PAUSE),
        ),
    ]
}

fn statuses() -> Vec<Fault> {
    let (bad, limited, quota) = ("invalid_request", "rate_limited", "quota_exhausted");
    let (down, busy) = ("unavailable", "overloaded");
    let slow = Script::new().send("HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\n{\"error\":").hang();
    let moved = Script::respond(302, &[("location", "https://example.com/")], "");
    vec![
        status(400, bad, "status:400"),
        status(401, "authentication", "status:401"),
        status(402, quota, "status:402"),
        status(403, "authentication", "status:403"),
        status(404, "model_not_found", "status:404"),
        status(405, bad, "status:4xx"),
        status(407, bad, "status:4xx"),
        status(408, "timeout", "status:408"),
        status(409, bad, "status:4xx"),
        status(413, bad, "status:413"),
        status(422, bad, "status:422"),
        status(425, bad, "status:4xx"),
        status(429, limited, "status:429"),
        status(451, bad, "status:4xx"),
        status(500, down, "status:500"),
        status(501, down, "status:5xx"),
        status(502, down, "status:502"),
        status(503, busy, "status:503"),
        status(504, down, "status:504"),
        status(520, down, "status:52x"),
        status(524, down, "status:52x"),
        status(529, busy, "status:529"),
        plays("a redirect", moved, "invalid_response", "status:3xx"),
        plays(
            "an error page",
            Script::respond(502, &[("content-type", "text/html")], "<html>"),
            down,
            "status:502",
        ),
        plays("a status without a body", Script::respond(500, &[], ""), down, "status:500"),
        plays("an error cut short", Script::error(503, "", "busy").cut_at(120), busy, "status:503"),
        plays("an error that never ends", slow, busy, "status:503"),
        plays(
            "an exhausted account",
            Script::error(429, "insufficient_quota", "no"),
            quota,
            "code:insufficient_quota",
        ),
        plays(
            "a prompt that is too long",
            Script::error(400, "context_length_exceeded", "no"),
            "context_window_exceeded",
            "code:context_length_exceeded",
        ),
        plays(
            "a prompt that is refused",
            Script::error(400, "content_policy_violation", "no"),
            "content_policy",
            "code:content_policy_violation",
        ),
    ]
}

fn errors_inside() -> Vec<Fault> {
    let inside = |code: Value| error_object(code);
    let ended = json!({
        "error": {"message": "no", "code": 502},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    });
    vec![
        plays(
            "an error inside a success",
            Script::json(200, &inside(json!(503))),
            "overloaded",
            "status:503",
        ),
        plays(
            "an error without a number",
            Script::json(200, &inside(Value::Null)),
            "unavailable",
            "answer:error",
        ),
        plays(
            "an error for a stream",
            Script::stream().event(&inside(json!(429))).done(),
            "rate_limited",
            "status:429",
        )
        .only_streamed(),
        plays(
            "an error after frames that are not real",
            Script::stream().delta(&role(), None).event(&inside(json!(500))).end(),
            "unavailable",
            "status:500",
        )
        .only_streamed(),
        plays("an error beside a choice", Script::stream().event(&ended).done(), "unavailable", "status:502")
            .only_streamed(),
        plays(
            "a choice that says error",
            Script::json(200, &json!({"choices": [{"message": {"content": ""}, "finish_reason": "error"}]})),
            "invalid_response",
            "finish_reason:error",
        )
        .only_whole(),
        hollow(
            "a frame that says error",
            Script::stream().delta(&json!({}), Some("error")).done(),
            "finish_reason:error",
        ),
    ]
}

fn bodies() -> Vec<Fault> {
    let (broken, empty, html, cut) =
        ("answer:broken_json", "answer:empty", "answer:html", "answer:truncated");
    vec![
        garbage("a page", "text/html", "<!doctype html><p>Sorry</p>", html),
        garbage("a page under no type", "application/octet-stream", "<html>Sorry</html>", html),
        garbage("broken JSON", JSON, r#"{"choices": [}"#, broken),
        garbage("JSON with a rest", JSON, r#"{"choices": []} {}"#, broken),
        garbage("JSON that is no object", JSON, "[1, 2]", broken),
        garbage("JSON that is no completion", JSON, r#"{"status": "ok"}"#, "answer:no_choice"),
        garbage("nothing", JSON, "", empty),
        garbage("blanks", JSON, " \r\n\n ", empty),
        plays("204", Script::respond(204, &[], ""), "invalid_response", empty),
        garbage(
            "text that is not UTF-8",
            JSON,
            b"{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}",
            broken,
        ),
        garbage("compressed bytes", "application/gzip", b"\x1f\x8b\x08\x00\xff", broken)
            .streamed("invalid_response", "answer:content_type"),
        garbage("a word", "text/plain", "upstream error", broken)
            .streamed("invalid_response", "answer:content_type"),
        plays("a body cut short", Script::answer("Hello").cut_at(200), "invalid_response", cut),
        plays("a head without its body", head(JSON, 100).close(), "invalid_response", cut),
        plays("a reset within the body", head(JSON, 100).send("{").reset(), "invalid_response", cut)
            .or("unavailable", "connect:reset"),
        plays(
            "chunks that are none",
            Script::stream().send("nonsense\r\n\r\n").hang(),
            "invalid_response",
            "answer:framing",
        ),
    ]
}

fn streams() -> Vec<Fault> {
    let (broken, empty, cut) = ("answer:broken_json", "answer:empty", "answer:truncated");
    let role_only = || Script::stream().chunk(": ping\n\n").delta(&role(), None);
    let large = json!({"choices": [], "x": "x".repeat(32_000)});
    let many = (0..70).fold(Script::stream(), |script, _| script.event(&large));
    vec![
        hollow("an empty stream", Script::stream().end(), empty),
        hollow(
            "an empty body under a stream's type",
            Script::respond(200, &[("content-type", EVENTS)], ""),
            empty,
        ),
        hollow("[DONE] alone", Script::stream().done(), empty),
        hollow("pings alone", Script::stream().chunk(": ping\n\n").end(), cut),
        hollow("a role alone", role_only().end(), cut),
        hollow("a role and [DONE]", role_only().done(), empty),
        hollow("usage alone", Script::stream().usage(3, 0).done(), empty),
        hollow(
            "a stream cut before content",
            role_only().chunk(r#"data: {"choices":[{"delta":{"con"#).close(),
            cut,
        ),
        hollow(
            "a stream that ends before content",
            role_only().chunk(r#"data: {"choices":[{"delta":{"con"#).end(),
            broken,
        ),
        hollow("a stream's head and no more", Script::stream().close(), cut),
        hollow("a reset before content", role_only().reset(), cut).or("unavailable", "connect:reset"),
        hollow("a broken frame", role_only().chunk("data: {\"choices\":\n\n").done(), broken),
        hollow("a frame that is no object", Script::stream().chunk("data: 7\n\n").done(), broken),
        hollow(
            "a frame that is not UTF-8",
            Script::stream().chunk(b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n").done(),
            broken,
        ),
        hollow("a page in frames", Script::stream().chunk("<html>\n\n").done(), "answer:html"),
        hollow("tool calls that never come", role_only().finish("tool_calls").done(), "answer:no_call"),
        hollow("more than is held", many.text("late").done(), "answer:too_large"),
        hollow("chunks that break off", role_only().send("zz\r\n").hang(), "answer:framing"),
    ]
}

fn filters() -> Vec<Fault> {
    let emptied = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "content_filter"}]});
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let (class, said) = ("content_policy", "finish_reason:content_filter");
    vec![
        plays("an emptied answer", Script::json(200, &emptied), class, said).only_whole(),
        plays("a blocked prompt", Script::json(200, &blocked), class, "prompt:blocked").only_whole(),
        plays(
            "an emptied stream",
            Script::stream().delta(&role(), None).finish("content_filter").done(),
            class,
            said,
        )
        .only_streamed(),
        plays(
            "a stream for a blocked prompt",
            Script::stream().event(&blocked).done(),
            class,
            "prompt:blocked",
        )
        .only_streamed(),
    ]
}
