//! The secrets of a provider that its texts must not show: the credential, and the tokens made from it.

use std::sync::Arc;

use crate::gateway::call::redact::Credential;

/// The secrets of a provider, prepared for searching.
#[derive(Debug)]
pub struct Secrets(pub(super) Vec<Arc<Credential>>);

impl Secrets {
    /// The text without the secrets and their parts. `None` means that it holds none.
    #[must_use]
    pub fn hide(&self, text: &str) -> Option<String> {
        self.0.iter().fold(None, |hidden, secret| {
            let again = secret.hide(hidden.as_deref().unwrap_or(text));
            again.or(hidden)
        })
    }
}
