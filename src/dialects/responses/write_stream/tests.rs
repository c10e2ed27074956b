//! The events of a response: each item in its order, each number once, and one end.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialects::members::Members;

fn repeated() -> Arc<Repeated> {
    let request = r#"{"tools":[{"type":"custom","name":"p"},{"type":"function","name":"f"}]}"#;
    let members: Members<'_> = serde_json::from_str(request).expect(request);
    Arc::new(Repeated::of(&members))
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn call(position: usize, id: &str, name: &str) -> Event {
    Event::Call { position, id: id.to_owned(), name: name.to_owned() }
}

fn input(position: usize, json: &str) -> Event {
    Event::Input { position, json: json.to_owned() }
}

fn begin() -> Event {
    Event::Begin("1".to_owned())
}

/// The data of the events that are written. Their names are their types, and they are numbered.
fn stream(events: Vec<Event>) -> Vec<Value> {
    let mut writer = Writer::new("\"m\"".to_owned(), 7, repeated());
    let mut out = Vec::new();
    for event in events {
        writer.write(event, &mut out).expect("little waits");
    }
    let tokens = Tokens { fresh: 1, output: 2, ..Tokens::default() };
    let end = writer.end(tokens);
    assert_eq!(end, writer.end(tokens), "an end can be asked for twice");
    out.extend(end);
    let out = String::from_utf8(out).expect("UTF-8");
    let events = out.split_terminator("\n\n").enumerate().map(|(number, event)| {
        let (name, data) = event.split_once("\ndata: ").expect(event);
        let data: Value = serde_json::from_str(data).expect(event);
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{event}");
        assert_eq!(data["sequence_number"], number, "{event}");
        data
    });
    events.collect()
}

/// The types of events after the two that begin each stream, with what they carry.
fn lines(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let kind = event["type"].as_str().expect("a type").trim_start_matches("response.");
        let index = event["output_index"].as_u64().map(|index| format!("{index} ")).unwrap_or_default();
        let carried =
            ["delta", "text", "arguments", "input"].into_iter().find_map(|name| event[name].as_str());
        format!("{index}{kind}{}", carried.map(|carried| format!(" {carried}")).unwrap_or_default())
    };
    events.iter().skip(2).map(line).collect()
}

/// What an SDK puts together of a stream: the items, and the last response.
fn put_together(events: &[Value]) -> (Vec<Value>, Value) {
    let items = events.iter().filter(|event| event["type"] == "response.output_item.done");
    let items = items.map(|event| event["item"].clone()).collect();
    (items, events.last().expect("an end")["response"].clone())
}

