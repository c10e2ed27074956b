//! Server-sent events as they may be passed on: without the texts of comments, without lines that are no fields, and with
//! their data in one line.

use std::ops::Range;

use memchr::memchr2;

use super::sse::{Line, data_lines, without_mark};

/// The lines of an event, each with the characters that end it.
fn with_ends(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = without_mark(event);
    std::iter::from_fn(move || {
        let end = match memchr2(b'\n', b'\r', rest) {
            Some(at) if rest[at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None if rest.is_empty() => return None,
            None => rest.len(),
        };
        let (line, next) = rest.split_at(end);
        rest = next;
        Some(line)
    })
}

/// The event as it passes: comments without their texts, and only the fields of an event, of which `passes` judges those
/// with an unusual name, id or waiting time.
#[must_use]
pub fn bare(event: &[u8], passes: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bare = Vec::with_capacity(event.len());
    for line in with_ends(event) {
        let kind = Line::of(line);
        match kind {
            Line::Empty | Line::Data(_) => bare.extend_from_slice(line),
            Line::Comment(text) => {
                bare.push(b':');
                bare.extend_from_slice(&line[1 + text.len()..]);
            }
            Line::Field(value) if kind.is_plain() || passes(value) => bare.extend_from_slice(line),
            Line::Field(_) | Line::Stray => {}
        }
    }
    bare
}

/// The lines of an event that are no fields, which clients ignore.
#[must_use]
pub fn stray(event: &[u8]) -> Vec<u8> {
    with_ends(event).filter(|line| Line::of(line) == Line::Stray).flatten().copied().collect()
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
    use crate::upstream::sse::lines;

    #[test]
    fn comments_lose_their_texts_and_only_fields_pass() {
        for (event, expected) in [
            (": key\n\n", ":\n\n"),
            (":\r\n: x\r\n\r\n", ":\r\n:\r\n\r\n"),
            ("id: 1\n: key\ndata: {\": a\":1}\n\n", "id: 1\n:\ndata: {\": a\":1}\n\n"),
            (": key", ":"),
            ("data: {\"a\":\"\\n: b\"}\n\n", "data: {\"a\":\"\\n: b\"}\n\n"),
            ("\n", "\n"),
            ("{\"key\":1}\ndata: 1\n{\n \"key\": 2\n}\n\n", "data: 1\n\n"),
            ("data: 1\r\nkey\r\ndata:2\r\n\r\n", "data: 1\r\ndata:2\r\n\r\n"),
            ("data: 1\runknown: key\r\r", "data: 1\r\r"),
            ("data\nevent\nid\nretry: 3\nData: key\n data: key\ndata :key", "data\nevent\nid\nretry: 3\n"),
        ] {
            let bare = bare(event.as_bytes(), |_| true);
            assert_eq!(String::from_utf8_lossy(&bare), expected, "{event:?}");
            assert_eq!(lines(event.as_bytes()).plain, event == expected, "{event:?}");
        }
        let event = b"event: a.b_c\nid: 7\nid: Key-1\ndata: 1\n\n";
        assert_eq!(bare(event, |value| value != b"Key-1"), b"event: a.b_c\nid: 7\ndata: 1\n\n");
        assert!(!lines(event).plain);
        assert_eq!(stray(b"a: 1\r\ndata: 2\n{\n\n"), b"a: 1\r\n{\n");
    }

    #[test]
    fn data_lines_are_joined_and_other_fields_stay() {
        let (whole, place) = in_one_line(b"event: a\r\ndata: {\ndata:1}\n\n");
        assert_eq!(whole, b"event: a\ndata: { 1}\n\n");
        assert_eq!(&whole[place], b"{ 1}");
    }
}
