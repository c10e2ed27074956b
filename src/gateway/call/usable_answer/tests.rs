//! Whole answers as vendors send them under a success, and what each is worth.

use super::*;
use chrono::DateTime;
use futures_util::FutureExt as _;

use crate::domain::failure::class::ErrorClass;
use crate::gateway::call::classify::classify;
use crate::limits::shares::Shares;
use crate::providers::Sentences;

/// `usable`, or the class and the rule; `withheld` where the caller gets it if no other candidate answers.
fn judged(body: &str) -> String {
    let (kind, fault) = match judge(Dialect::ChatCompletions, 1, body.as_bytes()) {
        Judged::Usable(_) => return "usable".to_owned(),
        Judged::Withheld(_, fault) => ("withheld ", fault),
        Judged::Failed(fault, _) => ("", fault),
    };
    let failure = classify(&fault, (&Sentences::default()).into(), DateTime::UNIX_EPOCH);
    format!("{kind}{} {}", failure.class.as_str(), failure.rule)
}

#[test]
fn an_answer_is_what_a_caller_can_use() {
    for body in [
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","function":{"name":"f"}}]},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[{"message":{"content":null,"function_call":{"name":"f"}},"finish_reason":"function_call"}]}"#,
        r#"{"choices":[{"message":{"content":null,"refusal":"I can't"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"","reasoning_content":"hm"},"finish_reason":"length"}]}"#,
        r#"{"choices":[{"message":{"content":"Let me see."},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[{"index":0,"message":{},"finish_reason":"tool_calls"},{"index":1,"message":{"tool_calls":[{"type":"custom","custom":{"name":"f"}}]},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[{"message":{"content":null,"audio":{"id":"a","data":"x"}},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":""},"finish_reason":"MAX_TOKENS"}]}"#,
        // With content the vendor's word is the caller's to read.
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":"SAFETY"}]}"#,
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":"network_error"}]}"#,
        // An error that is none.
        r#"{"error":{},"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"error":"","choices":[{"message":{"content":"x"}}]}"#,
        r#"{"error":{"code":null,"message":"","details":[]},"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"error":{"code":0,"message":"success"},"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"base_resp":{"status_code":0,"status_msg":""},"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"code":0,"message":"Success","choices":[{"message":{"content":"x"}}]}"#,
        r#"{"choices":[{"error":null,"message":{"content":"x"}}]}"#,
        r#"{"choices":[{"index":0,"error":{"code":500}},{"index":1,"message":{"content":"x"}}]}"#,
    ] {
        assert_eq!(judged(body), "usable", "{body}");
    }
}

