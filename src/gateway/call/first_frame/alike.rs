//! Recognizes chunks that differ from an earlier one only in their text. Nearly all chunks of a stream do, and what was
//! found out about the earlier one holds for them too.

use std::ops::Range;

use crate::gateway::call::choices::Indices;

/// After this many chunks in a row that are not alike, no more are compared: some vendors send a random field.
const PATIENCE: u8 = 8;

/// A chunk with one text, as it was read and as it was written.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// The event before the characters of the text, with the opening quote.
    before: Vec<u8>,
    /// The event after them, with the closing quote.
    after: Vec<u8>,
    written_before: Vec<u8>,
    written_after: Vec<u8>,
    /// The choice of the chunk.
    choice: Indices,
    /// Chunks since the last one that was alike.
    misses: u8,
}

/// A chunk to compare later ones with.
pub(super) struct Sample<'a> {
    pub(super) event: &'a [u8],
    /// The place of the text in the event, with its quotes.
    pub(super) text: Range<usize>,
    /// What was written for the event.
    pub(super) written: &'a [u8],
    pub(super) choice: Indices,
}

impl Alike {
    /// The text of an event that is otherwise like the sample, as JSON, and the choice that it belongs to.
    pub(super) fn text<'a>(&mut self, event: &'a [u8]) -> Option<(&'a str, Indices)> {
        if self.before.is_empty() {
            return None;
        }
        let inside = event.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
        let plain = inside.is_some_and(|inside| {
            !inside.is_empty() && inside.iter().all(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\'))
        });
        let json =
            if plain { event.get(self.before.len() - 1..=event.len() - self.after.len()) } else { None };
        let json = json.and_then(|json| std::str::from_utf8(json).ok());
        self.misses = if json.is_some() { 0 } else { self.misses.saturating_add(1) };
        json.map(|json| (json, self.choice))
    }

    /// Writes an event with this text, which [`Alike::text`] found.
    pub(super) fn write(&self, json: &str, out: &mut Vec<u8>) {
        let inside = json.get(1..json.len() - 1).unwrap_or_default();
        out.reserve(self.written_before.len() + inside.len() + self.written_after.len());
        out.extend_from_slice(&self.written_before);
        out.extend_from_slice(inside.as_bytes());
        out.extend_from_slice(&self.written_after);
    }

    /// Compares later events with this one.
    pub(super) fn learn(&mut self, sample: &Sample<'_>) {
        if self.misses >= PATIENCE {
            self.before.clear();
            return;
        }
        let Sample { event, text, written, choice } = sample;
        let parts = event.get(..text.start + 1).zip(event.get(text.end - 1..));
        let Some((before, after)) = parts else { return };
        // Our names are shorter or longer than the provider's, on either side of the text.
        let Some(json) = event.get(text.clone()) else { return };
        let Some(at) = memchr::memmem::find(written, json) else { return };
        let twice = written.get(at + 1..).is_some_and(|rest| memchr::memmem::find(rest, json).is_some());
        let parts = written.get(..at + 1).zip(written.get(at + json.len() - 1..));
        let Some((written_before, written_after)) = parts.filter(|_| !twice) else { return };
        for (known, new) in [
            (&mut self.before, before),
            (&mut self.after, after),
            (&mut self.written_before, written_before),
            (&mut self.written_after, written_after),
        ] {
            known.clear();
            known.extend_from_slice(new);
        }
        self.choice = *choice;
    }
}
