//! Assembles the chunks of a stream to a completion.
//!
//! Texts are concatenated, calls are merged by their index; for any other field the last value counts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::gateway::request::json_object::{RawMember, RawObject, RawText, quoted};
use crate::providers::finish_reasons::finish;

/// A completion under construction.
#[derive(Debug, Default)]
pub(super) struct Completion {
    /// Its fields except the choices, as raw JSON.
    members: Vec<(String, String)>,
    choices: BTreeMap<u64, Choice>,
    /// The number of choices that have not ended.
    unfinished: usize,
}

/// The most fields that an answer or a choice may have beside the known ones.
const MOST_MEMBERS: usize = 256;
/// The most elements at the end of a list among which a piece is looked for. An element beyond them is found only at the
/// place that its index names, so that a long list takes no long time.
const SEARCHED: usize = 128;

/// A choice under construction.
#[derive(Debug, Default)]
struct Choice {
    message: Map<String, Value>,
    /// Whether there was a delta or message that is an object.
    spoken: bool,
    /// The text of a legacy completion.
    text: Option<String>,
    /// The lists of log probabilities, their elements as raw JSON.
    logprobs: Vec<(String, String)>,
    /// The other fields, as raw JSON.
    members: Vec<(String, String)>,
    finish_reason: Option<String>,
}

impl Completion {
    /// Adds a chunk. `None` means that it is not an object. Choices that are not objects are left out.
    pub(super) fn add(&mut self, chunk: &[u8]) -> Option<()> {
        let chunk = RawObject::parse(chunk).ok()?;
        for member in &chunk.0 {
            match &*member.name {
                "choices" => self.choices(member.value)?,
                // A chunk has another `object` than a completion.
                "object" => {}
                _ => keep(&mut self.members, member),
            }
        }
        Some(())
    }

    /// Whether there are so many choices, and all have ended.
    pub(super) fn is_over(&self, choices: usize) -> bool {
        !self.is_empty() && self.choices.len() >= choices && self.unfinished == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    fn choices(&mut self, choices: RawText<'_>) -> Option<()> {
        let choices: Vec<&RawValue> = serde_json::from_str(choices.get()).unwrap_or_default();
        for (position, choice) in choices.iter().enumerate() {
            let Ok(choice) = RawObject::parse(choice.get().as_bytes()) else { continue };
            let index = choice.get("index").and_then(|index| index.get().parse().ok());
            let index = index.unwrap_or(position as u64);
            let unfinished = &mut self.unfinished;
            let known = self.choices.entry(index).or_insert_with(|| {
                *unfinished += 1;
                Choice::default()
            });
            let before = known.finish_reason.is_some();
            known.add(&choice)?;
            if !before && known.finish_reason.is_some() {
                *unfinished -= 1;
            }
        }
        Some(())
    }

    /// The completion as JSON.
    pub(super) fn into_body(mut self) -> String {
        self.members.retain(|(name, _)| name != "error");
        let mut body = String::from("{\"object\":\"chat.completion\"");
        for (name, value) in &self.members {
            write(&mut body, name, value);
        }
        body += ",\"choices\":[";
        for (position, (index, choice)) in self.choices.into_iter().enumerate() {
            if position > 0 {
                body.push(',');
            }
            choice.write(index, &mut body);
        }
        body += "]}";
        body
    }
}

impl Choice {
    fn add(&mut self, choice: &RawObject<'_>) -> Option<()> {
        for member in &choice.0 {
            let value = member.value.get();
            match &*member.name {
                "index" => {}
                "delta" => self.say(value),
                // Some providers send the whole message beside the deltas or in place of them.
                "message" if choice.present("delta").is_none() => {
                    if self.message.is_empty() {
                        self.say(value);
                    }
                }
                "message" => {}
                "text" => {
                    let text: Option<String> = serde_json::from_str(value).ok()?;
                    self.text.get_or_insert_default().push_str(&text.unwrap_or_default());
                }
                "finish_reason" => {
                    let reason: Option<String> = serde_json::from_str(value).ok()?;
                    if reason.is_some_and(|reason| finish(&reason).is_some()) {
                        self.finish_reason = Some(value.to_owned());
                    }
                }
                "logprobs" => self.probabilities(member.value),
                _ => keep(&mut self.members, member),
            }
        }
        Some(())
    }

    fn say(&mut self, delta: &str) {
        let Ok(delta) = serde_json::from_str::<Map<String, Value>>(delta) else { return };
        self.spoken = true;
        for (name, value) in delta {
            let slot = self.message.entry(&*name).or_insert(Value::Null);
            merge(slot, value, &name);
        }
    }

