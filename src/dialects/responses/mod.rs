//! OpenAI's Responses: the reader of requests that are translated, the writers of their answers, and its words for errors.
//!
//! No provider is called in this dialect so far, so there is no reader of answers.

pub mod answer;
pub mod error;
mod items;
mod output;
pub mod read_request;
pub mod repeated;
mod sources;
pub mod tools;
pub mod write_answer;
pub mod write_stream;
