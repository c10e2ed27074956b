//! Failures with a success status: errors in vendors' own formats, content filters, failed inference, and empty
//! responses.

use serde_json::{Value, json};

use super::fault_case::{Fault, hollow, plays};
use crate::support::fake_provider::Script;

pub(super) fn inside() -> Vec<Fault> {
    [errors(), events(), ends(), nothing()].concat()
}

/// An answer or chunk with one choice.
fn choice(choice: &Value) -> Value {
    json!({"id": "x", "object": "chat.completion", "choices": [choice]})
}

fn errors() -> Vec<Fault> {
    let (limited, context) = ("rate_limited", "context_window_exceeded");
    let of = |name: &str, body: Value, class, rule| plays(name, Script::json(200, &body), class, rule);
    vec![
        of(
            "an error in the place of a choice",
            choice(
                &json!({"index": 0, "message": {"content": ""}, "finish_reason": "error", "error": {"code": 429, "message": "no"}}),
            ),
            limited,
            "status:429",
        ),
        of(
            "an error beside half an answer",
            choice(
                &json!({"index": 0, "message": {"content": "half"}, "finish_reason": "error", "error": {"code": 503, "message": "no"}}),
            ),
            "overloaded",
            "status:503",
        ),
        of(
            "object error",
            json!({"object": "error", "message": "no", "type": "InternalServerError", "code": 500}),
            "unavailable",
            "status:500",
        ),
        of(
            "object error with a prompt too long",
            json!({"object": "error", "message": "This model's maximum context length is 8 tokens.", "code": 400}),
            context,
            "phrase:openai_maximum_context_length",
        ),
        of(
            "base_resp",
            json!({"choices": null, "base_resp": {"status_code": 1002, "status_msg": "no"}}),
            limited,
            "inner_code:base_resp.1002",
        ),
        of(
            "error_code",
            json!({"error_code": 336_103, "error_msg": "no"}),
            context,
            "inner_code:error_code.336103",
        ),
        of(
            "code and message",
            json!({"code": "Throttling.RateQuota", "message": "no"}),
            limited,
            "code:throttling.rate_quota",
        ),
        of(
            "detail",
            json!({"detail": "prompt is too long: 9 tokens > 8 maximum"}),
            context,
            "phrase:anthropic_prompt_too_long",
        ),
        of("errors in a list", json!({"errors": [{"code": 429, "message": "no"}]}), limited, "status:429"),
        of(
            "error_message without choices",
            json!({"choices": null, "error_message": "no"}),
            "unavailable",
            "answer:error",
        ),
    ]
}

/// The same as events of a stream.
fn events() -> Vec<Fault> {
    let of = |name: &str, script: Script, class, rule| plays(name, script, class, rule).only_streamed();
    vec![
        of(
            "a bare message in an event named error",
            Script::stream().chunk("event: error\ndata: {\"message\":\"no\"}\n\n").done(),
            "unavailable",
            "answer:error",
        ),
        of(
            "a sentence in an event named error",
            Script::stream().chunk("event: error\ndata: prompt is too long\n\n").done(),
            "context_window_exceeded",
            "phrase:anthropic_prompt_too_long",
        ),
        of(
            "an error in a choice of a stream",
            Script::stream()
                .event(&choice(&json!({"index": 0, "delta": {}, "error": {"code": 429, "message": "no"}})))
                .done(),
            "rate_limited",
            "status:429",
        ),
        of(
            "object error in a stream",
            Script::stream().event(&json!({"object": "error", "message": "no", "code": 503})).done(),
            "overloaded",
            "status:503",
        ),
        of(
            "an error over several lines",
            Script::stream().chunk("data: {\"error\":\ndata: {\"code\":429}}\n\n").done(),
            "rate_limited",
            "status:429",
        ),
    ]
}

fn ends() -> Vec<Fault> {
    let ended = |reason: &str| {
        choice(
            &json!({"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": reason}),
        )
    };
    let (policy, broken) = ("content_policy", "invalid_response");
    let mut faults = Vec::new();
    for (word, class, rule) in [
        ("SAFETY", policy, "finish_reason:safety"),
        ("sensitive", policy, "finish_reason:sensitive"),
        ("guardrail_intervened", policy, "finish_reason:guardrail_intervened"),
        ("network_error", broken, "finish_reason:error"),
        ("MALFORMED_FUNCTION_CALL", broken, "finish_reason:error"),
        ("insufficient_system_resource", "overloaded", "code:insufficient_system_resource"),
        ("model_context_window_exceeded", "context_window_exceeded", "code:model_context_window_exceeded"),
    ] {
        faults.push(plays(format!("the end {word}"), Script::json(200, &ended(word)), class, rule));
        let script = Script::stream().delta(&json!({"role": "assistant", "content": ""}), None).finish(word);
        faults.push(plays(format!("a stream's end {word}"), script.done(), class, rule).only_streamed());
    }
    let native = json!({"index": 0, "message": {"content": null}, "finish_reason": "stop", "native_finish_reason": "SPII"});
    faults.push(plays(
        "a vendor's end behind a router's",
        Script::json(200, &choice(&native)),
        policy,
        "finish_reason:spii",
    ));
    faults
}

fn nothing() -> Vec<Fault> {
    let of = |name: &str, body: Value, rule| plays(name, Script::json(200, &body), "invalid_response", rule);
    vec![
        of("no choice", json!({"choices": []}), "answer:no_choice"),
        of("null in the place of choices", json!({"choices": null}), "answer:no_choice"),
        of(
            "a message without content and end",
            choice(&json!({"message": {"content": null}})),
            "answer:no_content",
        ),
        of("a number in the place of choices", json!({"choices": 5}), "answer:no_choice"),
        of("an object in the place of choices", json!({"choices": {"surprise": true}}), "answer:no_choice"),
        of("a number in the place of a choice", choice(&json!(5)), "answer:no_content"),
        of("a text in the place of a message", choice(&json!({"message": "x"})), "answer:no_content"),
        of(
            "tool calls that are not there",
            choice(&json!({"message": {"content": null}, "finish_reason": "tool_calls"})),
            "answer:no_call",
        ),
        of("a null message", choice(&json!({"message": null, "finish_reason": null})), "answer:no_content"),
        hollow("chunks of nothing", Script::stream().event(&json!({"choices": null})).done(), "answer:empty"),
    ]
}
