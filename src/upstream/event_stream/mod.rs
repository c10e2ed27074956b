//! Splits a stream of AWS's binary messages (`application/vnd.amazon.eventstream`), however its bytes are chunked, and writes
//! each as a server-sent event, so that everything after it reads one kind of stream.
//!
//! A message is its length, the length of its headers and a checksum of both; then the headers, the payload, and a checksum of
//! everything before it. Numbers are big-endian, and checksums are CRC-32.
//!
//! An event becomes `data: {"<its type>":<its payload>}`. An exception, which ends the stream, becomes an event that is named
//! `exception`, with the type in `__type` and the status of the same error over HTTP in `status`.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::providers::aws::exceptions;

/// The longest message, in bytes. AWS sends none that is longer.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The most bytes of the headers of a message.
const MAX_HEADERS: usize = 128 * 1024;
/// The bytes of the two lengths and their checksum.
const PRELUDE: usize = 12;
/// The bytes of a checksum.
const CHECKSUM: usize = 4;

/// Why a stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A checksum does not match: bytes are lost, or it is no such stream.
    Checksum,
    /// A message is longer than any may be.
    TooLong,
    /// The lengths of a message contradict each other, or its headers cannot be read.
    Malformed,
}

/// Reads the messages of a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of the message that is not complete.
    buffer: BytesMut,
    broken: Option<Broken>,
}

impl Decoder {
    /// Takes the next chunk, and returns the messages that are complete as server-sent events. Nothing is read after a
    /// message that is [`Decoder::broken`].
    pub fn events(&mut self, chunk: &[u8]) -> Bytes {
        let mut events = Vec::new();
        if self.broken.is_some() {
            return Bytes::new();
        }
        self.buffer.extend_from_slice(chunk);
        while self.broken.is_none() {
            match take(&self.buffer, &mut events) {
                Ok(Some(length)) => self.buffer.advance(length),
                Ok(None) => break,
                Err(broken) => {
                    self.broken = Some(broken);
                    self.buffer = BytesMut::new();
                }
            }
        }
        events.into()
    }

    /// The number of bytes of the incomplete message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Why the stream cannot be read any further, if it cannot.
    #[must_use]
    pub const fn broken(&self) -> Option<Broken> {
        self.broken
    }
}

/// Writes the first message, if it is complete, and returns its length.
fn take(bytes: &[u8], events: &mut Vec<u8>) -> Result<Option<usize>, Broken> {
    let Some((length, headers)) = lengths(bytes)? else { return Ok(None) };
    let Some(message) = bytes.get(..length) else { return Ok(None) };
    let (checked, checksum) = message.split_at_checked(length - CHECKSUM).ok_or(Broken::Malformed)?;
    if number(checksum) != Some(crc32fast::hash(checked)) {
        return Err(Broken::Checksum);
    }
    let content = checked.get(PRELUDE..).ok_or(Broken::Malformed)?;
    let (headers, payload) = content.split_at_checked(headers).ok_or(Broken::Malformed)?;
    Headers::read(headers).ok_or(Broken::Malformed)?.write(payload, events);
    Ok(Some(length))
}

/// The lengths of the first message and of its headers, once they are there.
fn lengths(bytes: &[u8]) -> Result<Option<(usize, usize)>, Broken> {
    let Some((prelude, checksum)) =
        bytes.get(..PRELUDE).and_then(|prelude| prelude.split_at_checked(PRELUDE - CHECKSUM))
    else {
        return Ok(None);
    };
    // Without it, a wrong length would make us wait for bytes that never come.
    if number(checksum) != Some(crc32fast::hash(prelude)) {
        return Err(Broken::Checksum);
    }
    let (length, headers) = prelude.split_at_checked(4).ok_or(Broken::Malformed)?;
    let (Some(length), Some(headers)) = (size(length), size(headers)) else { return Err(Broken::Malformed) };
    if length > MAX_MESSAGE || headers > MAX_HEADERS {
        return Err(Broken::TooLong);
    }
    if length < PRELUDE + headers + CHECKSUM {
        return Err(Broken::Malformed);
    }
    Ok(Some((length, headers)))
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn size(bytes: &[u8]) -> Option<usize> {
    number(bytes).and_then(|number| usize::try_from(number).ok())
}

/// The headers of a message that say what it is. Others are skipped.
#[derive(Debug, Default, PartialEq, Eq)]
struct Headers<'a> {
    kind: &'a str,
    event: &'a str,
    exception: &'a str,
    code: &'a str,
    message: &'a str,
}

