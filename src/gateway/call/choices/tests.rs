//! What makes a frame real, and what a caller can do with choices.

use super::*;

fn choices(text: &str) -> Choices {
    serde_json::from_str(text).expect(text)
}

#[test]
fn what_makes_a_frame_real() {
    for (text, content, finished) in [
        (r#"null"#, false, false),
        (r#"[]"#, false, false),
        (r#"[{"delta":{"role":"assistant","content":""}}]"#, false, false),
        (r#"[{"delta":{"role":"assistant","content":null,"refusal":null}}]"#, false, false),
        (
            r#"[{"delta":{"role":"assistant","content":"","name":"MiniMax AI","audio_content":""}}]"#,
            false,
            false,
        ),
        (r#"[{"delta":{"content":null,"provider_specific_fields":{"refusal":null}}}]"#, false, false),
        (r#"[{"delta":{"content":[]},"native_finish_reason":"stop"}]"#, false, false),
        (r#"[{"delta":null,"logprobs":null,"finish_reason":null}]"#, false, false),
        (r#"[{"delta":{"content":"x"}}]"#, true, false),
        (r#"[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f"}}]}}]"#, true, false),
        // A name is still to come.
        (r#"[{"delta":{"tool_calls":[{"index":0}]}}]"#, false, false),
        (r#"[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]"#, false, false),
        (r#"[{"delta":{"content":5}}]"#, false, false),
        (r#"[{"delta":{"content":true}}]"#, false, false),
        (r#"[{"delta":{"content":{"text":"x"}}}]"#, false, false),
        (r#"[{"delta":{"content":[5,null]}}]"#, false, false),
        (r#"[{"delta":{"content":[{"type":"text","text":"x"}]}}]"#, true, false),
        (r#"[{"delta":{"content":["x"]}}]"#, true, false),
        (r#"[{"delta":{"content":[{"type":"text","text":""}]}}]"#, false, false),
        (r#"[{"delta":null,"finish_reason":"stop"}]"#, false, true),
        (r#"[{"delta":{"function_call":{"name":"f"}}}]"#, true, false),
        (r#"[{"delta":{"reasoning_content":"x"}}]"#, true, false),
        (r#"[{"delta":{"refusal":"no"}}]"#, true, false),
        (r#"[{"delta":{"audio":{"id":"a","data":"x"}}}]"#, true, false),
        (r#"[{"delta":{"images":[{"type":"image_url","image_url":{"url":"data:x"}}]}}]"#, true, false),
        // Of legacy completions, which chat clients cannot read.
        (r#"[{"text":"x","finish_reason":"stop"}]"#, false, true),
        (r#"[{"delta":{},"finish_reason":"stop"}]"#, false, true),
        (r#"[{"delta":{"role":"assistant"},"finish_reason":""}]"#, false, false),
        (r#"[{"delta":{"role":"assistant"},"finish_reason":"null"}]"#, false, false),
        (r#"[{"delta":{"content":"x"},"finish_reason":["stop"]}]"#, true, false),
        (r#"[{"delta":{"a_field_of_tomorrow":7}}]"#, true, false),
        (r#"[{"delta":{"tool_calls":[{}]}}]"#, false, false),
        // No caller can use them.
        (r#""surprise""#, false, false),
        (r#"{"0":{"delta":{"content":"x"}}}"#, false, false),
        (r#"["surprise"]"#, false, false),
        (r#"[{"delta":["x"]}]"#, false, false),
        (r#"[{"message":"x"}]"#, false, false),
        (r#"7"#, false, false),
    ] {
        let choices = choices(text);
        assert_eq!((choices.content, choices.finished), (content, finished), "{text}");
    }
}

#[test]
fn one_judgment_of_what_a_caller_can_use() {
    let bad = |text: &str| match choices(text).verdict() {
        Verdict::Bad(ending) => Some(ending.finish),
        Verdict::Usable | Verdict::Nothing | Verdict::Error => None,
    };
    for text in [
        r#"[{"message":{"content":null},"finish_reason":"stop"}]"#,
        r#"[{"message":{"content":"x"},"finish_reason":"SAFETY"}]"#,
        r#"[{"message":{"content":"x"}}]"#,
        // One of two is enough.
        r#"[{"index":0,"message":{"content":null},"finish_reason":"SAFETY"},{"index":1,"message":{"content":"x"},"finish_reason":"stop"}]"#,
        r#"[{"error":{"code":429}},{"message":{"content":"x"}}]"#,
        r#"[{"error":{"code":0,"message":""},"message":{"content":"x"}}]"#,
    ] {
        assert_eq!(choices(text).verdict(), Verdict::Usable, "{text}");
    }
    for text in [
        "null",
        "[]",
        "[{}]",
        r#"[{"message":null}]"#,
        r#"[{"message":{"content":""},"finish_reason":null}]"#,
        "5",
        "[5]",
        r#"{"surprise":true}"#,
        r#"[{"message":"x"},["y"],7]"#,
        r#"[{"message":null,"finish_reason":"stop"}]"#,
        r#"[{"delta":null,"finish_reason":"stop"}]"#,
        r#"[{"text":"x","finish_reason":"stop"}]"#,
        r#"[{"message":{"content":5}}]"#,
    ] {
        assert_eq!(choices(text).verdict(), Verdict::Nothing, "{text}");
    }
    for text in [
        r#"[{"error":{"code":429},"message":{"content":"half"},"finish_reason":"error"}]"#,
        r#"[{"error":"no"}]"#,
    ] {
        assert_eq!(choices(text).verdict(), Verdict::Error, "{text}");
    }
    for (text, finish) in [
        (r#"[{"message":{"content":""},"finish_reason":"content_filter"}]"#, FinishMeaning::Filtered),
        (
            r#"[{"message":{"content":null},"finish_reason":"stop","native_finish_reason":"SAFETY"}]"#,
            FinishMeaning::Filtered,
        ),
        (
            r#"[{"native_finish_reason":"MALFORMED_FUNCTION_CALL","finish_reason":"error","message":{}}]"#,
            FinishMeaning::Broken,
        ),
        (r#"[{"message":{"content":null},"finish_reason":"tool_calls"}]"#, FinishMeaning::Calls),
        (r#"[{"message":{"tool_calls":[]},"finish_reason":"function_call"}]"#, FinishMeaning::Calls),
        (
            r#"[{"message":{"tool_calls":[{"function":{"arguments":"{}"}}]},"finish_reason":"stop"}]"#,
            FinishMeaning::Calls,
        ),
        (
            r#"[{"message":{"function_call":{"arguments":"{}"}},"finish_reason":"stop"}]"#,
            FinishMeaning::Calls,
        ),
        (r#"[{"delta":{},"finish_reason":"error"}]"#, FinishMeaning::Error),
        (r#"[{"message":{"content":"half"},"finish_reason":"error"}]"#, FinishMeaning::Error),
        (r#"[{"delta":{},"finish_reason":"banana"}]"#, FinishMeaning::Unknown),
    ] {
        assert_eq!(bad(text), Some(finish), "{text}");
    }
}

#[test]
fn each_choice_is_known_by_its_index() {
    let two =
        choices(r#"[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{},"finish_reason":"stop"}]"#);
    assert_eq!(two.begun.count(), 2);
    assert!(two.begun.hold(two.over) && !two.over.hold(two.begun));
    let unnamed = choices(r#"[{"delta":{}},{"finish_reason":"stop"},{"index":"2"},{"index":1000000}]"#);
    assert_eq!((unnamed.begun.count(), unnamed.over.count()), (4, 1));
    // Only objects are choices.
    let foreign = choices(r#"[5,{"delta":{},"finish_reason":"stop"}]"#);
    assert!(foreign.any && foreign.over.hold(foreign.begun));
    assert!(!Indices::default().hold(Indices::default()));
}
