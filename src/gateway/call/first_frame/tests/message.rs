//! Streams of messages, however they are chunked and wherever they end.

use super::*;

/// A stream with reasoning, a text with escapes, a call, and an event of next year.
pub(super) const EVENTS: [&str; 15] = [
    r#"message_start {"type":"message_start","message":{"id":"m","model" : "theirs","content":[],"usage":{"input_tokens":12,"cache_read_input_tokens":900,"output_tokens":1}}}"#,
    r#"ping {"type": "ping"}"#,
    r#"content_block_start {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    r#"content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two"}}"#,
    r#"content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" cities"}}"#,
    r#"content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
    r#"content_block_stop {"type":"content_block_stop","index":0}"#,
    r#"content_block_delta {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"na\u00efve \"theirs\""}}"#,
    r#"content_block_delta {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"plain"}}"#,
    r#"content_block_start {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"theirs","input":{}}}"#,
    r#"content_block_delta {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"model\":\"theirs\"}"}}"#,
    r#"of_next_year {"type":"of_next_year","model":"theirs"}"#,
    r#"content_block_stop {"type":"content_block_stop","index":2}"#,
    r#"message_delta {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":31}}"#,
    r#"message_stop {"type":"message_stop"}"#,
];

pub(super) fn event(event: &str) -> String {
    let (name, data) = event.split_once(' ').expect("a name and its data");
    format!("event: {name}\ndata: {data}\n\n")
}

/// The events before the last one.
fn stream() -> String {
    EVENTS[..EVENTS.len() - 1].iter().map(|sent| event(sent)).collect()
}

fn caller() -> Expected {
    let names = Names { model: "\"ours\"".to_owned(), provider: None, mark: None };
    Expected {
        dialect: Dialect::Messages,
        names,
        include_usage: true,
        choices: 1,
        secrets: SecretSearch::default(),
        translation: None,
    }
}

/// What passes of a text: only the name of the model changes, where the message has it.
fn passed(sent: &str) -> String {
    sent.replacen("\"model\" : \"theirs\"", "\"model\" : \"ours\"", 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_passes_is_what_was_sent_however_it_is_chunked(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let last = event(EVENTS[EVENTS.len() - 1]);
        let sent = stream() + &last;
        let heard = on_a_runtime(hear_as(caller(), chunks(&sent, cuts)));
        prop_assert_eq!(heard, Heard::Done(passed(&stream()), last));
    }

    #[test]
    fn a_stream_that_ends_early_is_broken_until_its_message_has_ended(end in any::<prop::sample::Index>()) {
        let sent = stream();
        let end = end.index(sent.len());
        let heard = on_a_runtime(hear_as(caller(), vec![Ok(Bytes::copy_from_slice(&sent.as_bytes()[..end]))]));
        // The first content is the first word of the reasoning.
        let first = sent.find("Two").expect("the reasoning") + "Two\"}}".len();
        let ended = sent.find("event: message_delta").expect("the end");
        match heard {
            Heard::Nothing => prop_assert!(end < first + 2, "{end}"),
            Heard::Broken(text) => prop_assert!(end > first && passed(&sent).starts_with(&text), "{text}"),
            // Only the last event may lack its blank line.
            Heard::Finished(text) => prop_assert!(end > ended && passed(&sent).starts_with(text.trim_end())),
            Heard::Done(..) => prop_assert!(end > ended),
        }
    }
}

#[test]
fn the_usage_is_that_of_the_start_with_what_the_end_repeats() {
    let response = UpstreamResponse::in_pieces(Vec::new());
    let mut reader =
        FrameReader::new(response, caller(), Instant::now(), Shares::ample().of_anonymous().hold());
    reader.push((stream()).into()).expect("room");
    assert!(matches!(reader.drain(&mut Vec::new()), Ok(Read::More)));
    let usage = reader.seen.reported();
    assert_eq!((usage.input, usage.output, usage.cached), (Some(912), Some(31), 900));
    assert!(usage.flag.is_none() && !reader.seen.early, "{usage:?}");
    assert!(reader.seen.choices.is_complete());
}

#[test]
fn a_whole_message_in_place_of_a_stream_is_counted_as_its_provider_counts() {
    let usage = |usage: &str| {
        let body = format!(
            r#"{{"type":"message","content":[{{"type":"text","text":"Hi"}}],"stop_reason":"end_turn"{usage}}}"#
        );
        let response = UpstreamResponse::in_pieces(vec![Ok(body.into())]);
        let share = Shares::ample().of_anonymous();
        let outcome =
            on_a_runtime(first_frame(response, caller(), Instant::now(), &share, &SoFar::default()));
        let AttemptOutcome::Ready(Reply::Stream(reply)) = outcome else { panic!("no stream") };
        let StreamReply { mut held, mut reader, .. } = *reply;
        assert!(matches!(reader.drain(&mut held), Ok(Read::Done(_))));
        let text = String::from_utf8(held).expect("UTF-8");
        assert_eq!(text.matches("\"output_tokens\":").count(), 2, "{text}");
        (reader.seen.reported(), reader.seen.early)
    };
    let (reported, early) = usage(r#","usage":{"input_tokens":12,"output_tokens":5}"#);
    assert_eq!((reported.input, reported.output, early), (Some(12), Some(5), false));
    // What clients need to find is no count.
    let (reported, _) = usage("");
    assert!(!reported.present, "{reported:?}");
    let (reported, _) = usage(r#","usage":{"input_tokens":12}"#);
    assert_eq!((reported.input, reported.output), (Some(12), None));
}
