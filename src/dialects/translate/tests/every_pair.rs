//! Faults that users of other gateways reported of one pair of dialects, and that were alive in another one: requests in every
//! pair.

use super::members::{PAIRS, translated};
use super::*;
use crate::dialects::need::ServerTool;

/// The request of a caller, in each dialect of callers.
fn in_each(chat: Value, messages: Value, responses: Value) -> impl Fn(CallerDialect) -> Value {
    move |dialect| match dialect {
        CallerDialect::ChatCompletions => chat.clone(),
        CallerDialect::Messages => messages.clone(),
        CallerDialect::Responses => responses.clone(),
    }
}

/// Where a text begins in a body.
fn place(body: &str, text: &str) -> usize {
    body.find(text).unwrap_or_else(|| panic!("{text} is not in {body}"))
}

#[test]
fn what_the_operator_says_in_the_middle_stays_there_with_its_mark() {
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let mark = json!({"type": "ephemeral"});
    let marked =
        json!({"role": "system", "content": [{"type": "text", "text": "Late", "cache_control": mark}]});
    let of = in_each(
        json!({"messages": [said("system", "First"), said("user", "Go"), marked, said("user", "On")]}),
        json!({"system": "First", "messages": [said("user", "Go"), marked, said("user", "On")]}),
        json!({"instructions": "First", "input": [said("user", "Go"), said("developer", "Late"), said("user", "On")]}),
    );
    for pair in PAIRS {
        let (body, _) = translated(pair, &of(pair.0)).expect("a request that crosses");
        let [before, late, after] = ["\"Go\"", "Late", "\"On\""].map(|text| place(&body, text));
        assert!(before < late && late < after, "{pair:?}: {body}");
        let written = match pair {
            (CallerDialect::Responses, _) => None,
            (_, Dialect::Messages) => Some("\"cache_control\""),
            (_, Dialect::Converse) => Some("\"cachePoint\""),
            (_, Dialect::ChatCompletions | Dialect::Gemini | Dialect::Responses) => None,
        };
        assert_eq!(body.contains("\"cache"), written.is_some(), "{pair:?}: {body}");
        if let Some(written) = written {
            let mark = place(&body, written);
            assert!(late < mark && mark < after, "{pair:?}: {body}");
        }
    }
}

#[test]
fn results_and_pictures_stay_what_they_are() {
    let data = "data:image/png;base64,aGk=";
    let function =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let result = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let item = |kind: &str, id: &str, more: Value| {
        let mut item = more;
        item["type"] = kind.into();
        item["call_id"] = id.into();
        item
    };
    let called = |id: &str| item("function_call", id, json!({"name": "f", "arguments": ""}));
    let returned = |id: &str, text: &str| item("function_call_output", id, json!({"output": text}));
    let source = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let of = in_each(
        json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": data}}]},
            {"role": "assistant", "tool_calls": [function("a"), function("b")]}, result("a", "1"), result("b", ""),
            {"role": "user", "content": "And?"}
        ]}),
        json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": source}]},
            {"role": "assistant", "content": [call("a"), call("b")]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": [], "is_error": true}, {"type": "text", "text": "And?"}
            ]}
        ]}),
        json!({"input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": data}]},
            called("a"), called("b"), returned("a", "1"), returned("b", ""), {"role": "user", "content": "And?"}
        ]}),
    );
    for pair in PAIRS {
        let (body, _) = translated(pair, &of(pair.0)).expect("a request that crosses");
        let expected = match pair.1 {
            Dialect::ChatCompletions => [
                "\"image_url\":{\"url\":\"data:image/png;base64,aGk=\"",
                r#""arguments":"{}""#,
                r#"{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","#,
            ],
            Dialect::Messages => [
                r#"{"type":"image","source":{"type":"base64""#,
                r#"{"type":"tool_use","id":"b","name":"f","input":{}}"#,
                r#"{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}]},{"type":"tool_result","tool_use_id":"b""#,
            ],
            Dialect::Gemini => [
                r#"{"inlineData":{"mimeType":"image/png","data":"aGk="}}"#,
                r#"{"functionCall":{"id":"b","name":"f","args":{}}}"#,
                r#"{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"result":"1"}}},{"functionResponse":{"id":"b","name":"f","#,
            ],
            Dialect::Converse => [
                r#"{"image":{"format":"png","source":{"bytes":"aGk="}}}"#,
                r#"{"toolUse":{"toolUseId":"b","name":"f","input":{}}}"#,
                r#"{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"(no output)"}]"#,
            ],
            Dialect::Responses => unreachable!("no provider is called in it"),
        };
        for text in expected {
            assert!(body.contains(text), "{pair:?}: {text} is not in {body}");
        }
    }
}

