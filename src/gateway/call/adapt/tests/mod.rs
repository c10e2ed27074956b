//! Hostile requests, and the quirks of histories, each for a target that it matters to.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

mod functions;
mod reasoning;

use super::*;
use crate::providers::{PRESETS, known_parameter_rules};
use crate::store::snapshot::samples;

fn entry(vendor: &str, upstream_model: &str) -> ModelEntry {
    let provider = samples::provider(vendor);
    let rules = known_parameter_rules(provider.preset, upstream_model);
    let mut model = samples::model("fallback", provider);
    model.upstream_model = upstream_model.to_owned();
    model.settings.parameter_rules = Some(rules);
    model
}

fn parsed(body: &str) -> ChatRequest {
    ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).expect(body)
}

fn behind(vendor: &str, model: &str, body: &str) -> (String, Vec<String>) {
    let adapted = adapt(&parsed(body), &entry(vendor, model), false, Parameters::default());
    (String::from_utf8(adapted.body.joined()).expect("a text"), adapted.changes)
}

/// What one message becomes.
fn message(vendor: &str, model: &str, message: &str) -> (Value, Vec<String>) {
    let (body, changes) = behind(vendor, model, &format!(r#"{{"model":"m","messages":[{message}]}}"#));
    let body: Value = serde_json::from_str(&body).expect(&body);
    (body["messages"][0].clone(), changes)
}

#[test]
fn what_is_not_changed_keeps_its_bytes() {
    let untouched =
        r#"[ {"role" : "user","content":"\u003c \/ é", "x":1.50} ,{"role":"assistant","content":"Hi"}]"#;
    for vendor in ["custom", "vllm", "openrouter", "anthropic", "simulated"] {
        let (body, changes) = behind(
            vendor,
            "m",
            &format!(r#"{{"model":"m","messages":{untouched},"x_unknown":[1.0E+2,{{ }}]}}"#),
        );
        assert!(body.contains(untouched) && body.contains(r#""x_unknown":[1.0E+2,{ }]"#), "{vendor}: {body}");
        assert_eq!(changes, Vec::<String>::new(), "{vendor}");
    }
    // Only the message concerned is rewritten, and its members keep their order and their spelling.
    let mixed = format!(
        r#"{{"model":"m","messages":[ {{"content":"\u003c","role":"developer","n":0.10}} , {untouched} ]}}"#
    );
    let (body, _) = behind("custom", "m", &mixed);
    let expected = format!(r#"[ {{"content":"\u003c","role":"system","n":0.10}} , {untouched} ]"#);
    assert!(body.contains(&expected), "{body}");
}

#[test]
fn the_primarys_request_is_its_callers() {
    let body = r#"{"model":"m","messages":[{"role":"developer","content":[]}],"reasoning_effort":"max","store":true,"n":3}"#;
    for row in PRESETS {
        let adapted = adapt(&parsed(body), &entry(row.name, "m"), true, Parameters::of(["store", "n"]));
        let text = String::from_utf8(adapted.body.joined()).expect("a text");
        assert!(text.starts_with(r#"{"messages":[{"role":"developer","content":[]}],"reasoning_effort":"max","store":true,"n":3,"#), "{text}");
        assert_eq!(adapted.changes, Vec::<String>::new(), "{}", row.name);
    }
}

#[test]
fn histories_of_other_vendors_become_the_targets() {
    for (vendor, model, before, after, changes) in [
        (
            "openai",
            "gpt-4o",
            r#"{"role":"assistant","content":"x","tool_calls":[],"reasoning_content":"r","thinking_blocks":[],"my own":1}"#,
            json!({"role": "assistant", "content": "x", "my own": 1}),
            vec!["stripped:tool_calls", "stripped:reasoning_content", "stripped:thinking_blocks"],
        ),
        (
            "mistral",
            "m",
            r#"{"role":"assistant","content":"x","my own":1,"role":"assistant"}"#,
            json!({"role": "assistant", "content": "x"}),
            vec!["stripped:member"],
        ),
        (
            "mistral",
            "m",
            r#"{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="}},{"type":"file","file":{"file_id":"f"}},{"type":"text","text":"\"file_data\""}]}"#,
            json!({"role": "user", "content": [
                {"type": "document_url", "document_url": "data:application/pdf;base64,aGk="},
                {"type": "file", "file": {"file_id": "f"}}, {"type": "text", "text": "\"file_data\""}]}),
            vec!["mapped:document"],
        ),
        (
            "groq",
            "m",
            r#"{"role":"developer","name":"n","content":[{"type":"text","text":"a","cache_control":{}},{"type":"text","text":"b"}]}"#,
            json!({"role": "system", "content": "a\nb"}),
            vec!["mapped:developer_role", "stripped:name", "flattened:content"],
        ),
        (
            "groq",
            "m",
            r#"{"role":"assistant","content":null,"refusal":"I can't."}"#,
            json!({"role": "assistant", "content": "I can't."}),
            vec!["mapped:refusal", "stripped:refusal"],
        ),
        (
            "xai",
            "m",
            r#"{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":""}},{"id":"2","type":"function","function":{"name":"f","arguments":{"a":[1]}}}]}"#,
            json!({"role": "assistant", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{\"a\":[1]}"}}]}),
            vec!["placeholder:tool_type", "mapped:tool_arguments"],
        ),
        (
            "openai",
            "gpt-4o",
            r#"{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"}]}"#,
            json!({"role": "assistant", "content": [{"type": "text", "text": "a"}]}),
            vec!["stripped:thinking"],
        ),
        (
            "openai",
            "gpt-4o",
            r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}"#,
            json!({"role": "user", "content": [{"type": "text", "text": "a"}]}),
            vec!["stripped:cache_control"],
        ),
        (
            "deepseek",
            "deepseek-v4-pro",
            r#"{"role":"assistant","content":"x"}"#,
            json!({"role": "assistant", "content": "x", "reasoning_content": ""}),
            vec!["placeholder:reasoning_content"],
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"role":"assistant","content":"x"}"#,
            json!({"role": "assistant", "content": "x"}),
            vec![],
        ),
    ] {
        let (now, named) = message(vendor, model, before);
        assert_eq!(now, after, "{vendor} {before}");
        assert_eq!(named, changes, "{vendor} {before}");
    }
}

#[test]
fn the_first_call_of_a_message_says_that_it_is_not_signed() {
    let calls = r#"{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{}},{"id":"2","type":"function","function":{}}]}"#;
    let (now, changes) = message("gemini", "gemini-3-flash-preview", calls);
    let signature = &now["tool_calls"][0]["extra_content"]["google"]["thought_signature"];
    assert_eq!(signature, "skip_thought_signature_validator");
    assert_eq!(now["tool_calls"][1].get("extra_content"), None);
    assert_eq!(changes, ["placeholder:signature"]);
    assert_eq!(message("gemini", "gemini-2.5-pro", calls).1, Vec::<String>::new());
}

#[test]
fn what_a_person_says_after_a_result_is_bridged() {
    let messages =
        r#"{"role":"tool","tool_call_id":"D681PevKs","content":""},{"role":"user","content":"No, stop."}"#;
    let body = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
    let (sent, changes) = behind("mistral", "m", &body);
    let sent: Value = serde_json::from_str(&sent).expect("JSON");
    let roles: Vec<&str> = sent["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["role"].as_str().expect("a role"))
        .collect();
    assert_eq!(roles, ["tool", "assistant", "user"]);
    assert_eq!(changes, ["placeholder:answer"]);
    assert_eq!(behind("openai", "gpt-4o", &body).1, Vec::<String>::new());
}

#[test]
fn no_two_ids_get_the_same_alias() {
    // The last one is what the first one becomes.
    let first = crate::providers::compatibility::ToolIds::Nine.alias("call_1", 0);
    let ids = ["call_1", "call_2", "D681PevKs", &first];
    let calls: Vec<Value> =
        ids.iter().map(|id| json!({"id": id, "type": "function", "function": {"name": "f"}})).collect();
    let results = ids.iter().map(|id| json!({"role": "tool", "tool_call_id": id, "content": ""}));
    let messages: Vec<Value> =
        [json!({"role": "assistant", "tool_calls": calls})].into_iter().chain(results).collect();
    let (body, changes) = behind("mistral", "m", &json!({"model": "m", "messages": messages}).to_string());
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let mut aliases: HashMap<&str, &str> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        let alias = body["messages"][0]["tool_calls"][index]["id"].as_str().expect("an id");
        assert_eq!(body["messages"][index + 1]["tool_call_id"], alias);
        assert_eq!(aliases.insert(alias, id), None, "{alias}");
        assert!(crate::providers::compatibility::ToolIds::Nine.takes(alias));
    }
    assert_eq!(body["messages"][0]["tool_calls"][2]["id"], "D681PevKs");
    assert_eq!(changes, ["aliased:tool_id"]);
}

#[test]
fn a_schema_becomes_what_the_target_can_do() {
    let schema = r#"{"type":"json_schema","json_schema":{"name":"a","schema":{}}}"#;
    let some = json!({"type": "json_object"});
    for (vendor, model, prompt, tools, expected, named) in [
        ("openai", "gpt-4o", "x", false, None, None),
        ("deepseek", "m", "JSON, please", false, Some(some.clone()), Some("mapped:response_format")),
        ("deepseek", "m", "please", false, Some(json!(null)), Some("dropped:response_format")),
        ("anthropic", "m", "JSON", false, Some(json!(null)), Some("dropped:response_format")),
        ("groq", "openai/gpt-oss-120b", "JSON", false, None, None),
        ("groq", "openai/gpt-oss-120b", "JSON", true, Some(json!(null)), Some("dropped:response_format")),
        ("groq", "llama-3.1-8b-instant", "json", false, Some(some), Some("mapped:response_format")),
        ("gemini", "gemini-2.5-flash", "x", true, Some(json!(null)), Some("dropped:response_format")),
        ("gemini", "gemini-3-pro-preview", "x", true, None, None),
    ] {
        let tools = if tools { r#","tools":[{"type":"function","function":{"name":"f"}}]"# } else { "" };
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"{prompt}"}}],"response_format":{schema}{tools}}}"#
        );
        let (sent, changes) = behind(vendor, model, &body);
        let sent: Value = serde_json::from_str(&sent).expect("JSON");
        let expected = expected.unwrap_or_else(|| serde_json::from_str(schema).expect("JSON"));
        assert_eq!(sent["response_format"], expected, "{vendor} {model} {prompt}");
        assert_eq!(changes.first().map(String::as_str), named, "{vendor} {model}");
    }
}

