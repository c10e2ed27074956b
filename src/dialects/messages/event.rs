//! The events of a stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::{self, Piece};

/// What the data of an event says.
#[derive(Debug)]
pub enum Event<'a> {
    /// `message_start`: the message without its content.
    Start {
        /// The name of the model, as raw JSON.
        model: Option<&'a RawValue>,
        /// The usage until now, as raw JSON.
        usage: Option<&'a RawValue>,
    },
    /// The start of a block, or a delta of one.
    Content(Piece<'a>),
    /// `message_delta`: the end of the message, with its usage.
    End {
        /// Why the message ended; `None` if it has not.
        reason: Option<Cow<'a, str>>,
        /// The usage, as raw JSON. It counts everything until now.
        usage: Option<&'a RawValue>,
    },
    /// `message_stop`: the last event.
    Stop,
    /// `error`, in place of the rest of the stream.
    Error,
    /// `ping`, `content_block_stop`, and events that are not known here.
    Other,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Message<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Delta<'a> {
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Reads the data of an event. `None` if it is not a JSON object with fields of the usual types.
    #[must_use]
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let data: Data<'a> = serde_json::from_str(std::str::from_utf8(data).ok()?).ok()?;
        Some(match data.kind.as_deref() {
            Some("message_start") => {
                let message: Message<'a> = inside(data.message);
                Self::Start { model: message.model, usage: message.usage }
            }
            Some("content_block_start") => {
                Self::Content(data.content_block.map_or(Piece::Nothing, content::of_block))
            }
            Some("content_block_delta") => {
                Self::Content(data.delta.map_or(Piece::Nothing, content::of_delta))
            }
            Some("message_delta") => {
                let delta: Delta<'a> = inside(data.delta);
                Self::End { reason: delta.stop_reason, usage: data.usage }
            }
            Some("message_stop") => Self::Stop,
            Some("error") => Self::Error,
            Some(_) => Self::Other,
            // Proxies in front of a vendor send errors of their own.
            None if data.error.is_some() => Self::Error,
            None => Self::Other,
        })
    }
}

fn inside<'a, T: Deserialize<'a> + Default>(value: Option<&'a RawValue>) -> T {
    value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
}
