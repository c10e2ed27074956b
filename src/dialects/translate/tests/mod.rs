//! Streams in the dialect of another caller: what is split meets, and what is broken has no end.

mod every_pair;
mod members;
mod mutated;
mod reported_requests;
mod reported_streams;
mod streams;
mod vendors;

use serde_json::{Value, json};

use super::*;
use crate::dialects::messages::write_stream::MOST_WAITING;

fn stop(reason: &str) -> Stop {
    match reason {
        "length" => Stop::Length,
        "tool_calls" => Stop::Calls,
        _ => Stop::End,
    }
}

fn to_messages() -> Stream {
    let writer = messages::write_stream::Writer::new("\"m\"".to_owned(), 1);
    Stream::new(Reader::Chat(chat::read_stream::Reader::new(stop)), Writer::Messages(Box::new(writer)))
}

fn to_chat() -> Stream {
    let writer = chat::write_stream::Writer::new(1, "\"m\"", "\"p\"", false);
    Stream::new(Reader::Messages(messages::read_stream::Reader::default()), Writer::Chat(Box::new(writer)))
}

/// What a caller reads of a whole stream: its text, its reasoning, and the input of each call.
fn read(mut stream: Stream, events: &[String]) -> Result<(String, String, Vec<String>), Unwritable> {
    let mut out = Vec::new();
    for event in events {
        stream.feed(event.as_bytes(), &mut out)?;
    }
    out.extend(stream.end(Tokens::default())?);
    let out = String::from_utf8(out).expect("UTF-8");
    let (mut text, mut reasoning, mut inputs) = (String::new(), String::new(), Vec::new());
    for data in out.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]") {
        let data: Value = serde_json::from_str(data).expect(data);
        let delta = if data["delta"].is_object() { &data["delta"] } else { &data["choices"][0]["delta"] };
        let piece = |name: &str| delta[name].as_str().unwrap_or_default().to_owned();
        text += &(piece("text") + &piece("content"));
        reasoning += &(piece("thinking") + &piece("reasoning_content"));
        let call = &delta["tool_calls"][0];
        if data["content_block"]["type"] == "tool_use" || call["id"].is_string() {
            inputs.push(String::new());
        }
        let json = piece("partial_json") + call["function"]["arguments"].as_str().unwrap_or_default();
        if !json.is_empty() {
            inputs.last_mut().expect("a call").push_str(&json);
        }
    }
    Ok((text, reasoning, inputs))
}

/// A chunk with the inside of a delta, as JSON.
fn chunk(delta: &str) -> String {
    format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{{delta}}}}}]}}"#)
}

fn finish(reason: &str) -> String {
    format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
}

fn arguments(index: u8, json: &str) -> String {
    chunk(&format!(r#""tool_calls":[{{"index":{index},"function":{{"arguments":{json}}}}}]"#))
}

fn call(index: u8, json: &str) -> String {
    chunk(&format!(
        r#""tool_calls":[{{"index":{index},"id":"t{index}","function":{{"name":"f","arguments":{json}}}}}]"#
    ))
}

/// The start of the block of a call.
fn block(index: u8) -> String {
    json!({"type": "content_block_start", "index": index, "content_block": {"type": "tool_use", "id": format!("t{index}"), "name": "f", "input": {}}}).to_string()
}

/// A delta of a block, its text as JSON.
fn delta(index: u8, kind: &str, name: &str, text: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{name}":{text}}}}}"#)
}

fn ended(reason: &str) -> String {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}}).to_string()
}

