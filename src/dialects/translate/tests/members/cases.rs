//! The members of requests in each dialect of callers, and where each of them arrives.

use serde_json::{Value, json};

use crate::dialects::{CallerDialect, Dialect};

/// A place in a request, a member there, what a body has if the member arrived, which is one of these texts, and the dialects of
/// providers in which it does not.
pub(super) type Case = (&'static str, &'static str, Value, &'static [&'static str], &'static [Dialect]);

/// The translations that there are.
pub(in crate::dialects::translate::tests) const PAIRS: [(CallerDialect, Dialect); 10] = [
    (CallerDialect::ChatCompletions, Dialect::Messages),
    (CallerDialect::ChatCompletions, Dialect::Gemini),
    (CallerDialect::ChatCompletions, Dialect::Converse),
    (CallerDialect::Messages, Dialect::ChatCompletions),
    (CallerDialect::Messages, Dialect::Gemini),
    (CallerDialect::Messages, Dialect::Converse),
    (CallerDialect::Responses, Dialect::ChatCompletions),
    (CallerDialect::Responses, Dialect::Messages),
    (CallerDialect::Responses, Dialect::Gemini),
    (CallerDialect::Responses, Dialect::Converse),
];

/// A member that arrives in no dialect, and one that arrives in each.
const LOST: &[&str] = &[];
pub(super) const NOWHERE: &[Dialect] = &[];
/// A mark for the cache, and the choice of one tool, in each dialect that has them.
const MARK: &[&str] = &["cachePoint", "\"cache_control\":{\"type\":\"ephemeral\"}"];
const ONE_TOOL: &[&str] = &["\"tool_choice\":{", "\"toolChoice\":{\"tool\"", "allowedFunctionNames"];
/// The dialects without a place for some members.
const GEMINI: &[Dialect] = &[Dialect::Gemini];
const WITHOUT_ALTERNATIVES: &[Dialect] = &[Dialect::Messages, Dialect::Converse];
pub(super) const OF_PROVIDERS: &[Dialect] = &[Dialect::Gemini, Dialect::Converse];
const WITHOUT_MARKS: &[Dialect] = &[Dialect::ChatCompletions, Dialect::Gemini];
const BUT_GEMINI: &[Dialect] = &[Dialect::ChatCompletions, Dialect::Messages, Dialect::Converse];

