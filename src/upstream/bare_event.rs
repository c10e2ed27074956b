//! Server-sent events as they may be passed on: without the texts of comments, and with their data in one line.

use std::ops::Range;

use bytes::Bytes;

use super::sse::{data_lines, without_mark};

/// Whether an event has a line that is a comment.
fn has_comment(event: &[u8]) -> bool {
    let after_a_line = |begin: &[u8]| memchr::memmem::find(event, begin).is_some();
    without_mark(event).starts_with(b":") || after_a_line(b"\n:") || after_a_line(b"\r:")
}

/// The event with its comments, but not with their texts, which may hold anything.
#[must_use]
pub fn without_comment_texts(event: Bytes) -> Bytes {
    if !has_comment(&event) {
        return event;
    }
    let lines = without_mark(&event).split_inclusive(|byte| matches!(byte, b'\n' | b'\r'));
    let bare = lines.flat_map(|line| match line {
        [b':', .., end @ (b'\n' | b'\r')] => vec![b':', *end],
        [b':', ..] => vec![b':'],
        line => line.to_vec(),
    });
    bare.collect::<Vec<u8>>().into()
}

/// An event with several data lines as one with all of them in one line, and the place of its data.
#[must_use]
pub fn in_one_line(event: &[u8]) -> (Vec<u8>, Range<usize>) {
    let lines = event.split(|byte| matches!(byte, b'\n' | b'\r'));
    let others = lines.filter(|line| !line.is_empty() && !line.starts_with(b"data:"));
    let mut whole: Vec<u8> = others.flat_map(|line| [line, b"\n".as_slice()].concat()).collect();
    let data = data_lines(event).collect::<Vec<_>>().join(&b' ');
    let from = whole.len() + b"data: ".len();
    whole.extend_from_slice(&[b"data: ".as_slice(), &data, b"\n\n"].concat());
    (whole, from..from + data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lose_their_texts_and_nothing_else_does() {
        for (event, expected) in [
            (": key\n\n", ":\n\n"),
            (":\r\n: x\r\n\r\n", ":\r\n:\r\n\r\n"),
            ("id: 1\n: key\ndata: {\": a\":1}\n\n", "id: 1\n:\ndata: {\": a\":1}\n\n"),
            (": key", ":"),
            ("data: {\"a\":\"\\n: b\"}\n\n", "data: {\"a\":\"\\n: b\"}\n\n"),
            ("\n", "\n"),
        ] {
            assert_eq!(without_comment_texts(Bytes::from(event)), expected, "{event:?}");
        }
    }

    #[test]
    fn data_lines_are_joined_and_other_fields_stay() {
        let (whole, place) = in_one_line(b"event: a\r\ndata: {\ndata:1}\n\n");
        assert_eq!(whole, b"event: a\ndata: { 1}\n\n");
        assert_eq!(&whole[place], b"{ 1}");
    }
}
