//! Parses large requests off the event loop, and measures the prompt once.

use bytes::Bytes;

use super::ChatRequest;
use crate::domain::error::Result;
use crate::gateway::request::requirements::Requirements;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{LARGE, Share};

impl ChatRequest {
    /// Parses a body. A large one is parsed off the event loop, together with what routing needs from its text.
    ///
    /// # Errors
    /// As [`ChatRequest::parse`].
    pub async fn read(share: &Share, body: Bytes) -> Result<Self> {
        Self::read_for(share, None, body).await
    }

    /// As [`ChatRequest::read`], for a request with the model in its path.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_for`].
    pub async fn read_for(share: &Share, model: Option<String>, body: Bytes) -> Result<Self> {
        let parse = move |body| match model {
            None => Self::parse(body),
            Some(model) => Self::parse_for(&model, body),
        };
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
