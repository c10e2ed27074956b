//! The body of a response, as it arrives.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a response, or chunks that tests give.
#[derive(Debug)]
pub(super) enum ResponseBody {
    Arriving(Incoming),
    #[cfg(test)]
    Given(std::vec::IntoIter<std::io::Result<Bytes>>),
}

impl From<Incoming> for ResponseBody {
    fn from(body: Incoming) -> Self {
        Self::Arriving(body)
    }
}

impl ResponseBody {
    #[cfg(test)]
    pub(super) fn in_pieces(pieces: Vec<std::io::Result<Bytes>>) -> Self {
        Self::Given(pieces.into_iter())
    }

    /// The next chunk; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        match self {
            Self::Arriving(body) => loop {
                let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await else {
                    return Ok(None);
                };
                // A frame without data has trailers.
                if let Ok(data) = frame?.into_data() {
                    return Ok(Some(data));
                }
            },
            #[cfg(test)]
            Self::Given(pieces) => Ok(pieces.next().transpose()?),
        }
    }
}
