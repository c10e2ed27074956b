//! Whether a request has a form that no server takes. Servers that do not check it break over it, so an outage says little.

use serde_json::Value;

use crate::dialects::Dialect;
use crate::domain::operation::Operation;
use crate::gateway::call::redact::request_text::LONGEST;
use crate::gateway::request::chat_request::ChatRequest;

/// Fields that are numbers.
const NUMBERS: [&str; 13] = [
    "frequency_penalty",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "min_p",
    "n",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "temperature",
    "top_k",
    "top_logprobs",
    "top_p",
];

/// Fields that are lists of objects.
const LISTS: [&str; 2] = ["functions", "tools"];

/// Fields that are objects.
const OBJECTS: [&str; 2] = ["logit_bias", "response_format"];

/// Fields that are a text or a list of texts.
const TEXTS: [&str; 2] = ["stop", "stop_sequences"];

/// The roles in chat completions.
const OF_CHATS: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];
/// The roles in Messages and in Responses.
const OF_OTHERS: [&str; 4] = ["system", "developer", "user", "assistant"];

/// Whether a field of a conversation is of another type than in any API, or its turns are no turns. Of a long request nothing is
/// known.
pub(super) fn is_malformed(request: &ChatRequest) -> bool {
    let turns = match request.dialect {
        Dialect::ChatCompletions | Dialect::Messages => "messages",
        Dialect::Responses => "input",
        // Only translations are written in them.
        Dialect::Gemini | Dialect::Converse => return false,
    };
    if request.operation != Operation::Chat || request.body.len() > LONGEST {
        return false;
    }
    request.parts.iter().any(|part| {
        let name = part.name.as_str();
        let Ok(value) = serde_json::from_slice::<Value>(request.value(part)) else { return false };
        if name == turns {
            !are_turns(request.dialect, &value)
        } else {
            !value.is_null() && !is_of_its_type(name, &value)
        }
    })
}

fn is_of_its_type(name: &str, value: &Value) -> bool {
    let all = |is_one: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is_one));
    if NUMBERS.contains(&name) {
        value.is_number()
    } else if LISTS.contains(&name) {
        all(Value::is_object)
    } else if OBJECTS.contains(&name) {
        value.is_object()
    } else if TEXTS.contains(&name) {
        value.is_string() || all(Value::is_string)
    } else {
        true
    }
}

fn are_turns(dialect: Dialect, value: &Value) -> bool {
    let Some(turns) = value.as_array() else { return dialect == Dialect::Responses && value.is_string() };
    !turns.is_empty() && turns.iter().all(|turn| is_turn(dialect, turn))
}

/// Whether an element is an object with a known role, if it must have one, and with a content of parts.
fn is_turn(dialect: Dialect, turn: &Value) -> bool {
    let roles: &[&str] = if dialect == Dialect::ChatCompletions { &OF_CHATS } else { &OF_OTHERS };
    let has_role = match turn.get("role").filter(|role| !role.is_null()) {
        Some(role) => role.as_str().is_some_and(|role| roles.contains(&role)),
        None => dialect == Dialect::Responses,
    };
    let is_content = |content: &Value| match content {
        Value::Null | Value::String(_) => true,
        Value::Array(parts) => parts.iter().all(Value::is_object),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    turn.is_object() && has_role && turn.get("content").is_none_or(is_content)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn malformed(dialect: Dialect, fields: &Value) -> bool {
        let mut body = json!({"model": "m"});
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        is_malformed(&ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request"))
    }

    #[test]
    fn what_no_server_takes_is_malformed() {
        let said = json!([{"role": "user", "content": "Hi"}]);
        for fields in [
            json!({"messages": "Hi"}),
            json!({"messages": []}),
            json!({"messages": [7]}),
            json!({"messages": [{"role": "banana", "content": "Hi"}]}),
            json!({"messages": [{"content": "Hi"}]}),
            json!({"messages": [{"role": "user", "content": {"text": "Hi"}}]}),
            json!({"messages": [{"role": "user", "content": ["Hi"]}]}),
            json!({"messages": said, "temperature": "hot"}),
            json!({"messages": said, "tools": {"type": "function"}}),
            json!({"messages": said, "stop": [1]}),
            json!({"messages": said, "response_format": "json"}),
        ] {
            assert!(malformed(Dialect::ChatCompletions, &fields), "{fields}");
        }
        assert!(malformed(
            Dialect::Messages,
            &json!({"max_tokens": 9, "messages": [{"role": "tool", "content": "x"}]})
        ));
        assert!(malformed(Dialect::Responses, &json!({"input": {"role": "user"}})));
    }

    #[test]
    fn what_servers_take_is_not() {
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let turns = json!([
            {"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "x"},
        ]);
        for fields in [
            json!({"messages": turns, "temperature": 0.5, "stop": "x", "tools": [], "seed": null, "any": {"a": 1}}),
            json!({"messages": turns, "stop": ["x"], "response_format": {"type": "text"}, "logit_bias": {}}),
        ] {
            assert!(!malformed(Dialect::ChatCompletions, &fields), "{fields}");
        }
        let message = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stop_sequences": ["x"]});
        assert!(!malformed(Dialect::Messages, &message));
        for input in [json!("Hi"), json!([{"type": "function_call_output", "call_id": "c", "output": "x"}])] {
            assert!(!malformed(Dialect::Responses, &json!({"input": input})));
        }
    }
}
