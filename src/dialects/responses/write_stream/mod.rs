//! Writes events as the stream of a response.
//!
//! Items come one after the other. The first call is written as it arrives; what follows it waits until the end, because a
//! provider may still continue the call. The text for a tool with free text is inside of JSON, so it is written as a whole.

mod event;

use std::sync::Arc;

use self::event::{Fields, write as written};
use super::foreign::{TRANSLATED, marked_data, marked_signature};
use super::output::{Called, Head, Item, Part, Status, id_of_item, reason};
use super::repeated::Repeated;
use crate::dialects::answers::{Event, Stop, Tokens};
use crate::dialects::ids;
use crate::dialects::messages::write_stream::{MOST_WAITING, TooMuch};
use crate::dialects::turns::Input;

/// What an entry that waits takes besides its text, in bytes.
const ENTRY: usize = 64;

/// A stream that is being written.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The catalog's name of the model, as a JSON string.
    model: String,
    /// The time of the answer, in seconds.
    created: i64,
    repeated: Arc<Repeated>,
    id: String,
    /// The number of the next event.
    number: u64,
    begun: bool,
    /// The index of the next item.
    index: usize,
    /// The items that are complete, as JSON.
    output: Vec<String>,
    open: Option<Open>,
    /// What follows the first call, in order.
    waiting: Vec<Waiting>,
    /// The bytes of everything that the model wrote.
    size: usize,
    /// The marked signature that ends the reasoning that is being written.
    signature: Option<String>,
    stop: Option<Stop>,
}

/// The item that is being written.
#[derive(Debug, Clone)]
struct Open {
    id: String,
    index: usize,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Spoken(Kind, String),
    Call { position: usize, called: Called, json: String },
}

/// The kind of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Text,
}

#[derive(Debug, Clone)]
enum Waiting {
    Spoken(Kind, String),
    Call { position: usize, id: String, name: String, json: String },
}

impl Writer {
    /// Writes a stream that begins at this second, of the model with this name, a JSON string.
    #[must_use]
    pub fn new(model: String, created: i64, repeated: Arc<Repeated>) -> Self {
        Self {
            model,
            created,
            repeated,
            id: ids::of_response(""),
            number: 0,
            begun: false,
            index: 0,
            output: Vec::new(),
            open: None,
            waiting: Vec::new(),
            size: 0,
            signature: None,
            stop: None,
        }
    }

