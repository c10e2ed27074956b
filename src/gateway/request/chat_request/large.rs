//! Parses large requests off the event loop, and measures the prompt once.

use bytes::Bytes;

use super::ChatRequest;
use crate::dialects::Dialect;
use crate::domain::error::Result;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{LARGE, Share};

impl ChatRequest {
    /// Parses a body. A large one is parsed off the event loop, together with what routing needs from its text.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_as`].
    pub async fn read(share: &Share, dialect: Dialect, body: Bytes) -> Result<Self> {
        Self::read_with(share, body, move |body| Self::parse_as(dialect, body)).await
    }

    pub(super) async fn read_with(
        share: &Share,
        body: Bytes,
        parse: impl FnOnce(Bytes) -> Result<Self> + Send + 'static,
    ) -> Result<Self> {
        if body.len() <= LARGE {
            return parse(body);
        }
        let read = move || {
            let request = parse(body)?;
            request.size();
            Requirements::of(&request).parse_early();
            Ok(request)
        };
        share.read_large(read).await?
    }

    /// The size of the prompt, measured once.
    pub fn size(&self) -> &TextSize {
        self.size.get_or_init(|| TextSize::of_prompt(self))
    }
}