    /// Appends lists of log probabilities. They are by far the longest part, so they are not parsed.
    fn probabilities(&mut self, logprobs: RawText<'_>) {
        let Ok(lists) = RawObject::parse(logprobs.bytes()) else { return };
        for list in &lists.0 {
            let value = list.value.get();
            let inside = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).map(str::trim);
            let full = self.logprobs.len() >= MOST_MEMBERS;
            let known = self.logprobs.iter_mut().find(|(name, _)| *name == list.name);
            match (known, inside) {
                (Some((_, all)), Some(inside)) if !inside.is_empty() => {
                    if !all.is_empty() {
                        all.push(',');
                    }
                    all.push_str(inside);
                }
                (Some(_), _) | (None, None) => {}
                (None, Some(_)) if full => {}
                (None, Some(inside)) => self.logprobs.push((list.name.to_string(), inside.to_owned())),
            }
        }
    }

    fn write(mut self, index: u64, body: &mut String) {
        body.push_str(&format!("{{\"index\":{index}"));
        if let Some(text) = &self.text {
            write(body, "text", &quoted(text));
        }
        if self.spoken {
            self.message.entry("role").or_insert_with(|| "assistant".into());
            self.message.entry("content").or_insert(Value::Null);
            if let Some(Value::Array(calls)) = self.message.get_mut("tool_calls") {
                // Only deltas have an index.
                calls.iter_mut().filter_map(Value::as_object_mut).for_each(|call| drop(call.remove("index")));
            }
            write(body, "message", &Value::Object(self.message).to_string());
        }
        if !self.logprobs.is_empty() {
            let lists: Vec<String> =
                self.logprobs.iter().map(|(name, list)| format!("{}:[{list}]", quoted(name))).collect();
            write(body, "logprobs", &format!("{{{}}}", lists.join(",")));
        }
        for (name, value) in &self.members {
            write(body, name, value);
        }
        write(body, "finish_reason", self.finish_reason.as_deref().unwrap_or("null"));
        body.push('}');
    }
}

/// Sets a field. A later value replaces an earlier one unless it is null.
fn keep(members: &mut Vec<(String, String)>, member: &RawMember<'_>) {
    let value = member.value.get();
    let full = members.len() >= MOST_MEMBERS;
    match members.iter_mut().find(|(name, _)| *name == member.name) {
        Some((_, known)) if value != "null" => value.clone_into(known),
        Some(_) => {}
        None if full => {}
        None => members.push((member.name.to_string(), value.to_owned())),
    }
}

fn write(body: &mut String, name: &str, value: &str) {
    body.push(',');
    body.push_str(&quoted(name));
    body.push(':');
    body.push_str(value);
}

/// Merges a value into the one before it.
fn merge(known: &mut Value, piece: Value, name: &str) {
    if known.is_null() {
        *known = match piece {
            Value::Array(items) => {
                let mut list = Vec::new();
                items.into_iter().for_each(|item| join(&mut list, item, name));
                Value::Array(list)
            }
            piece => piece,
        };
        return;
    }
    match (known, piece) {
        (_, Value::Null) => {}
        // Names are repeated in each chunk rather than continued.
        (Value::String(known), Value::String(piece))
            if matches!(name, "role" | "id" | "type" | "name" | "format") =>
        {
            if known.is_empty() {
                *known = piece;
            }
        }
        (Value::String(known), Value::String(piece)) => known.push_str(&piece),
        (Value::Array(known), Value::Array(piece)) => {
            piece.into_iter().for_each(|item| join(known, item, name));
        }
        (Value::Object(known), Value::Object(piece)) => {
            for (name, value) in piece {
                merge(known.entry(&*name).or_insert(Value::Null), value, &name);
            }
        }
        (known, piece) => *known = piece,
    }
}

/// Merges an element into a list: into the element with its index. A call without an index is merged into the call
/// with its id, or into the last one.
fn join(list: &mut Vec<Value>, item: Value, name: &str) {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let place = match item.get("index").filter(|index| index.is_number()) {
        Some(index) => {
            let same = |known: &Value| {
                known.get("index") == Some(index) && text(known, "type") == text_or(&item, known, "type")
            };
            let own = index.as_u64().and_then(|index| usize::try_from(index).ok());
            let own = own.filter(|own| list.get(*own).is_some_and(same));
            own.or_else(|| last_position(list, same))
        }
        None if name == "tool_calls" => {
            let id = text(&item, "id");
            if id.is_empty() {
                list.len().checked_sub(1)
            } else {
                last_position(list, |known| text(known, "id") == id)
            }
        }
        None => None,
    };
    match place.and_then(|place| list.get_mut(place)) {
        Some(known) => merge(known, item, name),
        None => list.push(item),
    }
}

