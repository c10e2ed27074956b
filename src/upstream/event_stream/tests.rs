//! Binary messages in any chunks, and what is wrong with broken ones.

use proptest::prelude::*;

use super::*;

fn header(name: &str, value: &str) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value").to_be_bytes();
    let name_length = [u8::try_from(name.len()).expect("a short name")];
    [&name_length[..], name.as_bytes(), &[7], &length, value.as_bytes()].concat()
}

/// A message with these headers.
fn message(headers: &[u8], payload: &str) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).expect("a short message").to_be_bytes();
    let length = PRELUDE + headers.len() + payload.len() + CHECKSUM;
    let mut message = [number(length), number(headers.len())].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(headers);
    message.extend_from_slice(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

fn event(kind: &str, payload: &str) -> Vec<u8> {
    let headers = [
        header(":event-type", kind),
        header(":content-type", "application/json"),
        header(":message-type", "event"),
    ];
    message(&headers.concat(), payload)
}

fn exception(name: &str, payload: &str) -> Vec<u8> {
    message(&[header(":exception-type", name), header(":message-type", "exception")].concat(), payload)
}

/// The events of a stream in these chunks, and how it broke.
fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (String, Option<Broken>, usize) {
    let mut decoder = Decoder::default();
    let events: Vec<u8> = chunks.into_iter().flat_map(|chunk| decoder.events(chunk)).collect();
    (String::from_utf8(events).expect("UTF-8"), decoder.broken(), decoder.waiting())
}

fn whole(stream: &[u8]) -> (String, Option<Broken>, usize) {
    decoded([stream])
}

fn stream() -> Vec<u8> {
    [
        event("messageStart", r#"{"role":"assistant"}"#),
        event("contentBlockDelta", "{\"contentBlockIndex\":0,\n \"delta\":{\"text\":\"ä\"}}"),
        event("messageStop", ""),
    ]
    .concat()
}

const EVENTS: &str = "data: {\"messageStart\":{\"role\":\"assistant\"}}\n\ndata: {\"contentBlockDelta\":{\"contentBlockIndex\":0,  \"delta\":{\"text\":\"ä\"}}}\n\ndata: {\"messageStop\":{}}\n\n";

/// The vectors that AWS's SDKs share: a message without anything, and one with a payload alone.
#[test]
fn the_messages_of_the_sdks_are_read() {
    let empty = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    assert_eq!(whole(&empty), (String::new(), None, 0));
    let payload_only =
        [&[0, 0, 0, 29, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a][..], b"{'foo':'bar'}", &[0xc3, 0x65, 0x39, 0x36]]
            .concat();
    assert_eq!(whole(&payload_only), (String::new(), None, 0));
}

#[test]
fn events_and_exceptions_are_written() {
    assert_eq!(whole(&stream()), (EVENTS.to_owned(), None, 0));
    for (message, expected) in [
        (
            exception("throttlingException", r#"{"message":"Slow \"down\""}"#),
            "event: exception\ndata: {\"__type\":\"throttlingException\",\"status\":429,\"message\":\"Slow \\\"down\\\"\"}\n\n",
        ),
        (
            exception("ofNextYearException", "{}"),
            "event: exception\ndata: {\"__type\":\"ofNextYearException\"}\n\n",
        ),
        (
            exception("validationException", "no JSON\nat all"),
            "event: exception\ndata: {\"__type\":\"validationException\",\"status\":400,\"message\":\"no JSON\\nat all\"}\n\n",
        ),
        (
            message(
                &[
                    header(":message-type", "error"),
                    header(":error-code", "InternalServerException"),
                    header(":error-message", "Broken"),
                ]
                .concat(),
                "",
            ),
            "event: exception\ndata: {\"__type\":\"InternalServerException\",\"status\":500,\"message\":\"Broken\"}\n\n",
        ),
    ] {
        assert_eq!(whole(&message), (expected.to_owned(), None, 0));
    }
}

#[test]
fn headers_of_every_type_are_skipped() {
    let values: [&[u8]; 10] = [
        &[0],
        &[1],
        &[2, 9],
        &[3, 9, 9],
        &[4, 9, 9, 9, 9],
        &[5, 9, 9, 9, 9, 9, 9, 9, 9],
        &[6, 0, 2, 9, 9],
        &[7, 0, 2, b'a', b'b'],
        &[8, 9, 9, 9, 9, 9, 9, 9, 9],
        &[9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
    ];
    let others: Vec<u8> = values.iter().flat_map(|value| [&[1, b'x'][..], *value].concat()).collect();
    let headers = [others, header(":event-type", "e"), header(":message-type", "event")].concat();
    assert_eq!(whole(&message(&headers, "{}")).0, "data: {\"e\":{}}\n\n");
    for broken in [&[1, b'x', 10][..], &[1, b'x', 7, 0, 9, b'a'], &[9, b'x'], &[1, b'x'], &[1, b'x', 5, 0]] {
        assert_eq!(whole(&message(broken, "{}")).1, Some(Broken::Malformed), "{broken:?}");
    }
}

#[test]
fn what_came_before_a_broken_message_is_kept() {
    let mut broken = event("messageStop", "{}");
    *broken.last_mut().expect("a byte") ^= 1;
    let bytes = [stream(), broken, stream()].concat();
    assert_eq!(whole(&bytes), (EVENTS.to_owned(), Some(Broken::Checksum), 0));
}

#[test]
fn impossible_lengths_are_refused_at_once() {
    let prelude = |length: u32, headers: u32| {
        let lengths = [length.to_be_bytes(), headers.to_be_bytes()].concat();
        [&lengths[..], &crc32fast::hash(&lengths).to_be_bytes()].concat()
    };
    let most = u32::try_from(MAX_MESSAGE).expect("a number");
    for (length, headers, expected) in [
        (most + 1, 0, Some(Broken::TooLong)),
        (u32::MAX, u32::MAX, Some(Broken::TooLong)),
        (most, 128 * 1024 + 1, Some(Broken::TooLong)),
        (most, 128 * 1024, None),
        (15, 0, Some(Broken::Malformed)),
        (0, 0, Some(Broken::Malformed)),
        (16, 1, Some(Broken::Malformed)),
    ] {
        assert_eq!(whole(&prelude(length, headers)).1, expected, "{length} {headers}");
    }
    assert_eq!(whole(b"HTTP/1.1 200 OK\r\n").1, Some(Broken::Checksum));
}

proptest! {
    #[test]
    fn however_it_is_chunked_the_events_are_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let stream = stream();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        places.extend([0, stream.len()]);
        places.sort_unstable();
        let chunks = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
        prop_assert_eq!(decoded(chunks), (EVENTS.to_owned(), None, 0));
    }

    #[test]
    fn a_flipped_bit_is_always_found(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut message = event("contentBlockDelta", r#"{"delta":{"text":"Hello"}}"#);
        let place = at.index(message.len());
        message[place] ^= 1 << bit;
        prop_assert_eq!(whole(&message), (String::new(), Some(Broken::Checksum), 0));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        decoded([&bytes[..]]);
    }
}
