//! The members of the events of a stream.

use serde::Serialize;

use super::Kind;
use crate::dialects::responses::output::Part;

/// The members of an event about an item, besides its type and its number.
#[derive(Debug, Default, Serialize)]
pub(super) struct Fields<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[u8; 0]>,
}

impl<'a> Fields<'a> {
    /// Something about an item.
    pub(super) fn of_item(item_id: &'a str, output_index: usize) -> Self {
        Self { item_id, output_index, ..Self::default() }
    }

    /// About the only part of an item.
    pub(super) fn of(kind: Kind, item_id: &'a str, output_index: usize) -> Self {
        let of_item = Self::of_item(item_id, output_index);
        match kind {
            Kind::Reasoning => Self { summary_index: Some(0), ..of_item },
            Kind::Text => Self { content_index: Some(0), ..of_item },
        }
    }

    /// The same with the probabilities of tokens, which are unknown.
    pub(super) fn with_logprobs(self) -> Self {
        Self { logprobs: Some([]), ..self }
    }
}

/// Writes an event of this type with its number and further members, a JSON object that is not empty.
pub(super) fn write(kind: &str, number: u64, members: &str, out: &mut Vec<u8>) {
    let head = format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},");
    out.reserve(head.len() + members.len() + 1);
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(members.strip_prefix('{').unwrap_or(members).as_bytes());
    out.extend_from_slice(b"\n\n");
}
