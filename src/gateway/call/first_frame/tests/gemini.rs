//! Streams of Gemini, for callers of each dialect, however they are chunked and wherever they end.

use super::*;

const CALLERS: [Dialect; 3] = [Dialect::ChatCompletions, Dialect::Messages, Dialect::Responses];

/// The pieces of a stream, each with the parts and the end of its candidate.
const PIECES: [&str; 5] = [
    r#"{"content":{"role":"model","parts":[{"text":"Ü","thought":true}]},"index":0}"#,
    r#"{"content":{"role":"model","parts":[{"text":"H\ud83d"}]},"index":0}"#,
    r#"{"content":{"role":"model","parts":[{"text":"\ude00i"}]},"index":0}"#,
    r#"{"content":{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{"a":"ß"}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"y","name":"g"}}]},"index":0}"#,
    r#"{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}"#,
];

fn stream(pieces: &[&str]) -> String {
    let event = |piece: &&str| {
        format!(
            "data: {{\"candidates\":[{piece}],\"responseId\":\"r\",\"usageMetadata\":{{\"promptTokenCount\":9,\"candidatesTokenCount\":5}}}}\r\n\r\n"
        )
    };
    pieces.iter().map(event).collect()
}

fn hear_for(dialect: Dialect, chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    on_a_runtime(hear_as(caller_of(dialect, Dialect::Gemini), chunks))
}

fn whole(text: &str) -> Vec<std::io::Result<Bytes>> {
    vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_chunks_make_no_difference(
        dialect in prop::sample::select(CALLERS.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text = stream(&PIECES);
        let heard = hear_for(dialect, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_for(dialect, whole(&text)));
        let ended = matches!(&heard, Heard::Finished(text) if text.contains('Ü') && text.contains("\\\"ß\\\""));
        prop_assert!(ended, "{:?}", heard);
    }
}

#[test]
fn a_stream_that_is_cut_is_broken_and_one_without_content_is_none() {
    for dialect in CALLERS {
        for length in 1..PIECES.len() {
            let heard = hear_for(dialect, whole(&stream(&PIECES[..length])));
            assert!(matches!(heard, Heard::Broken(_)), "{dialect:?} {length}: {heard:?}");
        }
        let silent = r#"{"finishReason":"STOP","index":0}"#;
        let malformed = r#"{"content":{"parts":[]},"finishReason":"MALFORMED_FUNCTION_CALL","index":0}"#;
        for piece in [silent, malformed] {
            assert_eq!(hear_for(dialect, whole(&stream(&[piece]))), Heard::Nothing, "{dialect:?} {piece}");
        }
        let broken = hear_for(dialect, whole(&stream(&[PIECES[1], malformed])));
        assert!(matches!(broken, Heard::Broken(_)), "{dialect:?}: {broken:?}");
        let error = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
        let text = format!("{}data: {error}\n\n", stream(&PIECES[..2]));
        assert!(matches!(hear_for(dialect, whole(&text)), Heard::Broken(_)), "{dialect:?}");
    }
}

#[test]
fn a_whole_answer_in_place_of_a_stream_is_one() {
    let answer = "{\n  \"candidates\": [{\n    \"content\": {\"parts\": [{\"text\": \"Hi\"}]},\n    \"finishReason\": \"STOP\"\n  }]\n}";
    for dialect in CALLERS {
        let heard = hear_for(dialect, whole(answer));
        assert!(matches!(&heard, Heard::Finished(text) if text.contains("Hi")), "{dialect:?}: {heard:?}");
    }
}

/// A piece with these parts and this end.
fn piece(parts: &str, end: Option<&str>) -> String {
    let end = end.map(|end| format!(r#","finishReason":"{end}""#)).unwrap_or_default();
    format!(r#"{{"content":{{"role":"model","parts":[{parts}]}}{end},"index":0}}"#)
}

#[test]
fn a_failure_after_an_end_breaks_the_stream() {
    let text = piece(r#"{"text":"Hi"}"#, Some("STOP"));
    for dialect in CALLERS {
        for word in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"] {
            let sent = stream(&[&text, &piece("", Some(word))]);
            let Heard::Broken(heard) = hear_for(dialect, whole(&sent)) else { panic!("{dialect:?} {word}") };
            for end in ["\"finish_reason\":\"", "message_delta", "response.completed"] {
                assert!(!heard.contains(end), "{dialect:?} {word}: {heard}");
            }
        }
    }
}

#[test]
fn an_end_in_every_piece_ends_nothing() {
    let pieces = [
        piece(r#"{"text":"Hi"}"#, Some("STOP")),
        piece(r#"{"functionCall":{"id":"x","name":"f","args":{}}}"#, Some("STOP")),
    ];
    let mut reader = reader_of(Dialect::ChatCompletions);
    reader.push(stream(&[&pieces[0]]).into()).expect("room");
    let mut heard = Vec::new();
    assert!(matches!(reader.drain(&mut heard), Ok(Read::More)));
    assert!(reader.seen.choices.is_complete());
    reader.push(stream(&[&pieces[1]]).into()).expect("room");
    assert!(matches!(reader.drain(&mut heard), Ok(Read::More)));
    assert!(reader.seen.choices.is_over() && !reader.seen.choices.is_complete());
    let end = reader.closing().expect("an end").expect("an end");
    let (heard, end) = (String::from_utf8_lossy(&heard), String::from_utf8_lossy(&end));
    assert!(!heard.contains("\"finish_reason\":\""), "{heard}");
    assert_eq!(end.matches("\"finish_reason\":\"tool_calls\"").count(), 1, "{end}");
    assert!(end.ends_with(DONE), "{end}");
}

fn reader_of(dialect: Dialect) -> FrameReader {
    let response = UpstreamResponse::in_pieces(Vec::new());
    FrameReader::new(
        response,
        caller_of(dialect, Dialect::Gemini),
        Instant::now(),
        Shares::ample().of_anonymous().hold(),
    )
}

#[test]
fn a_usage_counts_the_text_beside_it_and_before_it() {
    let text = piece(r#"{"text":"Hi"}"#, None);
    let event = |usage: &str| format!("data: {{\"candidates\":[{text}]{usage}}}\n\n");
    let usage =
        |output: u8| format!(r#","usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":{output}}}"#);
    let (prompt, none) = (r#","usageMetadata":{"promptTokenCount":9}"#.to_owned(), String::new());
    for (usages, early) in [
        (vec![usage(5), usage(5), usage(5)], false),
        (vec![usage(5), usage(6)], false),
        (vec![usage(5), none.clone(), usage(5)], false),
        (vec![prompt.clone(), usage(5)], false),
        (vec![usage(5), none.clone()], true),
        (vec![usage(5), prompt.clone()], true),
        (vec![usage(5), usage(4)], true),
    ] {
        let mut reader = reader_of(Dialect::Messages);
        reader.push(usages.iter().map(|usage| event(usage)).collect::<String>().into()).expect("room");
        assert!(matches!(reader.drain(&mut Vec::new()), Ok(Read::More)));
        assert_eq!(reader.seen.early, early, "{usages:?}");
        assert_eq!(reader.seen.since_usage == TextSize::default(), !early, "{usages:?}");
    }
}
