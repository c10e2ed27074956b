//! Anthropic's Messages: what the gateway reads of its answers and events, and its words for errors.
//!
//! Values stay the raw JSON that the provider sent; members and events that are not known here pass unread.

pub mod answer;
pub mod answer_of_events;
pub mod content;
pub mod count;
pub mod error;
pub mod event;
pub mod events_of_answer;
pub mod usage;

/// The event that ends a complete stream.
pub const LAST_EVENT: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// An event that clients ignore at any place of a stream.
pub const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
