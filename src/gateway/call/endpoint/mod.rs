//! The URLs and the headers of a provider, built once for each snapshot of it.

mod access_token;
mod secrets;
mod signer;
mod target;

use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use entity::ids::ProviderCredentialId;
use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue, USER_AGENT, VIA};
use secrecy::ExposeSecret as _;

use self::access_token::AccessTokens;
pub use self::access_token::{CallToken, Minting};
pub use self::secrets::{SecretSearch, Secrets};
use self::signer::Signer;
pub use self::target::Target;
use super::classify::ConnectFault;
use super::redact::Credential;
use crate::dialects::Dialect;
use crate::domain::IdMap;
use crate::providers::aws::credential::AccessKey;
use crate::providers::service_account::{ServiceAccount, TOKEN_SERVICE, secret_part};
use crate::providers::{self, InvalidCredential, Service};
use crate::store::snapshot::ProviderEntry;
use crate::upstream::{Blocked, Upstream};

/// The URLs and the headers of a provider with one of its credentials, by dialect.
#[derive(Debug)]
pub struct Endpoint {
    /// The provider entry that it was built from. Weak, so that a replaced or deleted credential is freed.
    provider: Weak<ProviderEntry>,
    /// How it serves chat completions; `None` if it does not.
    chat_completions: Option<Target>,
    /// How it serves Messages; `None` if it does not.
    messages: Option<Target>,
    /// How it serves Responses; `None` if it does not.
    responses: Option<Target>,
    /// How it serves Google's `generateContent`; `None` if it does not.
    gemini: Option<Target>,
    /// How it serves Amazon Bedrock's Converse; `None` if it does not.
    converse: Option<Target>,
    /// Prepared when the provider fails for the first time.
    credential: OnceLock<Vec<Arc<Credential>>>,
}

impl Endpoint {
    /// The URL and the headers for a dialect; `None` if the provider does not serve it.
    #[must_use]
    pub fn target(&self, dialect: Dialect) -> Option<&Target> {
        match dialect {
            Dialect::ChatCompletions => self.chat_completions.as_ref(),
            Dialect::Messages => self.messages.as_ref(),
            Dialect::Responses => self.responses.as_ref(),
            Dialect::Gemini => self.gemini.as_ref(),
            Dialect::Converse => self.converse.as_ref(),
        }
    }

    /// The URL and the headers for the vendor's own dialect.
    #[must_use]
    pub fn native(&self) -> Option<&Target> {
        let own = [&self.messages, &self.gemini, &self.converse, &self.chat_completions];
        own.into_iter().find_map(Option::as_ref)
    }

    /// The secrets of its provider, prepared for searching.
    fn secrets(&self, provider: &ProviderEntry) -> Secrets {
        let tokens = self.tokens().map(|tokens| tokens.secrets()).unwrap_or_default();
        let credential = self.credential.get_or_init(|| secrets_of(provider)).clone();
        Secrets(credential.into_iter().chain(tokens).collect())
    }

    /// Whether both call with the same credential.
    fn has_the_credential_of(&self, other: &Self) -> bool {
        let headers = |endpoint: &Self| {
            Dialect::ALL.map(|dialect| endpoint.target(dialect).map(|target| target.headers.clone()))
        };
        let same_account = match (self.tokens(), other.tokens()) {
            (Some(tokens), Some(others)) => tokens.are_those_of(others),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let same_key = self.signer() == other.signer();
        same_account && same_key && headers(self) == headers(other)
    }

    fn tokens(&self) -> Option<&Arc<AccessTokens>> {
        self.native()?.tokens.as_ref()
    }

    fn signer(&self) -> Option<&Arc<Signer>> {
        self.native()?.signer.as_ref()
    }

    /// Continues the connections and the access tokens of an earlier endpoint of the same provider.
    fn with_connections_of(mut self, earlier: &Self) -> Self {
        for (target, known) in [
            (&mut self.chat_completions, &earlier.chat_completions),
            (&mut self.messages, &earlier.messages),
            (&mut self.responses, &earlier.responses),
            (&mut self.gemini, &earlier.gemini),
            (&mut self.converse, &earlier.converse),
        ] {
            if let (Some(target), Some(known)) = (target, known) {
                target.url = target.url.clone().with_connections_of(&known.url);
                target.tokens.clone_from(&known.tokens);
            }
        }
        self
    }
}

/// The endpoints of all providers, one for each credential. Clones are cheap and share their content.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The map frees a removed value later, with others. So the slot of an endpoint is emptied before it is removed, which
    /// frees the credential.
    made: Arc<IdMap<ProviderCredentialId, ArcSwapOption<Endpoint>>>,
    via: HeaderValue,
    via_text: String,
}

