//! The events of streams that are written: their order, and what waits.

use serde_json::Value;

use super::*;

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn call(position: usize, id: &str) -> Event {
    Event::Call { position, id: id.to_owned(), name: "f".to_owned() }
}

fn input(position: usize, json: &str) -> Event {
    Event::Input { position, json: json.to_owned() }
}

/// The data of the events of a whole stream, each as one line.
fn stream(events: Vec<Event>) -> Vec<String> {
    let mut writer = Writer::new("\"m\"".to_owned(), 7);
    let mut out = Vec::new();
    for event in events {
        writer.write(event, &mut out).expect("little waits");
    }
    out.extend(writer.end(Tokens { fresh: 3, cache_read: 4, output: 5, ..Tokens::default() }));
    let out = String::from_utf8(out).expect("a text");
    let line = |event: &str| {
        let (name, data) = event.split_once("\ndata: ").expect(event);
        let data: Value = serde_json::from_str(data).expect(event);
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{event}");
        let index = data["index"].as_u64().map(|index| format!("{index} ")).unwrap_or_default();
        let more = [&data["content_block"], &data["delta"]].into_iter().find(|more| !more.is_null());
        format!("{index}{} {}", data["type"].as_str().expect("a type"), more.unwrap_or(&Value::Null))
    };
    out.split_terminator("\n\n").map(line).collect()
}

/// A line with its JSON as a value, because members may come in any order.
fn sorted(line: &str) -> (String, Option<Value>) {
    let (head, json) = line.rsplit_once(" {").map_or((line, None), |(head, json)| (head, Some(json)));
    (head.to_owned(), json.map(|json| serde_json::from_str(&format!("{{{json}")).expect(line)))
}

