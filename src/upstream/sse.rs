//! Splits a stream of server-sent events into events, however its bytes are chunked.
//!
//! An event is returned as the bytes that the provider sent, including its blank line. Lines end in LF, CRLF or CR.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// The longest event that is read, in bytes. An event with an image is as long as a whole answer may be.
pub const MAX_EVENT: usize = 64 * 1024 * 1024;

/// Words that servers send as the data of an event to keep the connection open.
const KEEPALIVES: [&[u8]; 9] = [
    b"ping",
    b"pong",
    b"heartbeat",
    b"keepalive",
    b"keep-alive",
    b"keep_alive",
    b"connected",
    b"ok",
    b"start",
];

/// Whether the data of an event carries nothing: an empty JSON value, or a word that keeps the connection open.
#[must_use]
pub fn is_keepalive(data: &[u8]) -> bool {
    if data.len() > 16 {
        return false;
    }
    let data = data.trim_ascii();
    let word = data.strip_prefix(b"\"").and_then(|data| data.strip_suffix(b"\"")).unwrap_or(data);
    matches!(data, b"" | b"null" | b"[]" | b"{}" | b"\"\"" | b"true" | b"false" | b"0" | b"1")
        || KEEPALIVES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// An event is longer than [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLong;

/// Splits chunks into events.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: BytesMut,
    /// A whole chunk, used without copying while nothing is left over from before.
    chunk: Bytes,
    /// How far the buffer has been searched without finding the end of an event.
    searched: usize,
    /// The first bytes have been looked at for a byte order mark, which is no part of the stream.
    begun: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    /// Takes the next chunk. All events of the previous chunk must have been taken out.
    pub fn push(&mut self, chunk: Bytes) {
        if self.buffer.is_empty() && self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            self.spill();
            self.buffer.extend_from_slice(&chunk);
        }
        if !self.begun {
            self.drop_byte_order_mark();
        }
    }

    /// Waits for the mark's third byte where a stream begins with its first ones.
    fn drop_byte_order_mark(&mut self) {
        let from_chunk = !self.chunk.is_empty();
        let text: &[u8] = if from_chunk { &self.chunk } else { &self.buffer };
        if text.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(text) {
            return;
        }
        self.begun = true;
        if text.starts_with(BYTE_ORDER_MARK) {
            if from_chunk {
                self.chunk.advance(BYTE_ORDER_MARK.len());
            } else {
                self.buffer.advance(BYTE_ORDER_MARK.len());
            }
        }
    }

    fn spill(&mut self) {
        if !self.chunk.is_empty() {
            self.buffer.extend_from_slice(&std::mem::take(&mut self.chunk));
        }
    }

    /// The next complete event; `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`EventTooLong`]: the incomplete event is longer than any event may be.
    pub fn next_event(&mut self) -> Result<Option<Bytes>, EventTooLong> {
        let from_chunk = !self.chunk.is_empty();
        let text: &[u8] = if from_chunk { &self.chunk } else { &self.buffer };
        if let Some(end) = event_end(text, self.searched) {
            if end > MAX_EVENT {
                return Err(EventTooLong);
            }
            self.searched = 0;
            return Ok(Some(if from_chunk {
                self.chunk.split_to(end)
            } else {
                self.buffer.split_to(end).freeze()
            }));
        }
        if text.len() > MAX_EVENT {
            return Err(EventTooLong);
        }
        // The last three bytes may be the start of a blank line.
        self.searched = text.len().saturating_sub(3);
        self.spill();
        Ok(None)
    }

    /// The number of bytes of the incomplete event.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// What is left at the end of the stream: an event without its blank line, or nothing.
    #[must_use]
    pub fn rest(&mut self) -> Bytes {
        self.spill();
        self.searched = 0;
        let length = self.buffer.len();
        self.buffer.copy_to_bytes(length)
    }
}

/// The position after the first blank line at or after `from`. Independent of how the text is chunked: a CR at the
/// end may become a CRLF, so more bytes are needed. Two CRs end the event at once; an LF after them is at the start
/// of the next event, where it has no meaning.
fn event_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr2(b'\n', b'\r', text.get(at..)?)?;
        match text.get(at..)? {
            [b'\n', b'\n', ..] | [b'\r', b'\r', ..] => return Some(at + 2),
            [b'\n', b'\r', b'\n', ..] => return Some(at + 3),
            [b'\n', b'\r', _, ..] => return Some(at + 2),
            [b'\n', b'\r'] => return None,
            _ => at += 1,
        }
    }
}

/// The data of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data<'a> {
    /// One `data:` line, without its prefix.
    Line(&'a [u8]),
    /// The last event, `data: [DONE]`.
    Done,
    /// No data: comments, pings, blank lines, empty `data:` lines.
    None,
    /// Several `data:` lines: see [`data_lines`].
    Many,
}

