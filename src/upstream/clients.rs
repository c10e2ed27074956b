//! The HTTP clients that enforce the address policy, one per provider: a server could send one organization's answer on
//! a connection that another one uses next.
//!
//! A client asks its resolver for a host name without the scheme and port, but the address policy depends on both.
//! Each resolver belongs to one scheme and port, so it can check the addresses that it returns against the full
//! policy, and the client connects to nothing else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::resolver::ResolveFailed;
use crate::upstream::address_policy::{AddressPolicy, Service};
use crate::upstream::name_resolver::NameResolver;

/// The most clients without a pool that are kept; any further one lives as long as its call.
const MOST_KEPT: usize = 512;

type SetupError = Box<dyn std::error::Error + Send + Sync>;

/// All clients of the process. They share the TLS configuration and nothing else.
#[derive(Debug)]
pub(super) struct Clients {
    policy: Arc<AddressPolicy>,
    names: Arc<dyn NameResolver>,
    tls: rustls::ClientConfig,
    connect_timeout: Duration,
    /// Clients without a pool: each call opens a new connection.
    fresh: papaya::HashMap<Service, reqwest::Client>,
}

impl Clients {
    pub(super) fn new(
        policy: Arc<AddressPolicy>,
        names: Arc<dyn NameResolver>,
        connect_timeout: Duration,
    ) -> Result<Self, SetupError> {
        let tls = tls()?;
        let clients = Self { policy, names, tls, connect_timeout, fresh: papaya::HashMap::new() };
        // Fails at startup if no client can be built.
        clients.pooled(Service { encrypted: true, port: 443 })?;
        Ok(clients)
    }

    /// A client with connections of its own, which last as long as it.
    pub(super) fn pooled(&self, service: Service) -> reqwest::Result<reqwest::Client> {
        self.make(service, usize::MAX)
    }

    /// A client that never reuses a connection.
    pub(super) fn fresh(&self, service: Service) -> reqwest::Result<reqwest::Client> {
        let kept = self.fresh.pin();
        if let Some(client) = kept.get(&service) {
            return Ok(client.clone());
        }
        let client = self.make(service, 0)?;
        if kept.len() < MOST_KEPT {
            kept.insert(service, client.clone());
        }
        Ok(client)
    }

    fn make(&self, service: Service, idle: usize) -> reqwest::Result<reqwest::Client> {
        let resolver = PolicyResolver { policy: self.policy.clone(), names: self.names.clone(), service };
        #[expect(clippy::disallowed_methods, reason = "the only place that creates clients")]
        let builder = reqwest::Client::builder();
        builder
            // With HTTP/2, all calls of all organizations to a host would share one connection and its limit of about
            // one hundred concurrent streams.
            .http1_only()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            // Otherwise it keeps a copy of each request. Over HTTP/1.1 it would repeat none.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .no_proxy()
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            // Shorter than the minute after which common load balancers close idle connections.
            .pool_idle_timeout(Duration::from_secs(55))
            .pool_max_idle_per_host(idle)
            .dns_resolver(Arc::new(resolver))
            .build()
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

/// The resolver of one client: the addresses from the process's resolver that the address policy admits.
struct PolicyResolver {
    policy: Arc<AddressPolicy>,
    names: Arc<dyn NameResolver>,
    service: Service,
}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, service) = (self.policy.clone(), self.service);
        let looked_up = self.names.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let found = looked_up.await?;
            if found.is_empty() {
                return Err(ResolveFailed::new("it has no address").into());
            }
            let admitted = policy.admit_found(found.iter().copied(), service)?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
