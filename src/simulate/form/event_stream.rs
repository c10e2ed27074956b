//! Amazon's binary event stream (`application/vnd.amazon.eventstream`).
//!
//! A message has, in big-endian order: its length and that of its headers, the CRC-32 of these eight bytes, the headers, the
//! payload, and the CRC-32 of everything before.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::Value;

/// The bytes of a message besides its headers and payload.
const OVERHEAD: usize = 16;

/// The type of a header that is a text.
const TEXT: u8 = 7;

/// A message of an event.
pub(in crate::simulate) fn event(kind: &str, payload: &Value) -> Bytes {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    message(&headers, payload.to_string().as_bytes())
}

/// A message of an error that ends the stream.
pub(in crate::simulate) fn exception(kind: &str, payload: &Value) -> Bytes {
    let headers =
        [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    message(&headers, payload.to_string().as_bytes())
}

/// The message with a last checksum that does not fit it.
pub(in crate::simulate) fn corrupted(message: &Bytes) -> Bytes {
    let mut bytes = message.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = !*last;
    }
    bytes.into()
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut written = BytesMut::new();
    for (name, value) in headers {
        written.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        written.put_slice(name.as_bytes());
        written.put_u8(TEXT);
        written.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        written.put_slice(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut out = BytesMut::with_capacity(OVERHEAD + written.len() + payload.len());
    out.put_u32(length(OVERHEAD + written.len() + payload.len()));
    out.put_u32(length(written.len()));
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(&written);
    out.put_slice(payload);
    out.put_u32(crc32fast::hash(&out));
    out.freeze()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_has_its_lengths_and_checksums() {
        let written = event("messageStop", &json!({ "a": 1 }));
        let number =
            |from: usize| u32::from_be_bytes(written[from..from + 4].try_into().expect("four bytes"));
        let (total, headers) = (number(0) as usize, number(4) as usize);
        assert_eq!(total, written.len());
        assert_eq!(number(8), crc32fast::hash(&written[..8]));
        assert_eq!(&written[12 + headers..total - 4], b"{\"a\":1}");
        assert_eq!(number(total - 4), crc32fast::hash(&written[..total - 4]));
        // The first header: the length of its name, the name, its type, the length of its value, the value.
        let first = [b"\x0b:event-type\x07\x00\x0b".as_slice(), b"messageStop"].concat();
        assert!(written[12..].starts_with(&first), "{written:?}");
        let wrong = corrupted(&written);
        assert!(
            wrong.len() == written.len() && wrong[..total - 1] == written[..total - 1] && wrong != written
        );
    }
}
