//! The words of a request, for comparisons with the errors of providers.

use std::sync::Arc;

use bytes::Bytes;

use super::ChatRequest;
use crate::gateway::call::redact::request_text::{KeptPrompt, RequestText};
use crate::limits::shares::SMALL;

impl ChatRequest {
    /// What the request says. A small text is kept for all failures of the request.
    #[must_use]
    pub(in crate::gateway) fn text(&self) -> Arc<RequestText> {
        if let Some(text) = self.text.get() {
            return text.clone();
        }
        let text = Arc::new(RequestText::of(self.fields(), self.body.len()));
        if text.len() <= SMALL {
            // If another call was faster, its text is the same.
            let _ = self.text.set(text.clone());
        }
        text
    }

    /// A copy of the prompt, for an error of its stream after the request is gone. `hold` counts the copy against the
    /// memory share.
    #[must_use]
    pub(in crate::gateway) fn kept_prompt(&self, hold: impl FnOnce(Vec<u8>) -> Bytes) -> KeptPrompt {
        KeptPrompt::of(self.fields(), hold)
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        let headers = self.passed.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        self.parts.iter().map(|part| (part.name.as_str(), self.value(part))).chain(headers)
    }
}
