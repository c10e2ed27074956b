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
    ///
    /// # Errors
    /// It is not complete in that dialect.
    pub(super) fn translated_end(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let reported = self.seen.reported();
        let translation = self.expected.translation.as_mut();
        translation.map(|translation| translation.end(&reported)).transpose()
    }

    /// Takes an event and writes its translation. A frame of which nothing is left is not real.
    pub(super) fn take_translated(
        &mut self,
        mut translation: StreamTranslation,
        event: Bytes,
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let mut own = Vec::with_capacity(event.len());
        let taken = self.take_own(event, &mut own);
        let written = self.write_translated(&mut translation, &own, out);
        let begun = translation.has_content();
        self.expected.translation = Some(translation);
        written?;
        let taken = taken?;
        if self.is_done() {
            let end = self.translated_end()?.unwrap_or_default();
            self.put_back(end.into());
        }
        match taken {
            Event::Done(_) => Ok(Event::Done(self.translated_end()?.unwrap_or_default().into())),
            Event::Real if !begun => {
                self.lost = true;
                Ok(Event::Preface)
            }
            other => Ok(other),
        }
    }

    /// Whether the stream has ended, and the only frames that were real are lost in its translation.
    pub(super) fn is_lost(&self) -> bool {
        self.lost && (self.is_done() || self.seen.choices.is_over())
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
        for data in data_lines(events) {
            translation.feed(data, out)?;
        }
        if let Some(identity) = translation.identity() {
            self.seen.identity = Some(identity);
        }
        Ok(())
    }
}
