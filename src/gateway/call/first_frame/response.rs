//! Takes the events of a stream in the dialect of OpenAI's Responses.

use std::ops::Range;

use serde_json::value::RawValue;

use super::reader::FrameReader;
use super::seen::Event;
use crate::dialects::responses::answer::Answer;
use crate::dialects::responses::event::{Event as ResponseEvent, Head, Numbered};
use crate::dialects::responses::stored;
use crate::gateway::call::choices::Part;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Identity, NoAnswer, has_extras, usage_of};
use crate::gateway::call::usable_answer::event_error::is_of_a_dialect;
use crate::gateway::call::usable_answer::no_answer_fault;
use crate::gateway::request::json_object::{RawObject, end_of_text, span};
use crate::gateway::usage::pricing::Tier;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::error_of_event;
use crate::upstream::sse::{event_name, is_keepalive, is_named_error};

impl FrameReader {
    /// Takes an event with a JSON text. Only the name of the model changes, and ids of what the provider stores get its mark.
    pub(super) fn take_numbered(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let is_error = is_named_error(event);
        if is_keepalive(line) && !is_error {
            return Ok(Event::Preface);
        }
        let Some(Numbered { number, event: read, billed_apart }) = Numbered::read(line, event_name(event))
        else {
            return Err(if is_error { failed(None, line) } else { no_answer_fault(NoAnswer::Broken, line) });
        };
        match read {
            ResponseEvent::Failed(error) => {
                self.count_failed(line);
                return Err(failed(error, line));
            }
            ResponseEvent::Begun(_) => {}
            ResponseEvent::Known | ResponseEvent::Other => {
                let is_known = matches!(read, ResponseEvent::Known);
                let passes =
                    is_of_a_dialect(event, line)? && (is_known || !self.expected.secrets.finds(event));
                match self.seen.identity {
                    None => return Err(Fault::Garbage(Garbage::NoMessage)),
                    Some(_) if !passes => return Ok(Event::Preface),
                    Some(_) => {}
                }
            }
            _ if self.seen.identity.is_none() => return Err(Fault::Garbage(Garbage::NoMessage)),
            _ => {}
        }
        self.seen.extras |= billed_apart;
        let taken = match read {
            ResponseEvent::Begun(head) => {
                self.begin(&head);
                self.write_event(event, line, Some(&head), out);
                Event::Preface
            }
            ResponseEvent::Ended(head) => self.end(event, line, &head)?,
            ResponseEvent::Piece(text) => {
                self.write_event(event, line, None, out);
                let size = TextSize::of_piece(text.get());
                self.add(Part { content: true, size, ..Part::default() })?
            }
            ResponseEvent::Item => {
                self.write_event(event, line, None, out);
                self.add(Part { content: true, ..Part::default() })?
            }
            ResponseEvent::Failed(_) | ResponseEvent::Known | ResponseEvent::Other => {
                self.write_event(event, line, None, out);
                Event::Preface
            }
        };
        if let Some(identity) = &mut self.seen.identity {
            identity.next = number.map_or(identity.next, |number| number.saturating_add(1));
        }
        Ok(taken)
    }

    fn begin(&mut self, head: &Head<'_>) {
        let Head { answer, .. } = head;
        let raw = |value: Option<&RawValue>, default: &str| value.map_or(default, RawValue::get).to_owned();
        self.seen.upstream_model = answer.model.map(|model| model.get().as_bytes().into());
        let (mut id, created) = (raw(answer.id, "\"\""), raw(answer.created_at, "0"));
        if let Some(mark) = &self.expected.names.mark
            && let Some(own) = id.strip_suffix('"').filter(|own| own.len() > 1)
        {
            id = [own, mark.as_str(), "\""].concat();
        }
        self.seen.identity.get_or_insert(Identity { id, created, ..Identity::unknown() });
        // Until its end it repeats the tier that was asked for, `auto` for example.
        let tier = usage_of(answer).tier.filter(|tier| *tier == Tier::Special);
        self.seen.usage.tier = tier.or(self.seen.usage.tier);
    }

    /// Notes the usage of a response that failed, which counts everything that was written.
    fn count_failed(&mut self, line: &[u8]) {
        let response = RawObject::parse(line).ok().and_then(|members| members.present("response"));
        let Some(answer) = response.and_then(|response| Answer::read(response.bytes())) else { return };
        let usage = usage_of(&answer);
        if usage.present {
            self.seen.replace_usage(usage, &usage);
            self.seen.settled = true;
        }
        self.seen.extras |= has_extras(&answer);
    }

    /// The last event counts the tokens. It is held back until the answer is recorded.
    fn end(&mut self, event: &[u8], line: &[u8], head: &Head<'_>) -> Result<Event, Fault> {
        let usage = usage_of(&head.answer);
        let tier = usage.tier.or(self.seen.usage.tier);
        if usage.present {
            self.seen.replace_usage(usage, &usage);
        }
        self.seen.usage.tier = tier;
        self.seen.extras |= has_extras(&head.answer);
        let taken = self.add(Part { end: head.answer.end().as_deref(), ..Part::default() })?;
        let mut last = Vec::with_capacity(event.len() + 256);
        self.write_event(event, line, Some(head), &mut last);
        self.put_back(last.into());
        Ok(taken)
    }

    /// Writes the event with the catalog's name of the model, and with the mark of the provider in the ids of what it stores.
    fn write_event(&self, event: &[u8], line: &[u8], head: Option<&Head<'_>>, out: &mut Vec<u8>) {
        let model = head.and_then(|head| head.answer.model);
        let model = model.map(|model| (span(event, model.get().as_bytes()), self.model()));
        let mut edits: Vec<(Range<usize>, &str)> = model.into_iter().collect();
        if let Some(mark) = &self.expected.names.mark {
            let ids = stored::ids(line).into_iter();
            edits.extend(ids.map(|id| (end_of_text(event, id), mark.as_str())));
            edits.sort_unstable_by_key(|(place, _)| place.start);
        }
        let mut from = 0;
        for (place, text) in edits {
            out.extend_from_slice(event.get(from..place.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            from = place.end;
        }
        out.extend_from_slice(event.get(from..).unwrap_or_default());
    }
}

/// The error of a response that failed, or of an event in its place.
fn failed(error: Option<&RawValue>, line: &[u8]) -> Fault {
    let error = error.map(|error| format!("{{\"error\":{}}}", error.get()));
    Fault::Upstream(Box::new(error_of_event(error.as_deref().map_or(line, str::as_bytes))))
}