/// The position of an element, looked for among the last ones.
fn last_position(list: &[Value], same: impl Fn(&Value) -> bool) -> Option<usize> {
    let from = list.len().saturating_sub(SEARCHED);
    let at = list.get(from..)?.iter().position(same)?;
    Some(from + at)
}

/// The text of a field, or the known one if the piece has none.
fn text_or(piece: &Value, known: &Value, name: &str) -> String {
    let text = |value: &Value| value.get(name).and_then(Value::as_str).map(str::to_owned);
    text(piece).or_else(|| text(known)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completion(chunks: &[&str]) -> Value {
        let mut completion = Completion::default();
        for chunk in chunks {
            completion.add(chunk.as_bytes()).expect(chunk);
        }
        serde_json::from_str(&completion.into_body()).expect("JSON")
    }

    #[test]
    fn texts_are_joined_and_calls_are_put_together_by_their_index() {
        let seen = completion(&[
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hel","reasoning_content":"h"},"logprobs":{"content":[{"token":"Hel","logprob":-1.50}],"refusal":null}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"lo","reasoning_content":"m"},"logprobs":{"content":[{"token":"lo","logprob":-2}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}},{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls","x":1}],"system_fingerprint":"f"}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        ]);
        let expected = json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m", "system_fingerprint": "f",
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant", "content": "Hello", "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                        {"id": "b", "function": {"name": "g", "arguments": "{}"}}
                    ]
                },
                "logprobs": {"content": [{"token": "Hel", "logprob": -1.5}, {"token": "lo", "logprob": -2}]},
                "x": 1,
                "finish_reason": "tool_calls"
            }],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2}
        });
        assert_eq!(seen, expected);
    }

    #[test]
    fn choices_calls_and_thoughts_of_other_forms_are_put_together_too() {
        let seen = completion(&[
            r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"text":"a"}]}"#,
            r#"{"choices":[{"index":0,"text":"A","finish_reason":"stop"}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"B","refusal":"no","tool_calls":[{"id":"x","function":{"name":"f","arguments":"1"}}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"function_call":{"name":"g","arguments":"{"},"tool_calls":[{"function":{"arguments":"2"}},{"id":"y","function":{"name":"f"}}],"reasoning_details":[{"type":"reasoning.text","text":"t","index":0}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"function_call":{"arguments":"}"},"reasoning_details":[{"type":"reasoning.text","text":"u","index":0},{"type":"reasoning.encrypted","data":"z","index":0}]},"finish_reason":"stop"}]}"#,
        ]);
        assert_eq!(seen["choices"][0], json!({"index": 0, "text": "aA", "finish_reason": "stop"}));
        let message = &seen["choices"][1]["message"];
        assert_eq!(message["content"], "bB");
        assert_eq!(message["function_call"], json!({"name": "g", "arguments": "{}"}));
        assert_eq!(
            message["tool_calls"],
            json!([{"id": "x", "function": {"name": "f", "arguments": "12"}}, {"id": "y", "function": {"name": "f"}}])
        );
        assert_eq!(
            message["reasoning_details"],
            json!([{"type": "reasoning.text", "text": "tu", "index": 0}, {"type": "reasoning.encrypted", "data": "z", "index": 0}])
        );
    }

    #[test]
    fn a_whole_message_in_a_stream_is_the_message() {
        let seen = completion(&[
            r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}"#,
        ]);
        assert_eq!(seen["choices"][0]["message"], json!({"role": "assistant", "content": "x"}));
    }

    /// The work must not grow with the square of the number of choices, calls or fields.
    #[test]
    fn many_choices_calls_and_fields_take_no_long_time() {
        let many = 20_000;
        let mut completion = Completion::default();
        for number in (0..many).rev() {
            let chunk = format!(
                r#"{{"f{number}":1,"choices":[{{"index":{number},"delta":{{"content":"x"}},"finish_reason":"stop"}},{{"index":0,"delta":{{"tool_calls":[{{"index":{number},"function":{{"name":"f"}}}}]}}}}]}}"#
            );
            completion.add(chunk.as_bytes()).expect("a chunk");
            assert!(completion.is_over(1) || number > 0);
        }
        let body: Value = serde_json::from_str(&completion.into_body()).expect("JSON");
        assert_eq!(body["choices"].as_array().map(Vec::len), Some(many));
        assert_eq!(body["choices"][0]["message"]["tool_calls"].as_array().map(Vec::len), Some(many));
    }
}
