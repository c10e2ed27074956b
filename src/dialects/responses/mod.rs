//! OpenAI's Responses: what the gateway reads of its answers and events, its words for errors, the reader of requests that are
//! translated, and the writers of their answers. No request of another dialect is translated into it.

pub mod answer;
pub mod billed_items;
pub mod error;
pub mod event;
pub mod events_of_answer;
pub mod foreign;
mod items;
mod output;
pub mod read_request;
pub mod repeated;
mod sources;
pub mod stored;
pub mod tools;
pub mod write_answer;
pub mod write_stream;
