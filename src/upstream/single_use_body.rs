//! A large request body that is sent once. The HTTP client keeps a copy of a plain body for redirects until the
//! response arrives, but redirects are not followed here. This body is freed as soon as the connection has taken it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::limits::shares::SMALL;

/// Wraps bytes into a body for the client.
pub(super) fn body(bytes: Bytes) -> reqwest::Body {
    if bytes.len() <= SMALL { bytes.into() } else { reqwest::Body::wrap(Once(Some(bytes))) }
}

struct Once(Option<Bytes>);

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
