//! Every member of a request arrives at a provider of another dialect, is named in the changes, or passes the provider over.

use proptest::prelude::*;

use super::*;
use crate::dialects::change::vocabulary;

/// A place in a request, a member there, and what a body has if the member arrived: one of these texts.
type Case = (&'static str, &'static str, Value, &'static [&'static str]);

/// The translations that there are.
pub(super) const PAIRS: [(CallerDialect, Dialect); 4] = [
    (CallerDialect::ChatCompletions, Dialect::Messages),
    (CallerDialect::Messages, Dialect::ChatCompletions),
    (CallerDialect::Responses, Dialect::ChatCompletions),
    (CallerDialect::Responses, Dialect::Messages),
];

const LOST: &[&str] = &[];

/// A request with a block of each kind that crosses.
pub(super) fn request_of(dialect: CallerDialect) -> Value {
    match dialect {
        CallerDialect::ChatCompletions => json!({
            "messages": [
                {"role": "system", "content": "S"},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}}
                ]},
                {"role": "assistant", "content": "C", "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}
                ]},
                {"role": "tool", "tool_call_id": "call_1", "content": "R"},
                {"role": "user", "content": "Go"}
            ],
            "tools": [{"type": "function", "function": {"name": "f", "description": "D", "parameters": {"type": "object"}}}]
        }),
        CallerDialect::Messages => json!({
            "max_tokens": 64,
            "system": [{"type": "text", "text": "S"}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}}
                ]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "C"}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "R"}]}
            ],
            "tools": [{"name": "f", "description": "D", "input_schema": {"type": "object"}}]
        }),
        CallerDialect::Responses => json!({
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "https://x.example/a.png"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}
                ]},
                {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [
                    {"type": "output_text", "text": "C", "annotations": []}
                ]},
                {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "R"}
            ],
            "tools": [{"type": "function", "name": "f", "description": "D", "parameters": {"type": "object"}}]
        }),
    }
}

fn of_chat() -> Vec<Case> {
    let schema = json!({"type": "json_schema", "json_schema": {"schema": {"title": "schema-1"}}});
    let named =
        json!({"type": "json_schema", "json_schema": {"name": "n", "description": "D", "schema": {}}});
    let detail = json!([{"type": "reasoning.text", "text": "T", "signature": "c2ln", "format": "anthropic-claude-v1"}]);
    vec![
        ("", "max_tokens", json!(7123), &["7123"]),
        ("", "max_completion_tokens", json!(7123), &["7123"]),
        ("", "n", json!(3), LOST),
        ("", "modalities", json!(["text", "audio"]), LOST),
        ("", "parallel_tool_calls", json!(false), &["disable_parallel_tool_use"]),
        ("", "reasoning", json!({"effort": "low"}), &["\"low\""]),
        ("", "reasoning", json!({"effort": "low", "exclude": true}), LOST),
        ("", "reasoning_effort", json!("low"), &["\"low\""]),
        ("", "response_format", schema, &["schema-1"]),
        ("", "response_format", named, LOST),
        ("", "response_format", json!({"type": "json_object"}), LOST),
        ("", "stop", json!(["END-1"]), &["END-1"]),
        ("", "stop", json!("END-1"), &["END-1"]),
        ("", "stop", json!(["\n"]), LOST),
        ("", "stream", json!(true), &["\"stream\":true"]),
        ("", "stream_options", json!({"include_obfuscation": true}), LOST),
        ("", "temperature", json!(0.123), &["0.123"]),
        ("", "thinking", json!({"type": "enabled", "budget_tokens": 7123}), &["7123"]),
        ("", "thinking", json!({"type": "adaptive", "display": "summarized"}), LOST),
        ("", "tool_choice", json!("required"), &["\"any\""]),
        ("", "tool_choice", json!({"type": "function", "function": {"name": "f"}}), &["\"tool\""]),
        (
            "",
            "tool_choice",
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
            LOST,
        ),
        ("", "top_p", json!(0.123), &["0.123"]),
        ("", "user", json!("user-1"), &["user-1"]),
        ("", "frequency_penalty", json!(0.5), LOST),
        ("", "logit_bias", json!({"1": 2}), LOST),
        ("", "metadata", json!({"a": "b"}), LOST),
        ("", "prediction", json!({"type": "content", "content": "x"}), LOST),
        ("", "presence_penalty", json!(0.5), LOST),
        ("", "prompt_cache_key", json!("k"), LOST),
        ("", "prompt_cache_retention", json!("24h"), LOST),
        ("", "safety_identifier", json!("s"), LOST),
        ("", "seed", json!(7), LOST),
        ("", "service_tier", json!("flex"), LOST),
        ("", "store", json!(true), LOST),
        ("", "top_k", json!(4), LOST),
        ("", "verbosity", json!("low"), LOST),
        ("", "audio", json!({"voice": "v"}), LOST),
        ("", "function_call", json!("auto"), LOST),
        ("", "functions", json!([{"name": "f"}]), LOST),
        ("", "logprobs", json!(true), LOST),
        ("", "top_logprobs", json!(2), LOST),
        ("", "web_search_options", json!({"search_context_size": "low"}), LOST),
        ("/messages/1", "name", json!("n"), LOST),
        ("/messages/1/content/0", "cache_control", json!({"type": "ephemeral"}), LOST),
        ("/messages/1/content/1/image_url", "detail", json!("low"), LOST),
        ("/messages/2", "refusal", json!("No-1"), &["No-1"]),
        ("/messages/2", "name", json!("n"), LOST),
        ("/messages/2", "annotations", json!([{"type": "url_citation"}]), LOST),
        ("/messages/2", "audio", json!({"id": "a"}), LOST),
        ("/messages/2", "images", json!([{"type": "image_url"}]), LOST),
        ("/messages/2", "reasoning_content", json!("T"), LOST),
        ("/messages/2", "reasoning_details", detail, &["c2ln"]),
        ("/messages/2", "function_call", json!({"name": "f", "arguments": "{}"}), LOST),
        ("/messages/2/tool_calls/0", "extra_content", json!({"google": {"thought_signature": "x"}}), LOST),
        ("/messages/2/tool_calls/0", "custom", json!({"name": "f", "input": "x"}), LOST),
        ("/messages/3", "name", json!("f"), LOST),
        ("/tools/0", "cache_control", json!({"type": "ephemeral"}), LOST),
        ("/tools/0/function", "strict", json!(true), &["\"strict\":true"]),
        ("/tools/0/function", "parameters", json!({"anyOf": []}), LOST),
    ]
}