#[test]
fn the_halves_of_a_character_meet_in_every_part() {
    let chat = [
        chunk(r#""reasoning_content":"r\ud83d""#),
        chunk(r#""reasoning_content":"\ude00""#),
        chunk(r#""content":"a\ud83d""#),
        chunk(r#""content":"""#),
        chunk(r#""content":"\ude00b\ud83d""#),
        call(0, r#""{\"a\":\"\ud83d""#),
        call(1, r#""{\"b\":\"\ud83d""#),
        arguments(0, r#""\ude00\"}""#),
        arguments(1, r#""\ude00\ud83d""#),
        arguments(1, r#""\"}""#),
        finish("tool_calls"),
    ];
    let expected = (
        "a\u{1f600}b\u{fffd}".to_owned(),
        "r\u{1f600}".to_owned(),
        vec!["{\"a\":\"\u{1f600}\"}".to_owned(), "{\"b\":\"\u{1f600}\u{fffd}\"}".to_owned()],
    );
    assert_eq!(read(to_messages(), &chat), Ok(expected));
    let messages = [
        delta(0, "thinking_delta", "thinking", r#""r\ud83d""#),
        delta(0, "thinking_delta", "thinking", r#""\ude00\ud83d""#),
        delta(1, "text_delta", "text", r#""a\ud83d""#),
        delta(1, "text_delta", "text", r#""\ude00""#),
        block(2),
        delta(2, "input_json_delta", "partial_json", r#""{\"a\":\"\ud83d""#),
        delta(2, "input_json_delta", "partial_json", r#""\ude00\"}""#),
        ended("tool_use"),
    ];
    let expected =
        ("a\u{1f600}".to_owned(), "r\u{1f600}\u{fffd}".to_owned(), vec!["{\"a\":\"\u{1f600}\"}".to_owned()]);
    assert_eq!(read(to_chat(), &messages), Ok(expected));
}

#[test]
fn half_a_character_at_the_end_is_written_even_without_a_reason_for_the_end() {
    assert_eq!(
        read(to_messages(), &[chunk(r#""content":"a\ud83d""#)]).map(|read| read.0),
        Ok("a\u{fffd}".to_owned())
    );
    let piece = delta(0, "text_delta", "text", r#""a\ud83d""#);
    assert_eq!(read(to_chat(), &[piece]).map(|read| read.0), Ok("a\u{fffd}".to_owned()));
}

#[test]
fn a_call_with_a_broken_input_has_no_end() {
    for (json, valid) in [
        (r#""{\"a\":1}""#, true),
        (r#""""#, true),
        (r#"" ""#, true),
        (r#""{\"a\":1} ""#, true),
        (r#""{\"a\":""#, false),
        (r#""{\"a\":1}}""#, false),
        (r#""{}{}""#, false),
        (r#""{\"a\":NaN}""#, false),
        (r#""[1]""#, false),
        (r#""null""#, false),
        (r#""go""#, false),
    ] {
        for (first, second) in [(json, "\"{}\""), ("\"{}\"", json)] {
            let chat = |reason: &str| {
                let calls = [call(0, "\"\""), arguments(0, first), call(1, second)];
                read(to_messages(), &[calls.as_slice(), &[finish(reason)]].concat())
            };
            assert_eq!(chat("tool_calls").is_ok(), valid, "{json}");
            assert_eq!(chat("stop").is_ok(), valid, "{json}");
            // The limit may have cut it off.
            assert!(chat("length").is_ok(), "{json}");
            let input = |index: u8, json: &str| delta(index, "input_json_delta", "partial_json", json);
            let messages = |reason: &str| {
                let events = [block(0), input(0, first), block(1), input(1, second), ended(reason)];
                read(to_chat(), &events)
            };
            assert_eq!(messages("tool_use").is_ok(), valid, "{json}");
            assert!(messages("max_tokens").is_ok(), "{json}");
        }
        assert_eq!(read(to_messages(), &[call(0, json)]).is_ok(), valid, "without a reason: {json}");
    }
    let blank = read(
        to_chat(),
        &[block(0), delta(0, "input_json_delta", "partial_json", "\" \""), ended("tool_use")],
    );
    assert_eq!(blank.expect("a stream").2, ["{}"]);
}

#[test]
fn a_call_without_a_name_or_an_id_is_broken_too() {
    let text = || chunk(r#""content":"a""#);
    let nameless = chunk(r#""tool_calls":[{"index":0,"id":"t","function":{"arguments":"{}"}}]"#);
    let broken = Err(Unwritable::BrokenCall);
    assert_eq!(read(to_messages(), &[text(), nameless.clone(), finish("tool_calls")]), broken);
    assert!(read(to_messages(), &[text(), nameless, finish("length")]).is_ok());
    for block in [json!({"type": "tool_use", "id": "t"}), json!({"type": "tool_use", "name": "f", "id": ""})]
    {
        let start = json!({"type": "content_block_start", "index": 0, "content_block": block});
        assert_eq!(read(to_chat(), &[start.to_string(), ended("tool_use")]), broken, "{block}");
    }
}

#[test]
fn what_could_not_be_written_has_no_end_later() {
    let mut stream = to_messages();
    let half = format!("\"{}\"", " ".repeat(MOST_WAITING / 2 + 1));
    let mut out = Vec::new();
    let mut feed = |stream: &mut Stream, data: &str| stream.feed(data.as_bytes(), &mut out);
    assert_eq!(feed(&mut stream, &call(0, "\"{\"")), Ok(()));
    assert_eq!(feed(&mut stream, &arguments(0, &half)), Ok(()));
    assert_eq!(feed(&mut stream, &arguments(0, &half)), Err(Unwritable::TooMuch));
    assert_eq!(feed(&mut stream, &finish("length")), Err(Unwritable::TooMuch));
    assert_eq!(stream.end(Tokens::default()), Err(Unwritable::TooMuch));
}

#[test]
fn only_what_the_caller_can_use_is_content() {
    for (data, content) in [
        (chunk(r#""role":"assistant","content":"""#), false),
        (chunk(r#""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]"#), false),
        (chunk(r#""audio":{"id":"a","data":"aGk="}"#), false),
        (r#"{"id":"c","choices":[{"index":1,"delta":{"content":"b"}}]}"#.to_owned(), false),
        (chunk(r#""content":"\ud83d""#), false),
        (finish("stop"), false),
        (chunk(r#""content":"a""#), true),
        (chunk(r#""reasoning_content":"r""#), true),
        (call(0, "\"\""), true),
    ] {
        let mut stream = to_messages();
        stream.feed(data.as_bytes(), &mut Vec::new()).expect("little");
        assert_eq!(stream.has_content(), content, "{data}");
    }
}
