//! OpenAI's chat completions: readers and writers of requests, answers and streams that are translated.

pub mod documents;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
mod reasoning;
pub mod stored;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;

pub(super) use reasoning::DECIDED_BY_CLAUDE;
