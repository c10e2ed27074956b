//! The one reader of bodies: after the caller is known, within limits of size and time.
//!
//! Compressed bodies are refused before a byte is read: 32 KiB of one can be a gigabyte. Each is counted in the share
//! of its organization ([`shares`](crate::limits::shares)) as long as its bytes are held.

use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use entity::ids::OrganizationId;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use crate::config::server::Server;
use crate::domain::error::{Error, Result};
use crate::limits::shares::{HeldBytes, Shares};

/// How much is made ready at once for a body that announces its length.
const AHEAD: usize = 1024 * 1024;

/// The limits of bodies, and the shares that they are counted in.
#[derive(Debug, Clone)]
pub struct BodyReader {
    chat_limit: usize,
    management_limit: usize,
    idle: Duration,
    total: Duration,
    shares: Shares,
}

/// A body. Its bytes are counted in its organization's share until the last reference to them is dropped.
#[derive(Debug)]
pub struct Body {
    /// The bytes.
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

    /// Reads a chat body.
    ///
    /// # Errors
    /// As [`BodyReader::read_management`].
    pub async fn read_chat(
        &self,
        organization: OrganizationId,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Body> {
        self.read(self.shares.of(organization).hold(), request, payload, self.chat_limit).await
    }

    /// Reads the body of a management call or of a form.
    ///
    /// # Errors
    /// It is compressed, too large, stalls, or breaks off; or the organization holds too much already.
    pub async fn read_management(
        &self,
        organization: OrganizationId,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Body> {
        self.read(self.shares.of(organization).hold_management(), request, payload, self.management_limit)
            .await
    }

    /// Reads the form of a caller who belongs to no organization yet.
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
        // What is only announced is not counted: a header keeps no other body out.
        let mut first: Option<Bytes> = None;
        let mut gathered = BytesMut::new();
        let end = Instant::now() + self.total;
        loop {
            let patience = self.idle.min(end.saturating_duration_since(Instant::now()));
            let chunk = match timeout(patience, payload.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) => return Err(Error::BodyUnreadable),
                // Most bodies come in one piece, which is used as it is.
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

/// Some editors and libraries put a byte order mark before UTF-8; no parser of JSON takes it.
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
