//! Every translated stream has one end, calls if and only if its end says so, and all that the model wrote, however its
//! provider cuts it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::vendors::{Written, parts, sent};
use super::*;

fn reason(word: &str) -> Stop {
    match word {
        "content_filter" | "SAFETY" => Stop::Refused,
        "MAX_TOKENS" => Stop::Length,
        other => stop(other),
    }
}

fn to_responses() -> Box<responses::write_stream::Writer> {
    let members: Members<'_> = serde_json::from_str("{}").expect("JSON");
    Box::new(responses::write_stream::Writer::new("\"m\"".to_owned(), 1, Arc::new(Repeated::of(&members))))
}

/// A stream of each direction, with the dialect of its provider.
pub(super) fn streams() -> Vec<(Dialect, Stream)> {
    let of_messages = || Reader::Messages(messages::read_stream::Reader::default());
    let of_chat = || Reader::Chat(chat::read_stream::Reader::new(reason));
    let of_gemini = || Reader::Gemini(gemini::read_stream::Reader::new(reason, Signer::Studio));
    let of_converse = || Reader::Converse(converse::read_stream::Reader::default());
    let to_messages =
        || Writer::Messages(Box::new(messages::write_stream::Writer::new("\"m\"".to_owned(), 1)));
    let to_chat = || Writer::Chat(Box::new(chat::write_stream::Writer::new(1, "\"m\"", "\"p\"", true)));
    [
        (Dialect::ChatCompletions, of_chat(), to_messages()),
        (Dialect::ChatCompletions, of_chat(), Writer::Responses(to_responses())),
        (Dialect::Messages, of_messages(), to_chat()),
        (Dialect::Messages, of_messages(), Writer::Responses(to_responses())),
        (Dialect::Gemini, of_gemini(), to_chat()),
        (Dialect::Gemini, of_gemini(), to_messages()),
        (Dialect::Gemini, of_gemini(), Writer::Responses(to_responses())),
        (Dialect::Converse, of_converse(), to_chat()),
        (Dialect::Converse, of_converse(), to_messages()),
        (Dialect::Converse, of_converse(), Writer::Responses(to_responses())),
    ]
    .map(|(from, reader, writer)| (from, Stream::new(reader, writer)))
    .into()
}

/// The dialect of the caller of a stream.
pub(super) fn caller_of(stream: &Stream) -> CallerDialect {
    match stream.writer {
        Writer::Chat(_) => CallerDialect::ChatCompletions,
        Writer::Messages(_) => CallerDialect::Messages,
        Writer::Responses(_) => CallerDialect::Responses,
    }
}

/// What a caller reads of a stream.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The events that end a stream, and the last event of all.
    pub(super) ends: Vec<String>,
    last: String,
    /// The word for the end, where the dialect has one.
    stop: Option<String>,
    text: String,
    reasoning: String,
    /// The id, the name and the input of each call.
    calls: Vec<(String, String, String)>,
}

