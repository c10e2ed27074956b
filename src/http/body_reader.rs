//! The reader of request bodies. It runs after authentication and enforces limits of size and time.
//!
//! Compressed bodies are refused before they are read: 32 KiB can expand to a gigabyte. A body counts toward its
//! organization's share ([`shares`](crate::limits::shares)) as long as its bytes are in memory.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use entity::ids::OrganizationId;
use futures_util::StreamExt as _;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use crate::config::server::Server;
use crate::domain::error::{Error, Result};
use crate::limits::shares::{HeldBytes, Share, Shares};

/// The most bytes that are allocated in advance for a body with a `Content-Length`.
const AHEAD: usize = 1024 * 1024;
/// How soon a reader looks again for a body that was not there at once.
const SOON: Duration = Duration::from_millis(10);

/// Reads bodies within the server's limits and counts them in the shares.
#[derive(Debug, Clone)]
pub struct BodyReader {
    chat_limit: usize,
    management_limit: usize,
    idle: Duration,
    total: Duration,
    shares: Shares,
}

/// A body. Its bytes count toward the organization's share until the last reference is dropped.
#[derive(Debug)]
pub struct Body {
    /// The bytes of the body.
    pub bytes: Bytes,
}

impl BodyReader {
    /// A reader with the server's limits.
    #[must_use]
    pub fn new(settings: &Server, shares: Shares) -> Self {
        Self {
            chat_limit: settings.chat_body_limit,
            management_limit: settings.management_body_limit,
            idle: Duration::from_secs(settings.body_idle_seconds),
            total: Duration::from_secs(settings.body_total_seconds),
            shares,
        }
    }

    /// Reads a chat body, which counts in the share of the caller's organization.
    ///
    /// # Errors
    /// As [`BodyReader::read_management`].
    pub async fn read_chat(
        &self,
        share: &Arc<Share>,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Body> {
        self.read(share.hold(), request, payload, self.chat_limit).await
    }

    /// Reads the body of a management call or of a form.
    ///
    /// # Errors
    /// The body is compressed, too large, stalls, or ends early; or the organization's share is used up.
    pub async fn read_management(
        &self,
        organization: OrganizationId,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Body> {
        self.read(self.shares.of(organization).hold_management(), request, payload, self.management_limit)
            .await
    }

    /// Reads the form of a caller without an organization, such as a sign-in.
    ///
    /// # Errors
    /// As [`BodyReader::read_management`].
    pub async fn read_stranger(&self, request: &HttpRequest, payload: web::Payload) -> Result<Body> {
        self.read(self.shares.of_anonymous().hold_management(), request, payload, self.management_limit).await
    }

    async fn read(
        &self,
        mut held: HeldBytes,
        request: &HttpRequest,
        mut payload: web::Payload,
        limit: usize,
    ) -> Result<Body> {
        if is_encoded(request) {
            return Err(Error::BodyEncoded);
        }
        let declared = declared(request);
        if declared > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        // Only bytes that have arrived count, so that a `Content-Length` alone cannot use up the share.
        let mut first: Option<Bytes> = None;
        let mut gathered = BytesMut::new();
        let end = Instant::now() + self.total;
        loop {
            let read_timeout = self.idle.min(end.saturating_duration_since(Instant::now()));
            let begins = first.is_none() && gathered.is_empty();
            let arrived = if begins {
                first_chunk(&mut payload, read_timeout).await
            } else {
                timeout(read_timeout, payload.next()).await
            };
            let chunk = match arrived {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) => return Err(Error::BodyUnreadable),
                // Most bodies arrive in one chunk, which is used without a copy.
                Ok(None) => {
                    let bytes = held.bind(first.unwrap_or_else(|| gathered.freeze()));
                    return Ok(Body { bytes: without_mark(bytes) });
                }
                Err(_) => return Err(Error::BodyStalled),
            };
            let length = gathered.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len();
            if length > limit {
                return Err(Error::BodyTooLarge { limit });
            }
            held.grow(chunk.len())?;
            match first.take() {
                None if gathered.is_empty() => first = Some(chunk),
                earlier => {
                    gathered.reserve(declared.saturating_sub(gathered.len()).min(AHEAD).max(chunk.len()));
                    gathered.extend_from_slice(&earlier.unwrap_or_default());
                    gathered.extend_from_slice(&chunk);
                }
            }
        }
    }
}

/// The first chunk of a body, or its end.
///
/// The server polls a handler once before it hands over a body that arrived with the head, and again right after that. A
/// handler that waits for the body by then is woken, and everything of its connection is polled once more for nothing. So
/// the first poll registers no waker for the body. If no other poll follows, the timer brings one.
async fn first_chunk(
    payload: &mut web::Payload,
    limit: Duration,
) -> Result<Option<Result<Bytes, PayloadError>>, Elapsed> {
    let mut polled = false;
    let at_once = poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            payload.poll_next_unpin(context)
        } else {
            payload.poll_next_unpin(&mut Context::from_waker(Waker::noop()))
        }
    });
    match timeout(limit.min(SOON), at_once).await {
        Ok(chunk) => Ok(chunk),
        Err(_) => timeout(limit.saturating_sub(SOON), payload.next()).await,
    }
}

/// Removes a byte order mark, which some editors and libraries write and JSON parsers refuse.
fn without_mark(bytes: Bytes) -> Bytes {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if bytes.starts_with(MARK) { bytes.slice(MARK.len()..) } else { bytes }
}

fn is_encoded(request: &HttpRequest) -> bool {
    request
        .headers()
        .get_all(CONTENT_ENCODING)
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

fn declared(request: &HttpRequest) -> usize {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
