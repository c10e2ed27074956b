//! Google's `generateContent`, which only providers speak: requests are written, and answers and streams are read. No preset
//! serves it yet.

pub mod read_answer;
pub mod read_stream;
pub mod signature;
pub mod write_request;
