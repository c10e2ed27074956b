//! Reads a whole chat completion.

use serde_json::value::RawValue;

use crate::dialects::answers::{Answer, Part, Stop};
use crate::dialects::ids;
use crate::dialects::members::{Members, list, text};
use crate::dialects::turns::{Call, Input};

/// Reads the first choice of a completion; `stop` interprets its `finish_reason`. `None` if the completion has no message, or a
/// call has no valid input.
#[must_use]
pub fn read(body: &[u8], stop: fn(&str) -> Stop) -> Option<Answer<'_>> {
    let body: Members<'_> = serde_json::from_slice(body).ok()?;
    let choice = Members::of(body.list("choices")?.first()?)?;
    let message = choice.object("message")?;
    let id = body.text("id").unwrap_or_default();
    let mut stop = stop(&choice.text("finish_reason").unwrap_or_default());
    let mut parts = Vec::new();
    let (reasoning, spoken) = content(message.raw("content"));
    let reasoning = reasoning_of(&message).unwrap_or_default() + &reasoning;
    if !reasoning.is_empty() {
        parts.push(Part::Reasoning(reasoning));
    }
    if !spoken.is_empty() {
        parts.push(Part::Text(spoken));
    }
    if let Some(refusal) = message.text("refusal").filter(|refusal| !refusal.is_empty()) {
        parts.push(Part::Text(refusal));
        stop = Stop::Refused;
    }
    let (mut ids, mut cut) = (ids::OfAnswer::default(), false);
    for call in calls(&message) {
        match self::call(&call, &mut ids) {
            Some(call) => parts.push(Part::Call(call)),
            // The answer broke off in it.
            None if stop.breaks_off() => cut = true,
            None => return None,
        }
    }
    let stop = stop.of_answer(parts.iter().any(|part| matches!(part, Part::Call(_))));
    Some(Answer { id, parts, stop, stop_sequence: None, cut })
}

/// The reasoning of a message or a delta, under the names of several vendors.
pub(super) fn reasoning_of(message: &Members<'_>) -> Option<String> {
    message.text("reasoning_content").or_else(|| message.text("reasoning"))
}

/// The reasoning and the text of a content, which is a text or a list of parts.
pub(super) fn content(content: Option<&RawValue>) -> (String, String) {
    let (mut reasoning, mut spoken) = (String::new(), String::new());
    let Some(content) = content else { return (reasoning, spoken) };
    if let Some(text) = text(content) {
        return (reasoning, text);
    }
    for part in list(content).unwrap_or_default().into_iter().filter_map(Members::of) {
        // Mistral nests the parts of its reasoning.
        if let Some(thinking) = part.raw("thinking") {
            reasoning += &spoken_in(thinking);
        } else {
            spoken += &part.text("text").unwrap_or_default();
        }
    }
    (reasoning, spoken)
}

/// The text of a nested content. Nothing is read of what is nested deeper.
fn spoken_in(content: &RawValue) -> String {
    let parts = || list(content).unwrap_or_default().into_iter().filter_map(Members::of);
    text(content).unwrap_or_else(|| parts().filter_map(|part| part.text("text")).collect())
}

/// The calls of a message or a delta, also that of the deprecated `function_call`.
pub(super) fn calls<'a>(message: &Members<'a>) -> Vec<Members<'a>> {
    let listed = message.list("tool_calls").unwrap_or_default();
    let mut calls: Vec<Members<'a>> = listed.into_iter().filter_map(Members::of).collect();
    if calls.is_empty()
        && let Some(function) = message.raw("function_call")
    {
        calls.extend(Members::from_parts([("function", function.get().as_bytes())]));
    }
    calls
}

/// A whole call. `None` if it has no name, or its input is not an object.
fn call<'a>(call: &Members<'a>, ids: &mut ids::OfAnswer) -> Option<Call<'a>> {
    let function = call.object("function")?;
    let input = match function.raw("arguments") {
        Some(arguments) if arguments.get().starts_with('{') => Input::Borrowed(arguments),
        Some(arguments) => Input::of_arguments(&text(arguments)?)?,
        None => Input::of_arguments("")?,
    };
    let name = function.text("name").filter(|name| !name.is_empty())?;
    Some(Call { id: ids.give(call.text("id")), name, input })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(reason: &str) -> Stop {
        match reason {
            "length" => Stop::Length,
            "tool_calls" => Stop::Calls,
            _ => Stop::End,
        }
    }

    /// The parts of a message, each as one line, and the stop.
    fn parts(message: &str, finish: &str) -> Option<(Vec<String>, Stop)> {
        let body = format!(r#"{{"id":"a","choices":[{{"message":{message},"finish_reason":"{finish}"}}]}}"#);
        let answer = read(body.as_bytes(), stop)?;
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
    fn messages_of_many_vendors_are_read() {
        for (message, finish, expected, stop) in [
            (r#"{"content":"Hi"}"#, "stop", vec!["text Hi"], Stop::End),
            (r#"{"content":"","reasoning_content":"R"}"#, "length", vec!["reasoning R"], Stop::Length),
            (r#"{"content":null,"reasoning":"R"}"#, "stop", vec!["reasoning R"], Stop::End),
            (
                r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"R"}]},{"type":"text","text":"Hi"}]}"#,
                "stop",
                vec!["reasoning R", "text Hi"],
                Stop::End,
            ),
            (r#"{"content":null,"refusal":"No."}"#, "stop", vec!["text No."], Stop::Refused),
            (
                r#"{"content":"Hi","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{\"z\":1, \"a\":[2]}"}},{"function":{"name":"g","arguments":""}}]}"#,
                "stop",
                vec!["text Hi", r#"call t f {"z":1, "a":[2]}"#, "call new g {}"],
                Stop::Calls,
            ),
            (
                r#"{"tool_calls":[{"id":"t","function":{"name":"f","arguments":{"a":1}}}]}"#,
                "tool_calls",
                vec![r#"call t f {"a":1}"#],
                Stop::Calls,
            ),
            (r#"{"function_call":{"name":"f"}}"#, "function_call", vec!["call new f {}"], Stop::Calls),
            (r#"{"content":"Hi"}"#, "tool_calls", vec!["text Hi"], Stop::End),
            (
                r#"{"content":"Hi","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{\"a\""}}]}"#,
                "length",
                vec!["text Hi"],
                Stop::Length,
            ),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(parts(message, finish), Some((expected, stop)), "{message}");
        }
    }

    #[test]
    fn calls_with_the_same_id_are_two() {
        let call = r#"{"id":"t","function":{"name":"f","arguments":"{}"}}"#;
        let (parts, _) = parts(&format!(r#"{{"tool_calls":[{call},{call}]}}"#), "stop").expect("an answer");
        assert_eq!(parts, ["call t f {}", "call new f {}"]);
    }

    #[test]
    fn a_call_without_valid_input_is_no_answer() {
        for arguments in [r#""{\"a\"""#, r#""[1]""#, "7", r#""text""#] {
            let message = format!(
                r#"{{"tool_calls":[{{"id":"t","function":{{"name":"f","arguments":{arguments}}}}}]}}"#
            );
            assert_eq!(parts(&message, "tool_calls"), None, "{message}");
        }
        assert_eq!(parts("7", "stop"), None);
    }
}
