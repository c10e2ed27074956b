//! Events however their bytes are chunked, and what their lines are.

use super::*;
use proptest::prelude::*;

/// All line endings, also mixed and with extra blank lines.
const STREAM: &str = "\u{feff}: ping\n\ndata: {\"a\":\"ä\"}\n\nevent: x\r\ndata: {}\r\n\r\n\r\n\n: cr\r\rid: 1\rdata: 1\r\r\ndata:\ndata: 2\n\rdata:[DONE]\n\ndata: rest";

fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::default();
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event().expect("short lines") {
            events.push(event.to_vec());
        }
    }
    events.push(splitter.rest().to_vec());
    events
}

#[test]
fn events_keep_their_bytes() {
    let events = split(&[STREAM.as_bytes()]);
    assert_eq!(events.concat(), STREAM.trim_start_matches('\u{feff}').as_bytes());
    let data: Vec<_> = events.iter().map(|event| data(event)).collect();
    assert_eq!(
        data,
        [
            Data::None,
            Data::Line("{\"a\":\"ä\"}".as_bytes()),
            Data::Line(b"{}"),
            Data::None,
            Data::None,
            Data::Line(b"1"),
            Data::Line(b"2"),
            Data::Done,
            Data::Line(b"rest")
        ]
    );
}

#[test]
fn the_beginning_of_a_body_says_whether_it_is_a_stream() {
    for (body, expected) in [
        ("data: {}", Some(true)),
        ("\u{feff}data:{}", Some(true)),
        ("\n\n: ping", Some(true)),
        ("event: error", Some(true)),
        ("id: 1", Some(true)),
        ("", None),
        ("\r\n", None),
        ("dat", None),
        ("{\"a\":1}", Some(false)),
        ("[", Some(false)),
        ("<html>", Some(false)),
        ("database is away", Some(false)),
    ] {
        assert_eq!(begins_events(body.as_bytes()), expected, "{body:?}");
    }
}

#[test]
fn an_events_name_may_say_that_it_is_an_error() {
    for event in ["event: error\ndata: x\n\n", "event:ERROR\r\ndata: x", "event: response.error\n"] {
        assert!(is_named_error(event.as_bytes()), "{event:?}");
    }
    for event in ["data: event: error\n\n", "event: ping\n\n", "event: message\ndata: error\n\n"] {
        assert!(!is_named_error(event.as_bytes()), "{event:?}");
    }
    for (event, expected) in
        [(": ping\n\n", true), ("\u{feff}:\r\n: x\r\n\r\n", true), ("\n", true), (": x\nid: 1\n\n", false)]
    {
        assert_eq!(is_comment(event.as_bytes()), expected, "{event:?}");
    }
    assert_eq!(event_name(b"id: 1\nevent: a\r\nevent:b\ndata: event: c\n\n"), Some("b"));
    assert_eq!(event_name(b"data: {}\n\n"), None);
    let lines: Vec<_> = data_lines(b"data: {\ndata:\ndata: }\r\n\r\n").collect();
    assert_eq!(lines, [b"{", b"}"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_stream() {
    let stream: &[u8] = b"\xef\xbb\xbfdata: {}\n\ndata: \xef\xbb\xbf\n\n";
    let expected = [b"data: {}\n\n".to_vec(), b"data: \xef\xbb\xbf\n\n".to_vec()];
    for cut in 0..stream.len() {
        let events = split(&[&stream[..cut], &stream[cut..]]);
        assert_eq!(
            events.iter().filter(|event| !event.is_empty()).cloned().collect::<Vec<_>>(),
            expected,
            "{cut}"
        );
    }
}

#[test]
fn an_event_without_end_is_given_up() {
    let mut splitter = Splitter::default();
    splitter.push(Bytes::from(vec![b'x'; MAX_EVENT]));
    assert_eq!(splitter.next_event(), Ok(None));
    splitter.push(Bytes::from_static(b"xx"));
    assert_eq!(splitter.next_event(), Err(EventTooLong));
}

proptest! {
    #[test]
    fn however_it_is_chunked_the_events_are_the_same(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([STREAM.len()]) {
            chunks.push(&STREAM.as_bytes()[from..cut]);
            from = cut;
        }
        prop_assert_eq!(split(&chunks), split(&[STREAM.as_bytes()]));
    }
}
