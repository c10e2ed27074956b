//! Writes events as the stream of a message.
//!
//! Blocks come one after the other. The first call is written as it arrives; a piece of another call, and text or reasoning
//! after a call, wait until the end, because a provider may still continue the first one.

use serde::Serialize;

use super::LAST_EVENT;
use super::unsigned::MARK;
use super::write_answer::{Details, Usage, reason};
use crate::dialects::answers::{Event, Stop, Tokens};
use crate::dialects::ids;

/// The most bytes that wait for the end of the stream.
pub const MOST_WAITING: usize = 16 * 1024 * 1024;

/// A stream that is being written.
#[derive(Debug)]
pub struct Writer {
    /// The catalog's name of the model, as a JSON string.
    model: String,
    /// An estimate of the prompt, which Anthropic counts at the start of a stream.
    prompt: i64,
    begun: bool,
    /// The index of the next block.
    next: usize,
    open: Option<Open>,
    /// The calls that wait, in order.
    waiting: Vec<Waiting>,
    /// Text and reasoning that follow the calls.
    late: Vec<Late>,
    /// The signature of the reasoning in the open block.
    signature: Option<String>,
    /// Whether the last reasoning was closed without its signature.
    unsigned: bool,
    /// The bytes that wait.
    size: usize,
    called: bool,
    stop: Option<Stop>,
    /// The text of the caller that ended the answer.
    stop_sequence: Option<String>,
}

/// The block that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Reasoning,
    Redacted,
    Text,
    Call(usize),
}

/// What waits behind the calls.
#[derive(Debug)]
enum Late {
    Text(String),
    Reasoning(String),
}

#[derive(Debug)]
struct Waiting {
    position: usize,
    id: String,
    name: String,
    json: String,
}

/// More waits for the end of a stream than is kept.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

impl Writer {
    /// Writes a stream of the model with this name, a JSON string. `prompt` is an estimate of its prompt in tokens.
    #[must_use]
    pub fn new(model: String, prompt: i64) -> Self {
        Self {
            model,
            prompt,
            begun: false,
            next: 0,
            open: None,
            waiting: Vec::new(),
            late: Vec::new(),
            signature: None,
            unsigned: false,
            size: 0,
            called: false,
            stop: None,
            stop_sequence: None,
        }
    }

