//! Writes events as the chunks of a chat completion.
//!
//! The end of the choice and the usage wait for the end of the stream: a provider may count the tokens after its reason for the
//! end, repeat that reason in each chunk, or fail after it, and clients take an answer with a reason for whole.

use serde::Serialize;

use super::write_answer::{Detail, ExtraContent, Usage, reason};
use crate::dialects::answers::{Event, Stop, Tokens};
use crate::dialects::ids;
use crate::dialects::turns::Signed;

/// The longest reasoning in bytes that is kept until its signature. A longer one cannot be sent back.
const LONGEST_REASONING: usize = 16 * 1024 * 1024;

/// The event that ends a stream.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// A stream that is being written.
#[derive(Debug)]
pub struct Writer {
    /// The id of every chunk, as a JSON string.
    id: String,
    /// The members of every chunk after its id: the time and our names.
    head: String,
    /// Whether the caller asked for the chunk of the usage.
    include_usage: bool,
    /// Whether each call has input so far.
    inputs: Vec<bool>,
    /// The reasoning that has no signature yet.
    reasoning: String,
    /// How much signed reasoning was written.
    details: usize,
    /// The signature of the call that begins next.
    call_signature: Option<String>,
    begun: bool,
    stop: Option<Stop>,
}

impl Writer {
    /// Writes a stream that begins at this second, with the names of the model and its provider, both JSON strings.
    #[must_use]
    pub fn new(created: i64, model: &str, provider: &str, include_usage: bool) -> Self {
        let head = format!(
            r#""object":"chat.completion.chunk","created":{created},"model":{model},"provider":{provider}"#
        );
        Self {
            id: quoted(""),
            head,
            include_usage,
            inputs: Vec::new(),
            reasoning: String::new(),
            details: 0,
            call_signature: None,
            begun: false,
            stop: None,
        }
    }

    /// The id of the stream, as a JSON string.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes the chunks of an event.
    pub fn write(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Begin(id) => self.begin(&id, out),
            Event::Text(content) => {
                self.reasoning.clear();
                self.delta(&Delta { content: Some(&content), ..Delta::default() }, None, out);
            }
            Event::Reasoning(text) => {
                if self.reasoning.len() <= LONGEST_REASONING {
                    self.reasoning += &text;
                }
                self.delta(&Delta { reasoning_content: Some(&text), ..Delta::default() }, None, out);
            }
            Event::Signature(signature) => {
                let text = std::mem::take(&mut self.reasoning);
                if text.len() <= LONGEST_REASONING {
                    self.detail(&Signed::Text { text, signature }, out);
                }
            }
            Event::Redacted(data) => self.detail(&Signed::Redacted(data), out),
            Event::CallSignature(signature) => self.call_signature = Some(signature),
            Event::Call { position, id, name } => {
                self.reasoning.clear();
                self.inputs.resize(position + 1, false);
                let function = Function { name: Some(&name), arguments: "" };
                let extra_content = self.call_signature.take().map(|marked| ExtraContent::of(&marked));
                let (id, kind) = (Some(id.as_str()), Some("function"));
                self.call(Call { index: position, id, kind, function, extra_content }, out);
            }
            Event::Input { position, json } => self.input(position, &json, out),
            // It has no place here.
            Event::StopSequence(_) => {}
            // Some providers repeat an end in each chunk.
            Event::Stop(stop) => self.stop = self.stop.filter(|known| known.breaks_off()).or(Some(stop)),
        }
    }

    /// The rest of a complete stream: the end of the choice, the usage, and the last event. Clients parse the input of each
    /// call, so one without any gets an empty object.
    #[must_use]
    pub fn end(&self, tokens: Tokens) -> Vec<u8> {
        let mut out = Vec::new();
        for (position, has_input) in self.inputs.iter().enumerate() {
            if !has_input {
                self.piece(position, "{}", &mut out);
            }
        }
        let stop = self.stop.unwrap_or(Stop::End).of_answer(!self.inputs.is_empty());
        self.delta(&Delta::default(), Some(reason(stop)), &mut out);
        if self.include_usage {
            self.chunk(&[], Some(Usage::of(tokens)), &mut out);
        }
        out.extend_from_slice(DONE);
        out
    }

    /// Writes signed reasoning as a whole, so that callers can send it back as it is.
    fn detail(&mut self, signed: &Signed, out: &mut Vec<u8>) {
        let Some(detail) = Detail::of(signed, self.details) else { return };
        self.details += 1;
        self.delta(&Delta { reasoning_details: Some([detail]), ..Delta::default() }, None, out);
    }

    fn begin(&mut self, id: &str, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        self.id = quoted(id);
        self.delta(&Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, None, out);
    }

    fn input(&mut self, position: usize, json: &str, out: &mut Vec<u8>) {
        if let Some(input) = self.inputs.get_mut(position) {
            *input = true;
        }
        self.piece(position, json, out);
    }

    /// Writes a piece of the input of a call.
    fn piece(&self, position: usize, json: &str, out: &mut Vec<u8>) {
        let function = Function { name: None, arguments: json };
        self.call(Call { index: position, id: None, kind: None, function, extra_content: None }, out);
    }

    fn call(&self, call: Call<'_>, out: &mut Vec<u8>) {
        self.delta(&Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
    }

    fn delta(&self, delta: &Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        self.chunk(&[Choice { index: 0, delta, logprobs: None, finish_reason }], None, out);
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Usage>, out: &mut Vec<u8>) {
        let Ok(choices) = serde_json::to_string(choices) else { return };
        let usage = usage.and_then(|usage| serde_json::to_string(&usage).ok());
        let usage = usage.map(|usage| format!(",\"usage\":{usage}")).unwrap_or_default();
        let chunk = format!("data: {{\"id\":{},{},\"choices\":{choices}{usage}}}\n\n", self.id, self.head);
        out.extend_from_slice(chunk.as_bytes());
    }
}

