//! Reads a stream of Gemini.

use crate::dialects::answers::{Event, Stop};

/// Reads a stream, in which there is nothing yet.
#[derive(Debug)]
pub struct Reader {
    /// Interprets the word of a `finishReason`.
    stop: fn(&str) -> Stop,
}

impl Reader {
    /// Reads a stream from its beginning.
    #[must_use]
    pub fn new(stop: fn(&str) -> Stop) -> Self {
        Self { stop }
    }

    /// Reads the data of one event.
    pub fn read(&mut self, _: &[u8], events: &mut Vec<Event>) {
        events.push(Event::Stop((self.stop)("")));
    }
}
