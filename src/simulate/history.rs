//! Checks the reasoning in the history of a request as a vendor does: only what this simulator has signed is valid, and a turn
//! that goes on after its tools began with reasoning if the request has a budget for it.

use serde_json::Value;

use super::form::Form;
use super::refusal::Refusal;
use super::shape::SIGNATURE;

/// # Errors
/// 400 in the words of Anthropic or Google.
pub(super) fn check(body: &[u8], form: Form) -> Result<(), Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (number, message) in messages.iter().enumerate() {
        if let Some(place) = list(message, "content").position(is_foreign) {
            return Err(refused(form, format!("messages.{number}.content.{place}")));
        }
        if list(message, "reasoning_details").any(is_foreign) {
            return Err(refused(form, format!("messages.{number}")));
        }
    }
    if form == Form::Message && body["thinking"]["type"] == "enabled" && lacks_reasoning(messages) {
        let message = "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.";
        return Err(Refusal::bad_request(None, None, message));
    }
    Ok(())
}

fn refused(form: Form, place: String) -> Refusal {
    let message = match form {
        Form::Completion => "Thought signature is not valid.".to_owned(),
        Form::Message => format!("{place}: Invalid `signature` in `thinking` block"),
    };
    Refusal::bad_request(None, None, message)
}

fn list<'a>(message: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    message[name].as_array().into_iter().flatten()
}

/// Whether a block, or a detail of a chat completion, is reasoning of another one.
fn is_foreign(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("thinking" | "reasoning.text") => block["signature"] != SIGNATURE,
        Some("redacted_thinking" | "reasoning.encrypted") => true,
        Some(_) | None => false,
    }
}

fn lacks_reasoning(messages: &[Value]) -> bool {
    let goes_on = |message: &Value| list(message, "content").any(|block| block["type"] == "tool_result");
    let mut answers = messages.iter().filter(|message| message["role"] == "assistant");
    let first = answers.next_back().and_then(|answer| list(answer, "content").next());
    messages.last().is_some_and(goes_on) && first.is_some_and(|block| block["type"] != "thinking")
}
