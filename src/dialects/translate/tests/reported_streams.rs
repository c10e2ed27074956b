//! Faults of other gateways that their users have reported: answers that lost a part, or had an end that a client could not
//! act on.

use super::streams::{caller_of, streams};
use super::*;

/// A stream from a provider of one dialect to a caller of another one.
fn stream(from: Dialect, to: CallerDialect) -> Stream {
    let found = streams().into_iter().find(|(provider, stream)| *provider == from && caller_of(stream) == to);
    found.expect("a direction").1
}

/// The data of the events that a caller gets.
fn data(mut stream: Stream, events: &[String], tokens: Tokens) -> Vec<Value> {
    let mut out = Vec::new();
    for event in events {
        stream.feed(event.as_bytes(), &mut out).expect("a stream that can be written");
    }
    out.extend(stream.end(tokens).expect("an end"));
    let out = String::from_utf8(out).expect("UTF-8");
    let data = out.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).expect(data)).collect()
}

/// The blocks of a message as `+0 text`, `0 Hi` and `-0`, and its end.
fn message(events: &[String]) -> Vec<String> {
    let line = |data: &Value| {
        let index = &data["index"];
        Some(match data["type"].as_str().expect("a type") {
            "content_block_start" => format!("+{index} {}", data["content_block"]["type"].as_str()?),
            "content_block_delta" => {
                let delta = &data["delta"];
                let piece =
                    ["text", "thinking", "partial_json"].iter().find_map(|name| delta[*name].as_str());
                format!("{index} {}", piece?)
            }
            "content_block_stop" => format!("-{index}"),
            "message_delta" => format!("end {}", data["delta"]["stop_reason"].as_str()?),
            "message_stop" => "stop".to_owned(),
            _ => return None,
        })
    };
    let data = data(stream(Dialect::ChatCompletions, CallerDialect::Messages), events, Tokens::default());
    data.iter().filter_map(line).collect()
}

fn text(text: &str) -> String {
    chunk(&format!("\"content\":{}", json!(text)))
}

fn thought(text: &str) -> String {
    chunk(&format!("\"reasoning_content\":{}", json!(text)))
}

