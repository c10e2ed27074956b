//! Faults of other gateways that their users have reported: requests after which a model did the wrong thing or a provider
//! refused, and what the provider has to get.

use super::members::translated;
use super::*;
use crate::dialects::need::ServerTool;

const TO_MESSAGES: (CallerDialect, Dialect) = (CallerDialect::ChatCompletions, Dialect::Messages);
const TO_CHAT: (CallerDialect, Dialect) = (CallerDialect::Messages, Dialect::ChatCompletions);
const CODEX_TO_CHAT: (CallerDialect, Dialect) = (CallerDialect::Responses, Dialect::ChatCompletions);
const CODEX_TO_MESSAGES: (CallerDialect, Dialect) = (CallerDialect::Responses, Dialect::Messages);

/// What users see, the dialects, the request, what the provider gets and what it does not.
type Report =
    (&'static str, (CallerDialect, Dialect), Value, &'static [&'static str], &'static [&'static str]);

/// A request of a user who says this, in three messages with a call of a tool in the middle.
fn chat(calls: &Value, results: &[Value]) -> Value {
    let mut messages = vec![
        json!({"role": "user", "content": "Go"}),
        json!({"role": "assistant", "content": null, "tool_calls": calls}),
    ];
    messages.extend_from_slice(results);
    json!({"messages": messages})
}

fn function(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

fn tool(id: &str, content: &Value) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn conversations() -> Vec<Report> {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let block =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}});
    let called = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let result =
        |id: &str, content: Value| json!({"type": "tool_result", "tool_use_id": id, "content": content});
    let thought = json!({"type": "thinking", "thinking": "Secret", "signature": "c2ln"});
    vec![
        (
            "a request with several results is refused, because each is a message of its own",
            TO_MESSAGES,
            chat(
                &json!([function("a", "{}"), function("b", "{}")]),
                &[tool("a", &json!("1")), tool("b", &json!("2")), user(&json!("And?"))],
            ),
            &[
                r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}]},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"2"}]},{"type":"text","text":"And?"}]}"#,
            ],
            &[],
        ),
        (
            "an agent repeats its call for ever, because the result is a plain text",
            CODEX_TO_CHAT,
            json!({"input": [
                {"role": "user", "content": "Go"},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": "Done"}
            ]}),
            &[r#"{"role":"tool","tool_call_id":"a","content":"Done"}"#],
            &[],
        ),
        (
            "a screenshot in a result is gone",
            TO_CHAT,
            json!({"messages": [
                user(&json!("Go")), {"role": "assistant", "content": [called("a"), called("b")]},
                user(&json!([result("a", json!([block])), result("b", json!("2"))]))
            ]}),
            // After the last of the results, which belong together.
            &[
                r#"{"role":"tool","tool_call_id":"a","content":"[image follows]"},{"role":"tool","tool_call_id":"b","content":"2"},{"role":"user","content":[{"type":"image_url""#,
            ],
            &[],
        ),
        (
            "a screenshot in a result is gone, in the other direction",
            TO_MESSAGES,
            chat(
                &json!([function("a", "{}")]),
                &[tool("a", &json!([{"type": "text", "text": "See"}, image]))],
            ),
            &[
                r#""content":[{"type":"text","text":"See"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]"#,
            ],
            &[],
        ),
        (
            "a question about a picture is answered blindly",
            TO_MESSAGES,
            json!({"messages": [user(&json!([{"type": "text", "text": "What?"}, image]))]}),
            &[r#"{"type":"text","text":"What?"},{"type":"image""#],
            &[],
        ),
        (
            "a text of white space is refused",
            TO_MESSAGES,
            json!({"messages": [user(&json!([{"type": "text", "text": " \n"}, image])), {"role": "assistant", "content": "  "}, user(&json!("Go"))]}),
            &[r#"{"type":"image""#, r#"{"type":"text","text":"Go"}"#],
            &[r#""text":" "#, r#""role":"assistant""#],
        ),
        (
            "a call without arguments is refused",
            TO_MESSAGES,
            chat(&json!([function("a", "")]), &[tool("a", &json!(""))]),
            &[
                r#"{"type":"tool_use","id":"a","name":"f","input":{}}"#,
                r#"{"type":"tool_result","tool_use_id":"a"}"#,
            ],
            &[],
        ),
        (
            "arguments that a model wrote wrongly end the session",
            CODEX_TO_MESSAGES,
            json!({"input": [
                {"role": "user", "content": "Go"},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"a\":"},
                {"type": "function_call_output", "call_id": "a", "output": "No."}
            ]}),
            &[r#""input":{"_raw":"{\"a\":"}"#],
            &[],
        ),
        (
            "ids of calls with odd letters are refused",
            TO_MESSAGES,
            chat(&json!([function("functions.f:0|x", "{}")]), &[tool("functions.f:0|x", &json!("1"))]),
            &[r#""tool_use_id":"call_"#],
            &["functions.f:0|x"],
        ),
        (
            "a message of the operator in the middle moves to the front, and the cache is lost",
            TO_MESSAGES,
            json!({"messages": [{"role": "system", "content": "First"}, user(&json!("Go")), {"role": "system", "content": "Late"}, user(&json!("On"))]}),
            &[
                r#""system":[{"type":"text","text":"First"}]"#,
                r#"{"type":"text","text":"Go"},{"type":"text","text":"<system>\nLate\n</system>"}"#,
            ],
            &["cache_control"],
        ),
        (
            "the same from Claude Code to a vendor that knows such messages",
            TO_CHAT,
            json!({"system": "First", "messages": [user(&json!("Go")), {"role": "system", "content": "Late"}, user(&json!("On"))]}),
            &[
                r#"{"role":"user","content":"Go"},{"role":"system","content":"Late"},{"role":"user","content":"On"}"#,
            ],
            &[],
        ),
        (
            "reasoning of another vendor becomes a text, which models imitate",
            TO_CHAT,
            json!({"messages": [user(&json!("Go")), {"role": "assistant", "content": [thought, {"type": "text", "text": "A"}]}, user(&json!("On"))]}),
            &[r#"{"role":"assistant","content":"A"}"#],
            &["Secret", "c2ln"],
        ),
        (
            "reasoning without a signature is refused",
            TO_MESSAGES,
            json!({"messages": [user(&json!("Go")), {"role": "assistant", "content": "A", "reasoning_content": "Secret"}, user(&json!("On"))]}),
            &[r#"{"role":"assistant","content":[{"type":"text","text":"A"}]}"#],
            &["Secret", "thinking"],
        ),
        (
            "encrypted reasoning could not be verified after a change of the provider",
            CODEX_TO_MESSAGES,
            json!({"input": [
                {"role": "user", "content": "Go"}, {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Secret"},
                {"role": "assistant", "content": "A"}, {"role": "user", "content": "On"}
            ]}),
            &[r#"{"role":"assistant","content":[{"type":"text","text":"A"}]}"#],
            &["Secret", "rs_1"],
        ),
        (
            "a document of plain text is refused as no PDF",
            CODEX_TO_MESSAGES,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}]}]}),
            &[r#"{"type":"text","text":"a.txt\nhi"}"#],
            &["document"],
        ),
    ]
}

fn tools() -> Vec<Report> {
    let go = json!([{"role": "user", "content": "Go"}]);
    let function = |parameters: Value| json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]);
    vec![
        (
            "an agent finishes and has executed nothing, because its tools are in the input",
            CODEX_TO_CHAT,
            json!({"input": [
                {"type": "additional_tools", "role": "developer", "tools": [{"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}]},
                {"role": "user", "content": "Go"}
            ]}),
            &[r#""name":"functions__exec""#, r#""required":["input"]"#],
            &[],
        ),
        (
            "one tool with alternatives at its root has every request refused",
            TO_MESSAGES,
            json!({"messages": go, "tools": function(json!({"anyOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}]}))}),
            &[r#""input_schema":{"type":"object","properties":{"a":{}}}"#],
            &["anyOf"],
        ),
        (
            "a tool without a schema is refused",
            TO_MESSAGES,
            json!({"messages": go, "tools": [{"type": "function", "function": {"name": "f"}}]}),
            &[r#""input_schema":{"type":"object","properties":{}}"#],
            &[],
        ),
        (
            "a keyword of a schema that a vendor does not know is lost",
            TO_MESSAGES,
            json!({"messages": go, "tools": function(json!({"type": "object", "properties": {"z": {"const": 1}, "a": {"$schema": "x"}}}))}),
            &[r#""const":1"#, r#""$schema":"x""#],
            &[],
        ),
        (
            "temperature and top_p together are refused",
            TO_MESSAGES,
            json!({"messages": go, "temperature": 0.7, "top_p": 0.9}),
            &[r#""temperature":0.7"#],
            &["top_p"],
        ),
        (
            "a temperature above the highest is refused",
            TO_MESSAGES,
            json!({"messages": go, "temperature": 1.8}),
            &[r#""temperature":1"#],
            &["1.8"],
        ),
        (
            "a choice without tools is refused",
            TO_MESSAGES,
            json!({"messages": go, "tool_choice": "required", "parallel_tool_calls": false}),
            &[],
            &["tool_choice"],
        ),
        (
            "a model calls a tool that it may not call now",
            TO_MESSAGES,
            json!({
                "messages": go,
                "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}}],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}}
            }),
            &[r#""tools":[{"name":"g""#, r#""tool_choice":{"type":"any"}"#],
            &[r#""name":"f""#],
        ),
        (
            "a conversation that begins with an answer is refused",
            TO_MESSAGES,
            json!({"messages": [{"role": "assistant", "content": "A"}, {"role": "user", "content": "Go"}]}),
            &[
                r#""messages":[{"role":"user","content":[{"type":"text","text":"(continued)"}]},{"role":"assistant""#,
            ],
            &[],
        ),
    ]
}

#[test]
fn providers_get_what_users_of_other_gateways_missed() {
    for (symptom, pair, body, present, absent) in conversations().into_iter().chain(tools()) {
        let (written, _) = translated(pair, &body).expect(symptom);
        for text in present {
            assert!(written.contains(text), "{symptom}: {text} is not in {written}");
        }
        for text in absent {
            assert!(!written.contains(text), "{symptom}: {text} is in {written}");
        }
    }
}

#[test]
fn what_cannot_cross_is_refused_and_not_changed() {
    let go = json!([{"role": "user", "content": "Go"}]);
    for (symptom, pair, body, need) in [
        (
            "a model calls a search that no one answers",
            TO_CHAT,
            json!({"messages": go, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            Need::ServerTool(ServerTool::WebSearch),
        ),
        (
            "the same with a search of OpenAI",
            CODEX_TO_MESSAGES,
            json!({"input": "Go", "tools": [{"type": "web_search", "external_web_access": true}]}),
            Need::ServerTool(ServerTool::WebSearch),
        ),
        (
            "a file of one provider is unknown to the other",
            TO_CHAT,
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]}),
            Need::File,
        ),
        (
            "an earlier response is ignored, and the answer knows nothing of it",
            CODEX_TO_CHAT,
            json!({"input": "Go", "previous_response_id": "resp_1"}),
            Need::PreviousResponse,
        ),
        (
            "the result of a tool is all that is left of a conversation",
            TO_CHAT,
            json!({"messages": go, "thread": {"type": "continue", "previous_message_id": "msg_1"}}),
            Need::Thread,
        ),
        (
            "the last words of an assistant become words of the user",
            TO_CHAT,
            json!({"messages": [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "I"}]}),
            Need::Prefill,
        ),
        (
            "sound is left out, and the answer is about nothing",
            TO_MESSAGES,
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]}]}),
            Need::Audio,
        ),
    ] {
        assert_eq!(translated(pair, &body).err(), Some(need), "{symptom}");
    }
}

#[test]
fn a_result_without_the_id_of_its_call_is_the_callers_fault_by_name() {
    let body = chat(&json!([function("a", "{}")]), &[json!({"role": "tool", "content": "1"})]);
    let need = translated(TO_MESSAGES, &body).expect_err("no id");
    assert!(need.to_string().contains("'tool_call_id'") && need.code() == "invalid_value", "{need}");
    for (pair, member, value) in [
        (TO_MESSAGES, "stop", json!(7)),
        (TO_MESSAGES, "n", json!("two")),
        (TO_MESSAGES, "tools", json!({})),
        (TO_MESSAGES, "user", json!(["u"])),
        (TO_MESSAGES, "parallel_tool_calls", json!("no")),
        (TO_CHAT, "stop_sequences", json!("END")),
        (TO_CHAT, "metadata", json!("u")),
        (TO_CHAT, "tools", json!({})),
        (CODEX_TO_CHAT, "include", json!("all")),
        (CODEX_TO_CHAT, "user", json!(7)),
    ] {
        let mut body = json!({"messages": [{"role": "user", "content": "Go"}], "input": "Go"});
        if pair != CODEX_TO_CHAT {
            body.as_object_mut().expect("an object").remove("input");
        }
        body[member] = value;
        let need = translated(pair, &body).expect_err(member);
        assert!(need.to_string().contains(&format!("'{member}'")), "{member}: {need}");
    }
}
