//! Amazon Bedrock's Converse, which providers alone speak: what the gateway reads of its answers and events, and the readers and
//! writers of what is translated.
//!
//! A stream is binary; the events of this folder are the JSON that it carries, as `{"<type of the event>": {...}}`.

pub mod answer;
pub mod cache_points;
pub mod event;
pub mod events_of_answer;
pub mod history;
pub mod read_answer;
pub mod read_stream;
pub mod write_request;
mod writing;