impl<'a> Headers<'a> {
    /// Reads headers: each has the length of its name, the name, a type and a value. `None` if they are not such a list.
    fn read(mut rest: &'a [u8]) -> Option<Self> {
        let mut headers = Self::default();
        while let Some((length, after)) = rest.split_first() {
            let (name, after) = after.split_at_checked(usize::from(*length))?;
            let (kind, after) = after.split_first()?;
            let (value, after) = value(*kind, after)?;
            rest = after;
            let Some(text) = value.and_then(|value| std::str::from_utf8(value).ok()) else { continue };
            match name {
                b":message-type" => headers.kind = text,
                b":event-type" => headers.event = text,
                b":exception-type" => headers.exception = text,
                b":error-code" => headers.code = text,
                b":error-message" => headers.message = text,
                _ => {}
            }
        }
        Some(headers)
    }

    /// Writes the message as a server-sent event. One of an unknown kind is left out.
    fn write(&self, payload: &[u8], events: &mut Vec<u8>) {
        match self.kind {
            "event" => {
                events.extend_from_slice(b"data: {");
                events.extend_from_slice(quoted(self.event).as_bytes());
                events.push(b':');
                write_json(if payload.trim_ascii().is_empty() { b"{}" } else { payload }, events);
                events.extend_from_slice(b"}\n\n");
            }
            "exception" => write_exception(self.exception, payload, events),
            "error" => {
                let message = ["{\"message\":", &quoted(self.message), "}"].concat();
                write_exception(self.code, message.as_bytes(), events);
            }
            _ => {}
        }
    }
}

/// The value of a header, if it is a text, and what follows it. `None` if it is cut, or of an unknown type.
fn value(kind: u8, bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let fixed = match kind {
        // True and false have no bytes.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (length, rest) = bytes.split_at_checked(2)?;
            let length = u16::from_be_bytes(*length.first_chunk()?);
            let (value, rest) = rest.split_at_checked(usize::from(length))?;
            return Some(((kind == 7).then_some(value), rest));
        }
        _ => return None,
    };
    bytes.split_at_checked(fixed).map(|(_, rest)| (None, rest))
}

/// Writes an exception. Its payload is an object with a message.
fn write_exception(name: &str, payload: &[u8], events: &mut Vec<u8>) {
    events.extend_from_slice(b"event: exception\ndata: {\"__type\":");
    events.extend_from_slice(quoted(name).as_bytes());
    if let Some(status) = exceptions::status(name) {
        events.extend_from_slice(format!(",\"status\":{status}").as_bytes());
    }
    let payload = payload.trim_ascii();
    match payload.strip_prefix(b"{").and_then(|members| members.strip_suffix(b"}")) {
        Some(members) if members.trim_ascii().is_empty() => {}
        Some(members) => {
            events.push(b',');
            write_json(members, events);
        }
        None => {
            events.extend_from_slice(b",\"message\":");
            events.extend_from_slice(quoted(&String::from_utf8_lossy(payload)).as_bytes());
        }
    }
    events.extend_from_slice(b"}\n\n");
}

/// Writes JSON in one line. Between its values, a line break is a blank; inside a text there are none.
fn write_json(json: &[u8], events: &mut Vec<u8>) {
    events.extend(json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
