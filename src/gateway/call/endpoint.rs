//! The URLs and the headers of a provider, built once for each snapshot of it.

use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use entity::ids::ProviderId;
use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue, USER_AGENT, VIA};
use secrecy::ExposeSecret as _;

use super::classify::ConnectFault;
use super::redact::Credential;
use crate::dialects::Dialect;
use crate::domain::IdMap;
use crate::gateway::request::passed_headers::PassedHeaders;
use crate::providers::{self, Service};
use crate::store::snapshot::ProviderEntry;
use crate::upstream::{AdmittedUrl, Upstream};

/// The URLs and the headers of a provider, by dialect.
#[derive(Debug)]
pub struct Endpoint {
    /// The provider entry that it was built from. Weak, so that a replaced or deleted credential is freed.
    provider: Weak<ProviderEntry>,
    /// How it serves chat completions; `None` if it does not.
    chat_completions: Option<Target>,
    /// How it serves Messages; `None` if it does not.
    messages: Option<Target>,
    /// Prepared when the provider fails for the first time.
    credential: OnceLock<Option<Arc<Credential>>>,
}

/// The URL and the headers of a provider in one dialect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The URL, admitted by the address policy.
    pub url: AdmittedUrl,
    /// What the preset says of it.
    pub service: &'static Service,
    /// The headers of a call for a whole answer and for a stream.
    headers: [HeaderMap; 2],
}

impl Endpoint {
    /// The URL and the headers for a dialect; `None` if the provider does not serve it.
    #[must_use]
    pub fn target(&self, dialect: Dialect) -> Option<&Target> {
        match dialect {
            Dialect::ChatCompletions => self.chat_completions.as_ref(),
            Dialect::Messages => self.messages.as_ref(),
        }
    }

    /// The URL and the headers for the vendor's own dialect.
    #[must_use]
    pub fn native(&self) -> Option<&Target> {
        self.messages.as_ref().or(self.chat_completions.as_ref())
    }

    fn has_the_headers_of(&self, other: &Self) -> bool {
        let headers = |endpoint: &Self| {
            Dialect::ALL.map(|dialect| endpoint.target(dialect).map(|target| target.headers.clone()))
        };
        headers(self) == headers(other)
    }

    /// Continues the connections of an earlier endpoint of the same provider.
    fn with_connections_of(mut self, earlier: &Self) -> Self {
        for (target, known) in
            [(&mut self.chat_completions, &earlier.chat_completions), (&mut self.messages, &earlier.messages)]
        {
            if let (Some(target), Some(known)) = (target, known) {
                target.url = target.url.clone().with_connections_of(&known.url);
            }
        }
        self
    }
}

impl Target {
    /// The request headers of one call.
    #[must_use]
    pub fn headers_for(&self, stream: bool, passed: &PassedHeaders) -> HeaderMap {
        let [whole, streamed] = &self.headers;
        let mut headers = if stream { streamed.clone() } else { whole.clone() };
        for (name, value) in passed.iter() {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }
}

/// The endpoints of all providers. Clones are cheap and share their content.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The map frees a removed value later, with others. So the slot of an endpoint is emptied before it is removed, which
    /// frees the credential.
    made: Arc<IdMap<ProviderId, ArcSwapOption<Endpoint>>>,
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
        let before = made.get(&provider.id).and_then(ArcSwapOption::load_full);
        // Connections are kept for one credential of one provider.
        let earlier = before.filter(|known| known.has_the_headers_of(&endpoint));
        let endpoint = Arc::new(match earlier {
            Some(earlier) => endpoint.with_connections_of(&earlier),
            None => endpoint,
        });
        if let Some(replaced) = made.insert(provider.id, ArcSwapOption::new(Some(endpoint.clone()))) {
            replaced.store(None);
        }
        Ok(endpoint)
    }

    /// The credential of a provider, prepared for searching; `None` if it has none.
    #[must_use]
    pub fn credential(&self, provider: &Arc<ProviderEntry>) -> Option<Arc<Credential>> {
        let prepare = || {
            let credential = provider.credential.as_ref();
            credential.map(|credential| Arc::new(Credential::new(credential.expose_secret())))
        };
        match self.known(provider) {
            Some(endpoint) => endpoint.credential.get_or_init(prepare).clone(),
            None => prepare(),
        }
    }

    fn known(&self, provider: &Arc<ProviderEntry>) -> Option<Arc<Endpoint>> {
        let made = self.made.pin();
        let known = made.get(&provider.id)?.load();
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
        let url = url.map_err(|blocked| {
            tracing::warn!(provider = %provider.id, %blocked, "the address policy blocks a provider");
            ConnectFault::Blocked
        })?;
        let credential = provider.credential.as_ref().map(|credential| credential.expose_secret());
        let headers = providers::upstream_headers(provider.preset, service, credential);
        let mut headers = headers.map_err(|error| {
            tracing::warn!(provider = %provider.id, %error, "a provider's credential is not a valid header value");
            ConnectFault::Other
        })?;
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("failsoft/", env!("CARGO_PKG_VERSION"))));
        headers.insert(VIA, self.via.clone());
        let headers = ["application/json", "text/event-stream"].map(|accepted| {
            let mut headers = headers.clone();
            headers.insert(ACCEPT, HeaderValue::from_static(accepted));
            headers
        });
        Ok(Target { url, service, headers })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use chrono::DateTime;
    use futures_util::future::BoxFuture;
    use uuid::Uuid;

    use super::*;
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
            stream_options: providers::StreamOptions::default(),
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
