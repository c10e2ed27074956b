//! Checks the reasoning in the history of a request as a vendor does: only what this simulator has signed is valid, and a turn
//! that goes on after its tools began with reasoning if the request has a budget for it.

use serde_json::Value;

use super::form::Form;
use super::refusal::Refusal;
use super::shape::SIGNATURE;

/// What Google takes in place of a signature for calls of other models, also as the bytes of a JSON string.
const PLACEHOLDERS: [&str; 2] =
    ["skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="];

/// The names of members of Gemini, each in both spellings that Google takes.
const SIGNATURES: [&str; 2] = ["thoughtSignature", "thought_signature"];
const CALLS: [&str; 2] = ["functionCall", "function_call"];
const RESULTS: [&str; 2] = ["functionResponse", "function_response"];

/// # Errors
/// 400 in the words of the vendor.
pub(super) fn check(body: &[u8], form: Form) -> Result<(), Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match form {
        Form::Completion | Form::Message => {}
        Form::Response => return check_items(&body),
        Form::Gemini => return check_contents(&body),
        Form::Converse => return check_turns(&body),
    }
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
        Form::Message | Form::Response | Form::Gemini | Form::Converse => {
            format!("{place}: Invalid `signature` in `thinking` block")
        }
    };
    Refusal::bad_request(None, None, message)
}

/// Checks the encrypted reasoning of Responses.
fn check_items(body: &Value) -> Result<(), Refusal> {
    let foreign = list(body, "input").find(|item| {
        let encrypted = &item["encrypted_content"];
        item["type"] == "reasoning" && !encrypted.is_null() && *encrypted != SIGNATURE
    });
    foreign.map_or(Ok(()), |item| {
        let id = item["id"].as_str().unwrap_or("unknown");
        let message = format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be decrypted or parsed."
        );
        Err(Refusal::bad_request(None, Some("invalid_encrypted_content"), message))
    })
}

/// Checks the signatures of Gemini: all that are there, and that the first call of each step of the last turn has one.
fn check_contents(body: &Value) -> Result<(), Refusal> {
    let contents: Vec<&Value> = list(body, "contents").collect();
    let signature = |part: &Value| either(part, SIGNATURES).as_str().map(str::to_owned);
    let is_valid = |signature: &String| *signature == SIGNATURE || PLACEHOLDERS.contains(&signature.as_str());
    let mut all = contents.iter().flat_map(|content| list(content, "parts")).filter_map(signature);
    if !all.all(|signature| is_valid(&signature)) {
        return Err(Refusal::bad_request(None, None, "Thought signature is not valid."));
    }
    let is_said = |content: &&Value| {
        content["role"] != "model" && list(content, "parts").all(|part| either(part, RESULTS).is_null())
    };
    let begins = contents.iter().rposition(is_said).unwrap_or_default();
    for content in contents.iter().skip(begins).filter(|content| content["role"] == "model") {
        let call = list(content, "parts").find(|part| !either(part, CALLS).is_null());
        if let Some(call) = call.filter(|call| either(call, SIGNATURES).is_null()) {
            let name = either(call, CALLS)["name"].as_str().unwrap_or_default();
            let message = format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `{name}`."
            );
            return Err(Refusal::bad_request(None, None, message));
        }
    }
    Ok(())
}

/// Checks the signatures of Claude in Converse.
fn check_turns(body: &Value) -> Result<(), Refusal> {
    for (number, turn) in list(body, "messages").enumerate() {
        let is_foreign = |block: &Value| {
            let reasoning = &block["reasoningContent"];
            !reasoning.is_null() && reasoning["reasoningText"]["signature"] != SIGNATURE
        };
        if let Some(place) = list(turn, "content").position(is_foreign) {
            let message = format!(
                "The model returned the following errors: messages.{number}.content.{place}: Invalid `signature` in `thinking` block"
            );
            return Err(Refusal::bad_request(None, None, message));
        }
    }
    Ok(())
}

/// The member of an object with the first of these names, else that with the second.
fn either<'a>(object: &'a Value, [first, second]: [&str; 2]) -> &'a Value {
    object.get(first).unwrap_or_else(|| &object[second])
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
