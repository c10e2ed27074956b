//! Streams of Converse, which are binary, for callers of each dialect, however they are chunked and wherever they end.

use super::*;

const CALLERS: [Dialect; 3] = [Dialect::ChatCompletions, Dialect::Messages, Dialect::Responses];

/// The events of a stream: their types, and what they carry.
const EVENTS: [(&str, &str); 12] = [
    ("messageStart", r#"{"role":"assistant"}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Ü"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"H\ud83d"},"p":"abcd"}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"\ude00i"},"p":"ab"}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
    ("contentBlockStart", r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\":\"ß\"}"}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":2}"#),
    ("messageStop", r#"{"stopReason":"tool_use"}"#),
    (
        "metadata",
        r#"{"usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11},"metrics":{"latencyMs":80}}"#,
    ),
];

/// A message with these headers.
fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut written = Vec::new();
    for (name, value) in headers {
        written.push(u8::try_from(name.len()).expect("a short name"));
        written.extend_from_slice(name.as_bytes());
        written.push(7);
        written.extend(u16::try_from(value.len()).expect("a short value").to_be_bytes());
        written.extend_from_slice(value.as_bytes());
    }
    let number = |length: usize| u32::try_from(length).expect("a short message").to_be_bytes();
    let mut message = [number(written.len() + payload.len() + 16), number(written.len())].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(written);
    message.extend_from_slice(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

fn stream(events: &[(&str, &str)]) -> Vec<u8> {
    let event = |(kind, payload): &(&str, &str)| {
        message(&[(":event-type", kind), (":message-type", "event")], payload)
    };
    events.iter().flat_map(event).collect()
}

fn hear_for(dialect: Dialect, chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    on_a_runtime(hear_as(caller_of(dialect, Dialect::Converse), chunks)).settled()
}

fn whole(bytes: &[u8]) -> Vec<std::io::Result<Bytes>> {
    vec![Ok(Bytes::copy_from_slice(bytes))]
}

/// The event with which a complete answer ends, in the dialect of the caller.
fn last_event(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Messages => "event: message_stop",
        Dialect::Responses => "event: response.completed",
        Dialect::ChatCompletions | Dialect::Gemini | Dialect::Converse => "data: [DONE]",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_chunks_make_no_difference(
        dialect in prop::sample::select(CALLERS.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let bytes = stream(&EVENTS);
        let heard = hear_for(dialect, chunks(&bytes, cuts));
        prop_assert_eq!(&heard, &hear_for(dialect, whole(&bytes)));
        let Heard::Done(text, end) = heard else { return Err(TestCaseError::fail("it is complete")) };
        prop_assert!(text.contains('Ü') && text.contains("\\\"ß\\\""), "{}", text);
        prop_assert_eq!((text + &end).matches(last_event(dialect)).count(), 1);
    }
}

#[test]
fn a_stream_that_is_cut_or_fails_is_broken_and_one_without_content_is_none() {
    let ends = |heard: &Heard, dialect| match heard {
        Heard::Broken(text) => text.contains(last_event(dialect)),
        other => panic!("{dialect:?}: {other:?}"),
    };
    for dialect in CALLERS {
        // The first content is the second event, and the end the last one but one.
        for length in 2..EVENTS.len() - 1 {
            let heard = hear_for(dialect, whole(&stream(&EVENTS[..length])));
            assert!(!ends(&heard, dialect), "{length}: {heard:?}");
        }
        let failed = message(
            &[(":exception-type", "throttlingException"), (":message-type", "exception")],
            r#"{"message":"Slow down"}"#,
        );
        let heard = hear_for(dialect, whole(&[stream(&EVENTS[..6]), failed.clone()].concat()));
        assert!(!ends(&heard, dialect), "{heard:?}");
        // One that comes after the reason for the end, too.
        let heard = hear_for(dialect, whole(&[stream(&EVENTS[..11]), failed.clone()].concat()));
        assert!(!ends(&heard, dialect), "{heard:?}");
        assert_eq!(hear_for(dialect, whole(&[stream(&EVENTS[..1]), failed].concat())), Heard::Nothing);
        assert_eq!(hear_for(dialect, whole(&stream(&EVENTS[..1]))), Heard::Nothing);
        // Without the event that begins an answer, there is none.
        assert_eq!(hear_for(dialect, whole(&stream(&EVENTS[4..]))), Heard::Nothing);
    }
}

#[test]
fn a_wrong_checksum_breaks_a_stream_after_content_and_is_no_answer_before_it() {
    for dialect in CALLERS {
        for (flipped, begins) in [(6, true), (0, false)] {
            let mut events: Vec<Vec<u8>> = EVENTS.iter().map(|event| stream(&[*event])).collect();
            if let Some(last) = events.get_mut(flipped).and_then(|event| event.last_mut()) {
                *last ^= 1;
            }
            let heard = hear_for(dialect, whole(&events.concat()));
            assert_eq!(matches!(heard, Heard::Broken(_)), begins, "{dialect:?} {flipped}: {heard:?}");
            assert_eq!(heard == Heard::Nothing, !begins, "{dialect:?} {flipped}: {heard:?}");
        }
    }
}
