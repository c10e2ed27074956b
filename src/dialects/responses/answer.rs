//! A whole response.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::billed_items::is_billed_apart;
use crate::dialects::members::{Members, list};

/// The top level of a whole response.
#[derive(Debug, Deserialize)]
pub struct Answer<'a> {
    /// The id of the response, as raw JSON.
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    /// When it was made, as raw JSON.
    #[serde(borrow, default)]
    pub created_at: Option<&'a RawValue>,
    /// The name of the model, as raw JSON.
    #[serde(borrow, default)]
    pub model: Option<&'a RawValue>,
    /// Whether it is complete: `completed`, `incomplete` or another word.
    #[serde(borrow, default)]
    pub status: Option<Cow<'a, str>>,
    /// The items, as raw JSON.
    #[serde(borrow, default)]
    pub output: Option<&'a RawValue>,
    /// The reported usage, as raw JSON.
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    /// The price level at which it was made, as raw JSON.
    #[serde(borrow, default)]
    pub service_tier: Option<&'a RawValue>,
    /// What tools of the provider used, as raw JSON.
    #[serde(borrow, default)]
    pub tool_usage: Option<&'a RawValue>,
    /// The same in the form of xAI, as raw JSON.
    #[serde(borrow, default)]
    pub server_side_tool_usage: Option<&'a RawValue>,
    /// Why it is not complete, as raw JSON.
    #[serde(borrow, default)]
    pub incomplete_details: Option<&'a RawValue>,
    /// Why it failed, as raw JSON.
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// Reads a text. `None` if it is not a JSON object with fields of the usual types.
    #[must_use]
    pub fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_str(object(text)?).ok()
    }

    /// The word for its end: its status, or why it is incomplete. `None` if it has not ended.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        let reason =
            || self.incomplete_details.and_then(Members::of).and_then(|details| details.text("reason"));
        match self.status.as_deref()? {
            "completed" => Some("completed".to_owned()),
            "incomplete" => Some(reason().unwrap_or_else(|| "max_output_tokens".to_owned())),
            "failed" | "cancelled" => Some("error".to_owned()),
            _ => None,
        }
    }

    /// Whether an item shows something that the provider bills apart from tokens.
    #[must_use]
    pub fn has_billed_items(&self) -> bool {
        self.output.and_then(list).unwrap_or_default().into_iter().any(is_billed_apart)
    }

    /// What the model wrote in the items, as raw JSON: texts, reasoning, and the names and inputs of calls.
    #[must_use]
    pub fn written(&self) -> Vec<&'a RawValue> {
        let items = self.output.and_then(list).unwrap_or_default();
        items.into_iter().filter_map(Members::of).flat_map(|item| written_in(&item)).collect()
    }
}

fn written_in<'a>(item: &Members<'a>) -> Vec<&'a RawValue> {
    let of_parts = |name: &str| item.list(name).unwrap_or_default().into_iter().filter_map(Members::of);
    let texts = of_parts("content")
        .chain(of_parts("summary"))
        .filter_map(|part| part.raw("text").or_else(|| part.raw("refusal")));
    let of_call = ["name", "arguments", "input"].into_iter().filter_map(|name| item.raw(name));
    texts.chain(of_call).filter(|written| written.get() != "\"\"").collect()
}

/// A text that is a JSON object if it is JSON. A list would be read as the fields in their order.
pub(super) fn object(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok().filter(|text| text.trim_start().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_wrote_is_found_in_every_item() {
        for (output, expected) in [
            ("[]", vec![]),
            (r#"[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]"#, vec!["\"Hi\""]),
            (r#"[{"type":"message","content":[{"type":"output_text","text":""}]}]"#, vec![]),
            (r#"[{"type":"reasoning","summary":[{"type":"summary_text","text":"T"}]}]"#, vec!["\"T\""]),
            (r#"[{"type":"function_call","name":"f","arguments":"{}"}]"#, vec!["\"f\"", "\"{}\""]),
        ] {
            let body = format!(r#"{{"status":"completed","model":"m","output":{output}}}"#);
            let answer = Answer::read(body.as_bytes()).expect("a response");
            assert_eq!(
                answer.written().into_iter().map(RawValue::get).collect::<Vec<_>>(),
                expected,
                "{output}"
            );
        }
        assert!(Answer::read(b"[]").is_none());
        for (body, end) in [
            (r#"{"status":"completed"}"#, Some("completed")),
            (
                r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}"#,
                Some("content_filter"),
            ),
            (r#"{"status":"incomplete"}"#, Some("max_output_tokens")),
            (r#"{"status":"in_progress"}"#, None),
        ] {
            assert_eq!(Answer::read(body.as_bytes()).expect(body).end().as_deref(), end, "{body}");
        }
    }
}
