//! Where a provider is called and with which headers: made once for each picture of it, and kept.
//!
//! Imports `providers`, `upstream` and the store's snapshot.

use std::sync::Arc;

use entity::ids::ProviderId;
use http::HeaderMap;
use http::header::{ACCEPT, HeaderName, HeaderValue, USER_AGENT, VIA};
use secrecy::ExposeSecret as _;

use super::classify::ConnectFault;
use crate::providers;
use crate::store::snapshot::ProviderEntry;
use crate::upstream::{Admitted, Upstream};

/// A provider that can be called.
#[derive(Debug)]
pub struct Endpoint {
    /// The picture that it was made of.
    provider: Arc<ProviderEntry>,
    /// Where.
    pub target: Admitted,
    headers: HeaderMap,
}

impl Endpoint {
    /// The headers of one call.
    #[must_use]
    pub fn headers_for(&self, stream: bool, traceparent: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = self.headers.clone();
        let accept = if stream { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(traceparent) = traceparent {
            headers.insert(HeaderName::from_static("traceparent"), traceparent.clone());
        }
        headers
    }
}

/// The endpoints of all providers.
#[derive(Debug)]
pub struct Endpoints {
    made: papaya::HashMap<ProviderId, Arc<Endpoint>>,
    via: HeaderValue,
    via_text: String,
}

impl Endpoints {
    /// Endpoints whose calls name this installation in `via`.
    ///
    /// # Errors
    /// The name does not fit into a header.
    pub fn new(instance: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        let via_text = format!("1.1 failsoft-{instance}");
        Ok(Self { made: papaya::HashMap::new(), via: HeaderValue::from_str(&via_text)?, via_text })
    }

    /// What calls through this installation say in `via`.
    #[must_use]
    pub fn via(&self) -> &str {
        &self.via_text
    }

    /// The endpoint of a provider.
    ///
    /// # Errors
    /// Its address is not let through, or its credential cannot be sent.
    pub fn of(
        &self,
        upstream: &Upstream,
        provider: &Arc<ProviderEntry>,
    ) -> Result<Arc<Endpoint>, ConnectFault> {
        let made = self.made.pin();
        if let Some(known) = made.get(&provider.id)
            && Arc::ptr_eq(&known.provider, provider)
        {
            return Ok(known.clone());
        }
        let endpoint = Arc::new(self.make(upstream, provider)?);
        made.insert(provider.id, endpoint.clone());
        Ok(endpoint)
    }

    fn make(&self, upstream: &Upstream, provider: &Arc<ProviderEntry>) -> Result<Endpoint, ConnectFault> {
        let target = match &provider.base_url {
            Some(base) => upstream.admit(&providers::chat_url(provider.preset, base)),
            None => upstream.admit_simulated(),
        };
        let target = target.map_err(|blocked| {
            tracing::warn!(provider = %provider.id, %blocked, "a provider's address is not let through");
            ConnectFault::Blocked
        })?;
        let credential = provider.credential.as_ref().map(|credential| credential.expose_secret());
        let mut headers = providers::upstream_headers(provider.preset, credential).map_err(|error| {
            tracing::warn!(provider = %provider.id, %error, "a provider's credential cannot be sent");
            ConnectFault::Other
        })?;
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("failsoft/", env!("CARGO_PKG_VERSION"))));
        headers.insert(VIA, self.via.clone());
        Ok(Endpoint { provider: provider.clone(), target, headers })
    }
}
