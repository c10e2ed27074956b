//! The text that the simulated provider sends and the load generator expects. Both programs share it, so an answer
//! that a gateway truncates, duplicates or mixes up is detected.

/// The text that every answer consists of. It has no quotes or backslashes, so JSON needs no escapes.
const PASSAGE: &str = "The gateway keeps one pool of warm connections per upstream and forwards bytes as they arrive. \
A request that fails before the first byte may be tried again elsewhere; one that has begun to answer may not. ";

/// The length of the text in an answer that is not streamed, in bytes. The whole body is then about 1 KB.
const WHOLE_TEXT_BYTES: usize = 480;

/// Events of a stream besides the content chunks: finish reason, usage and `[DONE]`. The role counts as the first
/// chunk.
const CLOSING_EVENTS: usize = 3;

/// The text of an answer that is not streamed.
#[must_use]
pub fn whole_text() -> String {
    PASSAGE.chars().cycle().take(WHOLE_TEXT_BYTES).collect()
}

/// The fragments that a stream's content chunks cycle through; each is one word with a leading blank.
#[must_use]
pub fn fragments() -> Vec<String> {
    PASSAGE.split_whitespace().map(|word| format!(" {word}")).collect()
}

/// The index in [`fragments`] of the content chunk `number`. Chunk 0 carries the role and no text.
#[must_use]
pub fn fragment_of(number: usize, fragments: usize) -> usize {
    number % fragments
}

/// The complete text of a stream of `chunks` chunks.
#[must_use]
pub fn streamed_text(chunks: usize) -> String {
    let fragments = fragments();
    (1..chunks).map(|number| fragments[fragment_of(number, fragments.len())].as_str()).collect()
}

/// How many `data:` events a stream of `chunks` chunks has if usage is requested.
#[must_use]
pub fn streamed_events(chunks: usize) -> usize {
    chunks + CLOSING_EVENTS
}