#[test]
fn blocks_come_one_after_the_other_whatever_the_order_of_the_calls() {
    let interleaved = stream(vec![
        Event::Begin("1".to_owned()),
        Event::Reasoning("T".to_owned()),
        text("Hi"),
        call(0, "x"),
        input(0, "{"),
        call(1, "y:1"),
        input(1, "{}"),
        text("after"),
        input(0, "}"),
        Event::Stop(Stop::End),
    ]);
    let alias = ids::alias_of_call("y:1").expect("an alias");
    let expected = [
        "message_start null".to_owned(),
        r#"0 content_block_start {"signature":"","thinking":"","type":"thinking"}"#.to_owned(),
        r#"0 content_block_delta {"thinking":"T","type":"thinking_delta"}"#.to_owned(),
        format!(r#"0 content_block_delta {{"signature":"{MARK}","type":"signature_delta"}}"#),
        "0 content_block_stop null".to_owned(),
        r#"1 content_block_start {"text":"","type":"text"}"#.to_owned(),
        r#"1 content_block_delta {"text":"Hi","type":"text_delta"}"#.to_owned(),
        "1 content_block_stop null".to_owned(),
        r#"2 content_block_start {"id":"x","input":{},"name":"f","type":"tool_use"}"#.to_owned(),
        r#"2 content_block_delta {"partial_json":"{","type":"input_json_delta"}"#.to_owned(),
        r#"2 content_block_delta {"partial_json":"}","type":"input_json_delta"}"#.to_owned(),
        "2 content_block_stop null".to_owned(),
        format!(r#"3 content_block_start {{"id":"{alias}","input":{{}},"name":"f","type":"tool_use"}}"#),
        r#"3 content_block_delta {"partial_json":"{}","type":"input_json_delta"}"#.to_owned(),
        "3 content_block_stop null".to_owned(),
        r#"4 content_block_start {"text":"","type":"text"}"#.to_owned(),
        r#"4 content_block_delta {"text":"after","type":"text_delta"}"#.to_owned(),
        "4 content_block_stop null".to_owned(),
        r#"message_delta {"stop_reason":"tool_use","stop_sequence":null}"#.to_owned(),
        "message_stop null".to_owned(),
    ];
    assert_eq!(
        interleaved.iter().map(|line| sorted(line)).collect::<Vec<_>>(),
        expected.iter().map(|line| sorted(line)).collect::<Vec<_>>()
    );
}

#[test]
fn a_stream_without_content_is_complete_too() {
    assert_eq!(
        stream(vec![]),
        [
            "message_start null",
            r#"message_delta {"stop_reason":"end_turn","stop_sequence":null}"#,
            "message_stop null"
        ]
    );
    let cut = stream(vec![Event::Begin(String::new()), call(0, "x"), Event::Stop(Stop::Length)]);
    assert!(cut.iter().any(|line| line.contains("max_tokens")), "{cut:?}");
}

#[test]
fn what_waits_is_bounded() {
    let mut writer = Writer::new("\"m\"".to_owned(), 0);
    let mut out = Vec::new();
    for event in [call(0, "x"), call(1, "y"), input(1, &" ".repeat(MOST_WAITING - 100))] {
        assert_eq!(writer.write(event, &mut out), Ok(()));
    }
    assert_eq!(writer.write(input(1, &" ".repeat(101)), &mut out), Err(TooMuch));
}

#[test]
fn reasoning_in_the_middle_of_a_call_follows_it() {
    let late = stream(vec![
        Event::Begin("1".to_owned()),
        call(0, "x"),
        input(0, "{"),
        Event::Reasoning("L".to_owned()),
        text("after"),
        input(0, "}"),
        Event::Stop(Stop::Calls),
    ]);
    let kinds: Vec<&str> = late.iter().filter(|line| line.contains("_delta")).map(String::as_str).collect();
    let expected = [
        r#"0 content_block_delta {"partial_json":"{","type":"input_json_delta"}"#.to_owned(),
        r#"0 content_block_delta {"partial_json":"}","type":"input_json_delta"}"#.to_owned(),
        r#"1 content_block_delta {"thinking":"L","type":"thinking_delta"}"#.to_owned(),
        format!(r#"1 content_block_delta {{"signature":"{MARK}","type":"signature_delta"}}"#),
        r#"2 content_block_delta {"text":"after","type":"text_delta"}"#.to_owned(),
        r#"message_delta {"stop_reason":"tool_use","stop_sequence":null}"#.to_owned(),
    ];
    assert_eq!(
        kinds.iter().map(|line| sorted(line)).collect::<Vec<_>>(),
        expected.iter().map(|line| sorted(line)).collect::<Vec<_>>()
    );
}

#[test]
fn reasoning_after_text_is_a_block_of_its_own_and_signatures_stay() {
    let lines = stream(vec![
        Event::Begin("1".to_owned()),
        Event::Reasoning("T".to_owned()),
        Event::Signature("c2ln".to_owned()),
        Event::Redacted("eA==".to_owned()),
        text("Hi"),
        Event::Reasoning("L".to_owned()),
        Event::Stop(Stop::End),
    ]);
    let starts: Vec<String> = lines
        .iter()
        .filter_map(|line| line.split_once(" content_block_start "))
        .map(|(index, block)| {
            let block: Value = serde_json::from_str(block).expect(block);
            format!("{index} {}", block["type"].as_str().expect("a type"))
        })
        .collect();
    assert_eq!(starts, ["0 thinking", "1 redacted_thinking", "2 text", "3 thinking"]);
    let signatures: Vec<&String> = lines.iter().filter(|line| line.contains("signature_delta")).collect();
    assert!(signatures[0].contains("c2ln") && signatures[1].contains(MARK), "{signatures:?}");
    assert_eq!(signatures.len(), 2);
}

#[test]
fn a_signature_without_a_text_is_a_block_and_one_that_comes_too_late_is_none() {
    let late = || vec![Event::Reasoning("T".to_owned()), text("Hi"), Event::Signature("bGF0ZQ==".to_owned())];
    for (events, expected) in [
        (vec![Event::Signature("c2ln".to_owned()), text("Hi")], vec!["c2ln"]),
        (late(), vec![MARK]),
        // The next one has nothing to do with that.
        (late().into_iter().chain([Event::Signature("c2ln".to_owned())]).collect(), vec![MARK, "c2ln"]),
        (vec![call(0, "x"), Event::Signature("c2ln".to_owned())], vec![]),
    ] {
        let lines = stream(events);
        let signatures: Vec<String> = lines
            .iter()
            .filter_map(|line| line.split_once(" content_block_delta "))
            .map(|(_, delta)| serde_json::from_str::<Value>(delta).expect(delta))
            .filter_map(|delta| delta["signature"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(signatures, expected, "{lines:?}");
    }
    let alone = stream(vec![Event::Signature("c2ln".to_owned()), text("Hi")]);
    let kinds: Vec<&str> =
        alone.iter().filter_map(|line| line.split_once(" {").map(|(kind, _)| kind)).collect();
    let expected = [
        "0 content_block_start",
        "0 content_block_delta",
        "1 content_block_start",
        "1 content_block_delta",
        "message_delta",
    ];
    assert_eq!(kinds, expected, "{alone:?}");
}
