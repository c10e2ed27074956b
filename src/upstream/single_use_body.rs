//! A request body that is sent once, in pieces. Each piece is freed as soon as the connection has taken it.

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

/// The body of one request, for the client.
#[derive(Debug)]
pub(super) struct SingleUseBody(std::vec::IntoIter<Bytes>);

impl From<Pieces> for SingleUseBody {
    fn from(pieces: Pieces) -> Self {
        Self(pieces.0.into_iter())
    }
}

impl Body for SingleUseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_slice().iter().map(|bytes| bytes.len() as u64).sum())
    }
}
