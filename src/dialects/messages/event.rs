//! The events of a stream, and the order in which clients need them.

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
    /// `content_block_start`: the start of a block.
    Block(Piece<'a>),
    /// `content_block_delta`: a piece of a block that has begun.
    Delta(Piece<'a>),
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

/// An event, and the name that its `event:` line must have: SDKs skip events without it.
#[derive(Debug)]
pub struct Named<'a> {
    /// The name; `None` if the event is not one that SDKs read.
    pub name: Option<&'static str>,
    /// What the event says.
    pub event: Event<'a>,
}

/// The names of the events that SDKs read.
const NAMES: [&str; 7] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
];

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

#[derive(Deserialize)]
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

impl<'a> Named<'a> {
    /// Reads the data of an event, and its name if the data has no type. `None` if the data is not a JSON object with
    /// fields of the usual types, or starts a message without one.
    #[must_use]
    pub fn read(data: &'a [u8], name: Option<&str>) -> Option<Self> {
        let data: Data<'a> = serde_json::from_str(std::str::from_utf8(data).ok()?).ok()?;
        let kind = data.kind.as_deref().or(name).unwrap_or_default();
        let event = match kind {
            // Proxies in front of a vendor send errors of their own.
            _ if data.kind.is_none() && data.error.is_some() => Event::Error,
            "message_start" => {
                let message: Message<'a> = serde_json::from_str(data.message?.get()).ok()?;
                Event::Start { model: message.model, usage: message.usage }
            }
            "content_block_start" => {
                Event::Block(data.content_block.map_or(Piece::Nothing, content::of_block))
            }
            "content_block_delta" => Event::Delta(data.delta.map_or(Piece::Nothing, content::of_delta)),
            "message_delta" => {
                let delta = data.delta.and_then(|delta| serde_json::from_str::<Delta<'a>>(delta.get()).ok());
                Event::End { reason: delta.unwrap_or_default().stop_reason, usage: data.usage }
            }
            "message_stop" => Event::Stop,
            "error" => Event::Error,
            _ => Event::Other,
        };
        Some(Self { name: NAMES.into_iter().find(|known| *known == kind), event })
    }
}

/// How far a stream has come. SDKs fail on a stream that does not begin with `message_start`, and on a piece of a block
/// that has not begun.
#[derive(Debug, Default)]
pub struct Order {
    message: bool,
    block: bool,
}

impl Order {
    /// Whether clients can read the event at this place of the stream.
    #[must_use]
    pub fn admits(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start { .. } => {
                self.message = true;
                true
            }
            Event::Block(Piece::Broken) => false,
            Event::Block(_) => {
                self.block = self.message;
                self.message
            }
            Event::Delta(_) => self.block,
            Event::End { .. } | Event::Stop => self.message,
            Event::Error | Event::Other => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(data: &'a str, name: Option<&str>) -> Option<Named<'a>> {
        Named::read(data.as_bytes(), name)
    }

    #[test]
    fn an_event_is_known_by_its_type_or_by_its_name() {
        for (data, name, expected) in [
            (r#"{"type":"message_stop"}"#, None, Some("message_stop")),
            (r#"{"type":"message_stop"}"#, Some("message"), Some("message_stop")),
            ("{}", Some("message_stop"), Some("message_stop")),
            (r#"{"type":"of_next_year"}"#, Some("ping"), None),
            ("{}", None, None),
        ] {
            assert_eq!(read(data, name).expect(data).name, expected, "{data}");
        }
        assert!(matches!(read("{}", Some("message_stop")).expect("an event").event, Event::Stop));
        for name in [None, Some("message"), Some("message_delta")] {
            assert!(
                matches!(read(r#"{"error":{}}"#, name).expect("an event").event, Event::Error),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_start_has_a_message() {
        for none in [r#"{"type":"message_start"}"#, r#"{"type":"message_start","message":7}"#, "7", "{"] {
            assert!(read(none, None).is_none(), "{none}");
        }
        assert!(read(r#"{"type":"message_start","message":{}}"#, None).is_some());
    }

    #[test]
    fn a_message_begins_before_its_blocks_and_a_block_before_its_pieces() {
        let [start, block, delta] = [
            r#"{"type":"message_start","message":{}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#,
        ];
        let (end, stop) =
            (r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#, r#"{"type":"message_stop"}"#);
        let ping = r#"{"type":"ping"}"#;
        for (events, admitted) in [
            (&[ping, start, block, delta, end, stop][..], true),
            (&[start, end, stop], true),
            (&[block], false),
            (&[start, delta], false),
            (&[end], false),
            (&[stop], false),
        ] {
            let mut order = Order::default();
            let all = events.iter().all(|event| order.admits(&read(event, None).expect(event).event));
            assert_eq!(all, admitted, "{events:?}");
        }
    }
}