impl Endpoints {
    /// Creates endpoints that name this installation in the `via` header of their calls.
    ///
    /// # Errors
    /// The name is not a valid header value.
    pub fn new(instance: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        let via_text = format!("1.1 failsoft-{instance}");
        Ok(Self { made: Arc::default(), via: HeaderValue::from_str(&via_text)?, via_text })
    }

    /// The value of the `via` header of this installation's calls.
    #[must_use]
    pub fn via(&self) -> &str {
        &self.via_text
    }

    /// The endpoint of a provider, built when it is first needed.
    ///
    /// # Errors
    /// The address policy blocks its address, or its credential is not a valid header value.
    pub fn of(
        &self,
        upstream: &Upstream,
        provider: &Arc<ProviderEntry>,
    ) -> Result<Arc<Endpoint>, ConnectFault> {
        if let Some(known) = self.known(provider) {
            return Ok(known);
        }
        let endpoint = self.make(upstream, provider)?;
        let made = self.made.pin();
        let before = made.get(&provider.credential_entry.id).and_then(ArcSwapOption::load_full);
        // Connections are kept for one credential of one provider.
        let earlier = before.filter(|known| known.has_the_credential_of(&endpoint));
        let endpoint = Arc::new(match earlier {
            Some(earlier) => endpoint.with_connections_of(&earlier),
            None => endpoint,
        });
        let slot = ArcSwapOption::new(Some(endpoint.clone()));
        if let Some(replaced) = made.insert(provider.credential_entry.id, slot) {
            replaced.store(None);
        }
        Ok(endpoint)
    }

    /// The secrets of a provider, prepared for searching.
    #[must_use]
    pub fn secrets(&self, provider: &Arc<ProviderEntry>) -> Secrets {
        match self.known(provider) {
            Some(endpoint) => endpoint.secrets(provider),
            None => Secrets(secrets_of(provider)),
        }
    }

    fn known(&self, provider: &Arc<ProviderEntry>) -> Option<Arc<Endpoint>> {
        let made = self.made.pin();
        let known = made.get(&provider.credential_entry.id)?.load();
        // The weak pointer keeps the allocation, so no other entry can have the same address.
        let is_current =
            |known: &&Arc<Endpoint>| std::ptr::eq(known.provider.as_ptr(), Arc::as_ptr(provider));
        known.as_ref().filter(is_current).cloned()
    }

    /// Removes the endpoints of changed and deleted providers, and the credentials in them.
    pub fn forget_gone(&self) {
        self.made.pin().retain(|_, slot| {
            let is_kept = slot.load().as_ref().is_some_and(|endpoint| endpoint.provider.strong_count() > 0);
            if !is_kept {
                slot.store(None);
            }
            is_kept
        });
    }

    fn make(&self, upstream: &Upstream, provider: &Arc<ProviderEntry>) -> Result<Endpoint, ConnectFault> {
        let target = |dialect| {
            let service = provider.preset.service(dialect);
            service.map(|service| self.target(upstream, provider, service)).transpose()
        };
        Ok(Endpoint {
            provider: Arc::downgrade(provider),
            chat_completions: target(Dialect::ChatCompletions)?,
            messages: target(Dialect::Messages)?,
            responses: target(Dialect::Responses)?,
            gemini: target(Dialect::Gemini)?,
            converse: target(Dialect::Converse)?,
            credential: OnceLock::new(),
        })
    }

