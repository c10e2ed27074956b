//! Takes the chunks of a chat completion's stream.

use super::alike::Sample;
use super::completion_events::chunks;
use super::reader::FrameReader;
use super::seen::{Event, Unusable};
use crate::gateway::call::classify::{Fault, Filter};
use crate::gateway::call::frame::{Inspected, Names, NoAnswer};
use crate::gateway::call::usable_answer::{error_of_choice, no_answer_fault};
use crate::gateway::request::json_object::span;
use crate::gateway::usage::pricing::parse_inside;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::error_of_event;
use crate::upstream::sse::{is_keepalive, is_named_error};

/// Enough bytes for the names of our fields, which a chunk may lack.
const ADDED: usize = 32;

impl FrameReader {
    /// Takes a JSON text. Of one that fails the stream, only the usage counts.
    pub(super) fn take_counted(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let taken = self.take_json(event, line, out);
        if taken.is_err()
            && let Ok(text) = std::str::from_utf8(line)
        {
            self.seen.usage = self.seen.usage.followed_by(parse_inside(text));
        }
        taken
    }

    fn take_json(&mut self, event: &[u8], line: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        if is_keepalive(line) && !is_named_error(event) {
            return Ok(Event::Preface);
        }
        let mut chunk = match Inspected::new(line) {
            Ok(chunk) => chunk,
            Err(no_answer) => return self.take_no_answer(no_answer, event, line, out),
        };
        if chunk.choices.in_message && !chunk.choices.in_delta {
            if !self.seen.choices.content
                && let Some(chunks) = chunks(line)
            {
                return self.take_chunks(&chunks, out);
            }
            // Some vendors repeat the whole message in the last chunk. Clients of streams do not read it.
            (chunk.choices.content, chunk.choices.size) = (false, TextSize::default());
        }
        let choices = chunk.choices;
        self.seen.extras |= choices.extras;
        if !choices.any && is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        self.refuse_error(&chunk, line)?;
        if choices.finished
            && !self.seen.choices.content
            && let Some(error) = chunk.error_beside(line)
        {
            return Err(Fault::Upstream(error));
        }
        self.seen.count(&chunk, line);
        // Frames before content may lack the id, or have an empty one.
        if self.seen.identity.is_none() || !self.seen.choices.content && choices.any {
            self.seen.identity = Some(chunk.identity(line));
        }
        let is_unwanted = chunk.is_usage_only() && !self.expected.include_usage;
        if is_unwanted || chunk.is_unknown() && self.expected.secrets.finds(line) {
            return Ok(Event::Preface);
        }
        // Exactly one allocation for a chunk.
        let Names { model, provider, .. } = &self.expected.names;
        out.reserve(event.len() + model.len() + provider.as_ref().map_or(0, String::len) + ADDED);
        let (at, from) = (span(event, line), out.len());
        out.extend_from_slice(event.get(..at.start).unwrap_or_default());
        chunk.write(line, out, &self.expected.names, &[]);
        out.extend_from_slice(event.get(at.end..).unwrap_or_default());
        if let Some(content) = &chunk.content
            && !(chunk.usage.present || choices.usage)
            && let Some(Ok(json)) = line.get(content.clone()).map(std::str::from_utf8)
            && choices.is_only(json)
        {
            let text = at.start + content.start..at.start + content.end;
            let written = out.get(from..).unwrap_or_default();
            self.alike.learn(&Sample { event, text, written, choice: choices.begun });
        }
        Ok(self.seen.take(&choices))
    }

    /// Takes the chunks into which a whole answer inside a stream was turned.
    fn take_chunks(&mut self, chunks: &[u8], out: &mut Vec<u8>) -> Result<Event, Fault> {
        let mut strongest = Event::Preface;
        for chunk in chunks.split_inclusive(|byte| *byte == b'\n').filter(|line| line.len() > 1) {
            match self.take_own([chunk, b"\n"].concat().into(), out)? {
                Event::Preface | Event::Done(_) => {}
                Event::Unusable(_) if matches!(strongest, Event::Real) => {}
                stronger @ (Event::Real | Event::Unusable(_)) => strongest = stronger,
            }
        }
        Ok(strongest)
    }

    /// Takes a text that is not a chunk.
    fn take_no_answer(
        &mut self,
        no_answer: NoAnswer,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        match no_answer {
            // It is served as the answer if no other candidate answers.
            NoAnswer::Blocked => {
                out.extend_from_slice(event);
                self.seen.choices.blocked();
                Ok(Event::Unusable(Unusable { fault: Fault::Filtered(Filter::Prompt), withheld: true }))
            }
            NoAnswer::Broken if is_named_error(event) => Err(Fault::Upstream(Box::new(error_of_event(line)))),
            NoAnswer::Broken | NoAnswer::Error(_) => Err(no_answer_fault(no_answer, line)),
        }
    }

    /// Fails if a choice reports an error, unless the caller already has content of other choices.
    fn refuse_error(&self, chunk: &Inspected, line: &[u8]) -> Result<(), Fault> {
        let choices = &chunk.choices;
        if self.seen.choices.survive(choices) {
            let shows_secret = choices.error && self.expected.secrets.finds(line);
            return if shows_secret { Err(error_of_choice(chunk, line)) } else { Ok(()) };
        }
        if choices.error {
            return Err(error_of_choice(chunk, line));
        }
        self.seen.refuse_broken_end(choices)
    }
}
