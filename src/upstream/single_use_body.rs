//! A request body that is sent once, in pieces. It is freed as soon as the connection has taken it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A request body in pieces, which are sent in this order without being joined.
#[derive(Debug, Clone, Default)]
pub struct Pieces(pub Vec<Bytes>);

impl Pieces {
    /// The bytes of all pieces in one text.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        self.0.concat()
    }
}

/// What a client sends: the pieces that the connection has not taken yet.
#[derive(Debug)]
pub(super) struct SingleUseBody(VecDeque<Bytes>);

impl From<Pieces> for SingleUseBody {
    fn from(pieces: Pieces) -> Self {
        Self(pieces.0.into())
    }
}

impl Body for SingleUseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|bytes| bytes.len() as u64).sum())
    }
}