    fn target(
        &self,
        upstream: &Upstream,
        provider: &Arc<ProviderEntry>,
        service: &'static Service,
    ) -> Result<Target, ConnectFault> {
        let url = match &provider.base_url {
            Some(base) => upstream.admit(&providers::service_url(provider.preset, service, base)),
            None => upstream.admit_simulated(service.path),
        };
        let blocks = |blocked: Blocked| {
            tracing::warn!(provider = %provider.id, %blocked, "the address policy blocks a provider");
            ConnectFault::Blocked
        };
        let url = url.map_err(blocks)?;
        let credential = provider.credential.as_ref().map(|credential| credential.expose_secret());
        let invalid = |error: InvalidCredential| {
            tracing::warn!(provider = %provider.id, %error, "a provider's credential is not valid");
            ConnectFault::Other
        };
        let headers = providers::upstream_headers(provider.preset, service, credential);
        let mut headers = headers.map_err(invalid)?;
        let tokens = match providers::key_file(service, credential) {
            Some(key_file) => {
                let account = ServiceAccount::parse(key_file).map_err(invalid)?;
                let service = upstream.admit_token_service(account.token_service(), TOKEN_SERVICE);
                Some(Arc::new(AccessTokens::new(provider.id, account, service.map_err(blocks)?)))
            }
            None => None,
        };
        let signer = Signer::of(service, credential, &url).map_err(invalid)?.map(Arc::new);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("failsoft/", env!("CARGO_PKG_VERSION"))));
        headers.insert(VIA, self.via.clone());
        let headers = ["application/json", service.streams].map(|accepted| {
            // A clone has the same room, so that a call can add its own without a larger map.
            let mut with_room = HeaderMap::with_capacity(2 * headers.len());
            with_room.extend(headers.clone());
            let mut headers = with_room;
            headers.insert(ACCEPT, HeaderValue::from_static(accepted));
            headers
        });
        Ok(Target { url, service, headers, tokens, signer })
    }
}

/// The secrets in the credential of a provider: the parts of an access key of AWS, or the one of another.
fn secrets_of(provider: &ProviderEntry) -> Vec<Arc<Credential>> {
    let Some(credential) = provider.credential.as_ref().map(|credential| credential.expose_secret()) else {
        return Vec::new();
    };
    let secret = |text: &str| Arc::new(Credential::new(text));
    match AccessKey::parse(credential) {
        Ok(key) => key.secrets().into_iter().map(secret).collect(),
        Err(_) => vec![secret(&secret_part(credential))],
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use chrono::DateTime;
    use entity::ids::ProviderId;
    use futures_util::future::BoxFuture;
    use uuid::Uuid;

    use super::*;
    use crate::store::snapshot::CredentialEntry;
    use crate::upstream::AddressPolicy;
    use crate::upstream::name_resolver::NameResolver;
    use crate::upstream::resolver::ResolveFailed;

    fn provider(credential: &str) -> Arc<ProviderEntry> {
        Arc::new(ProviderEntry {
            id: ProviderId(Uuid::from_u128(1)),
            name: "vendor".into(),
            preset: providers::preset("openai").expect("a preset"),
            base_url: Some("https://api.openai.com/v1".to_owned()),
            credential: Some(credential.into()),
            credential_entry: CredentialEntry::first(ProviderId(Uuid::from_u128(1))),
            further: Vec::new(),
            stream_options: providers::StreamOptions::default(),
            limits: Default::default(),
            mappings: Default::default(),
            updated_at: DateTime::UNIX_EPOCH,
        })
    }

    /// Nothing is called here.
    #[derive(Debug)]
    struct NoNames;

    impl NameResolver for NoNames {
        fn addresses(self: Arc<Self>, _: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn a_credential_goes_with_its_provider() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let upstream = Upstream::new(AddressPolicy::default(), Duration::from_secs(1), Arc::new(NoNames))
            .expect("a client");
        let endpoints = Endpoints::new("test").expect("a name");
        let first = provider("sk-one");
        let made = endpoints.of(&upstream, &first).expect("an endpoint");
        assert!(Arc::ptr_eq(&made, &endpoints.of(&upstream, &first).expect("the same")));
        endpoints.forget_gone();
        assert_eq!(endpoints.made.len(), 1);
        // A new credential makes a new provider entry.
        let second = provider("sk-two");
        let other = endpoints.of(&upstream, &second).expect("another");
        assert!(!Arc::ptr_eq(&made, &other));
        let kept = [Arc::downgrade(&made), Arc::downgrade(&other)];
        drop(made);
        assert_eq!(
            kept.each_ref().map(Weak::strong_count),
            [0, 2],
            "a replaced endpoint is gone with its last call"
        );
        drop((other, second));
        endpoints.forget_gone();
        assert!(endpoints.made.is_empty());
        assert_eq!(kept.each_ref().map(Weak::strong_count), [0, 0]);
    }
}
