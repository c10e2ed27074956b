//! Google's `generateContent`, which only providers speak: requests are written, and answers and streams are read.

pub mod answer;
mod contents;
pub mod history;
mod media;
pub mod read_answer;
pub mod read_stream;
pub mod schema;
pub mod signature;
pub mod write_request;

/// The events of a whole answer, which has the form of a piece of a stream. Google writes it over several lines.
#[must_use]
pub fn events_of_answer(body: &[u8]) -> Vec<u8> {
    let line = body.trim_ascii().iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
    b"data: ".iter().copied().chain(line).chain(*b"\n\n").collect()
}