fn of_messages() -> Vec<Case> {
    let schema = json!({"format": {"type": "json_schema", "schema": {"title": "schema-1"}}});
    let mark = || json!({"type": "ephemeral"});
    vec![
        ("", "metadata", json!({"user_id": "user-1"}), &["user-1"]),
        ("", "metadata", json!({"user_id": "u".repeat(65)}), LOST),
        ("", "metadata", json!({"of_next_year": 1}), LOST),
        ("", "output_config", json!({"effort": "low"}), &["\"low\""]),
        ("", "output_config", schema, &["schema-1"]),
        ("", "output_config", json!({"task_budget": {"total": 1}}), LOST),
        ("", "output_format", json!({"type": "json_schema", "schema": {"title": "schema-1"}}), &["schema-1"]),
        ("", "stop_sequences", json!(["END-1"]), &["END-1"]),
        ("", "stop_sequences", json!(["a", "b", "c", "d", "e"]), LOST),
        ("", "stream", json!(true), &["\"stream\":true"]),
        ("", "temperature", json!(0.123), &["0.123"]),
        ("", "thinking", json!({"type": "enabled", "budget_tokens": 7123}), &["\"medium\""]),
        ("", "thinking", json!({"type": "adaptive", "display": "summarized"}), LOST),
        ("", "tool_choice", json!({"type": "any"}), &["\"required\""]),
        ("", "tool_choice", json!({"type": "tool", "name": "f"}), &["\"tool_choice\":{"]),
        (
            "",
            "tool_choice",
            json!({"type": "auto", "disable_parallel_tool_use": true}),
            &["\"parallel_tool_calls\":false"],
        ),
        ("", "top_p", json!(0.123), &["0.123"]),
        ("", "cache_control", mark(), LOST),
        ("", "context_management", json!({"edits": [{"type": "clear_thinking_20251015"}]}), LOST),
        ("", "diagnostics", json!({"a": 1}), LOST),
        ("", "fallback_credit_token", json!("t"), LOST),
        ("", "inference_geo", json!("us"), LOST),
        ("", "inference_geo", json!("global"), LOST),
        ("", "service_tier", json!("standard_only"), LOST),
        ("", "speed", json!("fast"), LOST),
        ("", "thread", json!({"type": "create"}), LOST),
        ("", "thread", json!({"type": "continue", "previous_message_id": "msg_1"}), LOST),
        ("", "top_k", json!(4), LOST),
        ("", "container", json!("c"), LOST),
        ("", "fallbacks", json!("default"), LOST),
        ("", "mcp_servers", json!([{"type": "url"}]), LOST),
        ("/system/0", "cache_control", mark(), LOST),
        ("/messages/0/content/0", "cache_control", mark(), LOST),
        ("/messages/0/content/0", "citations", json!([{"type": "char_location"}]), LOST),
        ("/messages/0/content/1", "cache_control", mark(), LOST),
        ("/messages/0/content/2", "title", json!("Title-1"), &["Title-1"]),
        ("/messages/0/content/2", "context", json!("Context-1"), &["Context-1"]),
        ("/messages/0/content/2", "citations", json!({"enabled": true}), LOST),
        ("/messages/1/content/1", "caller", json!({"type": "direct"}), LOST),
        ("/messages/2/content/0", "is_error", json!(true), &["Error: "]),
        ("/messages/2/content/0", "cache_control", mark(), LOST),
        ("/tools/0", "strict", json!(true), &["\"strict\":true"]),
        ("/tools/0", "cache_control", mark(), LOST),
        ("/tools/0", "defer_loading", json!(true), LOST),
        ("/tools/0", "allowed_callers", json!(["x"]), LOST),
        ("/tools/0", "input_examples", json!([{"a": 1}]), LOST),
        ("/tools/0", "eager_input_streaming", json!(true), LOST),
        ("/tools/0", "type", json!("web_search_20250305"), LOST),
    ]
}

