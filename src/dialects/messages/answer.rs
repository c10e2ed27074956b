//! A whole message.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The top level of a whole message, or of an error in its place.
#[derive(Debug, Deserialize)]
pub struct Answer<'a> {
    /// The `type`: `message` or `error`.
    #[serde(borrow, default, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// The name of the model, as raw JSON.
    #[serde(borrow, default)]
    pub model: Option<&'a RawValue>,
    /// The blocks of the message, as raw JSON.
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    /// Why the message ended.
    #[serde(borrow, default)]
    pub stop_reason: Option<Cow<'a, str>>,
    /// The reported usage, as raw JSON.
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    /// An error in place of a message, as raw JSON.
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// Reads a text. `None` if it is not a JSON object with fields of the usual types.
    #[must_use]
    pub fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_str(std::str::from_utf8(text).ok()?).ok()
    }
}