#[test]
fn reasoning_of_others_is_no_text() {
    let user = |text: &str| json!({"role": "user", "content": text});
    let thought = json!({"type": "thinking", "thinking": "Secret", "signature": "c2ln"});
    let of = in_each(
        json!({"messages": [user("Go"), {"role": "assistant", "content": "A", "reasoning_content": "Secret"}, user("On")]}),
        json!({"messages": [user("Go"), {"role": "assistant", "content": [thought, {"type": "text", "text": "A"}]}, user("On")]}),
        json!({"input": [
            user("Go"), {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Secret"}], "encrypted_content": "Secret"},
            {"role": "assistant", "content": "A"}, user("On")
        ]}),
    );
    for pair in PAIRS {
        let (body, changes) = translated(pair, &of(pair.0)).expect("a request that crosses");
        // What Claude has signed is for Claude, which Bedrock may serve.
        let arrives = pair == (CallerDialect::Messages, Dialect::Converse);
        assert_eq!(body.contains("Secret"), arrives, "{pair:?}: {body}");
        assert!(
            arrives || changes.iter().any(|change| change.starts_with("stripped:")),
            "{pair:?}: {changes:?}"
        );
    }
}

#[test]
fn a_search_of_a_provider_is_needed_and_no_function() {
    let go = json!([{"role": "user", "content": "Go"}]);
    let of = in_each(
        json!({"messages": go, "web_search_options": {}}),
        json!({"messages": go, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        json!({"input": "Go", "tools": [{"type": "web_search"}]}),
    );
    for pair in PAIRS {
        let tool = match pair.0 {
            CallerDialect::ChatCompletions => ServerTool::SearchOptions,
            CallerDialect::Messages | CallerDialect::Responses => ServerTool::WebSearch,
        };
        assert_eq!(translated(pair, &of(pair.0)).err(), Some(Need::ServerTool(tool)), "{pair:?}");
    }
}

#[test]
fn one_tool_does_not_have_every_request_refused() {
    let schema = json!({"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]});
    let go = json!([{"role": "user", "content": "Go"}]);
    let of = in_each(
        json!({"messages": go, "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}),
        json!({"messages": go, "tools": [{"name": "f", "input_schema": schema}]}),
        json!({"input": "Go", "tools": [{"type": "function", "name": "f", "parameters": schema}]}),
    );
    for pair in PAIRS {
        let (body, changes) = translated(pair, &of(pair.0)).expect("a request that crosses");
        // OpenAI's vendors take it as it is.
        let changed = pair.1 != Dialect::ChatCompletions;
        let object = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
        assert_eq!(body.contains(object), changed, "{pair:?}: {body}");
        assert_eq!(body.contains("anyOf"), !changed, "{pair:?}: {body}");
        assert_eq!(
            changes.iter().any(|change| change == "mapped:tool_schema"),
            changed,
            "{pair:?}: {changes:?}"
        );
    }
}

#[test]
fn tools_in_the_input_reach_every_model() {
    let body = json!({"input": [
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}]},
        {"role": "user", "content": "Go"}
    ]});
    for pair in PAIRS.into_iter().filter(|(from, _)| *from == CallerDialect::Responses) {
        let (body, _) = translated(pair, &body).expect("a request that crosses");
        assert!(body.contains(r#""name":"functions__exec""#), "{pair:?}: {body}");
        assert!(body.contains(r#""required":["input"]"#), "{pair:?}: {body}");
    }
}

/// The ids of calls and results, in their order.
fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| ids(value, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(id) if matches!(name.as_str(), "toolUseId" | "tool_use_id" | "id") => {
                        found.push(id.to_owned());
                    }
                    _ => ids(value, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn long_and_odd_ids_stay_apart_where_they_are_refused() {
    let [one, two] = ["1", "2"].map(|end| format!("{}|{end}", "x".repeat(80)));
    let called =
        |id: &String| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let returned = |id: &String| json!({"type": "function_call_output", "call_id": id, "output": "R"});
    let function =
        |id: &String| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = |id: &String| json!({"role": "tool", "tool_call_id": id, "content": "R"});
    let go = json!({"role": "user", "content": "Go"});
    let chat = json!({"messages": [go, {"role": "assistant", "tool_calls": [function(&one), function(&two)]}, result(&one), result(&two)]});
    let responses = json!({"input": [go, called(&one), called(&two), returned(&one), returned(&two)]});
    for to in [Dialect::Messages, Dialect::Converse] {
        for (from, body) in [(CallerDialect::ChatCompletions, &chat), (CallerDialect::Responses, &responses)]
        {
            let (body, _) = translated((from, to), body).expect("a request that crosses");
            let mut found = Vec::new();
            ids(&serde_json::from_str(&body).expect("JSON"), &mut found);
            let is_taken = |id: &String| {
                id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
            };
            assert!(found.iter().all(is_taken), "{to:?}: {found:?}");
            assert_eq!((found.len(), &found[..2]), (4, &found[2..]), "{to:?}: {found:?}");
            assert_ne!(found[0], found[1], "{to:?}");
        }
    }
}
