//! The secrets of a provider that its texts must not show: the credential, and the tokens made from it.

use std::fmt;
use std::sync::Arc;

use super::Endpoint;
use crate::gateway::call::redact::Credential;
use crate::store::snapshot::ProviderEntry;

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

/// The bytes that are searched at once, because a search holds many times their size.
const SEARCHED: usize = 64 * 1024;
/// The bytes that are searched twice, so that no part of a secret is cut, in whatever form.
const TWICE: usize = 8 * 1024;

/// Searches what the provider of a call sends, beside content, for its secrets. They are prepared when something is
/// searched for the first time. By default there are none.
#[derive(Clone, Default)]
pub struct SecretSearch(Option<(Arc<Endpoint>, Arc<ProviderEntry>)>);

impl fmt::Debug for SecretSearch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretSearch(..)")
    }
}

impl SecretSearch {
    /// The search for the secrets of a provider that is called at this endpoint.
    #[must_use]
    pub fn of(endpoint: &Arc<Endpoint>, provider: &Arc<ProviderEntry>) -> Self {
        Self(Some((endpoint.clone(), provider.clone())))
    }

    /// Whether a text holds a secret, or a part of one.
    #[must_use]
    pub fn finds(&self, text: &[u8]) -> bool {
        let Some((endpoint, provider)) = &self.0 else { return false };
        let secrets = endpoint.secrets(provider);
        parts(text).any(|part| secrets.hide(&String::from_utf8_lossy(part)).is_some())
    }
}

/// Parts of a text that overlap.
fn parts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = text.len().saturating_sub(TWICE).div_ceil(SEARCHED - TWICE).max(1);
    (0..count).map(move |number| {
        let from = number * (SEARCHED - TWICE);
        &text[from..text.len().min(from + SEARCHED)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_text_overlap() {
        for length in [0, 1, TWICE, SEARCHED, SEARCHED + 1, 3 * SEARCHED, 2 * (SEARCHED - TWICE) + TWICE] {
            let text = vec![b'x'; length];
            let sizes: Vec<usize> = parts(&text).map(<[u8]>::len).collect();
            let overlaps = (sizes.len() - 1) * TWICE;
            assert_eq!(sizes.iter().sum::<usize>() - overlaps, length, "{length}: {sizes:?}");
            assert!(sizes.iter().all(|size| *size <= SEARCHED), "{length}: {sizes:?}");
        }
    }
}
