//! Streams that are translated, however they are chunked and wherever they end.

use super::*;

/// The dialect of a provider that does not serve this one.
fn other(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::ChatCompletions => Dialect::Messages,
        Dialect::Messages | Dialect::Responses | Dialect::Gemini | Dialect::Converse => {
            Dialect::ChatCompletions
        }
    }
}

fn hear_translated(dialect: Dialect, chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    on_a_runtime(hear_as(caller_of(dialect, other(dialect)), chunks)).settled()
}

fn whole(text: &str) -> Vec<std::io::Result<Bytes>> {
    vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]
}

/// The names of the events of messages, in order.
fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_chunks_of_a_completion_make_no_difference(
        number in 0..STREAMS.len(),
        ends in prop::sample::select(Ends::ALL.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text = sent(&pieces(STREAMS[number], ends));
        let heard = hear_translated(Dialect::Messages, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_translated(Dialect::Messages, whole(&text)));
        if let Heard::Done(text, end) = heard {
            let all = names(&text).into_iter().chain(names(&end)).collect::<Vec<_>>();
            prop_assert_eq!(all.first(), Some(&"message_start"));
            prop_assert_eq!(all.iter().filter(|name| name.starts_with("message_")).count(), 3);
            prop_assert_eq!(all.last(), Some(&"message_stop"));
            let count = |wanted: &str| all.iter().filter(|name| **name == wanted).count();
            prop_assert_eq!(count("content_block_start"), count("content_block_stop"));
        }
    }

    #[test]
    fn the_chunks_of_a_completion_make_no_difference_to_a_response(
        number in 0..STREAMS.len(),
        ends in prop::sample::select(Ends::ALL.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text = sent(&pieces(STREAMS[number], ends));
        let heard = hear_translated(Dialect::Responses, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_translated(Dialect::Responses, whole(&text)));
        if let Heard::Done(text, end) = heard {
            let all = names(&text).into_iter().chain(names(&end)).collect::<Vec<_>>();
            let is_end = |name: &&&str| ["response.completed", "response.incomplete", "response.failed"].contains(*name);
            prop_assert_eq!(all.first(), Some(&"response.created"));
            prop_assert_eq!(all.iter().filter(is_end).count(), 1);
            prop_assert!(all.last().as_ref().is_some_and(is_end));
        }
    }

    #[test]
    fn the_chunks_of_a_message_make_no_difference(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text: String = message::EVENTS.iter().map(|sent| message::event(sent)).collect();
        let heard = hear_translated(Dialect::ChatCompletions, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_translated(Dialect::ChatCompletions, whole(&text)));
        let Heard::Done(text, end) = heard else { return Err(TestCaseError::fail("it is complete")) };
        prop_assert!(!text.contains("\"finish_reason\":\""), "{}", text);
        prop_assert!(end.ends_with(DONE), "{}", end);
        prop_assert_eq!(end.matches("\"finish_reason\":\"tool_calls\"").count(), 1);
    }

    #[test]
    fn a_stream_that_ends_early_has_no_end_of_ours(
        number in 0..STREAMS.len(),
        end in any::<prop::sample::Index>(),
    ) {
        let text = sent(&pieces(STREAMS[number], Ends::Lf));
        let end = end.index(text.len());
        let part = text.get(..end);
        prop_assume!(part.is_some());
        match hear_translated(Dialect::Messages, whole(part.unwrap_or_default())) {
            Heard::Nothing | Heard::Done(..) => {}
            Heard::Finished(text) | Heard::Broken(text) => {
                prop_assert!(!text.contains("message_stop") && !text.contains("message_delta"), "{}", text);
            }
        }
    }
}

/// The events of chunks with these choices, and the last one.
fn completion(choices: &[&str]) -> String {
    let events = choices.iter().map(|choice| format!("data: {{\"id\":\"c\",\"choices\":[{choice}]}}\n\n"));
    events.collect::<String>() + DONE
}

const STOP: &str = r#"{"index":0,"delta":{},"finish_reason":"stop"}"#;
const IMAGE: &str = r#"{"index":0,"delta":{"images":[{"image_url":{"url":"data:image/png;base64,aGk="}}]}}"#;

/// Choices with content of which nothing is left for callers of messages.
const LOST: [&[&str]; 5] = [
    &[IMAGE, STOP],
    &[r#"{"index":0,"delta":{"audio":{"id":"a","data":"aGk="}}}"#, STOP],
    &[r#"{"index":0,"delta":{"of_next_year":{"a":1}}}"#, STOP],
    &[r#"{"index":1,"delta":{"content":"b"}}"#, STOP, r#"{"index":1,"delta":{},"finish_reason":"stop"}"#],
    &[STOP, r#"{"index":1,"delta":{"content":"b"}}"#, r#"{"index":1,"delta":{},"finish_reason":"stop"}"#],
];

/// Blocks of which nothing is left for callers of completions.
const FOREIGN: [&str; 3] = [
    r#"{"type":"redacted_thinking","data":"aGk="}"#,
    r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#,
    r#"{"type":"of_next_year"}"#,
];

fn events_of(blocks: &[&str]) -> String {
    let start = r#"message_start {"type":"message_start","message":{"id":"m","content":[]}}"#.to_owned();
    let blocks = blocks.iter().enumerate().map(|(index, block)| {
        format!(
            r#"content_block_start {{"type":"content_block_start","index":{index},"content_block":{block}}}"#
        )
    });
    let end = [
        r#"message_delta {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#,
        r#"message_stop {"type":"message_stop"}"#,
    ];
    let all = std::iter::once(start).chain(blocks).chain(end.map(str::to_owned));
    all.map(|sent| message::event(&sent)).collect()
}

#[test]
fn a_stream_of_which_nothing_is_left_is_no_answer() {
    for choices in LOST {
        let text = completion(choices);
        assert_eq!(hear_translated(Dialect::Messages, whole(&text)), Heard::Nothing, "{text}");
        // The connection may close or stay open after the end.
        let open = text.strip_suffix(DONE).expect("an end");
        assert_eq!(hear_translated(Dialect::Messages, whole(open)), Heard::Nothing, "{open}");
        let broken = vec![whole(open).remove(0), Err(Error::from(ErrorKind::UnexpectedEof))];
        assert_eq!(hear_translated(Dialect::Messages, broken), Heard::Nothing, "{open}");
    }
    for block in FOREIGN {
        let text = events_of(&[block]);
        assert_eq!(hear_translated(Dialect::ChatCompletions, whole(&text)), Heard::Nothing, "{text}");
    }
}

#[test]
fn what_is_lost_is_no_beginning() {
    for choices in LOST {
        let content = r#"{"index":0,"delta":{"content":"Hi"}}"#;
        let text = completion(&[&choices[..1], &[content], choices].concat());
        let Heard::Done(text, _) = hear_translated(Dialect::Messages, whole(&text)) else { panic!("{text}") };
        assert!(text.starts_with("event: message_start") && text.contains("Hi"), "{text}");
    }
    let text = events_of(&[FOREIGN[0], r#"{"type":"text","text":"Hi"}"#]);
    let Heard::Done(text, _) = hear_translated(Dialect::ChatCompletions, whole(&text)) else {
        panic!("{text}")
    };
    assert!(text.contains("Hi"), "{text}");
}

#[test]
fn an_answer_that_ends_without_content_is_one_in_both_dialects() {
    for sent in [completion(&[STOP]), completion(&[STOP]).replace(DONE, "")] {
        match hear_translated(Dialect::Messages, whole(&sent)) {
            Heard::Done(text, end) => {
                assert!(names(&text) == ["message_start"] && end.contains("end_turn"), "{text}{end}")
            }
            Heard::Finished(text) => assert_eq!(names(&text), ["message_start"]),
            other => panic!("{sent}: {other:?}"),
        }
    }
    let sent = events_of(&[]);
    assert!(matches!(hear_translated(Dialect::ChatCompletions, whole(&sent)), Heard::Done(..)), "{sent}");
}

#[test]
fn a_whole_answer_in_place_of_a_stream_is_judged_as_it_is_translated() {
    let of = |message: &str| {
        format!(r#"{{"id":"c","choices":[{{"index":0,"message":{message},"finish_reason":"tool_calls"}}]}}"#)
    };
    let call = |arguments: &str| {
        of(&format!(r#"{{"tool_calls":[{{"id":"t","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#))
    };
    let heard = |text: &str| hear_translated(Dialect::Messages, whole(text));
    assert_eq!(heard(&of(r#"{"content":null,"images":[{"image_url":{"url":"data:x"}}]}"#)), Heard::Nothing);
    assert_eq!(heard(&call(r#"{\"a\""#)), Heard::Nothing);
    assert!(matches!(heard(&call("{}")), Heard::Done(..)));
    assert_eq!(heard(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#), Heard::Nothing);
}

#[test]
fn a_broken_call_breaks_the_stream_however_it_ends() {
    let call = r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{\"a\""}}]}}"#;
    let end = r#"{"index":0,"delta":{},"finish_reason":"tool_calls"}"#;
    let sent = completion(&[call, end]);
    for sent in [sent.as_str(), sent.strip_suffix(DONE).expect("an end")] {
        let Heard::Broken(text) = hear_translated(Dialect::Messages, whole(sent)) else { panic!("{sent}") };
        assert!(!text.contains("message_delta") && !text.contains("message_stop"), "{text}");
    }
    let block = r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#;
    let delta = r#"content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}"#;
    let sent = events_of(&[block]).replacen(
        "event: message_delta",
        &(message::event(delta) + "event: message_delta"),
        1,
    );
    let Heard::Broken(text) = hear_translated(Dialect::ChatCompletions, whole(&sent)) else {
        panic!("{sent}")
    };
    assert!(!text.contains("\"finish_reason\":\""), "{text}");
}

#[test]
fn events_without_a_line_between_them_end_in_the_dialect_of_the_caller() {
    let sent = format!(
        "data: {{\"choices\":[{}]}}\ndata: {{\"choices\":[{STOP}]}}\n{DONE}",
        r#"{"delta":{"content":"Hi"}}"#
    );
    let Heard::Done(text, end) = hear_translated(Dialect::Messages, whole(&sent)) else { panic!("{sent}") };
    assert!(
        text.contains("Hi") && names(&end) == ["content_block_stop", "message_delta", "message_stop"],
        "{text}{end}"
    );
}