/// A request with a block of each kind that crosses.
pub(in crate::dialects::translate::tests) fn request_of(dialect: CallerDialect) -> Value {
    match dialect {
        CallerDialect::ChatCompletions => json!({
            "messages": [
                {"role": "system", "content": "S"},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
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
                    {"type": "input_image", "image_url": "data:image/png;base64,aGk="},
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
        ("", "max_tokens", json!(7123), &["7123"], NOWHERE),
        ("", "max_completion_tokens", json!(7123), &["7123"], NOWHERE),
        ("", "n", json!(3), LOST, NOWHERE),
        ("", "modalities", json!(["text", "audio"]), LOST, NOWHERE),
        (
            "",
            "parallel_tool_calls",
            json!(false),
            &["disable_parallel_tool_use", "\"parallelToolCalls\":false"],
            GEMINI,
        ),
        ("", "reasoning", json!({"effort": "low"}), &["\"low\""], NOWHERE),
        ("", "reasoning", json!({"effort": "low", "exclude": true}), LOST, NOWHERE),
        ("", "reasoning_effort", json!("low"), &["\"low\""], NOWHERE),
        ("", "response_format", schema, &["schema-1"], NOWHERE),
        ("", "response_format", named, LOST, NOWHERE),
        ("", "response_format", json!({"type": "json_object"}), &["application/json"], BUT_GEMINI),
        ("", "stop", json!(["END-1"]), &["END-1"], NOWHERE),
        ("", "stop", json!("END-1"), &["END-1"], NOWHERE),
        ("", "stop", json!(["\n"]), &["[\"\\n\"]"], NOWHERE),
        ("", "stream", json!(true), &["\"stream\":true"], NOWHERE),
        ("", "stream_options", json!({"include_obfuscation": true}), LOST, NOWHERE),
        ("", "temperature", json!(0.123), &["0.123"], NOWHERE),
        ("", "thinking", json!({"type": "enabled", "budget_tokens": 7123}), &["7123"], NOWHERE),
        ("", "thinking", json!({"type": "adaptive", "display": "summarized"}), LOST, NOWHERE),
        ("", "tool_choice", json!("required"), &["\"any\"", "\"ANY\""], NOWHERE),
        (
            "",
            "tool_choice",
            json!({"type": "function", "function": {"name": "f"}}),
            &["\"tool\"", "allowedFunctionNames"],
            NOWHERE,
        ),
        (
            "",
            "tool_choice",
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
            LOST,
            NOWHERE,
        ),
        ("", "top_p", json!(0.123), &["0.123"], NOWHERE),
        ("", "user", json!("user-1"), &["user-1"], OF_PROVIDERS),
        ("", "frequency_penalty", json!(0.5), LOST, NOWHERE),
        ("", "logit_bias", json!({"1": 2}), LOST, NOWHERE),
        ("", "metadata", json!({"a": "b"}), LOST, NOWHERE),
        ("", "prediction", json!({"type": "content", "content": "x"}), LOST, NOWHERE),
        ("", "presence_penalty", json!(0.5), LOST, NOWHERE),
        ("", "prompt_cache_key", json!("k"), LOST, NOWHERE),
        ("", "prompt_cache_retention", json!("24h"), LOST, NOWHERE),
        ("", "safety_identifier", json!("s"), LOST, NOWHERE),
        ("", "seed", json!(7), &["\"seed\":7"], BUT_GEMINI),
        ("", "service_tier", json!("flex"), LOST, NOWHERE),
        ("", "store", json!(true), LOST, NOWHERE),
        ("", "top_k", json!(4), &["\"topK\":4"], BUT_GEMINI),
        ("", "verbosity", json!("low"), LOST, NOWHERE),
        ("", "audio", json!({"voice": "v"}), LOST, NOWHERE),
        ("", "function_call", json!("auto"), LOST, NOWHERE),
        ("", "functions", json!([{"name": "f"}]), LOST, NOWHERE),
        ("", "logprobs", json!(true), LOST, NOWHERE),
        ("", "top_logprobs", json!(2), LOST, NOWHERE),
        ("", "web_search_options", json!({"search_context_size": "low"}), LOST, NOWHERE),
        ("/messages/1", "name", json!("n"), LOST, NOWHERE),
        ("/messages/1/content/0", "cache_control", json!({"type": "ephemeral"}), MARK, GEMINI),
        ("/messages/1/content/1/image_url", "detail", json!("low"), LOST, NOWHERE),
        ("/messages/1", "cache_control", json!({"type": "ephemeral"}), MARK, GEMINI),
        ("/messages/2", "refusal", json!("No-1"), &["No-1"], NOWHERE),
        ("/messages/2", "name", json!("n"), LOST, NOWHERE),
        ("/messages/2", "annotations", json!([{"type": "url_citation"}]), LOST, NOWHERE),
        ("/messages/2", "audio", json!({"id": "a"}), LOST, NOWHERE),
        ("/messages/2", "images", json!([{"type": "image_url"}]), LOST, NOWHERE),
        ("/messages/2", "reasoning_content", json!("T"), LOST, NOWHERE),
        ("/messages/2", "reasoning_details", detail, &["c2ln"], GEMINI),
        ("/messages/2", "function_call", json!({"name": "f", "arguments": "{}"}), LOST, NOWHERE),
        (
            "/messages/2/tool_calls/0",
            "extra_content",
            json!({"google": {"thought_signature": "x"}}),
            LOST,
            NOWHERE,
        ),
        ("/messages/2/tool_calls/0", "custom", json!({"name": "f", "input": "x"}), LOST, NOWHERE),
        ("/messages/3", "name", json!("f"), LOST, NOWHERE),
        ("/tools/0", "cache_control", json!({"type": "ephemeral"}), MARK, GEMINI),
        ("/tools/0/function", "cache_control", json!({"type": "ephemeral"}), MARK, GEMINI),
        ("/tools/0/function", "strict", json!(true), &["\"strict\":true"], OF_PROVIDERS),
        ("/tools/0/function", "parameters", json!({"anyOf": []}), LOST, NOWHERE),
        (
            "/tools/0/function",
            "parameters",
            json!({"type": "object", "anyOf": []}),
            &["\"anyOf\":[]"],
            WITHOUT_ALTERNATIVES,
        ),
    ]
}

fn of_messages() -> Vec<Case> {
    let schema = json!({"format": {"type": "json_schema", "schema": {"title": "schema-1"}}});
    let mark = || json!({"type": "ephemeral"});
    vec![
        ("", "metadata", json!({"user_id": "user-1"}), &["user-1"], OF_PROVIDERS),
        ("", "metadata", json!({"user_id": "u".repeat(65)}), LOST, NOWHERE),
        ("", "metadata", json!({"of_next_year": 1}), LOST, NOWHERE),
        ("", "output_config", json!({"effort": "low"}), &["\"low\""], NOWHERE),
        ("", "output_config", schema, &["schema-1"], NOWHERE),
        ("", "output_config", json!({"task_budget": {"total": 1}}), LOST, NOWHERE),
        (
            "",
            "output_format",
            json!({"type": "json_schema", "schema": {"title": "schema-1"}}),
            &["schema-1"],
            NOWHERE,
        ),
        ("", "stop_sequences", json!(["END-1"]), &["END-1"], NOWHERE),
        ("", "stop_sequences", json!(["a", "b", "c", "d", "e"]), &["\"d\",\"e\"]"], NOWHERE),
        ("", "stream", json!(true), &["\"stream\":true"], NOWHERE),
        ("", "temperature", json!(0.123), &["0.123"], NOWHERE),
        ("", "thinking", json!({"type": "enabled", "budget_tokens": 7123}), &["\"medium\"", "7123"], NOWHERE),
        ("", "thinking", json!({"type": "adaptive", "display": "summarized"}), LOST, NOWHERE),
        ("", "tool_choice", json!({"type": "any"}), &["\"required\"", "\"ANY\"", "\"any\""], NOWHERE),
        ("", "tool_choice", json!({"type": "tool", "name": "f"}), ONE_TOOL, NOWHERE),
        (
            "",
            "tool_choice",
            json!({"type": "auto", "disable_parallel_tool_use": true}),
            &["\"parallel_tool_calls\":false", "\"parallelToolCalls\":false"],
            GEMINI,
        ),
        ("", "top_p", json!(0.123), &["0.123"], NOWHERE),
        ("", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("", "context_management", json!({"edits": [{"type": "clear_thinking_20251015"}]}), LOST, NOWHERE),
        ("", "diagnostics", json!({"a": 1}), LOST, NOWHERE),
        ("", "fallback_credit_token", json!("t"), LOST, NOWHERE),
        ("", "inference_geo", json!("us"), LOST, NOWHERE),
        ("", "inference_geo", json!("global"), LOST, NOWHERE),
        ("", "service_tier", json!("standard_only"), LOST, NOWHERE),
        ("", "speed", json!("fast"), LOST, NOWHERE),
        ("", "thread", json!({"type": "create"}), LOST, NOWHERE),
        ("", "top_k", json!(4), &["\"topK\":4"], BUT_GEMINI),
        ("", "container", json!("c"), LOST, NOWHERE),
        ("", "fallbacks", json!("default"), LOST, NOWHERE),
        ("", "mcp_servers", json!([{"type": "url"}]), LOST, NOWHERE),
        ("/system/0", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("/messages/0/content/0", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("/messages/0/content/0", "citations", json!([{"type": "char_location"}]), LOST, NOWHERE),
        ("/messages/0/content/1", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("/messages/0/content/2", "title", json!("Title-1"), &["Title-1"], GEMINI),
        ("/messages/0/content/2", "context", json!("Context-1"), &["Context-1"], NOWHERE),
        ("/messages/0/content/2", "citations", json!({"enabled": true}), LOST, NOWHERE),
        ("/messages/1/content/1", "caller", json!({"type": "direct"}), LOST, NOWHERE),
        (
            "/messages/2/content/0",
            "is_error",
            json!(true),
            &["Error: ", "\"error\":\"R\"", "\"status\":\"error\""],
            NOWHERE,
        ),
        ("/messages/2/content/0", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("/tools/0", "strict", json!(true), &["\"strict\":true"], OF_PROVIDERS),
        ("/tools/0", "cache_control", mark(), MARK, WITHOUT_MARKS),
        ("/tools/0", "defer_loading", json!(true), LOST, NOWHERE),
        ("/tools/0", "allowed_callers", json!(["x"]), LOST, NOWHERE),
        ("/tools/0", "input_examples", json!([{"a": 1}]), LOST, NOWHERE),
        ("/tools/0", "eager_input_streaming", json!(true), LOST, NOWHERE),
        ("/tools/0", "type", json!("web_search_20250305"), LOST, NOWHERE),
    ]
}

fn of_responses() -> Vec<Case> {
    let schema = json!({"format": {"type": "json_schema", "schema": {"title": "schema-1"}}});
    vec![
        ("", "include", json!(["reasoning.encrypted_content"]), LOST, NOWHERE),
        ("", "include", json!(["message.output_text.logprobs"]), LOST, NOWHERE),
        ("", "instructions", json!("Brief-1"), &["Brief-1"], NOWHERE),
        ("", "max_output_tokens", json!(7123), &["7123"], NOWHERE),
        (
            "",
            "parallel_tool_calls",
            json!(false),
            &["\"parallel_tool_calls\":false", "disable_parallel_tool_use", "\"parallelToolCalls\":false"],
            GEMINI,
        ),
        ("", "reasoning", json!({"effort": "low"}), &["\"low\""], NOWHERE),
        ("", "reasoning", json!({"effort": "low", "context": "all_turns"}), LOST, NOWHERE),
        ("", "reasoning", json!({"summary": "auto"}), LOST, NOWHERE),
        ("", "store", json!(true), LOST, NOWHERE),
        ("", "stream", json!(true), &["\"stream\":true"], NOWHERE),
        ("", "stream_options", json!({"include_obfuscation": false}), LOST, NOWHERE),
        ("", "temperature", json!(0.123), &["0.123"], NOWHERE),
        ("", "text", json!({"verbosity": "low"}), LOST, NOWHERE),
        ("", "text", schema, &["schema-1"], NOWHERE),
        ("", "text", json!({"format": {"type": "json_object"}}), &["application/json"], BUT_GEMINI),
        ("", "tool_choice", json!("required"), &["\"required\"", "\"any\"", "\"ANY\""], NOWHERE),
        ("", "tool_choice", json!({"type": "function", "name": "f"}), ONE_TOOL, NOWHERE),
        ("", "tool_choice", json!({"type": "allowed_tools", "mode": "auto", "tools": []}), LOST, NOWHERE),
        ("", "top_p", json!(0.123), &["0.123"], NOWHERE),
        ("", "user", json!("user-1"), &["user-1"], OF_PROVIDERS),
        ("", "client_metadata", json!({"a": "b"}), LOST, NOWHERE),
        ("", "context_management", json!([{"type": "compaction"}]), LOST, NOWHERE),
        ("", "max_tool_calls", json!(3), LOST, NOWHERE),
        ("", "metadata", json!({"a": "b"}), LOST, NOWHERE),
        ("", "moderation", json!({"a": "b"}), LOST, NOWHERE),
        ("", "prompt_cache_key", json!("k"), LOST, NOWHERE),
        ("", "prompt_cache_options", json!({"mode": "x"}), LOST, NOWHERE),
        ("", "prompt_cache_retention", json!("24h"), LOST, NOWHERE),
        ("", "safety_identifier", json!("s"), LOST, NOWHERE),
        ("", "service_tier", json!("flex"), LOST, NOWHERE),
        ("", "truncation", json!("auto"), LOST, NOWHERE),
        ("", "background", json!(true), LOST, NOWHERE),
        ("", "conversation", json!("conv_1"), LOST, NOWHERE),
        ("", "previous_response_id", json!("resp_1"), LOST, NOWHERE),
        ("", "prompt", json!({"id": "pmpt_1"}), LOST, NOWHERE),
        ("", "top_logprobs", json!(2), LOST, NOWHERE),
        ("/input/0/content/1", "detail", json!("low"), LOST, NOWHERE),
        ("/input/1", "phase", json!("commentary"), LOST, NOWHERE),
        ("/input/1/content/0", "annotations", json!([{"type": "url_citation"}]), LOST, NOWHERE),
        ("/input/1/content/0", "logprobs", json!([{"token": "C"}]), LOST, NOWHERE),
        ("/input/2", "namespace", json!("space-1"), &["space-1__f"], NOWHERE),
        ("/input/2", "caller", json!({"type": "program"}), LOST, NOWHERE),
        ("/tools/0", "strict", json!(true), &["\"strict\":true"], OF_PROVIDERS),
        ("/tools/0", "defer_loading", json!(true), LOST, NOWHERE),
        ("/tools/0", "allowed_callers", json!(["x"]), LOST, NOWHERE),
        ("/tools/0", "output_schema", json!({"type": "object"}), LOST, NOWHERE),
        ("/tools/0", "type", json!("web_search"), LOST, NOWHERE),
    ]
}

pub(super) fn cases(dialect: CallerDialect) -> Vec<Case> {
    match dialect {
        CallerDialect::ChatCompletions => of_chat(),
        CallerDialect::Messages => of_messages(),
        CallerDialect::Responses => of_responses(),
    }
}
