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
        Dialect::Gemini => &["thoughtSignature"],
        Dialect::Converse => &["reasoningContent"],
        // Nothing is left out of a response's input.
        Dialect::Responses => return false,
    };
    request
        .parts
        .iter()
        .filter(|part| matches!(part.name.as_str(), "messages" | "contents" | "thinking"))
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
        let request =
            ChatRequest::parse_as(Dialect::Messages, Bytes::from(body.to_string())).expect("a request");
        let said = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
        let error =
            parse_error(400, &HeaderMap::new(), said.to_string().as_bytes(), chrono::DateTime::UNIX_EPOCH);
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
}
