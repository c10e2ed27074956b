//! The HTTP clients that enforce the address policy, one per provider: a server could send one organization's answer on
//! a connection that another one uses next.
//!
//! They are the clients of the HTTP library itself. One that follows redirects parses each URL twice more, also where it
//! is to follow none.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::connector::{Connector, PolicyResolver};
use super::single_use_body::SingleUseBody;
use crate::upstream::address_policy::{AddressPolicy, Service};
use crate::upstream::name_resolver::NameResolver;

/// The most clients without a pool that are kept; any further one lives as long as its call.
const MOST_KEPT: usize = 512;
/// How long an unused connection is kept. Shorter than the minute after which common load balancers close it.
const IDLE: Duration = Duration::from_secs(55);

type SetupError = Box<dyn std::error::Error + Send + Sync>;

/// An HTTP client for one scheme and port. It speaks HTTP/1.1 only: with HTTP/2, all calls of all organizations to a host
/// would share one connection and its limit of about one hundred concurrent streams.
pub(super) type Client = legacy::Client<Connector, SingleUseBody>;

/// All clients of the process. They share the TLS configuration and nothing else.
#[derive(Debug)]
pub(super) struct Clients {
    policy: Arc<AddressPolicy>,
    names: Arc<dyn NameResolver>,
    tls: Arc<rustls::ClientConfig>,
    connect_timeout: Duration,
    /// Clients without a pool: each call opens a new connection.
    fresh: papaya::HashMap<Service, Client>,
}

impl Clients {
    pub(super) fn new(
        policy: Arc<AddressPolicy>,
        names: Arc<dyn NameResolver>,
        connect_timeout: Duration,
    ) -> Result<Self, SetupError> {
        let tls = Arc::new(tls()?);
        Ok(Self { policy, names, tls, connect_timeout, fresh: papaya::HashMap::new() })
    }

    /// A client with connections of its own, which last as long as it.
    pub(super) fn pooled(&self, service: Service) -> Client {
        self.make(service, usize::MAX)
    }

    /// A client that never reuses a connection.
    pub(super) fn fresh(&self, service: Service) -> Client {
        let kept = self.fresh.pin();
        if let Some(client) = kept.get(&service) {
            return client.clone();
        }
        let client = self.make(service, 0);
        if kept.len() < MOST_KEPT {
            kept.insert(service, client.clone());
        }
        client
    }

    fn make(&self, service: Service, idle: usize) -> Client {
        let resolver = PolicyResolver { policy: self.policy.clone(), names: self.names.clone(), service };
        #[expect(clippy::disallowed_methods, reason = "the only place that creates clients")]
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            // Each request brings its `host`.
            .set_host(false)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle)
            .build(Connector::new(resolver, self.tls.clone(), self.connect_timeout))
    }
}

/// TLS with the certificates that this machine trusts.
fn tls() -> Result<rustls::ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// The client for the operator's own storage. Its address comes from the settings and may be private.
pub(super) fn of_operator() -> Result<reqwest::Client, SetupError> {
    #[expect(clippy::disallowed_methods, reason = "no organization chooses what it calls")]
    let builder = reqwest::Client::builder();
    let client = builder
        .http1_only()
        .tls_backend_preconfigured(tls()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .build()?;
    Ok(client)
}
