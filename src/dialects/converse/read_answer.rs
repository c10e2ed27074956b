//! Reads a whole answer.

use crate::dialects::answers::{Answer, Part, Stop};
use crate::dialects::ids;
use crate::dialects::members::Members;
use crate::dialects::turns::{Call, Input, Signed};

/// Reads an answer. Blocks of other kinds than text, reasoning and calls are left out. `None` if it has no message, or a call
/// has no valid input.
#[must_use]
pub fn read(body: &[u8]) -> Option<Answer<'_>> {
    let body: Members<'_> = serde_json::from_slice(body).ok()?;
    let message = body.object("output")?.object("message")?;
    let (mut parts, mut ids) = (Vec::new(), ids::OfAnswer::default());
    for block in message.list("content")?.into_iter().filter_map(Members::of) {
        if let Some(text) = block.text("text") {
            parts.push(Part::Text(text));
        } else if let Some(reasoning) = block.object("reasoningContent") {
            parts.extend(of_reasoning(&reasoning));
        } else if let Some(call) = block.object("toolUse") {
            parts.extend(of_call(&call, &mut ids)?.map(Part::Call));
        } else if let Some(cited) = block.object("citationsContent") {
            parts.push(Part::Text(of_cited(&cited)));
        }
    }
    let calls = parts.iter().any(|part| matches!(part, Part::Call(_)));
    let stop = stop(&body.text("stopReason").unwrap_or_default()).of_answer(calls);
    let stop_sequence = stop_sequence(&body).filter(|_| stop == Stop::Sequence);
    Some(Answer { id: new_id(), parts, stop, stop_sequence, cut: false })
}

/// The text of the caller that ended an answer, which Claude says if it is asked for.
pub(super) fn stop_sequence(ended: &Members<'_>) -> Option<String> {
    ended.object("additionalModelResponseFields")?.text("stop_sequence")
}

/// The id of an answer, which its provider gives none.
pub(super) fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Why an answer ended.
pub(super) fn stop(reason: &str) -> Stop {
    match reason {
        "stop_sequence" => Stop::Sequence,
        "tool_use" => Stop::Calls,
        "max_tokens" => Stop::Length,
        "model_context_window_exceeded" => Stop::Window,
        "guardrail_intervened" | "content_filtered" => Stop::Refused,
        _ => Stop::End,
    }
}

/// Reasoning, which Claude has signed and other models have not.
fn of_reasoning<'a>(reasoning: &Members<'_>) -> Option<Part<'a>> {
    if let Some(data) = reasoning.text("redactedContent") {
        return Some(Part::Signed(Signed::Redacted(data)));
    }
    let reasoning = reasoning.object("reasoningText")?;
    let text = reasoning.text("text").unwrap_or_default();
    Some(match reasoning.text("signature").filter(|signature| !signature.is_empty()) {
        Some(signature) => Part::Signed(Signed::Text { text, signature }),
        None => Part::Reasoning(text),
    })
}

/// A call of the caller's tool. `Some(None)` if the vendor has run the tool, and `None` if it is none that can be used.
fn of_call<'a>(call: &Members<'a>, ids: &mut ids::OfAnswer) -> Option<Option<Call<'a>>> {
    if call.raw("type").is_some() {
        return Some(None);
    }
    let input = call.raw("input").filter(|input| input.get().starts_with('{'))?;
    let text = |name: &str| call.text(name).filter(|text| !text.is_empty());
    let (id, name) = (text("toolUseId")?, text("name")?);
    Some(Some(Call { id: ids.give(Some(id)), name, input: Input::Borrowed(input) }))
}

/// A text with sources.
fn of_cited(cited: &Members<'_>) -> String {
    let texts = cited.list("content").unwrap_or_default().into_iter().filter_map(Members::of);
    texts.filter_map(|part| part.text("text")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts, each as one line, and the end.
    fn lines(content: &str, reason: &str) -> Option<(Vec<String>, Stop)> {
        let body = format!(
            r#"{{"output":{{"message":{{"role":"assistant","content":[{content}]}}}},"stopReason":"{reason}","usage":{{}}}}"#
        );
        let answer = read(body.as_bytes())?;
        assert_eq!(answer.id.len(), 32);
        Some((answer.parts.iter().map(|part| format!("{part:?}")).collect(), answer.stop))
    }

    #[test]
    fn the_blocks_of_an_answer_are_read_in_order() {
        let content = r#"{"reasoningContent":{"reasoningText":{"text":"T","signature":"c2ln"}}},
            {"reasoningContent":{"reasoningText":{"text":"U"}}},{"reasoningContent":{"redactedContent":"eA=="}},
            {"text":"Hi"},{"citationsContent":{"content":[{"text":"a"},{"text":"b"}],"citations":[]}},
            {"image":{"format":"png"}},{"toolUse":{"toolUseId":"s","name":"search","input":{},"type":"server_tool_use"}},
            {"toolUse":{"toolUseId":"t","name":"weather","input":{"city": "Ulm"}}}"#;
        let (parts, stop) = lines(content, "tool_use").expect("an answer");
        assert_eq!(
            parts,
            [
                r#"Signed(Text { text: "T", signature: "c2ln" })"#,
                r#"Reasoning("U")"#,
                r#"Signed(Redacted("eA=="))"#,
                r#"Text("Hi")"#,
                r#"Text("ab")"#,
                r#"Call(Call { id: "t", name: "weather", input: Borrowed(RawValue({"city": "Ulm"})) })"#,
            ]
        );
        assert_eq!(stop, Stop::Calls);
    }

    #[test]
    fn the_end_says_why() {
        for (reason, stop) in [
            ("end_turn", Stop::End),
            ("max_tokens", Stop::Length),
            ("stop_sequence", Stop::Sequence),
            ("guardrail_intervened", Stop::Refused),
            ("content_filtered", Stop::Refused),
            ("model_context_window_exceeded", Stop::Window),
            ("of_next_year", Stop::End),
            // There are no calls.
            ("tool_use", Stop::End),
        ] {
            assert_eq!(lines(r#"{"text":"Hi"}"#, reason).expect(reason).1, stop, "{reason}");
        }
    }

    #[test]
    fn the_text_that_ended_an_answer_is_read() {
        let ended = |reason: &str, more: &str| {
            let body = format!(
                r#"{{"output":{{"message":{{"content":[{{"text":"Hi"}}]}}}},"stopReason":"{reason}","additionalModelResponseFields":{more}}}"#
            );
            read(body.as_bytes()).expect("an answer").stop_sequence
        };
        assert_eq!(ended("stop_sequence", r#"{"stop_sequence":"END"}"#).as_deref(), Some("END"));
        assert_eq!(ended("end_turn", r#"{"stop_sequence":null}"#), None);
        assert_eq!(ended("stop_sequence", "null"), None);
    }

    #[test]
    fn a_broken_call_is_no_answer() {
        for call in [
            r#"{"toolUse":{"toolUseId":"t","name":"n","input":"{}"}}"#,
            r#"{"toolUse":{"toolUseId":"t","name":"n"}}"#,
            r#"{"toolUse":{"name":"n","input":{}}}"#,
            r#"{"toolUse":{"toolUseId":"t","name":"","input":{}}}"#,
        ] {
            assert!(lines(call, "tool_use").is_none(), "{call}");
        }
        assert!(read(br#"{"message":"Slow down"}"#).is_none());
    }
}