#[test]
fn values_out_of_range_are_brought_into_it() {
    let body = r#"{"model":"m","messages":[],"temperature":2.0,"n":2,"reasoning_effort":"xhigh"}"#;
    let (sent, changes) = behind("mistral", "magistral-medium-latest", body);
    assert!(sent.contains(r#""temperature":1.5,"n":2"#), "{sent}");
    assert_eq!(changes, ["clamped:temperature", "dropped:reasoning_effort"]);
    let (_, changes) = behind("groq", "openai/gpt-oss-20b", body);
    assert_eq!(changes, ["dropped:n", "clamped:reasoning_effort"]);
}

/// Any JSON, with the names that matter in it more often than chance would have them.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "role",
            "content",
            "tool_calls",
            "function_call",
            "strict",
            "id",
            "function",
            "arguments",
            "type",
            "tool_call_id",
            "refusal",
            "text",
            "reasoning_content",
            "cache_control",
            "extra_content",
            "effort",
            "name",
            "thinking",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    let word = prop::sample::select(vec![
        "developer",
        "assistant",
        "tool",
        "function",
        "system",
        "user",
        "text",
        "thinking",
        "json_schema",
        "",
        "call|1",
        "D681PevKs",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_request_stays_json_with_as_many_messages_and_the_same_words(
        messages in prop::collection::vec(any_json(), 0..5),
        more in prop::collection::btree_map(prop::sample::select(crate::providers::compatibility::OPTIONAL), any_json(), 0..6),
        format in any_json(),
        preset in prop::sample::select(PRESETS),
        streams in any::<bool>(),
    ) {
        let mut body = json!({"model": "m", "messages": messages, "response_format": format, "stream": streams, "x_mine": format});
        body.as_object_mut().expect("an object").extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        // Options that are no object, and numbers that are none, are refused before.
        body["stream_options"] = json!({"x": 1});
        for name in ["max_tokens", "n"].into_iter().filter(|name| more.contains_key(*name)) {
            body[name] = json!(7);
        }
        let request = parsed(&body.to_string());
        let adapted = adapt(&request, &entry(preset.name, "a \"model\""), false, Parameters::default());
        let sent: Value = serde_json::from_slice(&adapted.body.joined()).expect("JSON");
        prop_assert_eq!(&sent["model"], "a \"model\"");
        prop_assert_eq!(&sent["x_mine"], &body["x_mine"]);
        let (before, after) = (body["messages"].as_array().expect("a list"), sent["messages"].as_array().expect("a list"));
        let bridge: Value = serde_json::from_str(crate::providers::compatibility::BRIDGE).expect("JSON");
        let after: Vec<&Value> = after.iter().filter(|message| **message != bridge).collect();
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(after) {
            // What a person said is never touched.
            if before["role"] == "user" && before["content"].is_string() {
                prop_assert_eq!(&before["content"], &after["content"]);
            }
            if !before.is_object() {
                prop_assert_eq!(before, after);
            }
        }
        // Nothing is left to do the second time: what it became is what the target takes.
        let again = adapt(&parsed(std::str::from_utf8(&adapted.body.joined()).expect("a text")), &entry(preset.name, "m"), false, Parameters::default());
        let again: Value = serde_json::from_slice(&again.body.joined()).expect("JSON");
        prop_assert_eq!(&again["messages"], &sent["messages"]);
    }
}
