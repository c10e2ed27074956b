//! Streamed bodies: an answer at its pace, and bodies that break off.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

use super::completion::{Answer, Piece};

/// Ends a stream abnormally. The server logs this name.
#[derive(Debug, thiserror::Error)]
#[error("the simulated model drops the connection here")]
pub(super) struct SimulatedCut;

/// How to send a streamed answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub(super) include_usage: bool,
    /// Pause before every content chunk but the first; a pause of zero still writes each chunk separately.
    pub(super) gap: Option<Duration>,
    /// Drop the connection after half of the content.
    pub(super) cut: bool,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Piece(Piece),
    Done,
    Cut,
    End,
}

/// The server-sent events of an answer, one per item, up to `[DONE]` or the cut.
pub(super) fn events(answer: Answer, delivery: Delivery) -> impl Stream<Item = Result<Bytes, SimulatedCut>> {
    unfold((answer, Next::Piece(Piece::Role)), move |(answer, next)| async move {
        let item = match next {
            Next::Piece(piece) => {
                wait_before(piece, delivery.gap).await;
                Ok(answer.event(piece, delivery.include_usage))
            }
            Next::Done => Ok(Bytes::from_static(b"data: [DONE]\n\n")),
            Next::Cut => {
                flush().await;
                Err(SimulatedCut)
            }
            Next::End => return None,
        };
        let next = after(next, &answer, delivery);
        Some((item, (answer, next)))
    })
}

fn after(next: Next, answer: &Answer, delivery: Delivery) -> Next {
    match next {
        Next::Piece(Piece::Role) => content_or_end(0, answer, delivery),
        Next::Piece(Piece::Content(0)) if answer.thinks_late() => Next::Piece(Piece::Thought),
        Next::Piece(Piece::Thought) => content_or_end(1, answer, delivery),
        Next::Piece(Piece::Content(index)) => content_or_end(index + 1, answer, delivery),
        Next::Piece(Piece::Finish) if delivery.include_usage => Next::Piece(Piece::Usage),
        Next::Piece(Piece::Finish | Piece::Usage) => Next::Done,
        Next::Done | Next::Cut | Next::End => Next::End,
    }
}

fn content_or_end(index: usize, answer: &Answer, delivery: Delivery) -> Next {
    if delivery.cut && index >= answer.length().div_ceil(2) {
        Next::Cut
    } else if index < answer.length() {
        Next::Piece(Piece::Content(index))
    } else {
        Next::Piece(Piece::Finish)
    }
}

async fn wait_before(piece: Piece, gap: Option<Duration>) {
    if let (Piece::Content(1..), Some(gap)) = (piece, gap) {
        pause(gap).await;
    }
}

/// Waits before a content chunk; a pause of zero only makes the server write what it has.
pub(super) async fn pause(gap: Duration) {
    if gap.is_zero() { flush().await } else { tokio::time::sleep(gap).await }
}

/// Makes the server write what it has: it writes when a body has nothing ready, and discards pending data when a body
/// fails.
pub(super) async fn flush() {
    tokio::task::yield_now().await;
}

/// The first half of a body, followed by an error. Sent with the length of the full body, it breaks off.
pub(super) fn first_half(body: &Bytes) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    unfold(Some(body.slice(..body.len() / 2)), |half| async move {
        let Some(half) = half else {
            flush().await;
            return None;
        };
        Some((Ok(half), None))
    })
}
