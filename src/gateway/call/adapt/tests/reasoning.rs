//! What callers of chat completions ask of the reasoning of Claude.

use super::*;

/// The body for a model of Claude that does not serve chat completions, and the changes, sorted.
fn sent(model: &str, fields: &str, turns: &str) -> (Value, Vec<String>) {
    let model = entry("foundry", model);
    let request =
        parsed(&format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi"}}{turns}],{fields}}}"#));
    let translated = request.spoken_to(&model).expect("a translation");
    let adapted = adapt(translated, &model, true, Parameters::default());
    let mut changes = adapted.changes;
    changes.sort_unstable();
    let body: Value = serde_json::from_slice(&adapted.body.joined()).expect("JSON");
    assert!(body.get("reasoning").is_none(), "{body}");
    (body, changes)
}

#[test]
fn an_effort_is_a_part_of_the_limit_for_models_that_take_a_budget() {
    for (fields, budget, limit, expected) in [
        (
            r#""max_completion_tokens":10000,"reasoning_effort":"medium""#,
            Some(5_000),
            10_000,
            vec!["mapped:reasoning_effort"],
        ),
        (
            r#""max_tokens":2000,"reasoning_effort":"low""#,
            Some(1_024),
            2_000,
            vec!["mapped:reasoning_effort"],
        ),
        (
            r#""max_tokens":90000,"reasoning_effort":"xhigh""#,
            Some(32_000),
            90_000,
            vec!["mapped:reasoning_effort"],
        ),
        (r#""max_tokens":1024,"reasoning_effort":"high""#, None, 1_024, vec!["disabled:thinking"]),
        (
            r#""max_tokens":9000,"reasoning":{"max_tokens":20000}"#,
            Some(8_999),
            9_000,
            vec!["clamped:reasoning"],
        ),
        (
            r#""reasoning":{"max_tokens":20000}"#,
            Some(20_000),
            24_096,
            vec!["mapped:reasoning", "placeholder:max_tokens"],
        ),
        (
            r#""max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2000}"#,
            Some(2_000),
            9_000,
            vec!["mapped:reasoning"],
        ),
        (
            r#""max_tokens":9000,"temperature":0.5,"reasoning_effort":"high""#,
            Some(7_200),
            9_000,
            vec!["dropped:temperature", "mapped:reasoning_effort"],
        ),
        (r#""max_tokens":9000,"reasoning_effort":"none""#, None, 9_000, vec!["mapped:reasoning_effort"]),
        (r#""max_tokens":9000,"reasoning_effort":"odd""#, None, 9_000, vec!["disabled:thinking"]),
        // A tool that has to be called excludes reasoning.
        (
            r#""max_tokens":9000,"reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#,
            None,
            9_000,
            vec!["disabled:thinking"],
        ),
    ] {
        let (body, changes) = sent("claude-haiku-4-5", fields, "");
        let thinking = budget.map(|budget| json!({"type": "enabled", "budget_tokens": budget}));
        assert_eq!(
            (body.get("thinking"), &body["max_tokens"]),
            (thinking.as_ref(), &json!(limit)),
            "{fields}"
        );
        assert_eq!(
            (changes, body.get("temperature")),
            (expected.into_iter().map(str::to_owned).collect(), None),
            "{fields}"
        );
    }
}

#[test]
fn an_effort_is_one_of_the_models_own_where_it_decides_by_itself() {
    let (adaptive, shown) =
        (json!({"type": "adaptive"}), json!({"type": "adaptive", "display": "summarized"}));
    for (model, fields, thinking, config, expected) in [
        (
            "claude-opus-4-6",
            r#""reasoning_effort":"minimal""#,
            Some(&adaptive),
            Some(json!({"effort": "low"})),
            vec!["clamped:reasoning_effort"],
        ),
        (
            "claude-opus-4-6",
            r#""reasoning":{"max_tokens":2000}"#,
            Some(&adaptive),
            Some(json!({"effort": "medium"})),
            vec!["mapped:reasoning"],
        ),
        (
            "claude-opus-4-8",
            r#""reasoning_effort":"xhigh","response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}"#,
            Some(&shown),
            Some(json!({"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "xhigh"})),
            vec!["mapped:reasoning_effort"],
        ),
        ("claude-opus-4-8", r#""reasoning_effort":"none""#, None, None, vec!["mapped:reasoning_effort"]),
        ("claude-opus-4-8", r#""temperature":0.5"#, None, None, vec!["dropped:temperature"]),
        (
            "claude-opus-4-8",
            r#""reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}"#,
            None,
            Some(json!({"effort": "high"})),
            vec!["disabled:thinking", "mapped:reasoning_effort"],
        ),
        (
            "claude-3-5-sonnet-20241022",
            r#""reasoning_effort":"high""#,
            None,
            None,
            vec!["dropped:reasoning_effort"],
        ),
    ] {
        let (body, changes) = sent(model, &format!(r#""max_tokens":9000,{fields}"#), "");
        assert_eq!(
            (body.get("thinking"), body.get("output_config")),
            (thinking, config.as_ref()),
            "{fields}"
        );
        assert_eq!(changes, expected, "{fields}");
        assert!(model != "claude-opus-4-8" || body.get("temperature").is_none(), "{body}");
    }
}

#[test]
fn a_turn_that_goes_on_reasons_within_a_budget_only_if_it_began_with_reasoning() {
    let call = r#""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    let signed = r#""reasoning_details":[{"type":"reasoning.text","text":"T","signature":"c2ln","format":"anthropic-claude-v1","index":0}]"#;
    let result = r#"{"role":"tool","tool_call_id":"c","content":"R"}"#;
    for (reasoning, thinks, expected) in [
        (format!("{signed},"), true, vec!["mapped:reasoning_effort"]),
        (r#""reasoning_content":"T","#.to_owned(), false, vec!["disabled:thinking", "stripped:thinking"]),
        (String::new(), false, vec!["disabled:thinking"]),
    ] {
        let turns = format!(r#",{{"role":"assistant",{reasoning}"content":null,{call}}},{result}"#);
        let (body, changes) =
            sent("claude-haiku-4-5", r#""max_tokens":9000,"reasoning_effort":"low""#, &turns);
        assert_eq!(
            (body.get("thinking").is_some(), changes),
            (thinks, expected.into_iter().map(str::to_owned).collect()),
            "{body}"
        );
        let kind = if thinks { "thinking" } else { "tool_use" };
        assert_eq!(body["messages"][1]["content"][0]["type"], kind, "{body}");
    }
}

/// What a fallback gets of a message that was written for another model: its `thinking` and its `output_config`.
fn behind_another(model: &str, fields: &Value) -> (Value, Value, Vec<String>) {
    let mut body =
        json!({"model": "m", "max_tokens": 10_000, "messages": [{"role": "user", "content": "Hi"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body.to_string())).expect("a request");
    let preset = if model.starts_with("claude") { "anthropic" } else { "custom-messages" };
    let adapted = adapt(&request, &entry(preset, model), false, Parameters::default());
    let body: Value = serde_json::from_slice(&adapted.body.joined()).expect("JSON");
    let mut changes = adapted.changes;
    changes.sort_unstable();
    (body["thinking"].clone(), body["output_config"].clone(), changes)
}

#[test]
fn a_fallback_is_asked_to_reason_in_its_own_way() {
    let (adaptive, budget) =
        (json!({"type": "adaptive"}), json!({"type": "enabled", "budget_tokens": 3_000}));
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    let effort = |word: &str| json!({"effort": word});
    let none = Value::Null;
    for (model, thinking, config, sent, sent_config, changes) in [
        (
            "claude-sonnet-4-5",
            &adaptive,
            effort("medium"),
            enabled(5_000),
            none.clone(),
            vec!["mapped:thinking"],
        ),
        ("claude-sonnet-4-5", &adaptive, none.clone(), enabled(8_000), none.clone(), vec!["mapped:thinking"]),
        ("claude-sonnet-4-5", &budget, effort("high"), budget.clone(), none.clone(), vec!["dropped:effort"]),
        ("claude-opus-4-5", &budget, effort("high"), budget.clone(), effort("high"), vec![]),
        (
            "claude-opus-4-8",
            &budget,
            none.clone(),
            json!({"type": "adaptive", "display": "summarized"}),
            effort("medium"),
            vec!["mapped:thinking"],
        ),
        ("claude-opus-4-8", &adaptive, effort("xhigh"), adaptive.clone(), effort("xhigh"), vec![]),
        ("claude-opus-4-6", &budget, none.clone(), budget.clone(), none.clone(), vec![]),
        (
            "claude-opus-4-6",
            &adaptive,
            effort("xhigh"),
            adaptive.clone(),
            effort("high"),
            vec!["clamped:effort"],
        ),
        (
            "claude-3-5-sonnet-20241022",
            &adaptive,
            effort("high"),
            none.clone(),
            none.clone(),
            vec!["dropped:effort", "dropped:thinking"],
        ),
        ("kimi-k3", &adaptive, effort("xhigh"), adaptive.clone(), effort("xhigh"), vec![]),
    ] {
        let mut fields = json!({"thinking": thinking});
        if !config.is_null() {
            fields["output_config"] = config;
        }
        let (found, found_config, found_changes) = behind_another(model, &fields);
        assert_eq!((found, found_config), (sent, sent_config), "{model}: {fields}");
        assert_eq!(found_changes, changes, "{model}: {fields}");
    }
    let schema = json!({"format": {"type": "json_schema", "schema": {}}, "effort": "low"});
    let (_, config, changes) = behind_another("claude-haiku-4-5", &json!({"output_config": schema}));
    assert_eq!((config, changes), (json!({"format": schema["format"]}), vec!["dropped:effort".to_owned()]));
    let sampled = json!({"temperature": 0.5, "top_k": 4});
    let (_, _, changes) = behind_another("claude-sonnet-5", &sampled);
    assert_eq!(changes, ["dropped:temperature", "dropped:top_k"]);
}