/// What an event consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines<'a> {
    /// The data of the event.
    pub data: Data<'a>,
    /// Whether each line passes as it is: a field with data or with a plain value, an empty line, or a comment without a text.
    pub plain: bool,
}

/// Reads the lines of an event, once.
#[must_use]
pub fn lines(event: &[u8]) -> Lines<'_> {
    let (mut found, mut many, mut plain) = (None, false, true);
    // A byte order mark may precede the first event.
    let mut rest = without_mark(event);
    while !rest.is_empty() {
        let (line, next) = match memchr2(b'\n', b'\r', rest) {
            Some(end) => rest.split_at(end + 1),
            None => (rest, &rest[rest.len()..]),
        };
        rest = next;
        match Line::of(line) {
            Line::Data(b"") => {}
            Line::Data(value) => {
                many |= found.is_some();
                found = Some(value);
            }
            line => plain &= line.is_plain(),
        }
    }
    let data = match found {
        Some(_) if many => Data::Many,
        Some(b"[DONE]") => Data::Done,
        Some(line) => Data::Line(line),
        None => Data::None,
    };
    Lines { data, plain }
}

/// The data of an event.
#[must_use]
pub fn data(event: &[u8]) -> Data<'_> {
    lines(event).data
}

/// A line of an event, without the characters that end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without a character.
    Empty,
    /// A comment with this text.
    Comment(&'a [u8]),
    /// A field with this data.
    Data(&'a [u8]),
    /// A field with the name, the id or the waiting time of an event.
    Field(&'a [u8]),
    /// No field of an event, which clients ignore.
    Stray,
}

/// The longest name of an event that is plain.
const LONGEST_NAME: usize = 64;
/// The most digits of a plain number.
const MOST_DIGITS: usize = 12;

impl<'a> Line<'a> {
    /// What a line is, with or without the characters that end it.
    pub(super) fn of(line: &'a [u8]) -> Self {
        let line = match line {
            [start @ .., b'\r', b'\n'] | [start @ .., b'\r' | b'\n'] => start,
            line => line,
        };
        let (name, value) = match memchr(b':', line) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        match name {
            b"" if line.is_empty() => Self::Empty,
            b"" => Self::Comment(value),
            b"data" => Self::Data(value.trim_ascii()),
            b"event" | b"id" | b"retry" => Self::Field(value.trim_ascii()),
            _ => Self::Stray,
        }
    }

    /// Whether nothing can be hidden in the line, beside the data.
    pub(super) fn is_plain(self) -> bool {
        let is_of_a_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
        match self {
            Self::Empty | Self::Data(_) | Self::Comment(b"") => true,
            Self::Field(value) => {
                value.len() <= LONGEST_NAME && value.iter().all(is_of_a_name)
                    || value.len() <= MOST_DIGITS && value.iter().all(u8::is_ascii_digit)
            }
            Self::Comment(_) | Self::Stray => false,
        }
    }
}

/// The `data:` lines without their prefixes, omitting empty ones. The standard joins them with line breaks; some
/// servers forget the blank line between two events.
pub fn data_lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(event, b"data:").filter(|value| !value.is_empty())
}

/// Whether an event has only comments and blank lines.
#[must_use]
pub fn is_comment(event: &[u8]) -> bool {
    let mut lines = without_mark(event).split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.all(|line| line.is_empty() || line.starts_with(b":"))
}

/// The name of an event, if it has a valid one.
#[must_use]
pub fn event_name(event: &[u8]) -> Option<&str> {
    // Of several names, the last one counts.
    fields(event, b"event:").last().and_then(|name| std::str::from_utf8(name).ok())
}

/// Whether the event is named `error`.
#[must_use]
pub fn is_named_error(event: &[u8]) -> bool {
    fields(event, b"event:").any(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with(b"error") || name == b"exception"
    })
}

/// Whether a body starts like an event stream. `None` if there are too few bytes to tell.
#[must_use]
pub fn begins_events(body: &[u8]) -> Option<bool> {
    const FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
    let text = without_mark(body).trim_ascii_start();
    if FIELDS.iter().any(|field| text.starts_with(field)) {
        return Some(true);
    }
    if FIELDS.iter().any(|field| field.starts_with(text)) { None } else { Some(false) }
}

/// Strips a byte order mark.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn fields<'a>(event: &'a [u8], prefix: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let lines = without_mark(event).split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter_map(move |line| line.strip_prefix(prefix).map(<[u8]>::trim_ascii))
}

#[cfg(test)]
mod tests;
