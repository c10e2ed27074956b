//! What the writers of several dialects have in common.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Block, Request, Role, Turn};
use crate::dialects::need::Need;

/// What a user says before a conversation that begins with an answer.
pub const CONTINUED: &str = "(continued)";
/// Take the place of the images and the documents of a result, which follow it.
pub const IMAGE_FOLLOWS: &str = "[image follows]";
/// The same for documents, which follow the result as well.
pub const DOCUMENT_FOLLOWS: &str = "[document follows]";
/// The schema of a tool that has none, where one is required.
const NO_SCHEMA: &str = r#"{"type":"object","properties":{}}"#;

/// A request that cannot be written as JSON.
pub const UNWRITTEN: Need = Need::Translation("it cannot be written");

/// What a caller asks of the reasoning. No provider gets it: what a model takes is known only when the request is adapted to it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

impl<'a> Request<'a> {
    /// What the operator says before the conversation, and the conversation.
    ///
    /// # Errors
    /// It ends with an answer, which no model of another dialect goes on with.
    pub fn conversation(&self) -> Result<(&[Turn<'a>], &[Turn<'a>]), Need> {
        if self.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
            return Err(Need::Prefill);
        }
        let leading = self.turns.iter().take_while(|turn| turn.role == Role::System).count();
        Ok(self.turns.split_at(leading))
    }

    /// What the caller asks of the reasoning; `None` if it says nothing about it.
    #[must_use]
    pub fn reasoning(&self) -> Option<Reasoning<'_>> {
        let asks = self.effort.is_some() || self.budget.is_some();
        asks.then_some(Reasoning { effort: self.effort.as_deref(), max_tokens: self.budget })
    }

    /// Whether tools are offered, of which only one may be called at once.
    #[must_use]
    pub fn calls_one_at_a_time(&self) -> bool {
        self.parallel == Some(false) && !self.tools.is_empty()
    }
}

impl Block<'_> {
    /// The text of a block; `None` if it has none, or a blank one, which most dialects refuse.
    #[must_use]
    pub fn spoken(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text),
            Self::Text(_)
            | Self::Image(_)
            | Self::Document(_)
            | Self::Call(_)
            | Self::Result(_)
            | Self::Reasoning
            | Self::Signed(_)
            | Self::CacheMark(_)
            | Self::Foreign(_) => None,
        }
    }
}

/// What the operator says in the middle of a conversation, as the text of a user at the same place.
#[must_use]
pub fn as_instruction(text: &str) -> String {
    ["<system>\n", text, "\n</system>"].concat()
}

/// The schema of a tool that has none.
///
/// # Errors
/// It cannot be written.
pub fn no_schema() -> Result<Box<RawValue>, Need> {
    owned(NO_SCHEMA.to_owned())
}

/// JSON that was written here.
///
/// # Errors
/// It is none.
pub fn owned(json: String) -> Result<Box<RawValue>, Need> {
    RawValue::from_string(json).map_err(|_| UNWRITTEN)
}