    /// Writes an event.
    ///
    /// # Errors
    /// Too much waits for the end of the stream.
    pub fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), TooMuch> {
        // A stream of a provider may lack its beginning.
        if !self.begun {
            self.begin(if let Event::Begin(id) = &event { id } else { "" }, out);
        }
        match event {
            Event::Begin(_) => {}
            Event::Text(text) => self.text(text, out),
            Event::Reasoning(thinking) => self.reasoning(thinking, out),
            Event::Signature(signature) => self.signed_reasoning(signature, out),
            Event::Redacted(data) if !self.is_calling() => {
                self.open(Open::Redacted, &Block::RedactedThinking { data: &data }, out);
                self.close(out);
            }
            Event::CallSignature(signature) if !self.is_calling() => self.sign(signature, out),
            // They are valid at their own place only.
            Event::Redacted(_) | Event::CallSignature(_) => {}
            Event::Call { position, id, name } => self.call(position, id, name, out),
            Event::Input { position, json } => self.input(position, json, out),
            Event::StopSequence(text) => self.stop_sequence = Some(text),
            // Some providers repeat an end in each chunk.
            Event::Stop(stop) => self.stop = self.stop.filter(|known| known.breaks_off()).or(Some(stop)),
        }
        if self.size > MOST_WAITING { Err(TooMuch) } else { Ok(()) }
    }

    /// The rest of a complete stream: what waited, the reason for the end, and the last event.
    #[must_use]
    pub fn end(&self, tokens: Tokens) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = Self {
            model: self.model.clone(),
            open: self.open,
            next: self.next,
            ..Self::new(String::new(), self.prompt)
        };
        if !self.begun {
            rest.begin("", &mut out);
        }
        for Waiting { id, name, json, .. } in &self.waiting {
            rest.close(&mut out);
            rest.begin_call(id, name, Open::Call(usize::MAX), &mut out);
            rest.delta(&Delta::Input { partial_json: json }, &mut out);
        }
        for late in &self.late {
            if rest.is_calling() {
                rest.close(&mut out);
            }
            match late {
                Late::Text(text) => rest.text(text.clone(), &mut out),
                Late::Reasoning(thinking) => rest.reasoning(thinking.clone(), &mut out),
            }
        }
        rest.close(&mut out);
        let stop = self.stop.unwrap_or(Stop::End).of_answer(self.called);
        let stop_sequence = self.stop_sequence.as_deref().filter(|_| stop == Stop::Sequence);
        let delta = Ending { stop_reason: reason(stop), stop_sequence, stop_details: Details::of(stop) };
        event(
            &mut out,
            "message_delta",
            &MessageDelta { kind: "message_delta", delta, usage: Usage::of(tokens) },
        );
        out.extend_from_slice(LAST_EVENT);
        out
    }

    fn begin(&mut self, id: &str, out: &mut Vec<u8>) {
        self.begun = true;
        let usage = Usage::of(Tokens { fresh: self.prompt, ..Tokens::default() });
        let Ok(usage) = serde_json::to_string(&usage) else { return };
        let (id, model) = (ids::of_message(id), &self.model);
        let message = format!(
            r#"{{"type":"message_start","message":{{"id":"{id}","type":"message","role":"assistant","model":{model},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{usage}}}}}"#
        );
        written(out, "message_start", message.as_bytes());
    }

    /// Whether a call is being written, which its provider may continue.
    fn is_calling(&self) -> bool {
        matches!(self.open, Some(Open::Call(_)))
    }

    fn reasoning(&mut self, thinking: String, out: &mut Vec<u8>) {
        if self.is_calling() {
            self.size += thinking.len();
            match self.late.last_mut() {
                Some(Late::Reasoning(last)) => last.push_str(&thinking),
                Some(Late::Text(_)) | None => self.late.push(Late::Reasoning(thinking)),
            }
            return;
        }
        self.open(Open::Reasoning, &Block::Thinking { thinking: "", signature: "" }, out);
        self.delta(&Delta::Thinking { thinking: &thinking }, out);
    }

    /// Writes the signature of reasoning, which may have nothing else. If what it signs is closed already, or waits, it is not
    /// valid.
    fn signed_reasoning(&mut self, signature: String, out: &mut Vec<u8>) {
        let is_late = self.open != Some(Open::Reasoning) && std::mem::take(&mut self.unsigned);
        if !is_late && !self.is_calling() {
            self.sign(signature, out);
        }
    }

    /// Ends the reasoning that is open with its signature, or writes a block without a text for it.
    fn sign(&mut self, signature: String, out: &mut Vec<u8>) {
        self.open(Open::Reasoning, &Block::Thinking { thinking: "", signature: "" }, out);
        self.signature = Some(signature);
        self.close(out);
    }

    fn text(&mut self, text: String, out: &mut Vec<u8>) {
        if self.is_calling() {
            self.size += text.len();
            match self.late.last_mut() {
                Some(Late::Text(last)) => last.push_str(&text),
                Some(Late::Reasoning(_)) | None => self.late.push(Late::Text(text)),
            }
            return;
        }
        self.open(Open::Text, &Block::Text { text: "" }, out);
        self.delta(&Delta::Text { text: &text }, out);
    }

    fn call(&mut self, position: usize, id: String, name: String, out: &mut Vec<u8>) {
        let id = ids::alias_of_call(&id).unwrap_or(id);
        if std::mem::replace(&mut self.called, true) {
            self.size += id.len() + name.len();
            self.waiting.push(Waiting { position, id, name, json: String::new() });
            return;
        }
        self.close(out);
        self.begin_call(&id, &name, Open::Call(position), out);
    }

    fn begin_call(&mut self, id: &str, name: &str, open: Open, out: &mut Vec<u8>) {
        self.open(open, &Block::ToolUse { id, name, input: Empty {} }, out);
    }

    fn input(&mut self, position: usize, json: String, out: &mut Vec<u8>) {
        if self.open == Some(Open::Call(position)) {
            self.delta(&Delta::Input { partial_json: &json }, out);
        } else if let Some(call) = self.waiting.iter_mut().find(|call| call.position == position) {
            self.size += json.len();
            call.json += &json;
        }
    }

    /// Begins a block, unless one of its kind is open.
    fn open(&mut self, open: Open, block: &Block<'_>, out: &mut Vec<u8>) {
        if self.open == Some(open) {
            return;
        }
        self.close(out);
        self.open = Some(open);
        let start = BlockStart { kind: "content_block_start", index: self.next, content_block: block };
        event(out, "content_block_start", &start);
    }

    fn delta(&self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        event(
            out,
            "content_block_delta",
            &BlockDelta { kind: "content_block_delta", index: self.next, delta },
        );
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open == Some(Open::Reasoning) {
            let signature = self.signature.take();
            self.unsigned = signature.is_none();
            self.delta(&Delta::Signature { signature: signature.as_deref().unwrap_or(MARK) }, out);
        }
        if self.open.take().is_some() {
            event(out, "content_block_stop", &BlockStop { kind: "content_block_stop", index: self.next });
            self.next += 1;
        }
    }
}

#[derive(Serialize)]
struct BlockStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
    content_block: &'a Block<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    Text { text: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
    delta: &'a Delta<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
}

#[derive(Serialize)]
struct BlockStop {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: Ending<'a>,
    usage: Usage,
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<Details>,
}

fn event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *out, data);
    out.extend_from_slice(b"\n\n");
}

fn written(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    for part in [b"event: ".as_slice(), name.as_bytes(), b"\ndata: ", data, b"\n\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests;
