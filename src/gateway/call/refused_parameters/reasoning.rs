//! Whether a provider refused the reasoning in the history of a request: another model wrote it, or another endpoint signed it.
//! The same candidate is then called once more without it.

use memchr::memmem;

use super::refusal_of;
use crate::dialects::Dialect;
use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::call::redact::own_words::{Heard, without_values};
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::compatibility::{REASONING_WORDS, refuses_reasoning};

/// Whether the provider refused the reasoning in the history of this request, so that a call without it can succeed.
#[must_use]
pub fn is_refused(outcome: &AttemptOutcome, request: &ChatRequest) -> bool {
    let Some(error) = refusal_of(outcome) else { return false };
    if !refuses_reasoning(error) || !may_have_reasoning(request) {
        return false;
    }
    // A caller can write such words, too, for example as the name of a tool.
    match without_values(error, &request.text(), REASONING_WORDS) {
        Heard::All | Heard::Unknown => true,
        Heard::Rest(rest) => refuses_reasoning(&error.with_message(rest)),
    }
}

/// Whether the request may have something to leave out: reasoning, a signature, calls that lack one, or a budget that asks for
/// reasoning in each turn.
fn may_have_reasoning(request: &ChatRequest) -> bool {
    let words: &[&str] = match request.dialect {
        Dialect::ChatCompletions => &["reasoning", "signature", "thinking", "tool_calls"],
        Dialect::Messages => &["thinking"],
        Dialect::Gemini => &["functionCall"],
        Dialect::Converse => &["reasoningContent"],
        Dialect::Responses => &["reasoning"],
    };
    request
        .parts
        .iter()
        .filter(|part| matches!(part.name.as_str(), "messages" | "contents" | "input" | "thinking"))
        .any(|part| {
            let value = request.value(part);
            part.name == "thinking" || words.iter().any(|word| memmem::find(value, word.as_bytes()).is_some())
        })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::*;
    use crate::gateway::call::classify::Fault;
    use crate::providers::parse_error;

    fn refused(message: &str, body: &Value) -> bool {
        refused_as((Dialect::Messages, 400), message, body)
    }

    fn refused_as((dialect, status): (Dialect, u16), message: &str, body: &Value) -> bool {
        let request = ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request");
        let said = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
        let error =
            parse_error(status, &HeaderMap::new(), said.to_string().as_bytes(), chrono::DateTime::UNIX_EPOCH);
        is_refused(&AttemptOutcome::Failed(Fault::Upstream(Box::new(error))), &request)
    }

    fn body(block: &Value) -> Value {
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [block]}]})
    }

    #[test]
    fn only_the_providers_own_words_about_reasoning_that_was_sent_count() {
        let message = "messages.1.content.0: Invalid `signature` in `thinking` block";
        let signed = json!({"type": "thinking", "thinking": "T", "signature": "c2ln"});
        assert!(refused(message, &body(&signed)));
        assert!(!refused(message, &body(&json!({"type": "text", "text": "Hello"}))), "no reasoning");
        assert!(!refused("messages.1: field required", &body(&signed)));
        let quoted =
            json!({"type": "text", "text": "thinking: the signature of the thinking block is invalid"});
        let repeats =
            "messages.1.content.0: unsupported text: the signature of the thinking block is invalid";
        assert!(!refused(repeats, &body(&quoted)), "repeated from the request");
        let asks = json!({"model": "m", "max_tokens": 2_000, "messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "enabled", "budget_tokens": 1_024}});
        let missing = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.";
        assert!(refused(missing, &asks));
    }

    #[test]
    fn items_of_reasoning_are_refused_in_the_words_of_responses() {
        let id = "rs_0123456789abcdef";
        let kept = |items: Value| json!({"model": "m", "input": items});
        let input = kept(json!([
            {"role": "user", "content": "Hi"},
            {"type": "reasoning", "id": format!("{id}_p{}", "0".repeat(32)), "encrypted_content": "gAAAAABpQUJDREVGR0g="},
            {"type": "function_call", "id": "fc_0123456789abcdef", "call_id": "c", "name": "f", "arguments": "{}"},
        ]));
        for (status, message) in [
            (400, "The encrypted content gAAAAABpQUJDREVGR0g= could not be verified.".to_owned()),
            (400, "The encrypted content gAAA...R0g= could not be verified. Reason: Encrypted content could not be decrypted or parsed.".to_owned()),
            (400, format!("The encrypted content for item {id} could not be verified. Reason: Encrypted content organization_id did not match the target organization.")),
            (400, "Invalid encrypted content.".to_owned()),
            (404, format!("Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.")),
            (400, format!("Item with id '{id}' not found.")),
            (400, format!("Item 'fc_0123456789abcdef' of type 'function_call' was provided without its required 'reasoning' item: '{id}'.")),
            (400, format!("Item '{id}' of type 'reasoning' was provided without its required following item.")),
            (400, "Reasoning input items can only be provided to a reasoning or computer use model. Remove reasoning items from your input and try again.".to_owned()),
        ] {
            assert!(refused_as((Dialect::Responses, status), &message, &input), "{message}");
            let without = kept(json!([{"role": "user", "content": "Hi"}]));
            assert!(!refused_as((Dialect::Responses, status), &message, &without), "nothing to leave out: {message}");
            assert!(!refused_as((Dialect::Responses, 500), &message, &input), "{message}");
        }
        let other = "The model `m` does not exist or you do not have access to it.";
        assert!(!refused_as((Dialect::Responses, 404), other, &input));
    }
}
