//! A request body that is sent once, in pieces. The HTTP client keeps a copy of a plain body for redirects until the
//! response arrives, but redirects are not followed here. This body is freed as soon as the connection has taken it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::limits::shares::SMALL;

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

/// Wraps pieces into a body for the client.
pub(super) fn body(pieces: Pieces) -> reqwest::Body {
    match <[Bytes; 1]>::try_from(pieces.0) {
        Ok([whole]) if whole.len() <= SMALL => whole.into(),
        Ok(whole) => reqwest::Body::wrap(Once(whole.into())),
        Err(pieces) => reqwest::Body::wrap(Once(pieces.into())),
    }
}

struct Once(VecDeque<Bytes>);

impl Body for Once {
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
