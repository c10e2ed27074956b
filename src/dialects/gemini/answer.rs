//! What Google's `generateContent` answers: a whole answer, and each piece of a stream, have the same form.

use serde_json::value::RawValue;

use crate::dialects::members::Members;

/// An answer, or a piece of a stream. Only its first candidate counts.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The id of the answer.
    pub id: Option<String>,
    /// The model that answered, as JSON.
    pub model: Option<&'a RawValue>,
    /// The counts of tokens, as JSON.
    pub usage: Option<&'a RawValue>,
    /// An error in place of an answer, as JSON.
    pub error: Option<&'a RawValue>,
    /// Whether the prompt was blocked.
    pub blocked: bool,
    /// The candidate; `None` if there is none.
    pub candidate: Option<Candidate<'a>>,
}

/// What the model wrote, whole or a piece of it.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The parts of its content; `None` if it has no list of them, or an empty one.
    pub parts: Option<Vec<Part<'a>>>,
    /// Why it ended; `None` if it has not.
    pub end: Option<String>,
    /// Whether it shows that Google searched, which is billed apart.
    pub grounded: bool,
}

/// A part of a content.
#[derive(Debug)]
pub struct Part<'a> {
    /// What the part is.
    pub kind: Kind<'a>,
    /// The signature that it brings.
    pub signature: Option<String>,
}

/// What a part is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// A text of the model, as JSON.
    Text(&'a RawValue),
    /// A summary of its thoughts, as JSON.
    Thought(&'a RawValue),
    /// A call of a tool.
    Call(Call<'a>),
    /// A picture or sound, as JSON.
    Media(&'a RawValue),
    /// Anything else: code that Google ran, or nothing but a signature.
    Other,
}

/// A call of a tool.
#[derive(Debug)]
pub struct Call<'a> {
    /// The id, which some models give.
    pub id: Option<String>,
    /// The name of the tool; `None` if it is missing or empty.
    pub name: Option<String>,
    /// The input, as JSON; `None` if the tool takes none.
    pub input: Option<&'a RawValue>,
    /// The whole call, as JSON.
    pub json: &'a RawValue,
}

impl<'a> Answer<'a> {
    /// Reads an answer or a piece of a stream. `None` if it is not a JSON object.
    #[must_use]
    pub fn read(text: &'a [u8]) -> Option<Self> {
        let members: Members<'a> = serde_json::from_slice(text).ok()?;
        let candidates = members.list("candidates").unwrap_or_default();
        let feedback = members.object("promptFeedback");
        Some(Self {
            id: members.text("responseId"),
            model: members.raw("modelVersion"),
            usage: members.raw("usageMetadata"),
            error: members.raw("error"),
            blocked: feedback.is_some_and(|feedback| feedback.raw("blockReason").is_some()),
            candidate: candidates.into_iter().filter_map(Members::of).find_map(Candidate::of),
        })
    }
}

impl<'a> Candidate<'a> {
    /// A candidate; `None` if it is not the first one.
    fn of(members: Members<'a>) -> Option<Self> {
        if members.value("index").unwrap_or(0_u64) != 0 {
            return None;
        }
        let parts = members.object("content").and_then(|content| content.list("parts"));
        let parts = parts.filter(|parts| !parts.is_empty());
        let parts = parts.map(|parts| parts.into_iter().filter_map(Members::of).map(Part::of).collect());
        let grounding = members.object("groundingMetadata");
        Some(Self {
            parts,
            end: members.text("finishReason").filter(|end| !end.is_empty()),
            grounded: grounding.is_some_and(|grounding| grounding.names().next().is_some()),
        })
    }

    /// The parts of its content.
    #[must_use]
    pub fn parts(&self) -> &[Part<'a>] {
        self.parts.as_deref().unwrap_or_default()
    }
}

impl<'a> Part<'a> {
    fn of(members: Members<'a>) -> Self {
        let signature = members.text("thoughtSignature").filter(|signature| !signature.is_empty());
        let text = members.raw("text").filter(|text| text.get() != "\"\"");
        let kind = match (members.raw("functionCall"), text, members.raw("inlineData")) {
            (Some(json), _, _) => match Members::of(json) {
                Some(call) => Kind::Call(Call::of(&call, json)),
                None => Kind::Other,
            },
            (None, Some(text), _) if members.value("thought") == Some(true) => Kind::Thought(text),
            (None, Some(text), _) => Kind::Text(text),
            (None, None, Some(media)) => Kind::Media(media),
            (None, None, None) => Kind::Other,
        };
        Self { kind, signature }
    }
}

impl<'a> Call<'a> {
    fn of(members: &Members<'a>, json: &'a RawValue) -> Self {
        let some = |text: &String| !text.is_empty();
        Self {
            id: members.text("id").filter(some),
            name: members.text("name").filter(some),
            input: members.raw("args"),
            json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_they_hold() {
        let parts = r#"[{"text":"T","thought":true},{"text":"Hi"},{"text":"","thoughtSignature":"c2ln"},
            {"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"eA=="},{"functionCall":{"args":{}}},
            {"inlineData":{"mimeType":"image/png","data":"eA=="}},{"executableCode":{"code":"1"}},7]"#;
        let text = format!(
            r#"{{"candidates":[{{"index":1,"finishReason":"STOP"}},{{"content":{{"role":"model","parts":{parts}}},"finishReason":"MAX_TOKENS"}}],"responseId":"r"}}"#
        );
        let answer = Answer::read(text.as_bytes()).expect("an answer");
        let candidate = answer.candidate.expect("a candidate");
        let found: Vec<String> = candidate
            .parts()
            .iter()
            .map(|part| match &part.kind {
                Kind::Text(text) => format!("text {text}"),
                Kind::Thought(text) => format!("thought {text}"),
                Kind::Call(call) => {
                    format!("call {:?} {:?}", call.name.as_deref(), call.input.map(RawValue::get))
                }
                Kind::Media(_) => "media".to_owned(),
                Kind::Other => format!("other {:?}", part.signature.as_deref()),
            })
            .collect();
        let expected = [
            r#"thought "T""#,
            r#"text "Hi""#,
            r#"other Some("c2ln")"#,
            r#"call Some("f") Some("{\"a\":1}")"#,
            r#"call None Some("{}")"#,
            "media",
            "other None",
        ];
        assert_eq!(found, expected);
        assert_eq!((answer.id.as_deref(), candidate.end.as_deref()), (Some("r"), Some("MAX_TOKENS")));
    }

    #[test]
    fn an_answer_may_have_no_candidate_or_one_without_parts() {
        for (text, candidate, parts, blocked) in [
            ("{}", false, false, false),
            (r#"{"candidates":[]}"#, false, false, false),
            (r#"{"candidates":[{"finishReason":"STOP"}]}"#, true, false, false),
            (r#"{"candidates":[{"content":{"role":"model","parts":[]}}]}"#, true, false, false),
            (r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#, true, true, false),
            (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, false, false, true),
            (r#"{"promptFeedback":{}}"#, false, false, false),
        ] {
            let answer = Answer::read(text.as_bytes()).expect(text);
            let found = answer.candidate.as_ref().map(|candidate| candidate.parts.is_some());
            assert_eq!(found, candidate.then_some(parts), "{text}");
            assert_eq!(answer.blocked, blocked, "{text}");
        }
        assert!(Answer::read(b"[]").is_none() && Answer::read(b"{").is_none());
    }
}