/// The id of a completion as a JSON string, made of the id that its provider gave the answer.
fn quoted(id: &str) -> String {
    format!("\"{}\"", ids::of_completion(id))
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    delta: &'a Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<[Detail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

#[derive(Serialize)]
struct Call<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_chunks_with_one_end() {
        let mut writer = Writer::new(7, "\"m\"", "\"p\"", true);
        let mut out = Vec::new();
        let tokens = Tokens { fresh: 1, output: 2, ..Tokens::default() };
        for event in [
            Event::Begin("msg_1".to_owned()),
            Event::Reasoning("T".to_owned()),
            Event::Reasoning("U".to_owned()),
            Event::Signature("c2ln".to_owned()),
            Event::Redacted("eA==".to_owned()),
            Event::Text("Hi".to_owned()),
            Event::Call { position: 0, id: "t".to_owned(), name: "f".to_owned() },
            Event::Call { position: 1, id: "u".to_owned(), name: "g".to_owned() },
            Event::Input { position: 1, json: "{}".to_owned() },
            Event::Stop(Stop::End),
            Event::Stop(Stop::End),
        ] {
            writer.write(event, &mut out);
        }
        out.extend(writer.end(tokens));
        let text = String::from_utf8(out).expect("a text");
        let head = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","provider":"p","choices":["#;
        let chunks: Vec<&str> =
            text.split_terminator("\n\n").map(|chunk| chunk.trim_start_matches(head)).collect();
        let delta = |delta: &str, finish: &str| {
            format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]}}"#)
        };
        let expected = [
            delta(r#"{"role":"assistant","content":""}"#, "null"),
            delta(r#"{"reasoning_content":"T"}"#, "null"),
            delta(r#"{"reasoning_content":"U"}"#, "null"),
            delta(
                r#"{"reasoning_details":[{"type":"reasoning.text","text":"TU","signature":"c2ln","format":"anthropic-claude-v1","index":0}]}"#,
                "null",
            ),
            delta(
                r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"eA==","format":"anthropic-claude-v1","index":1}]}"#,
                "null",
            ),
            delta(r#"{"content":"Hi"}"#, "null"),
            delta(
                r#"{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]}"#,
                "null",
            ),
            delta(
                r#"{"tool_calls":[{"index":1,"id":"u","type":"function","function":{"name":"g","arguments":""}}]}"#,
                "null",
            ),
            delta(r#"{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}"#, "null"),
            delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#, "null"),
            delta("{}", "\"tool_calls\""),
            r#"],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#.to_owned(),
            "data: [DONE]".to_owned(),
        ];
        assert_eq!(chunks, expected);
    }

    #[test]
    fn the_end_waits_and_is_the_strongest_of_all() {
        for (events, expected) in [
            (vec![Event::Stop(Stop::Length), Event::Text("Hi".to_owned()), Event::Stop(Stop::End)], "length"),
            (
                vec![Event::Stop(Stop::End), Event::Text("Hi".to_owned()), Event::Stop(Stop::Refused)],
                "content_filter",
            ),
            (
                vec![
                    Event::Stop(Stop::End),
                    Event::Call { position: 0, id: "t".to_owned(), name: "f".to_owned() },
                    Event::Stop(Stop::End),
                ],
                "tool_calls",
            ),
            (vec![Event::Text("Hi".to_owned())], "stop"),
        ] {
            let mut writer = Writer::new(7, "\"m\"", "\"p\"", true);
            let mut out = Vec::new();
            events.into_iter().for_each(|event| writer.write(event, &mut out));
            let before = String::from_utf8(out).expect("a text");
            assert!(!before.contains("\"finish_reason\":\"") && !before.contains("usage"), "{before}");
            let end = String::from_utf8(writer.end(Tokens::default())).expect("a text");
            assert_eq!(end.matches(&format!("\"finish_reason\":\"{expected}\"")).count(), 1, "{end}");
        }
    }
}
