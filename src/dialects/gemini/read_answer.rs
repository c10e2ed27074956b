//! Reads a whole answer of Gemini.

use serde_json::value::RawValue;

use super::answer::{Answer as Given, Kind};
use super::signature::Signer;
use crate::dialects::answers::{Answer, Part, Stop};
use crate::dialects::ids;
use crate::dialects::members::text;
use crate::dialects::turns::{Call, Input, Signed};

/// Reads an answer of this endpoint; `stop` interprets its `finishReason`. `None` if it has no candidate, or a call has no name
/// or no valid input.
#[must_use]
pub fn read(body: &[u8], stop: fn(&str) -> Stop, signer: Signer) -> Option<Answer<'_>> {
    let given = Given::read(body)?;
    let candidate = given.candidate?;
    let stop = candidate.end.as_deref().map_or(Stop::End, stop);
    let (mut parts, mut ids, mut cut) = (Vec::new(), ids::OfAnswer::default(), false);
    for part in candidate.parts.into_iter().flatten() {
        match part.kind {
            Kind::Text(json) => parts.push(Part::Text(text(json)?)),
            Kind::Thought(json) => parts.push(Part::Reasoning(text(json)?)),
            Kind::Call(call) => match (call.name, input(call.input)) {
                (Some(name), Some(input)) => {
                    let signature = part.signature.map(|signature| signer.marked(&signature));
                    parts.extend(signature.map(|signature| Part::Signed(Signed::Call(signature))));
                    parts.push(Part::Call(Call { id: ids.give(call.id), name, input }));
                }
                // The answer broke off in it.
                _ if stop.breaks_off() => cut = true,
                _ => return None,
            },
            Kind::Media(_) | Kind::Other => {}
        }
    }
    let stop = stop.of_answer(parts.iter().any(|part| matches!(part, Part::Call(_))));
    Some(Answer { id: given.id.unwrap_or_default(), parts: joined(parts), stop, stop_sequence: None, cut })
}

/// The input of a call; `None` if it is not an object.
fn input(input: Option<&RawValue>) -> Option<Input<'_>> {
    match input {
        Some(input) => input.get().starts_with('{').then_some(Input::Borrowed(input)),
        None => Input::of_arguments(""),
    }
}

/// The parts, with texts of one kind that follow each other as one: Gemini may cut a text anywhere.
fn joined(parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    let mut whole: Vec<Part<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(more) => match whole.last_mut() {
                Some(Part::Text(known)) => known.push_str(&more),
                Some(_) | None => whole.push(Part::Text(more)),
            },
            Part::Reasoning(more) => match whole.last_mut() {
                Some(Part::Reasoning(known)) => known.push_str(&more),
                Some(_) | None => whole.push(Part::Reasoning(more)),
            },
            Part::Signed(_) | Part::Call(_) => whole.push(part),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(reason: &str) -> Stop {
        match reason {
            "MAX_TOKENS" => Stop::Length,
            "SAFETY" => Stop::Refused,
            _ => Stop::End,
        }
    }

    /// The parts of an answer, each as one line, and the stop.
    fn parts(parts: &str, finish: &str) -> Option<(Vec<String>, Stop)> {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"role":"model","parts":{parts}}},"finishReason":"{finish}","index":0}}],"responseId":"r"}}"#
        );
        let answer = read(body.as_bytes(), stop, Signer::Studio)?;
        let line = |part: &Part<'_>| match part {
            Part::Reasoning(text) => format!("reasoning {text}"),
            Part::Signed(signed) => format!("{signed:?}"),
            Part::Text(text) => format!("text {text}"),
            Part::Call(Call { id, name, input }) => {
                let id = if id.starts_with("call_") { "new" } else { id.as_str() };
                format!("call {id} {name} {}", input.get())
            }
        };
        Some((answer.parts.iter().map(line).collect(), answer.stop))
    }

    #[test]
    fn an_answer_has_thoughts_texts_and_calls() {
        let signed = format!("Call({:?})", Signer::Studio.marked("c2ln"));
        for (given, finish, expected, stop) in [
            (r#"[{"text":"Hi"}]"#, "STOP", vec!["text Hi".to_owned()], Stop::End),
            (
                r#"[{"text":"T","thought":true},{"text":"H"},{"text":"i","thoughtSignature":"eA=="}]"#,
                "STOP",
                vec!["reasoning T".to_owned(), "text Hi".to_owned()],
                Stop::End,
            ),
            (
                r#"[{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"x","name":"g"}}]"#,
                "STOP",
                vec![signed, r#"call new f {"a": 1}"#.to_owned(), "call x g {}".to_owned()],
                Stop::Calls,
            ),
            (
                r#"[{"text":"Hi"},{"functionCall":{"name":""}}]"#,
                "MAX_TOKENS",
                vec!["text Hi".to_owned()],
                Stop::Length,
            ),
            (r#"[{"text":"Hi"}]"#, "SAFETY", vec!["text Hi".to_owned()], Stop::Refused),
        ] {
            assert_eq!(parts(given, finish), Some((expected, stop)), "{given}");
        }
    }

    #[test]
    fn a_call_without_a_name_or_an_object_is_no_answer() {
        for given in [
            r#"[{"functionCall":{"args":{}}}]"#,
            r#"[{"functionCall":{"name":"f","args":[1]}}]"#,
            r#"[{"functionCall":{"name":"f","args":"{}"}}]"#,
        ] {
            assert_eq!(parts(given, "STOP"), None, "{given}");
        }
        assert!(read(br#"{"candidates":[]}"#, stop, Signer::Studio).is_none());
    }
}
