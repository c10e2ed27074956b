//! Functions from before there were tools, the word `strict`, and choices that a model that thinks cannot follow.

use super::*;

fn sent(vendor: &str, model: &str, members: &str) -> (Value, Vec<String>) {
    let (body, changes) = behind(vendor, model, &format!(r#"{{"model":"m","messages":[],{members}}}"#));
    (serde_json::from_str(&body).expect(&body), changes)
}

const OFFERED: &str = r#""functions":[{"name":"f","parameters":{"a": 1.50},"strict":true},{"name":"g"}]"#;

#[test]
fn functions_are_tools_where_those_alone_are_known() {
    for (choice, expected, changes) in [
        ("\"auto\"", json!("auto"), vec!["mapped:functions", "mapped:function_call"]),
        ("\"none\"", json!("none"), vec!["mapped:functions", "mapped:function_call"]),
        (
            r#"{"name":"f"}"#,
            json!({"type": "function", "function": {"name": "f"}}),
            vec!["mapped:functions", "mapped:function_call"],
        ),
    ] {
        let (now, named) = sent("custom", "m", &format!(r#"{OFFERED},"function_call":{choice}"#));
        assert_eq!(named, changes);
        assert_eq!(now["tool_choice"], expected);
        assert_eq!((now.get("functions"), now.get("function_call")), (None, None));
        let tools = json!([
            {"type": "function", "function": {"name": "f", "parameters": {"a": 1.5}, "strict": true}},
            {"type": "function", "function": {"name": "g"}}]);
        assert_eq!(now["tools"], tools);
    }
    // What a caller wrote for OpenAI stays at OpenAI.
    let (now, named) = sent("openai", "gpt-4.1", &format!(r#"{OFFERED},"function_call":"auto""#));
    assert!(now["functions"].is_array() && now["function_call"] == "auto" && named.is_empty(), "{now}");
    let (now, named) = sent("xai", "grok-4", OFFERED);
    assert_eq!(now["tools"][0]["function"].get("strict"), None);
    assert_eq!(named, ["mapped:functions", "stripped:strict"]);
}

#[test]
fn functions_that_are_none_or_beside_tools_are_left_out() {
    let both = format!(
        r#"{OFFERED},"tools":[{{"type":"function","function":{{"name":"t"}}}}],"function_call":"auto""#
    );
    for (members, tools) in [
        (r#""functions":[],"function_call":"auto""#, 0),
        (r#""functions":null,"function_call":{"name":"f"}"#, 0),
        (r#""functions":"f""#, 0),
        (both.as_str(), 1),
    ] {
        let (now, named) = sent("mistral", "m", members);
        assert_eq!(now["tools"].as_array().map_or(0, Vec::len), tools, "{members}");
        assert_eq!(
            (now.get("functions"), now.get("function_call"), now.get("tool_choice")),
            (None, None, None)
        );
        assert!(named.contains(&"dropped:functions".to_owned()), "{named:?}");
    }
}

#[test]
fn a_history_of_functions_becomes_one_of_tools() {
    let messages = r#"{"role":"user","content":"Go."},
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\": 1.50}"}},
        {"role":"function","name":"f","content":"ok"},
        {"role":"assistant","content":null,"function_call":{"name":"g","arguments":{"b":2}}},
        {"role":"function","name":"g","content":"fine"},
        {"role":"function","name":"h","content":"of no call"}"#;
    let body = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
    for (vendor, model, ids) in [
        ("custom", "m", ["call_function_1", "call_function_2", "call_function_3"].map(str::to_owned)),
        ("anthropic", "claude", ["call_function_1", "call_function_2", "call_function_3"].map(str::to_owned)),
        (
            "mistral",
            "m",
            [1, 2, 3].map(|n| {
                crate::providers::compatibility::ToolIds::Nine.alias(&format!("call_function_{n}"), 0)
            }),
        ),
    ] {
        let (now, changes) = behind(vendor, model, &body);
        assert_eq!(behind(vendor, model, &body).0, now, "the same every time");
        let now: Value = serde_json::from_str(&now).expect("JSON");
        let [one, two, three] = &ids;
        let call = |id: &str, name: &str, arguments: &str| {
            json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]})
        };
        let result = |id: &str, text: &str| json!({"role": "tool", "content": text, "tool_call_id": id});
        assert_eq!(
            now["messages"],
            json!([
                {"role": "user", "content": "Go."},
                call(one, "f", "{\"a\": 1.50}"), result(one, "ok"),
                call(two, "g", "{\"b\":2}"), result(two, "fine"), result(three, "of no call"),
            ]),
            "{vendor}"
        );
        assert_eq!(
            changes,
            ["mapped:function_call", "mapped:function_role", "mapped:tool_arguments"],
            "{vendor}"
        );
    }
    assert_eq!(behind("openai", "gpt-4.1", &body).1, ["mapped:tool_arguments"; 0]);
}

#[test]
fn a_call_that_is_said_in_both_ways_is_kept_once() {
    let call = r#"{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}],"function_call":{"name":"f","arguments":"{}"}}"#;
    let (now, changes) = message("custom", "m", call);
    assert_eq!((now["tool_calls"].as_array().map(Vec::len), now.get("function_call")), (Some(1), None));
    assert_eq!(changes, ["stripped:function_call"]);
}

#[test]
fn strict_goes_where_it_is_refused_and_nowhere_else() {
    let tools =
        r#""tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"strict":1}}}]"#;
    for row in PRESETS {
        let (now, changes) = sent(row.name, "m", tools);
        let refused = ["gemini", "xai", "fireworks"].contains(&row.name);
        assert_eq!(now["tools"][0]["function"].get("strict").is_none(), refused, "{}", row.name);
        assert_eq!(changes.contains(&"stripped:strict".to_owned()), refused, "{}", row.name);
        // A property that is called so is none of our business.
        assert_eq!(now["tools"][0]["function"]["parameters"], json!({"strict": 1}));
    }
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"strict":1.50}}}"#;
    for (model, refused) in [("openai/gpt-oss-120b", false), ("moonshotai/kimi-k2-instruct", true)] {
        let (now, changes) = sent("groq", model, format);
        let schema = &now["response_format"]["json_schema"];
        assert_eq!(schema.get("strict").is_none(), refused, "{model}");
        assert_eq!(schema["schema"], json!({"strict": 1.5}));
        assert_eq!(changes.contains(&"stripped:strict".to_owned()), refused, "{changes:?}");
    }
    // Learned from a refusal it holds for both.
    let body = format!(r#"{{"model":"m","messages":[],{tools},{format}}}"#);
    let learned = adapt(&parsed(&body), &entry("custom", "m"), false, Parameters::of([STRICT]));
    let now: Value = serde_json::from_slice(&learned.body.joined()).expect("JSON");
    assert_eq!(now["tools"][0]["function"].get("strict"), None);
    assert_eq!(now["response_format"]["json_schema"].get("strict"), None);
    assert_eq!(learned.changes, ["stripped:strict"]);
    let sent = optional(&parsed(&body), &entry("custom", "m"), false, Parameters::default());
    assert!(sent.contains(STRICT));
    assert!(!optional(&parsed(&body), &entry("custom", "m"), true, Parameters::default()).contains(STRICT));
}

#[test]
fn a_model_that_thinks_is_not_made_to_call_a_tool() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    let named = r#"{"type":"function","function":{"name":"f"}}"#;
    for (model, choice, more, stays) in [
        ("deepseek-v4-pro", "\"auto\"", "", true),
        ("deepseek-v4-pro", "\"none\"", "", true),
        ("deepseek-v4-pro", "null", "", true),
        ("deepseek-v4-pro", "\"required\"", "", false),
        ("deepseek-v4-pro", named, "", false),
        ("deepseek-v4-pro", named, r#","thinking":{"type":"disabled"}"#, true),
        ("deepseek-reasoner", named, r#","thinking":{"type":"enabled"}"#, false),
        ("deepseek-chat", named, "", true),
    ] {
        let (now, changes) = sent("deepseek", model, &format!(r#"{tools},"tool_choice":{choice}{more}"#));
        assert_eq!(now.get("tool_choice").is_some(), stays, "{model} {choice} {more}");
        assert_eq!(changes.contains(&"dropped:tool_choice".to_owned()), !stays, "{changes:?}");
    }
    let (now, changes) =
        sent("deepseek", "deepseek-v4-pro", &format!(r#"{OFFERED},"function_call":{{"name":"f"}}"#));
    assert_eq!(now.get("tool_choice"), None);
    assert_eq!(changes, ["mapped:functions", "dropped:function_call"]);
}
