//! The parts of a stream: what precedes the content, one frame for each of its chunks, and what follows.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::simulate::stream::{Delivery, SimulatedCut, flush, pause};

/// A stream with content that is written when it is due, because an answer may be long.
pub(in crate::simulate) trait Frames {
    /// The frames before the content.
    fn before(&self) -> &[Bytes];
    /// The number of content chunks.
    fn length(&self) -> usize;
    /// The frame of the content chunk with this index.
    fn content(&self, index: usize) -> Bytes;
    /// The frames after the content.
    fn after(&self) -> &[Bytes];

    /// The frame at a position of the stream, and the index of its content chunk.
    fn at(&self, position: usize) -> Option<(Bytes, Option<usize>)> {
        if let Some(frame) = self.before().get(position) {
            return Some((frame.clone(), None));
        }
        let index = position - self.before().len();
        if index < self.length() {
            return Some((self.content(index), Some(index)));
        }
        self.after().get(index - self.length()).map(|frame| (frame.clone(), None))
    }
}

/// The frames of an answer, one per item, up to the end or the cut.
pub(in crate::simulate) fn framed(
    frames: impl Frames,
    delivery: Delivery,
) -> impl Stream<Item = Result<Bytes, SimulatedCut>> {
    unfold((frames, Some(0)), move |(frames, position)| async move {
        let position: usize = position?;
        if delivery.cut && position >= frames.before().len() + frames.length().div_ceil(2) {
            flush().await;
            return Some((Err(SimulatedCut), (frames, None)));
        }
        let (frame, index) = frames.at(position)?;
        if let (Some(1..), Some(gap)) = (index, delivery.gap) {
            pause(gap).await;
        }
        Some((Ok(frame), (frames, Some(position + 1))))
    })
}
