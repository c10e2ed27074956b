//! Writes a whole response.

use super::foreign::{TRANSLATED, marked};
use super::output::{Called, Head, Item, Part as OutputPart, Status, id_of_item, reason};
use super::repeated::Repeated;
use crate::dialects::answers::{Answer, Part, Tokens};
use crate::dialects::ids;
use crate::dialects::turns::Signed;

/// Writes an answer as a response. The name of the model is left empty; the gateway writes it into every answer. `created` is
/// the time in seconds.
#[must_use]
pub fn write(answer: &Answer<'_>, tokens: Tokens, created: i64, repeated: &Repeated) -> Option<Vec<u8>> {
    let id = ids::of_response(&answer.id);
    let mut output: Vec<String> = Vec::new();
    let parts: Vec<&Part<'_>> = answer.parts.iter().collect();
    let mut rest = parts.as_slice();
    while let Some(first) = rest.first() {
        let alike = rest.iter().take_while(|part| is_alike(first, part)).count();
        let (item, later) = rest.split_at(alike);
        rest = later;
        let breaks_off = later.is_empty() && reason(answer.stop).is_some();
        let status = if breaks_off { "incomplete" } else { "completed" };
        output.push(self::item(item, &id, output.len(), status, repeated)?);
    }
    let head = Head { id: &id, created, model: "\"\"", repeated };
    Some(head.response(Status::Ended(answer.stop, tokens), &output).into_bytes())
}

/// Whether two parts are in one item: texts are, and reasoning is with the signature of a call behind it, but each call is an item,
/// and so is each reasoning with a signature of its own.
fn is_alike(one: &Part<'_>, other: &Part<'_>) -> bool {
    match (one, other) {
        (
            Part::Reasoning(_) | Part::Signed(Signed::Call(_)),
            Part::Reasoning(_) | Part::Signed(Signed::Call(_)),
        )
        | (Part::Text(_), Part::Text(_)) => true,
        (Part::Call(one), Part::Call(other)) => std::ptr::eq(one, other),
        (Part::Signed(one), Part::Signed(other)) => std::ptr::eq(one, other),
        (Part::Reasoning(_) | Part::Signed(_) | Part::Text(_) | Part::Call(_), _) => false,
    }
}

/// The item of some parts that are alike, as JSON.
fn item(
    parts: &[&Part<'_>],
    response: &str,
    index: usize,
    status: &'static str,
    repeated: &Repeated,
) -> Option<String> {
    if let Part::Call(call) = parts.first()? {
        let called = Called::of(call.id.clone(), call.name.clone(), repeated);
        let id = id_of_item(called.prefix(), response, index);
        return Some(called.item(&id, &called.input(call.input.get()), "completed").json());
    }
    let reasoning = parts.iter().filter_map(|part| match part {
        Part::Reasoning(text) => Some(OutputPart::SummaryText { text }),
        Part::Signed(Signed::Text { text, .. }) if !text.is_empty() => Some(OutputPart::SummaryText { text }),
        Part::Signed(_) | Part::Text(_) | Part::Call(_) => None,
    });
    let summary: Vec<OutputPart<'_>> = reasoning.collect();
    let encrypted_content = parts.iter().find_map(|part| match part {
        Part::Signed(signed) => Some(marked(signed)),
        Part::Reasoning(_) | Part::Text(_) | Part::Call(_) => None,
    });
    if !summary.is_empty() || encrypted_content.is_some() {
        let id = id_of_item(TRANSLATED, response, index);
        let encrypted_content = encrypted_content.as_deref();
        return Some(Item::Reasoning { id: &id, summary, encrypted_content }.json());
    }
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(OutputPart::of_text(text)),
        Part::Reasoning(_) | Part::Signed(_) | Part::Call(_) => None,
    });
    let id = id_of_item("msg", response, index);
    Some(Item::message(&id, status, texts.collect()).json())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialects::members::Members;
    use crate::dialects::messages;

    fn response(message: &Value, request: &str) -> Value {
        let members: Members<'_> = serde_json::from_str(request).expect(request);
        let message = message.to_string();
        let answer = messages::read_answer::read(message.as_bytes()).expect("an answer");
        let tokens = Tokens { fresh: 1, cache_read: 2, cache_write: 3, output: 5, reasoning: 4 };
        let written = write(&answer, tokens, 7, &Repeated::of(&members)).expect("a response");
        serde_json::from_slice(&written).expect("JSON")
    }

    #[test]
    fn a_message_becomes_the_items_of_a_response() {
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "content": [
                {"type": "thinking", "thinking": "T", "signature": "c2ln"},
                {"type": "thinking", "thinking": "", "signature": "c2lu"}, {"type": "redacted_thinking", "data": "eA=="},
                {"type": "text", "text": "H"}, {"type": "text", "text": "i"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "u", "name": "n__p", "input": {"input": "*** Begin"}}
            ],
            "stop_reason": "tool_use"
        });
        let tools = r#"{"tools":[{"type":"namespace","name":"n","tools":[{"type":"custom","name":"p"}]}]}"#;
        let response = response(&message, tools);
        let text =
            |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        let output = json!([
            {"type": "reasoning", "id": "rs_failsoft_1_0", "summary": [{"type": "summary_text", "text": "T"}], "encrypted_content": "ZmFpbHNvZnQ6Y2xhdWRlc2ln"},
            {"type": "reasoning", "id": "rs_failsoft_1_1", "summary": [], "encrypted_content": "ZmFpbHNvZnQ6Y2xhdWRlc2lu"},
            {"type": "reasoning", "id": "rs_failsoft_1_2", "summary": [], "encrypted_content": "ZmFpbHNvZnQ6aGlkZGVueA=="},
            {"type": "message", "id": "msg_1_3", "status": "completed", "role": "assistant", "content": [text("H"), text("i")]},
            {"type": "function_call", "id": "fc_1_4", "call_id": "t", "name": "f", "arguments": "{\"a\":1}", "status": "completed"},
            {"type": "custom_tool_call", "id": "ctc_1_5", "call_id": "u", "name": "p", "namespace": "n", "input": "*** Begin", "status": "completed"}
        ]);
        assert_eq!(response["output"], output);
        let head = json!([
            response["id"],
            response["object"],
            response["created_at"],
            response["status"],
            response["incomplete_details"]
        ]);
        assert_eq!(head, json!(["resp_1", "response", 7, "completed", null]));
        let usage = json!({
            "input_tokens": 6, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 11
        });
        assert_eq!(response["usage"], usage);
    }

    #[test]
    fn an_answer_that_broke_off_is_incomplete() {
        for (reason, status, details) in [
            ("end_turn", "completed", json!(null)),
            ("max_tokens", "incomplete", json!({"reason": "max_output_tokens"})),
            ("model_context_window_exceeded", "incomplete", json!({"reason": "max_output_tokens"})),
            ("refusal", "incomplete", json!({"reason": "content_filter"})),
        ] {
            let message =
                json!({"id": "1", "content": [{"type": "text", "text": "Hi"}], "stop_reason": reason});
            let response = response(&message, "{}");
            assert_eq!(
                (&response["status"], &response["incomplete_details"]),
                (&json!(status), &details),
                "{reason}"
            );
            assert_eq!(response["output"][0]["status"], status, "{reason}");
        }
    }
}
