//! Google's `generateContent`, which only providers speak: requests are written, and answers and streams are read.

pub mod answer;
mod contents;
pub mod history;
pub mod read_answer;
pub mod read_stream;
pub mod schema;
pub mod signature;
pub mod write_request;
