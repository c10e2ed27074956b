//! One chunk of a stream, or one whole answer: what it says, and the same with our names in it.
//!
//! Imports `providers` for the errors inside of answers, [`members`](super::members), [`adapt`](super::adapt) and
//! [`cost`](super::cost).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::adapt::quoted;
use super::cost::Usage;
use super::members::{Members, span, text};

/// The catalogue's names for who answers, as JSON strings.
#[derive(Debug, Clone)]
pub struct Names {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
}

impl Names {
    /// The names as they are written into answers.
    #[must_use]
    pub fn new(model: &str, provider: &str) -> Self {
        Self { model: quoted(model), provider: quoted(provider) }
    }
}

/// What a JSON answer or chunk turned out to be.
#[derive(Debug)]
pub struct Inspected<'a> {
    members: Members<'a>,
    text: &'a [u8],
    /// What its choices say.
    pub choices: Choices,
    /// Its tokens.
    pub usage: Option<Usage>,
}

/// What the choices of an answer or chunk say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// There is at least one, or there is something in their place that we do not understand.
    pub any: bool,
    /// Something that a caller would show or act on; or something that we do not understand.
    pub content: bool,
    /// A `finish_reason`.
    pub finished: bool,
    /// The `finish_reason` is `content_filter`.
    pub filtered: bool,
    /// The `finish_reason` is `error`.
    pub broken: bool,
    /// Bytes of content, as a measure for estimates.
    pub bytes: usize,
}

/// Why a JSON text is no answer.
#[derive(Debug)]
pub enum NoAnswer<'a> {
    /// It is no JSON object.
    Broken,
    /// It is an error: the value of its `error` member.
    Error(&'a RawValue),
    /// The prompt was blocked (Gemini's `promptFeedback`).
    Blocked,
}

impl<'a> Inspected<'a> {
    /// Looks at one answer or chunk.
    ///
    /// # Errors
    /// [`NoAnswer`] says what it is instead.
    pub fn new(text: &'a [u8]) -> Result<Self, NoAnswer<'a>> {
        let members = Members::parse(text).map_err(|_| NoAnswer::Broken)?;
        if let Some(error) = members.present("error") {
            return Err(NoAnswer::Error(error));
        }
        let choices = members.present("choices").map(choices).unwrap_or_default();
        if !choices.any && blocked(&members) {
            return Err(NoAnswer::Blocked);
        }
        let usage = members.present("usage").and_then(Usage::parse);
        Ok(Self { members, text, choices, usage })
    }

    /// Whether it has the member.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some()
    }

    /// A stream's last chunk, which carries the usage and nothing else.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        !self.choices.any && self.members.present("usage").is_some()
    }

    /// The identity of a stream, for a chunk of our own: the raw `id`, `object` and `created`.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let raw = |name: &str, default: String| {
            self.members.present(name).map_or(default, |value| value.get().to_owned())
        };
        let unknown = Identity::unknown();
        Identity {
            id: raw("id", unknown.id),
            object: raw("object", unknown.object),
            created: raw("created", unknown.created),
        }
    }

    /// Writes the text into `out` with our names in it. `extra` is a member to add, such as `"a":null`; everything
    /// else is copied byte for byte.
    pub fn write(&self, out: &mut Vec<u8>, names: &Names, extra: &[String]) {
        let mut edits: Vec<(std::ops::Range<usize>, &str)> = Vec::with_capacity(2);
        let mut added: Vec<Cow<'_, str>> = Vec::new();
        for (name, value) in [("model", &names.model), ("provider", &names.provider)] {
            match self.members.get(name) {
                Some(old) => edits.push((span(self.text, old.get()), value)),
                None => added.push(format!("\"{name}\":{value}").into()),
            }
        }
        added.extend(extra.iter().map(|extra| Cow::Borrowed(extra.as_str())));
        edits.sort_unstable_by_key(|(range, _)| range.start);
        let mut from = 0;
        for (range, value) in edits {
            out.extend_from_slice(self.text.get(from..range.start).unwrap_or_default());
            out.extend_from_slice(value.as_bytes());
            from = range.end;
        }
        let end = self.text.iter().rposition(|byte| *byte == b'}').unwrap_or(self.text.len());
        out.extend_from_slice(self.text.get(from..end).unwrap_or_default());
        let mut first = self.members.0.is_empty();
        for member in added {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(member.as_bytes());
        }
        out.extend_from_slice(self.text.get(end..).unwrap_or_default());
    }
}

/// The identity of a stream: raw JSON values.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `id`.
    pub id: String,
    /// `object`.
    pub object: String,
    /// `created`.
    pub created: String,
}