fn of_responses() -> Vec<Case> {
    let schema = json!({"format": {"type": "json_schema", "schema": {"title": "schema-1"}}});
    vec![
        ("", "include", json!(["reasoning.encrypted_content"]), LOST),
        ("", "include", json!(["message.output_text.logprobs"]), LOST),
        ("", "instructions", json!("Brief-1"), &["Brief-1"]),
        ("", "max_output_tokens", json!(7123), &["7123"]),
        (
            "",
            "parallel_tool_calls",
            json!(false),
            &["\"parallel_tool_calls\":false", "disable_parallel_tool_use"],
        ),
        ("", "reasoning", json!({"effort": "low"}), &["\"low\""]),
        ("", "reasoning", json!({"effort": "low", "context": "all_turns"}), LOST),
        ("", "reasoning", json!({"summary": "auto"}), LOST),
        ("", "store", json!(true), LOST),
        ("", "stream", json!(true), &["\"stream\":true"]),
        ("", "stream_options", json!({"include_obfuscation": false}), LOST),
        ("", "temperature", json!(0.123), &["0.123"]),
        ("", "text", json!({"verbosity": "low"}), LOST),
        ("", "text", schema, &["schema-1"]),
        ("", "text", json!({"format": {"type": "json_object"}}), LOST),
        ("", "tool_choice", json!("required"), &["\"required\"", "\"any\""]),
        ("", "tool_choice", json!({"type": "function", "name": "f"}), &["\"tool_choice\":{"]),
        ("", "tool_choice", json!({"type": "allowed_tools", "mode": "auto", "tools": []}), LOST),
        ("", "top_p", json!(0.123), &["0.123"]),
        ("", "user", json!("user-1"), &["user-1"]),
        ("", "client_metadata", json!({"a": "b"}), LOST),
        ("", "context_management", json!([{"type": "compaction"}]), LOST),
        ("", "max_tool_calls", json!(3), LOST),
        ("", "metadata", json!({"a": "b"}), LOST),
        ("", "moderation", json!({"a": "b"}), LOST),
        ("", "prompt_cache_key", json!("k"), LOST),
        ("", "prompt_cache_options", json!({"mode": "x"}), LOST),
        ("", "prompt_cache_retention", json!("24h"), LOST),
        ("", "safety_identifier", json!("s"), LOST),
        ("", "service_tier", json!("flex"), LOST),
        ("", "truncation", json!("auto"), LOST),
        ("", "background", json!(true), LOST),
        ("", "conversation", json!("conv_1"), LOST),
        ("", "previous_response_id", json!("resp_1"), LOST),
        ("", "prompt", json!({"id": "pmpt_1"}), LOST),
        ("", "top_logprobs", json!(2), LOST),
        ("/input/0/content/1", "detail", json!("low"), LOST),
        ("/input/1", "phase", json!("commentary"), LOST),
        ("/input/1/content/0", "annotations", json!([{"type": "url_citation"}]), LOST),
        ("/input/1/content/0", "logprobs", json!([{"token": "C"}]), LOST),
        ("/input/2", "namespace", json!("space-1"), &["space-1__f"]),
        ("/input/2", "caller", json!({"type": "program"}), LOST),
        ("/tools/0", "strict", json!(true), &["\"strict\":true"]),
        ("/tools/0", "defer_loading", json!(true), LOST),
        ("/tools/0", "allowed_callers", json!(["x"]), LOST),
        ("/tools/0", "output_schema", json!({"type": "object"}), LOST),
        ("/tools/0", "type", json!("web_search"), LOST),
    ]
}

fn cases(dialect: CallerDialect) -> Vec<Case> {
    match dialect {
        CallerDialect::ChatCompletions => of_chat(),
        CallerDialect::Messages => of_messages(),
        CallerDialect::Responses => of_responses(),
    }
}