#[test]
fn clients_of_messages_get_whole_blocks_and_an_end_that_fits() {
    let same_index = |id: &str| {
        chunk(&format!(
            r#""tool_calls":[{{"index":0,"id":"{id}","function":{{"name":"f","arguments":"{{}}"}}}}]"#
        ))
    };
    for (symptom, events, expected) in [
        (
            "an empty text comes before a call, and its input belongs to no call",
            vec![text(""), call(0, "\"\""), arguments(0, "\"{}\""), finish("tool_calls")],
            vec!["+0 tool_use", "0 {}", "-0", "end tool_use", "stop"],
        ),
        (
            "the input of a call that comes in one chunk is empty",
            vec![call(0, r#""{\"a\":1}""#), finish("tool_calls")],
            vec!["+0 tool_use", r#"0 {"a":1}"#, "-0", "end tool_use", "stop"],
        ),
        (
            "the first word after each change of the block is missing, and late reasoning has no block of its own",
            vec![thought("R1"), text("T1"), thought("R2"), text("T2"), finish("stop")],
            vec![
                "+0 thinking",
                "0 R1",
                "-0",
                "+1 text",
                "1 T1",
                "-1",
                "+2 thinking",
                "2 R2",
                "-2",
                "+3 text",
                "3 T2",
                "-3",
                "end end_turn",
                "stop",
            ],
        ),
        (
            "an answer of reasoning alone is empty",
            vec![thought("R"), finish("length")],
            vec!["+0 thinking", "0 R", "-0", "end max_tokens", "stop"],
        ),
        (
            "an agent repeats a call for ever, because the turn ended without it",
            vec![call(0, "\"{}\""), finish(""), finish("stop")],
            vec!["+0 tool_use", "0 {}", "-0", "end tool_use", "stop"],
        ),
        (
            "a turn ends for a call that there is not",
            vec![text("Hi"), finish("tool_calls")],
            vec!["+0 text", "0 Hi", "-0", "end end_turn", "stop"],
        ),
        (
            "an answer that was blocked looks finished",
            vec![text("Hi"), finish("content_filter")],
            vec!["+0 text", "0 Hi", "-0", "end refusal", "stop"],
        ),
        (
            "the words of a refusal are lost",
            vec![chunk(r#""refusal":"No.""#), finish("stop")],
            vec!["+0 text", "0 No.", "-0", "end refusal", "stop"],
        ),
        (
            "a stream with an unknown end has none",
            vec![text("Hi"), finish("of_next_year")],
            vec!["+0 text", "0 Hi", "-0", "end end_turn", "stop"],
        ),
        (
            "a stream without any reason for its end has none",
            vec![text("Hi")],
            vec!["+0 text", "0 Hi", "-0", "end end_turn", "stop"],
        ),
        (
            "several calls with the same index become one",
            vec![same_index("a"), same_index("b"), finish("tool_calls")],
            vec!["+0 tool_use", "0 {}", "-0", "+1 tool_use", "1 {}", "-1", "end tool_use", "stop"],
        ),
        (
            "a text after a call cuts its input in two",
            vec![call(0, "\"{\""), text("Hi"), arguments(0, "\"}\""), finish("tool_calls")],
            vec!["+0 tool_use", "0 {", "0 }", "-0", "+1 text", "1 Hi", "-1", "end tool_use", "stop"],
        ),
    ] {
        assert_eq!(message(&events), expected, "{symptom}");
    }
}

#[test]
fn a_refusal_says_that_it_is_one() {
    let events = [text("No."), finish("content_filter")];
    let streamed =
        data(stream(Dialect::ChatCompletions, CallerDialect::Messages), &events, Tokens::default());
    let details = json!({"type": "refusal", "category": null, "explanation": null});
    let end = streamed.iter().find(|data| data["type"] == "message_delta").expect("an end");
    assert_eq!(end["delta"]["stop_details"], details, "{end}");
    let whole =
        r#"{"id":"c","choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#;
    let context = Context { stop, signer: Signer::Studio, created: 1, repeated: None };
    let pair = (Dialect::ChatCompletions, CallerDialect::Messages);
    let (whole, _) = answer(pair, whole.as_bytes(), Tokens::default(), context).expect("an answer");
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");
    assert_eq!((&whole["stop_details"], &whole["content"][0]["text"]), (&details, &json!("No.")));
}

#[test]
fn clients_of_completions_get_each_call_at_its_own_index() {
    let input = |index: u8| delta(index, "input_json_delta", "partial_json", "\"{}\"");
    let of = |events: &[String]| {
        data(stream(Dialect::Messages, CallerDialect::ChatCompletions), events, Tokens::default())
    };
    let chunks = of(&[block(1), input(1), block(2), input(2), super::ended("end_turn")]);
    let calls: Vec<(u64, bool)> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
        .map(|call| (call["index"].as_u64().expect("an index"), call["id"].is_string()))
        .collect();
    assert_eq!(calls, [(0, true), (0, false), (1, true), (1, false)]);
    let ends = |chunks: &[Value]| {
        let reasons = chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str());
        reasons.map(str::to_owned).collect::<Vec<_>>()
    };
    // The reason for the end came without them.
    assert_eq!(ends(&chunks), ["tool_calls"]);
    let refused = of(&[delta(0, "text_delta", "text", "\"No.\""), super::ended("refusal")]);
    assert_eq!(ends(&refused), ["content_filter"]);
    let unknown = of(&[delta(0, "text_delta", "text", "\"Hi\""), super::ended("of_next_year")]);
    assert_eq!(ends(&unknown), ["stop"]);
}

#[test]
fn clients_of_responses_get_every_event_that_they_index_by() {
    let events = [
        text("Hi"),
        chunk(r#""tool_calls":[{"function":{"name":"f","arguments":"{}"}}]"#),
        finish("tool_calls"),
    ];
    let data = data(stream(Dialect::ChatCompletions, CallerDialect::Responses), &events, Tokens::default());
    let kinds: Vec<&str> = data.iter().map(|data| data["type"].as_str().expect("a type")).collect();
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds, expected.map(|kind| format!("response.{kind}")));
    for (number, data) in data.iter().enumerate() {
        assert_eq!(data["sequence_number"], number, "{data}");
    }
    assert!(
        data[0]["response"]["id"].is_string() && data[0]["id"].is_null(),
        "the response is in its envelope"
    );
    assert_eq!((&data[2]["item"]["content"], &data[4]["content_index"]), (&json!([]), &json!(0)));
    assert_eq!(data[3]["part"]["annotations"], json!([]));
    for item in data.iter().map(|data| &data["item"]).filter(|item| item.is_object()) {
        assert!(item["id"].as_str().is_some_and(|id| !id.is_empty()), "{item}");
        let is_call = item["type"] == "function_call";
        assert_eq!(is_call, item["call_id"].as_str().is_some_and(|id| id.starts_with("call_")), "{item}");
    }
}

/// What each dialect counts of the same tokens, whole and streamed.
#[test]
fn the_tokens_add_up_in_every_dialect() {
    let tokens = Tokens { fresh: 10, cache_read: 100, cache_write: 50, output: 7, reasoning: 3 };
    let of_message = json!({"input_tokens": 10, "cache_creation_input_tokens": 50, "cache_read_input_tokens": 100, "output_tokens": 7});
    let of_completion = json!({
        "prompt_tokens": 160, "completion_tokens": 7, "total_tokens": 167,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 50},
        "completion_tokens_details": {"reasoning_tokens": 3}
    });
    let of_response = json!({
        "input_tokens": 160, "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 50},
        "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 167
    });
    let message = json!({"id": "m", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"})
        .to_string();
    let completion =
        r#"{"id":"c","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#.to_owned();
    let members: Members<'_> = serde_json::from_str("{}").expect("JSON");
    let repeated = Repeated::of(&members);
    let generated =
        json!({"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}).to_string();
    let content = json!([{"text": "Hi"}]);
    let conversed =
        json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn"})
            .to_string();
    let said = json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hi"}}}).to_string();
    let over = json!({"messageStop": {"stopReason": "end_turn"}}).to_string();
    for (pair, stream) in streams().into_iter().map(|(from, stream)| ((from, caller_of(&stream)), stream)) {
        let (whole, sent) = match pair.0 {
            Dialect::Messages => {
                (&message, vec![delta(0, "text_delta", "text", "\"Hi\""), super::ended("end_turn")])
            }
            Dialect::Gemini => (&generated, vec![generated.clone()]),
            Dialect::Converse => (&conversed, vec![said.clone(), over.clone()]),
            Dialect::ChatCompletions | Dialect::Responses => (&completion, vec![text("Hi"), finish("stop")]),
        };
        let (place, expected) = match pair.1 {
            CallerDialect::ChatCompletions => ("/usage", &of_completion),
            CallerDialect::Messages => ("/usage", &of_message),
            CallerDialect::Responses => ("/response/usage", &of_response),
        };
        let context = Context { stop, signer: Signer::Studio, created: 1, repeated: Some(&repeated) };
        let (whole, _) = answer(pair, whole.as_bytes(), tokens, context).expect("an answer");
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        assert_eq!(&whole["usage"], expected, "{pair:?}");
        let streamed = data(stream, &sent, tokens);
        let counted =
            streamed.iter().rev().find_map(|data| data.pointer(place).filter(|usage| usage.is_object()));
        assert_eq!(counted, Some(expected), "{pair:?}");
        if pair.1 == CallerDialect::Messages {
            let begun = &streamed[0]["message"]["usage"]["input_tokens"];
            assert_eq!(begun, 1, "an estimate and never zero: {pair:?} {streamed:?}");
        }
    }
}