impl Identity {
    /// For a stream that never told its own.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            id: "\"\"".to_owned(),
            object: "\"chat.completion.chunk\"".to_owned(),
            created: "0".to_owned(),
        }
    }
}

fn blocked(members: &Members<'_>) -> bool {
    let feedback = members.present("promptFeedback").or_else(|| members.present("prompt_feedback"));
    feedback.is_some_and(|feedback| {
        Members::parse(feedback.get().as_bytes()).is_ok_and(|feedback| {
            feedback.present("blockReason").or_else(|| feedback.present("block_reason")).is_some()
        })
    })
}

/// Only these members of a choice are ours to look at.
#[derive(serde::Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<Members<'a>>,
    #[serde(borrow, default)]
    message: Option<Members<'a>>,
    #[serde(borrow, default, rename = "text")]
    completion: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<Reason<'a>>,
}

struct Reason<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Reason<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Reason)
    }
}

fn choices(raw: &RawValue) -> Choices {
    // Not understood: a caller may, so it counts as content and passes.
    let foreign = Choices { any: true, content: true, bytes: raw.get().len(), ..Choices::default() };
    serde_json::from_str(raw.get()).unwrap_or(foreign)
}

/// Choices are looked at one by one and not kept: a hostile list of them may be long.
impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Choices;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of choices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
                let mut seen = Choices::default();
                while let Some(choice) = list.next_element()? {
                    seen.look_at(&choice);
                }
                Ok(seen)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl Choices {
    fn look_at(&mut self, choice: &Choice<'_>) {
        self.any = true;
        let parts = choice.delta.iter().chain(&choice.message).flat_map(|members| &members.0);
        let said = parts.filter(|member| member.name != "role").map(|member| member.value);
        for value in said.chain(choice.completion).map(RawValue::get).filter(|value| !is_blank(value)) {
            self.content = true;
            self.bytes += value.len();
        }
        // Some vendors send an empty one with every chunk.
        if let Some(Reason(reason)) = choice.finish_reason.as_ref().filter(|reason| !reason.0.is_empty()) {
            self.finished = true;
            self.filtered |= reason == "content_filter";
            self.broken |= reason == "error";
        }
    }
}

fn is_blank(value: &str) -> bool {
    matches!(value, "null" | "\"\"" | "[]" | "{}" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices_of(text: &str) -> Choices {
        Inspected::new(text.as_bytes()).expect("an answer").choices
    }

    #[test]
    fn what_makes_a_frame_real() {
        for (text, content, finished) in [
            (r#"{"choices":[]}"#, false, false),
            (r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, false, false),
            (r#"{"choices":[{"delta":{"role":"assistant","content":null,"refusal":null}}]}"#, false, false),
            (r#"{"choices":[{"delta":{"content":"x"}}]}"#, true, false),
            (r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#, true, false),
            (r#"{"choices":[{"delta":{"reasoning_content":"x"}}]}"#, true, false),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, false, true),
            (r#"{"choices":[{"delta":{"role":"assistant"},"finish_reason":""}]}"#, false, false),
            (r#"{"choices":"surprise"}"#, true, false),
        ] {
            let choices = choices_of(text);
            assert_eq!((choices.content, choices.finished), (content, finished), "{text}");
        }
        assert!(choices_of(r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#).filtered);
    }

    #[test]
    fn only_our_names_change() {
        let names = Names::new("ours", "house");
        for (text, expected) in [
            (
                r#"{ "id":"1", "model" : "theirs","x":1.0e5 }"#,
                r#"{ "id":"1", "model" : "ours","x":1.0e5 ,"provider":"house"}"#,
            ),
            (r#"{"provider":"p","model":"m"}"#, r#"{"provider":"house","model":"ours"}"#),
            (r#"{}"#, r#"{"model":"ours","provider":"house"}"#),
        ] {
            let mut out = Vec::new();
            Inspected::new(text.as_bytes()).expect("an answer").write(&mut out, &names, &[]);
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }

    #[test]
    fn an_error_inside_of_an_answer_is_found_and_a_null_one_is_none() {
        assert!(matches!(Inspected::new(br#"{"error":{"message":"no"}}"#), Err(NoAnswer::Error(_))));
        assert!(Inspected::new(br#"{"error":null,"choices":[]}"#).is_ok());
        assert!(matches!(Inspected::new(b"<html>"), Err(NoAnswer::Broken)));
        assert!(matches!(
            Inspected::new(br#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
            Err(NoAnswer::Blocked)
        ));
    }
}