#[test]
fn items_come_one_after_the_other_whatever_the_order_of_the_calls() {
    let events = stream(vec![
        begin(),
        Event::Reasoning("T".to_owned()),
        text("H"),
        text("i"),
        call(0, "x", "f"),
        input(0, "{"),
        call(1, "y", "p"),
        input(1, r#"{"input":"#),
        text("after"),
        input(0, "}"),
        input(1, r#""*** Begin"}"#),
        Event::Stop(Stop::Calls),
    ]);
    let expected = [
        "0 output_item.added",
        "0 reasoning_summary_part.added",
        "0 reasoning_summary_text.delta T",
        "0 reasoning_summary_text.done T",
        "0 reasoning_summary_part.done",
        "0 output_item.done",
        "1 output_item.added",
        "1 content_part.added",
        "1 output_text.delta H",
        "1 output_text.delta i",
        "1 output_text.done Hi",
        "1 content_part.done",
        "1 output_item.done",
        "2 output_item.added",
        "2 function_call_arguments.delta {",
        "2 function_call_arguments.delta }",
        "2 function_call_arguments.done {}",
        "2 output_item.done",
        "3 output_item.added",
        "3 custom_tool_call_input.delta *** Begin",
        "3 custom_tool_call_input.done *** Begin",
        "3 output_item.done",
        "4 output_item.added",
        "4 content_part.added",
        "4 output_text.delta after",
        "4 output_text.done after",
        "4 content_part.done",
        "4 output_item.done",
        "completed",
    ];
    assert_eq!(lines(&events), expected);
    let (items, response) = put_together(&events);
    assert_eq!(response["output"], json!(items));
    assert_eq!(
        (&response["status"], &response["id"], &response["model"]),
        (&json!("completed"), &json!("resp_1"), &json!("m"))
    );
    assert_eq!(response["usage"]["total_tokens"], 3);
    assert_eq!(
        items[3],
        json!({"type": "custom_tool_call", "id": "ctc_1_3", "call_id": "y", "name": "p", "input": "*** Begin", "status": "completed"})
    );
    assert_eq!(
        (&events[0]["type"], &events[1]["type"]),
        (&json!("response.created"), &json!("response.in_progress"))
    );
    assert_eq!(events[0]["response"]["status"], "in_progress");
}

#[test]
fn a_stream_without_content_is_complete_too() {
    assert_eq!(lines(&stream(vec![])), ["completed"]);
    let events = stream(vec![begin(), call(0, "x", "f"), Event::Stop(Stop::End)]);
    let expected = [
        "0 output_item.added",
        "0 function_call_arguments.delta {}",
        "0 function_call_arguments.done {}",
        "0 output_item.done",
        "completed",
    ];
    assert_eq!(lines(&events), expected);
}

#[test]
fn what_claude_has_signed_is_the_encrypted_content_of_an_item() {
    let reasoning = |text: &str| Event::Reasoning(text.to_owned());
    let signature = |signature: &str| Event::Signature(signature.to_owned());
    let hidden = || Event::Redacted("eA==".to_owned());
    let events = stream(vec![
        begin(),
        reasoning("T"),
        reasoning("U"),
        signature("c2ln"),
        reasoning("V"),
        signature("c2lu"),
        // It shows nothing of what it thought.
        signature("c2lv"),
        hidden(),
        reasoning("unsigned"),
        hidden(),
        call(0, "x", "f"),
        input(0, "{}"),
        // The provider may still continue the call.
        signature("c2lw"),
        hidden(),
        Event::Stop(Stop::Calls),
    ]);
    let (items, response) = put_together(&events);
    assert_eq!(response["output"], json!(items));
    let of = |index: usize, texts: &[&str], content: Value| {
        let parts: Vec<Value> =
            texts.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
        let mut item = json!({"type": "reasoning", "id": format!("rs_failsoft_1_{index}"), "summary": parts});
        if content.is_string() {
            item["encrypted_content"] = content;
        }
        item
    };
    let signed = |signature: &str| json!(format!("ZmFpbHNvZnQ6Y2xhdWRl{signature}"));
    let hidden = json!("ZmFpbHNvZnQ6aGlkZGVueA==");
    assert_eq!(
        items[..6],
        [
            of(0, &["TU"], signed("c2ln")),
            of(1, &["V"], signed("c2lu")),
            of(2, &[], signed("c2lv")),
            of(3, &[], hidden.clone()),
            of(4, &["unsigned"], Value::Null),
            of(5, &[], hidden),
        ]
    );
    assert_eq!((items.len(), &items[6]["type"]), (7, &json!("function_call")));
    let begun = events.iter().filter(|event| event["type"] == "response.output_item.added");
    assert!(begun.clone().all(|event| event["item"]["encrypted_content"].is_null()));
    assert_eq!(begun.count(), 7);
}

#[test]
fn a_call_that_was_cut_off_is_not_made() {
    for (name, json) in [("f", r#"{"a":"#), ("p", r#"{"input":"*** Beg"#)] {
        let events =
            stream(vec![begin(), text("Hi"), call(0, "x", name), input(0, json), Event::Stop(Stop::Length)]);
        let (items, response) = put_together(&events);
        assert_eq!(items.len(), 1, "{items:?}");
        assert_eq!(response["output"], json!(items));
        assert_eq!(
            (&response["status"], &response["incomplete_details"]["reason"]),
            (&json!("incomplete"), &json!("max_output_tokens"))
        );
    }
    let refused = stream(vec![begin(), text("No."), Event::Stop(Stop::Refused), Event::Stop(Stop::End)]);
    let (items, response) = put_together(&refused);
    assert_eq!(
        (&items[0]["status"], &response["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("content_filter"))
    );
}

#[test]
fn what_is_kept_is_bounded() {
    let mut writer = Writer::new("\"m\"".to_owned(), 0, repeated());
    let mut out = Vec::new();
    assert_eq!(writer.write(text(&" ".repeat(MOST_WAITING)), &mut out), Ok(()));
    assert_eq!(writer.write(text(" "), &mut out), Err(TooMuch));
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        "[a-z]{1,3}".prop_map(Event::Text),
        "[a-z]{1,3}".prop_map(Event::Reasoning),
        "[a-z]{1,3}".prop_map(Event::Signature),
        "[a-z]{1,3}".prop_map(Event::Redacted),
        (0_usize..3, prop::sample::select(vec!["f", "p"])).prop_map(|(position, name)| call(
            position,
            &format!("c{position}"),
            name
        )),
        (0_usize..3).prop_map(|position| input(position, " ")),
        prop::sample::select(vec![Stop::End, Stop::Calls, Stop::Length, Stop::Refused]).prop_map(Event::Stop),
    ];
    prop::collection::vec(event, 0..20).prop_map(|events| {
        let mut known = Vec::new();
        let is_new = |event: &Event| match event {
            Event::Call { position, .. } => {
                !known.contains(position) && {
                    known.push(*position);
                    true
                }
            }
            _ => true,
        };
        std::iter::once(begin()).chain(events.into_iter().filter(is_new)).collect()
    })
}

proptest! {
    #[test]
    fn every_stream_has_one_end_and_each_item_begins_once(events in events()) {
        let said: String = events.iter().filter_map(|event| if let Event::Text(text) = event { Some(text.as_str()) } else { None }).collect();
        let data = stream(events);
        let kinds: Vec<&str> = data.iter().filter_map(|event| event["type"].as_str()).collect();
        let ends = ["response.completed", "response.incomplete", "response.failed"];
        prop_assert_eq!(kinds.iter().filter(|kind| ends.contains(kind)).count(), 1);
        prop_assert!(ends.contains(kinds.last().expect("an end")));
        let indices = |kind: &str| -> Vec<u64> {
            data.iter().filter(|event| event["type"] == kind).filter_map(|event| event["output_index"].as_u64()).collect()
        };
        let (added, done) = (indices("response.output_item.added"), indices("response.output_item.done"));
        prop_assert_eq!(&added, &(0..added.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(added, done);
        let (items, response) = put_together(&data);
        prop_assert_eq!(&response["output"], &json!(items));
        let parts = items.iter().filter_map(|item| item["content"][0]["text"].as_str());
        prop_assert_eq!(parts.collect::<String>(), said);
    }
}
