//! The parts of a request that a simulated model uses, in any dialect; everything else is skipped.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::refusal::Refusal;
use super::tool::{self, Call, Choice, Tool};

/// The used parts of a request, as chat completions and Messages name them. Unknown fields are allowed and skipped. Other dialects
/// fill in the same parts, and those that are skipped here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ChatRequest<'a> {
    #[serde(borrow, default)]
    pub(super) model: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) messages: Vec<Message<'a>>,
    pub(super) stream: Option<bool>,
    pub(super) stream_options: Option<StreamOptions>,
    pub(super) max_tokens: Option<NonZeroUsize>,
    pub(super) max_completion_tokens: Option<NonZeroUsize>,
    #[serde(borrow)]
    pub(super) tools: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_choice: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) thinking: Option<&'a RawValue>,
    /// The tools, if they were read already.
    #[serde(skip)]
    pub(super) offered: Vec<Tool<'a>>,
    /// The choice among them, if it was read already.
    #[serde(skip)]
    pub(super) choice: Option<Choice<'a>>,
    /// Whether the caller wants the model to think, if that was read already.
    #[serde(skip)]
    pub(super) wants_thought: bool,
}

/// A turn. Results of tools have the role `tool`.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A part of a message's content; parts without text (images, audio) count as empty.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    /// The content of a tool's result in Messages.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> ChatRequest<'a> {
    /// # Errors
    /// 400 for a body that is not a JSON object of the right types, or that has no model or no messages.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice::<Self>(body).map_err(|error| unreadable(&error))?.checked()
    }

    /// Requires a model and messages.
    fn checked(self) -> Result<Self, Refusal> {
        if self.model.is_empty() {
            return Err(Refusal::bad_request(Some("model"), None, "You must provide a model parameter."));
        }
        if self.messages.is_empty() {
            return Err(Refusal::bad_request(
                Some("messages"),
                None,
                "You must provide at least one message.",
            ));
        }
        Ok(self)
    }

    pub(super) fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether the caller wants the model to think.
    pub(super) fn thinks(&self) -> bool {
        self.wants_thought || self.thinking.is_some_and(|thinking| !thinking.get().contains("\"disabled\""))
    }

    pub(super) fn includes_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// The most tokens of an answer: the smaller of the two limits.
    pub(super) fn most_tokens(&self) -> Option<usize> {
        self.max_tokens.into_iter().chain(self.max_completion_tokens).min().map(NonZeroUsize::get)
    }

    /// Bytes of all contents, in their JSON form.
    pub(super) fn content_bytes(&self) -> usize {
        self.messages.iter().filter_map(|message| message.content).map(|content| content.get().len()).sum()
    }

    /// The tool call to answer with; `None` once there is a tool result. Unparsable tools are ignored.
    pub(super) fn call(&self) -> Option<Call> {
        let tools: Vec<Tool<'_>> =
            self.tools.and_then(|tools| serde_json::from_str(tools.get()).ok()).unwrap_or_default();
        let choice: Option<Choice<'_>> =
            self.tool_choice.and_then(|choice| serde_json::from_str(choice.get()).ok());
        if self.tool_text().is_some() {
            return None;
        }
        let tools = if self.offered.is_empty() { &tools } else { &self.offered };
        let choice = self.choice.as_ref().or(choice.as_ref());
        tool::choose(tools, choice, &self.last_user_text())
    }

    /// The last message, if it is a tool result.
    pub(super) fn tool_text(&self) -> Option<Cow<'a, str>> {
        let last = self.messages.last()?;
        if last.role == "tool" {
            return Some(last.text());
        }
        let parts: Vec<Part<'a>> = serde_json::from_str(last.content?.get()).ok()?;
        let result = parts.into_iter().find(|part| part.r#type == "tool_result")?;
        Some(result.content.map_or(Cow::Borrowed(""), text_of))
    }

    /// The text of the last user message; empty if there is none.
    pub(super) fn last_user_text(&self) -> Cow<'a, str> {
        let last = self.messages.iter().rev().find(|message| message.role == "user");
        last.map_or(Cow::Borrowed(""), Message::text)
    }
}

/// Reads a chat completion, or a message of Anthropic's dialect.
///
/// # Errors
/// As [`ChatRequest::parse`].
pub(super) fn read(body: &[u8]) -> Result<ChatRequest<'_>, Refusal> {
    ChatRequest::parse(body)
}

/// Reads a chat completion for the deployment that its path names.
///
/// # Errors
/// As [`ChatRequest::parse`].
pub(super) fn at_deployment<'a>(body: &'a [u8], deployment: &str) -> Result<ChatRequest<'a>, Refusal> {
    let request: ChatRequest<'a> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    ChatRequest { model: deployment.to_owned().into(), ..request }.checked()
}

/// 400 for a body that cannot be read.
pub(super) fn unreadable(error: &serde_json::Error) -> Refusal {
    Refusal::bad_request(None, None, format!("The JSON body of the request could not be read: {error}."))
}

impl<'a> Message<'a> {
    fn text(&self) -> Cow<'a, str> {
        self.content.map_or(Cow::Borrowed(""), text_of)
    }
}

/// The text of a content: a string, or parts.
fn text_of(content: &RawValue) -> Cow<'_, str> {
    if let Ok(Text(text)) = serde_json::from_str(content.get()) {
        return text;
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
    parts.into_iter().map(|part| part.text).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(messages: &str) -> String {
        let body = format!(r#"{{"model":"steady","messages":{messages}}}"#);
        ChatRequest::parse(body.as_bytes()).expect(&body).last_user_text().into_owned()
    }

    #[test]
    fn the_last_user_message_is_found_in_each_of_its_forms() {
        assert_eq!(
            text_of(r#"[{"role":"user","content":"one"},{"role":"user","content":"t\"w\u00f6"}]"#),
            "t\"wö"
        );
        assert_eq!(
            text_of(r#"[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]"#),
            "one"
        );
        let parts = r#"[{"type":"text","text":"a "},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"b"}]"#;
        assert_eq!(text_of(&format!(r#"[{{"role":"user","content":{parts}}}]"#)), "a b");
        for nothing in [
            r#"[{"role":"system","content":"s"}]"#,
            r#"[{"role":"user"}]"#,
            r#"[{"role":"user","content":null}]"#,
        ] {
            assert_eq!(text_of(nothing), "", "{nothing}");
        }
    }

    #[test]
    fn the_smaller_limit_counts() {
        let limit = |fields: &str| {
            let body =
                format!(r#"{{"model":"steady","messages":[{{"role":"user","content":"x"}}]{fields}}}"#);
            ChatRequest::parse(body.as_bytes()).map(|request| request.most_tokens())
        };
        assert_eq!(limit("").expect("absent"), None);
        assert_eq!(limit(r#","max_tokens":null"#).expect("null"), None);
        assert_eq!(limit(r#","max_tokens":5"#).expect("old name"), Some(5));
        assert_eq!(limit(r#","max_tokens":5,"max_completion_tokens":3"#).expect("both"), Some(3));
        assert!(limit(r#","max_tokens":0"#).is_err());
    }
}
