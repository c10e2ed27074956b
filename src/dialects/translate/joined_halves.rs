//! Joins the halves of characters that a stream splits over two of its pieces.

use crate::dialects::answers::Event;
use crate::dialects::split_characters::{Pending, joined};

/// The halves that wait for the next piece of their text.
#[derive(Debug, Default)]
pub(super) struct JoinedHalves {
    text: Pending,
    reasoning: Pending,
    /// Those of the inputs of calls, by position.
    inputs: Vec<Pending>,
}

impl JoinedHalves {
    /// Whether no half waits.
    pub(super) fn are_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.inputs.iter().all(Pending::is_empty)
    }

    /// The events with whole characters in place of marks. A text without anything in it is left out.
    pub(super) fn of(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut whole = Vec::with_capacity(events.len());
        events.into_iter().for_each(|event| self.join(event, &mut whole));
        whole
    }

    /// What ends all texts.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        let mut rest = Vec::new();
        self.end_reasoning(&mut rest);
        self.end_text(&mut rest);
        for (position, input) in self.inputs.iter_mut().enumerate() {
            rest.extend(input.rest().map(|json| Event::Input { position, json }));
        }
        rest
    }

    fn join(&mut self, event: Event, whole: &mut Vec<Event>) {
        let some = |text: &String| !text.is_empty();
        match event {
            Event::Begin(id) => whole.push(Event::Begin(joined(id))),
            Event::Text(text) => {
                self.end_reasoning(whole);
                whole.extend(Some(self.text.followed_by(&text)).filter(some).map(Event::Text));
            }
            Event::Reasoning(text) => {
                self.end_text(whole);
                whole.extend(Some(self.reasoning.followed_by(&text)).filter(some).map(Event::Reasoning));
            }
            Event::Signature(signature) => {
                self.end_reasoning(whole);
                whole.push(Event::Signature(joined(signature)));
            }
            Event::Redacted(data) => {
                self.end_reasoning(whole);
                self.end_text(whole);
                whole.push(Event::Redacted(joined(data)));
            }
            Event::CallSignature(signature) => {
                self.end_reasoning(whole);
                self.end_text(whole);
                whole.push(Event::CallSignature(joined(signature)));
            }
            Event::Call { position, id, name } => {
                self.end_reasoning(whole);
                self.end_text(whole);
                whole.push(Event::Call { position, id: joined(id), name: joined(name) });
            }
            Event::Input { position, json } => {
                if self.inputs.len() <= position {
                    self.inputs.resize_with(position + 1, Pending::default);
                }
                let json = self.inputs.get_mut(position).map(|input| input.followed_by(&json));
                whole.extend(json.filter(some).map(|json| Event::Input { position, json }));
            }
            Event::StopSequence(text) => whole.push(Event::StopSequence(joined(text))),
            Event::Stop(stop) => {
                whole.extend(self.rest());
                whole.push(Event::Stop(stop));
            }
        }
    }

    fn end_text(&mut self, whole: &mut Vec<Event>) {
        whole.extend(self.text.rest().map(Event::Text));
    }

    fn end_reasoning(&mut self, whole: &mut Vec<Event>) {
        whole.extend(self.reasoning.rest().map(Event::Reasoning));
    }
}
