//! Takes the events of a stream that is translated: each is judged in the dialect of the provider first.

use bytes::Bytes;

use super::reader::FrameReader;
use super::seen::Event;
use crate::dialects::Dialect;
use crate::gateway::call::classify::Fault;
use crate::gateway::call::translation::StreamTranslation;
use crate::upstream::sse::{data_lines, is_comment};

impl FrameReader {
    /// The dialect of the caller.
    pub(in crate::gateway) fn caller_dialect(&self) -> Dialect {
        self.expected.translation.as_ref().map_or(self.expected.dialect, StreamTranslation::to)
    }

    /// The rest of a complete stream in the dialect of the caller; `None` if it is not translated.
    pub(super) fn translated_end(&self) -> Option<Vec<u8>> {
        let translation = self.expected.translation.as_ref()?;
        Some(translation.end(&self.seen.reported()))
    }

    /// Takes an event and writes its translation.
    pub(super) fn take_translated(
        &mut self,
        mut translation: StreamTranslation,
        event: Bytes,
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let mut own = Vec::with_capacity(event.len());
        let taken = self.take_own(event, &mut own);
        let written = self.write_translated(&mut translation, &own, out);
        self.expected.translation = Some(translation);
        written?;
        match taken? {
            Event::Done(_) => Ok(Event::Done(self.translated_end().unwrap_or_default().into())),
            other => Ok(other),
        }
    }

    /// Writes the translation of events. Comments mean the same everywhere.
    fn write_translated(
        &mut self,
        translation: &mut StreamTranslation,
        events: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if is_comment(events) {
            out.extend_from_slice(events);
            return Ok(());
        }
        let reported = self.seen.reported();
        for data in data_lines(events) {
            translation.feed(data, &reported, out)?;
        }
        if self.expected.dialect == Dialect::Messages {
            self.seen.identity = translation.identity();
        }
        Ok(())
    }
}