/// The body for a provider and the names of the changes.
pub(super) fn translated(
    pair: (CallerDialect, Dialect),
    body: &Value,
) -> Result<(String, Vec<String>), Need> {
    let text = body.to_string();
    let members: Members<'_> = serde_json::from_str(&text).expect("an object");
    let mut changes = Changes::default();
    let written = request(pair, &members, "m", &mut changes)?;
    Ok((String::from_utf8(written).expect("a text"), changes.into_names()))
}

/// The request with a member at a place.
fn with(body: &Value, place: &str, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body.pointer_mut(place).expect(place)[name] = value;
    body
}

#[test]
fn every_member_of_a_request_arrives_or_is_named_or_is_needed() {
    for pair in PAIRS {
        let plain = request_of(pair.0);
        let (_, before) = translated(pair, &plain).expect("a request that crosses");
        for (place, name, value, arrived) in cases(pair.0) {
            let member = format!("{pair:?}: {place}/{name} {value}");
            let Ok((body, changes)) = translated(pair, &with(&plain, place, name, value)) else { continue };
            let arrives = arrived.iter().any(|text| body.contains(text));
            assert!(arrives || changes.len() > before.len(), "{member} disappeared: {body}");
            assert_eq!(arrives, !arrived.is_empty(), "{member}: {body}");
            let known = vocabulary();
            assert!(changes.iter().all(|change| known.contains(change)), "{member}: {changes:?}");
        }
    }
}

#[test]
fn what_only_the_dialect_itself_can_do_is_needed() {
    for (dialect, place, name, value, need) in [
        (CallerDialect::ChatCompletions, "", "stop", json!([" "]), Need::StopSequences),
        (CallerDialect::Messages, "", "inference_geo", json!("eu"), Need::Region),
        (CallerDialect::Messages, "", "inference_geo", json!(7), Need::Region),
        (CallerDialect::Responses, "", "background", json!(true), Need::Background),
    ] {
        for pair in PAIRS.into_iter().filter(|(from, _)| *from == dialect) {
            let found = translated(pair, &with(&request_of(dialect), place, name, value.clone()));
            assert_eq!(found, Err(need), "{pair:?} {name}");
        }
    }
}

#[test]
fn thinking_that_the_model_decides_about_has_an_effort_where_claude_is() {
    let asked = with(&request_of(CallerDialect::Messages), "", "thinking", json!({"type": "adaptive"}));
    for (target, arrives, change) in [
        (Dialect::Converse, true, "mapped:thinking"),
        (Dialect::Gemini, false, "dropped:thinking"),
        (Dialect::ChatCompletions, false, "dropped:thinking"),
    ] {
        let (body, changes) = translated((CallerDialect::Messages, target), &asked).expect("a request");
        assert_eq!(body.contains(r#""reasoning":{"effort":"high"}"#), arrives, "{body}");
        assert!(changes.iter().any(|noted| noted == change), "{target:?}: {changes:?}");
    }
}

#[test]
fn a_blank_message_is_named_where_it_is_left_out() {
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    for (answer, target, is_named) in [
        (" ", Dialect::Gemini, true),
        ("", Dialect::Converse, true),
        (" ", Dialect::Messages, true),
        ("A", Dialect::Gemini, false),
    ] {
        let asked = json!({"messages": [turn("user", "Hi"), turn("assistant", answer), turn("user", "Go")]});
        let (body, changes) =
            translated((CallerDialect::ChatCompletions, target), &asked).expect("a request");
        assert_eq!(changes.contains(&"stripped:content".to_owned()), is_named, "{target:?}: {body}");
    }
}

/// The objects of a request that have members of their own, as places.
fn places(dialect: CallerDialect) -> Vec<&'static str> {
    let mut places: Vec<&str> = cases(dialect).into_iter().map(|(place, ..)| place).collect();
    places.dedup();
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_member_that_is_not_known_is_named_wherever_it_is(
        pair in prop::sample::select(PAIRS.to_vec()),
        place in any::<prop::sample::Index>(),
        name in "of_next_year_[a-z]{1,4}",
        value in prop::sample::select(vec![json!(7), json!("x"), json!([0]), json!({"a": null}), json!(true)]),
    ) {
        let places = places(pair.0);
        let place = *place.get(&places);
        let found = translated(pair, &with(&request_of(pair.0), place, &name, value));
        let (body, changes) = found.expect("a request that crosses");
        prop_assert!(!body.contains(&name), "{}", body);
        let expected = if place.is_empty() { "dropped:member" } else { "stripped:member" };
        prop_assert!(changes.iter().any(|change| change == expected), "{}: {:?}", place, changes);
    }
}