#[test]
fn what_a_caller_cannot_use_is_a_failure() {
    for (body, expected) in [
        (r#"{"choices":[]}"#, "invalid_response answer:no_choice"),
        (r#"{"choices":null}"#, "invalid_response answer:no_choice"),
        (r#"{"status":"fine"}"#, "invalid_response answer:no_choice"),
        (r#"{"type":"progress","message":"searching"}"#, "invalid_response answer:no_choice"),
        (
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}"#,
            "invalid_response answer:no_choice",
        ),
        (r#"{"choices":5}"#, "invalid_response answer:no_choice"),
        (r#"{"choices":[{"message":null,"finish_reason":"stop"}]}"#, "invalid_response answer:no_message"),
        (r#"{"choices":[{"message":"x","finish_reason":"stop"}]}"#, "invalid_response answer:no_message"),
        (r#"{"choices":[{"message":[],"finish_reason":"stop"}]}"#, "invalid_response answer:no_message"),
        (r#"{"choices":[{"finish_reason":"stop"}]}"#, "invalid_response answer:no_message"),
        (r#"{"choices":[{"text":"x","finish_reason":"stop"}]}"#, "invalid_response answer:no_message"),
        (
            r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#,
            "invalid_response answer:no_message",
        ),
        (
            r#"{"choices":[{"message":{"role":"assistant","id":"m","type":"message"}}]}"#,
            "invalid_response answer:no_content",
        ),
        (r#"{"choices":"x"}"#, "invalid_response answer:no_choice"),
        (r#"{"choices":{"surprise":true}}"#, "invalid_response answer:no_choice"),
        (r#"{"choices":[5]}"#, "invalid_response answer:no_content"),
        (r#"{"choices":[["x"],"y",{"message":"z"}]}"#, "invalid_response answer:no_content"),
        (
            r#"{"choices":[{"message":{"content":null},"finish_reason":"tool_calls"}]}"#,
            "invalid_response answer:no_call",
        ),
        (
            r#"{"choices":[{"message":{"content":"","tool_calls":[]},"finish_reason":"TOOL_CALL"}]}"#,
            "invalid_response answer:no_call",
        ),
        (
            r#"{"choices":[{"message":{"function_call":null},"finish_reason":"function_call"}]}"#,
            "invalid_response answer:no_call",
        ),
        (r#"{"choices":[{"message":{"content":null}}]}"#, "invalid_response answer:no_content"),
        (r#"{"choices":[{"message":null,"finish_reason":null}]}"#, "invalid_response answer:no_content"),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":""}]}"#,
            "invalid_response answer:no_content",
        ),
        (r#"{"choices":[{"message":{},"finish_reason":"error"}]}"#, "invalid_response finish_reason:error"),
        (
            r#"{"choices":[{"message":{"content":null},"finish_reason":"OTHER"}]}"#,
            "invalid_response finish_reason:error",
        ),
        (
            r#"{"choices":[{"message":{"content":null},"finish_reason":"insufficient_system_resource"}]}"#,
            "overloaded code:insufficient_system_resource",
        ),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":"model_context_window_exceeded"}]}"#,
            "context_window_exceeded code:model_context_window_exceeded",
        ),
        (
            r#"{"choices":[{"message":{"content":null},"finish_reason":"SAFETY"}]}"#,
            "withheld content_policy finish_reason:safety",
        ),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":"sensitive"}]}"#,
            "withheld content_policy finish_reason:sensitive",
        ),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":"stop","native_finish_reason":"RECITATION"}]}"#,
            "withheld content_policy finish_reason:recitation",
        ),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":"banana"}]}"#,
            "withheld invalid_response finish_reason:unknown",
        ),
        (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, "withheld content_policy prompt:blocked"),
        ("[1, 2]", "invalid_response answer:broken_json"),
        ("<html>", "invalid_response answer:html"),
        (" \n", "invalid_response answer:empty"),
    ] {
        assert_eq!(judged(body), expected, "{body}");
    }
}

#[test]
fn an_error_inside_a_success_is_read_as_that_error() {
    let busy = "rate_limited";
    for (body, class) in [
        (
            r#"{"choices":[{"index":0,"message":{"content":""},"finish_reason":"error","error":{"code":429,"message":"slow down"}}]}"#,
            busy,
        ),
        (
            r#"{"choices":[{"message":{"content":"half of it"},"finish_reason":"error","error":{"code":503}}]}"#,
            "overloaded",
        ),
        (
            r#"{"object":"error","message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","code":400}"#,
            "context_window_exceeded",
        ),
        (r#"{"object":"error","message":"no","type":"InternalServerError","code":500}"#, "unavailable"),
        (r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"},"choices":null}"#, busy),
        (
            r#"{"id":"x","choices":null,"usage":{"total_tokens":0},"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
            "quota_exhausted",
        ),
        (
            r#"{"base_resp":{"status_code":1027,"status_msg":"output new_sensitive"},"choices":[]}"#,
            "content_policy",
        ),
        (
            r#"{"base_resp":{"status_code":2013,"status_msg":"invalid params, context window exceeds limit (2013)"}}"#,
            "context_window_exceeded",
        ),
        (r#"{"error_code":336103,"error_msg":"the prompt is too long"}"#, "context_window_exceeded"),
        (r#"{"error_code":18,"error_msg":"Open api qps request limit reached"}"#, busy),
        (r#"{"error_code":110,"error_msg":"Access token invalid or no longer valid"}"#, "authentication"),
        (r#"{"code":"1261","message":"Prompt exceeds max length"}"#, "context_window_exceeded"),
        (r#"{"code":429,"message":"slow down"}"#, busy),
        (r#"{"code":"Throttling","message":"Requests throttling triggered.","request_id":"r"}"#, busy),
        (
            r#"{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content."}"#,
            "content_policy",
        ),
        (r#"{"detail":"prompt is too long: 9 tokens > 8 maximum"}"#, "context_window_exceeded"),
        (
            r#"{"detail":[{"loc":["body","messages"],"msg":"field required","type":"missing"}]}"#,
            "unavailable",
        ),
        (r#"{"errors":[{"message":"no more","code":429}],"success":false}"#, busy),
        (r#"{"choices":null,"error_message":"the engine stopped"}"#, "unavailable"),
        (r#"{"errorCode":503,"errorMessage":"busy"}"#, "overloaded"),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, "overloaded"),
        (r#"{"message":"Input is too long for requested model."}"#, "context_window_exceeded"),
        (r#"{"status":429,"message":"slow down"}"#, busy),
        (
            r#"{"fault":{"faultstring":"Spike arrest violation","detail":{"errorcode":"policies.ratelimit"}}}"#,
            "unavailable",
        ),
        (r#"{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"slow down"}}}"#, "unavailable"),
        (r#"{"ResponseMetadata":{"Error":{"Code":"Unauthorized","Message":"who"}}}"#, "authentication"),
        (r#"{"header":{"code":10013,"message":"input audit failed"}}"#, "unavailable"),
        (r#"{"success":false,"msg":"no"}"#, "unavailable"),
        (r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota"}}]"#, busy),
        ("{\"error\":{\"code\":429}}\n\ndata: [DONE]\n\n", busy),
    ] {
        let Judged::Failed(fault, _) = judge(Dialect::ChatCompletions, 1, body.as_bytes()) else {
            panic!("{body}")
        };
        let failure = classify(&fault, (&Sentences::default()).into(), DateTime::UNIX_EPOCH);
        assert_eq!(failure.class.as_str(), class, "{body}: {failure:?}");
        assert_ne!(failure.class, ErrorClass::InvalidResponse, "{body}");
    }
}

#[test]
fn an_answer_has_as_many_choices_as_were_asked_for() {
    let answer = |choices: &[(u8, &str)]| {
        let choices = choices.iter().map(|(index, end)| {
            format!(r#"{{"index":{index},"message":{{"content":"x"}},"finish_reason":{end}}}"#)
        });
        format!(r#"{{"choices":[{}]}}"#, choices.collect::<Vec<_>>().join(","))
    };
    let is_missing = |choices: &[(u8, &str)]| {
        let judged = judge(Dialect::ChatCompletions, 2, answer(choices).as_bytes());
        matches!(judged, Judged::Withheld(Some(_), Fault::Garbage(Garbage::MissingChoice)))
    };
    let (stop, none) = ("\"stop\"", "null");
    for missing in [&[(0, stop)][..], &[(0, none)], &[(0, stop), (0, stop)], &[(0, stop), (1, none)]] {
        assert!(is_missing(missing), "{missing:?}");
    }
    for whole in [&[(0, stop), (1, stop)][..], &[(0, none), (1, none)], &[(1, stop), (2, stop)]] {
        assert!(!is_missing(whole), "{whole:?}");
    }
}

#[tokio::test]
async fn a_large_answer_leaves_the_event_loop_and_a_smaller_one_does_not_wait() {
    let answer = |length: usize| {
        let (start, end) = (r#"{"choices":[{"message":{"content":""#, r#""}}]}"#);
        let answer = format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()));
        Bytes::from(answer)
    };
    let share = Shares::ample().of_anonymous();
    let other = share.take_reading().expect("free");
    let small = answer(LARGE);
    let judged = judge_off_event_loop(Dialect::ChatCompletions, 1, &small, &share).now_or_never();
    assert!(matches!(judged, Some(Judged::Usable(_))), "{judged:?}");
    let large = answer(LARGE + 1);
    let mut judged = Box::pin(judge_off_event_loop(Dialect::ChatCompletions, 1, &large, &share));
    assert!(judged.as_mut().now_or_never().is_none());
    drop(other);
    assert!(matches!(judged.await, Judged::Usable(_)));
}
