//! Anthropic's Messages: what the gateway reads of its answers and events, its words for errors, and the readers and writers
//! of what is translated.
//!
//! Values stay the raw JSON that the provider sent; members and events that are not known here pass unread.

pub mod answer;
pub mod answer_of_events;
pub mod content;
pub mod count;
pub mod error;
pub mod event;
pub mod events_of_answer;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
pub mod unsigned;
pub mod usage;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;

/// The event that ends a complete stream.
pub const LAST_EVENT: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// An event that clients ignore at any place of a stream.
pub const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
