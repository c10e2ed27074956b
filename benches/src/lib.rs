//! What the simulated provider says and the load generator therefore expects to hear. Both programs take the words from
//! here, so an answer that a gateway cut, doubled or mixed up is noticed.

/// The text that every answer is made of. Free of quotes and backslashes: it stands in JSON as it is.
const PASSAGE: &str = "The gateway keeps one pool of warm connections per upstream and forwards bytes as they arrive. \
A request that fails before the first byte may be tried again elsewhere; one that has begun to answer may not. ";

/// Length of the text in an answer that is not streamed, in bytes. The whole body is then about 1 KB.
const WHOLE_TEXT_BYTES: usize = 480;

/// Events of a stream beside the content: the one with the role is counted as the first chunk, so what is added is the
/// finish reason, the usage and `[DONE]`.
const CLOSING_EVENTS: usize = 3;

/// The text of an answer that is not streamed.
#[must_use]
pub fn whole_text() -> String {
    PASSAGE.chars().cycle().take(WHOLE_TEXT_BYTES).collect()
}

/// The fragments that a stream's content chunks cycle through; each is one word with a space before it.
#[must_use]
pub fn fragments() -> Vec<String> {
    PASSAGE.split_whitespace().map(|word| format!(" {word}")).collect()
}

/// The position in [`fragments`] of what the content chunk `number` says. Chunk 0 carries the role and no text.
#[must_use]
pub fn fragment_of(number: usize, fragments: usize) -> usize {
    number % fragments
}

/// The text of a whole stream of `chunks` chunks, put together.
#[must_use]
pub fn streamed_text(chunks: usize) -> String {
    let fragments = fragments();
    (1..chunks).map(|number| fragments[fragment_of(number, fragments.len())].as_str()).collect()
}

/// How many `data:` events a stream of `chunks` chunks has when its usage was asked for.
#[must_use]
pub fn streamed_events(chunks: usize) -> usize {
    chunks + CLOSING_EVENTS
}