    /// The id of the response, which needs no escapes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number of the next event.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Writes an event.
    ///
    /// # Errors
    /// The answer is larger than what is kept for the end of the stream.
    pub fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), TooMuch> {
        // A stream of a provider may lack its beginning.
        self.begin(if let Event::Begin(id) = &event { id } else { "" }, out);
        match event {
            Event::Begin(_) => {}
            Event::Text(text) => self.spoken(Kind::Text, text, out),
            Event::Reasoning(text) => self.spoken(Kind::Reasoning, text, out),
            // A response has no place for it.
            Event::StopSequence(_) => {}
            Event::Signature(signature) => self.signed(marked_signature(&signature), true, out),
            Event::Redacted(data) => self.signed(marked_data(&data), false, out),
            Event::CallSignature(marked) => self.signed(marked, true, out),
            Event::Call { position, id, name } => self.call(position, id, name, out),
            Event::Input { position, json } => self.input(position, &json, out),
            // Some providers repeat an end in each chunk.
            Event::Stop(stop) => self.stop = self.stop.filter(|known| known.breaks_off()).or(Some(stop)),
        }
        if self.size > MOST_WAITING { Err(TooMuch) } else { Ok(()) }
    }

    /// The rest of a complete stream: what waited, and the event that ends it.
    #[must_use]
    pub fn end(&self, tokens: Tokens) -> Vec<u8> {
        let mut out = Vec::new();
        self.clone().finish(tokens, &mut out);
        out
    }

    fn finish(mut self, tokens: Tokens, out: &mut Vec<u8>) {
        self.begin("", out);
        for waiting in std::mem::take(&mut self.waiting) {
            self.close("completed", out);
            match waiting {
                Waiting::Spoken(kind, text) => self.spoken(kind, text, out),
                Waiting::Call { position, id, name, json } => {
                    self.call(position, id, name, out);
                    self.input(position, &json, out);
                }
            }
        }
        let stop = self.stop.unwrap_or(Stop::End);
        let (last, kind) = match reason(stop) {
            None => ("completed", "response.completed"),
            Some(_) => ("incomplete", "response.incomplete"),
        };
        self.close(last, out);
        let response = self.response(Status::Ended(stop, tokens));
        self.lifecycle(kind, &response, out);
    }

    fn begin(&mut self, id: &str, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        if !id.is_empty() {
            self.id = ids::of_response(id);
        }
        let response = self.response(Status::InProgress);
        self.lifecycle("response.created", &response, out);
        self.lifecycle("response.in_progress", &response, out);
    }

    fn response(&self, status: Status) -> String {
        let head = Head { id: &self.id, created: self.created, model: &self.model, repeated: &self.repeated };
        head.response(status, &self.output)
    }

    fn lifecycle(&mut self, kind: &str, response: &str, out: &mut Vec<u8>) {
        self.event(kind, &["{\"response\":", response, "}"].concat(), out);
    }

    /// Writes an event with these members, a JSON object.
    fn event(&mut self, kind: &str, members: &str, out: &mut Vec<u8>) {
        written(kind, self.number, members, out);
        self.number += 1;
    }

    fn fields(&mut self, kind: &str, fields: &Fields<'_>, out: &mut Vec<u8>) {
        let members = serde_json::to_string(fields).unwrap_or_default();
        self.event(kind, &members, out);
    }

    fn spoken(&mut self, kind: Kind, text: String, out: &mut Vec<u8>) {
        self.size += text.len();
        match &self.open {
            Some(Open { content: Content::Call { .. }, .. }) => return self.wait(kind, text),
            Some(Open { content: Content::Spoken(known, _), .. }) if *known == kind => {}
            Some(_) | None => {
                self.close("completed", out);
                self.open_spoken(kind, out);
            }
        }
        let Some(open) = &mut self.open else { return };
        let (id, index) = (open.id.clone(), open.index);
        if let Content::Spoken(_, whole) = &mut open.content {
            whole.push_str(&text);
        }
        let fields = Fields { delta: Some(&text), ..Fields::of(kind, &id, index) };
        match kind {
            Kind::Reasoning => self.fields("response.reasoning_summary_text.delta", &fields, out),
            Kind::Text => self.fields("response.output_text.delta", &fields.with_logprobs(), out),
        }
    }

    fn wait(&mut self, kind: Kind, text: String) {
        match self.waiting.last_mut() {
            Some(Waiting::Spoken(known, whole)) if *known == kind => whole.push_str(&text),
            Some(_) | None => {
                self.size += ENTRY;
                self.waiting.push(Waiting::Spoken(kind, text));
            }
        }
    }

    fn call(&mut self, position: usize, id: String, name: String, out: &mut Vec<u8>) {
        self.size += ENTRY + id.len() + name.len();
        if let Some(Open { content: Content::Call { .. }, .. }) = &self.open {
            self.waiting.push(Waiting::Call { position, id, name, json: String::new() });
            return;
        }
        self.close("completed", out);
        let called = Called::of(id, name, &self.repeated);
        let id = self.next(called.prefix());
        let item = called.item(&id, "", "in_progress").json();
        let index = self.index - 1;
        self.item("response.output_item.added", index, &item, out);
        let content = Content::Call { position, called, json: String::new() };
        self.open = Some(Open { id, index, content });
    }

    fn input(&mut self, position: usize, json: &str, out: &mut Vec<u8>) {
        self.size += json.len();
        let Some(open) = &mut self.open else { return };
        if let Content::Call { position: known, called, json: whole } = &mut open.content
            && *known == position
        {
            whole.push_str(json);
            if called.custom || json.is_empty() {
                return;
            }
            let (id, index) = (open.id.clone(), open.index);
            let fields = Fields { delta: Some(json), ..Fields::of_item(&id, index) };
            return self.fields("response.function_call_arguments.delta", &fields, out);
        }
        for waiting in self.waiting.iter_mut().rev() {
            if let Waiting::Call { position: known, json: whole, .. } = waiting
                && *known == position
            {
                whole.push_str(json);
                return;
            }
        }
    }

    /// Writes what a vendor has signed, with its mark: with the reasoning that is open, if it `joins` it, or as an item of its own.
    /// After a call, which its provider may continue, it has no place.
    fn signed(&mut self, marked: String, joins: bool, out: &mut Vec<u8>) {
        self.size += ENTRY + marked.len();
        match &self.open {
            Some(Open { content: Content::Call { .. }, .. }) => return,
            Some(Open { content: Content::Spoken(Kind::Reasoning, _), .. }) if joins => {
                self.signature = Some(marked);
                return self.close("completed", out);
            }
            Some(_) | None => self.close("completed", out),
        }
        let id = self.next(TRANSLATED);
        let index = self.index - 1;
        let item =
            |encrypted_content| Item::Reasoning { id: &id, summary: Vec::new(), encrypted_content }.json();
        self.item("response.output_item.added", index, &item(None), out);
        let done = item(Some(&marked));
        self.item("response.output_item.done", index, &done, out);
        self.output.push(done);
    }

    /// The id of the next item.
    fn next(&mut self, prefix: &str) -> String {
        let id = id_of_item(prefix, &self.id, self.index);
        self.index += 1;
        id
    }

    fn item(&mut self, kind: &str, index: usize, item: &str, out: &mut Vec<u8>) {
        self.event(kind, &format!("{{\"output_index\":{index},\"item\":{item}}}"), out);
    }

    fn open_spoken(&mut self, kind: Kind, out: &mut Vec<u8>) {
        let id = self.next(kind.prefix());
        let index = self.index - 1;
        let item = match kind {
            Kind::Reasoning => Item::Reasoning { id: &id, summary: Vec::new(), encrypted_content: None },
            Kind::Text => Item::message(&id, "in_progress", Vec::new()),
        };
        self.item("response.output_item.added", index, &item.json(), out);
        let part = Fields { part: Some(kind.part("")), ..Fields::of(kind, &id, index) };
        self.fields(kind.part_added(), &part, out);
        self.open = Some(Open { id, index, content: Content::Spoken(kind, String::new()) });
    }

    /// Ends the item that is being written. A call that was cut off has no end, so that it is not made.
    fn close(&mut self, status: &'static str, out: &mut Vec<u8>) {
        let Some(Open { id, index, content }) = self.open.take() else { return };
        let item = match &content {
            Content::Spoken(kind, text) => {
                let fields = Fields { text: Some(text), ..Fields::of(*kind, &id, index) };
                match kind {
                    Kind::Reasoning => self.fields("response.reasoning_summary_text.done", &fields, out),
                    Kind::Text => self.fields("response.output_text.done", &fields.with_logprobs(), out),
                }
                let part = Fields { part: Some(kind.part(text)), ..Fields::of(*kind, &id, index) };
                self.fields(kind.part_done(), &part, out);
                match kind {
                    Kind::Reasoning => {
                        let signature = self.signature.take();
                        let (summary, encrypted_content) = (vec![kind.part(text)], signature.as_deref());
                        Item::Reasoning { id: &id, summary, encrypted_content }.json()
                    }
                    Kind::Text => Item::message(&id, status, vec![kind.part(text)]).json(),
                }
            }
            Content::Call { json, .. } if Input::of_arguments(json).is_none() => return,
            Content::Call { called, json, .. } => {
                let input = called.input(json);
                self.close_call(called, json, &input, (&id, index), out);
                called.item(&id, &input, "completed").json()
            }
        };
        self.item("response.output_item.done", index, &item, out);
        self.output.push(item);
    }

    fn close_call(
        &mut self,
        called: &Called,
        json: &str,
        input: &str,
        (id, index): (&str, usize),
        out: &mut Vec<u8>,
    ) {
        let fields = || Fields::of_item(id, index);
        let whole = Fields { delta: Some(input), ..fields() };
        if called.custom {
            self.fields("response.custom_tool_call_input.delta", &whole, out);
            let done = Fields { input: Some(input), ..fields() };
            self.fields("response.custom_tool_call_input.done", &done, out);
            return;
        }
        if json.is_empty() {
            self.fields("response.function_call_arguments.delta", &whole, out);
        }
        let done = Fields { arguments: Some(input), name: Some(&called.name), ..fields() };
        self.fields("response.function_call_arguments.done", &done, out);
    }
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Reasoning => TRANSLATED,
            Self::Text => "msg",
        }
    }

    const fn part(self, text: &str) -> Part<'_> {
        match self {
            Self::Reasoning => Part::SummaryText { text },
            Self::Text => Part::of_text(text),
        }
    }

    const fn part_added(self) -> &'static str {
        match self {
            Self::Reasoning => "response.reasoning_summary_part.added",
            Self::Text => "response.content_part.added",
        }
    }

    const fn part_done(self) -> &'static str {
        match self {
            Self::Reasoning => "response.reasoning_summary_part.done",
            Self::Text => "response.content_part.done",
        }
    }
}

#[cfg(test)]
mod tests;