/// Translates a whole stream. `None` if it cannot go on, so that it has no end.
pub(super) fn ended(mut stream: Stream, events: &[String]) -> Option<Heard> {
    let mut out = Vec::new();
    for event in events {
        stream.feed(event.as_bytes(), &mut out).ok()?;
    }
    out.extend(stream.end(Tokens::default()).ok()?);
    let out = String::from_utf8(out).expect("UTF-8");
    let mut heard = Heard::default();
    for data in out.lines().filter_map(|line| line.strip_prefix("data: ")) {
        match caller_of(&stream) {
            CallerDialect::ChatCompletions => heard.chunk(data),
            CallerDialect::Messages => heard.message(&serde_json::from_str(data).expect(data)),
            CallerDialect::Responses => heard.response(&serde_json::from_str(data).expect(data)),
        }
    }
    Some(heard)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Heard {
    fn event(&mut self, kind: &str, is_end: bool) {
        kind.clone_into(&mut self.last);
        if is_end {
            self.ends.push(kind.to_owned());
        }
    }

    fn chunk(&mut self, data: &str) {
        self.event(data, data == "[DONE]");
        let Ok(data) = serde_json::from_str::<Value>(data) else { return };
        let choice = &data["choices"][0];
        assert!(self.stop.is_none() || choice.is_null(), "only the usage follows the end: {data}");
        let delta = &choice["delta"];
        self.text += &word(&delta["content"]);
        self.reasoning += &word(&delta["reasoning_content"]);
        if let Some(call) = delta["tool_calls"].get(0) {
            if call["id"].is_string() {
                self.calls.push((word(&call["id"]), word(&call["function"]["name"]), String::new()));
            }
            let index = usize::try_from(call["index"].as_u64().expect("an index")).expect("a small one");
            self.calls[index].2 += &word(&call["function"]["arguments"]);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            assert_eq!(self.stop.replace(reason.to_owned()), None);
        }
    }

    fn message(&mut self, data: &Value) {
        let kind = word(&data["type"]);
        self.event(&kind, kind == "message_stop");
        let (block, delta) = (&data["content_block"], &data["delta"]);
        if block["type"] == "tool_use" {
            self.calls.push((word(&block["id"]), word(&block["name"]), String::new()));
        }
        self.text += &word(&delta["text"]);
        self.reasoning += &word(&delta["thinking"]);
        if let Some(json) = delta["partial_json"].as_str() {
            self.calls.last_mut().expect("a call").2 += json;
        }
        if let Some(reason) = delta["stop_reason"].as_str() {
            assert_eq!(self.stop.replace(reason.to_owned()), None);
        }
    }

    fn response(&mut self, data: &Value) {
        let kind = word(&data["type"]);
        let ends = ["response.completed", "response.incomplete", "response.failed"];
        self.event(&kind, ends.contains(&kind.as_str()));
        let item = &data["item"];
        if kind != "response.output_item.done" {
            return;
        }
        let texts = |name: &str| {
            let parts = item[name].as_array().cloned().unwrap_or_default();
            parts.iter().map(|part| word(&part["text"])).collect::<String>()
        };
        self.text += &texts("content");
        self.reasoning += &texts("summary");
        if item["type"] == "function_call" {
            self.calls.push((word(&item["call_id"]), word(&item["name"]), word(&item["arguments"])));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_stream_has_one_end_and_all_that_was_written(
        parts in parts(),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
        stop in prop::sample::select(vec!["stop", "tool_calls", "length", "content_filter", "of_next_year", ""]),
        repeated in any::<bool>(),
    ) {
        let texts = |of: fn(&Written) -> Option<&String>| parts.iter().filter_map(of).cloned().collect::<String>();
        let text = texts(|part| if let Written::Text(text) = part { Some(text) } else { None });
        let reasoning = texts(|part| if let Written::Reasoning(text) = part { Some(text) } else { None });
        let inputs = parts.iter().filter_map(|part| if let Written::Call(input) = part { Some(*input) } else { None });
        let calls: Vec<&str> = inputs.map(|input| if input.is_empty() { "{}" } else { input }).collect();
        for (from, stream) in streams() {
            let to = caller_of(&stream);
            let events = sent(from, &parts, &cuts, (stop, repeated));
            let heard = ended(stream, &events).expect("a stream that can be written");
            prop_assert_eq!(heard.ends.len(), 1, "{:?}: {:?}", to, heard);
            prop_assert_eq!(heard.ends.first(), Some(&heard.last));
            prop_assert_eq!((&heard.text, &heard.reasoning), (&text, &reasoning), "{:?}", to);
            let written: Vec<&str> = heard.calls.iter().map(|(.., input)| if input.is_empty() { "{}" } else { input.as_str() }).collect();
            prop_assert_eq!(&written, &calls, "{:?}", to);
            for (number, (id, name, _)) in heard.calls.iter().enumerate() {
                let expected = format!("t{number}");
                prop_assert_eq!((id.as_str(), name.as_str()), (expected.as_str(), "f"));
            }
            let broke_off = matches!(stop, "length" | "content_filter");
            let of_calls = heard.stop.as_deref().map(|word| matches!(word, "tool_use" | "tool_calls"));
            prop_assert_eq!(of_calls.is_none(), to == CallerDialect::Responses);
            if let Some(of_calls) = of_calls {
                prop_assert_eq!(of_calls, !broke_off && !calls.is_empty(), "{:?}: {:?}", to, heard);
            }
        }
    }
}
