//! The HTTP clients behind the gate, one for each scheme and port.
//!
//! A client asks its resolver for the addresses of a name and says neither scheme nor port, but the gate's rule depends
//! on them. A resolver that belongs to one scheme and port knows all three, so what it returns was held to the whole
//! rule, and the client connects to nothing else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::names::Names;
use super::resolver::ResolveFailed;
use crate::upstream::address_policy::{Gate, Service};

/// The most clients that are kept; a further one lives as long as the endpoint that uses it.
const MOST_KEPT: usize = 512;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// All clients of the process. They share how TLS is done, and nothing else.
#[derive(Debug)]
pub(super) struct Clients {
    gate: Arc<Gate>,
    names: Arc<dyn Names>,
    tls: rustls::ClientConfig,
    connect_timeout: Duration,
    kept: papaya::HashMap<Service, reqwest::Client>,
    /// The same without a pool: each of their calls opens a connection of its own.
    fresh: papaya::HashMap<Service, reqwest::Client>,
}

impl Clients {
    pub(super) fn new(
        gate: Arc<Gate>,
        names: Arc<dyn Names>,
        connect_timeout: Duration,
    ) -> Result<Self, Fault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (kept, fresh) = (papaya::HashMap::new(), papaya::HashMap::new());
        let clients = Self { gate, names, tls, connect_timeout, kept, fresh };
        // What cannot be built at all is found out at the start.
        clients.of(Service { encrypted: true, port: 443 })?;
        Ok(clients)
    }

    pub(super) fn of(&self, service: Service) -> reqwest::Result<reqwest::Client> {
        self.known(&self.kept, service, usize::MAX)
    }

    /// A client whose calls never use a connection twice.
    pub(super) fn fresh(&self, service: Service) -> reqwest::Result<reqwest::Client> {
        self.known(&self.fresh, service, 0)
    }

    fn known(
        &self,
        kept: &papaya::HashMap<Service, reqwest::Client>,
        service: Service,
        idle: usize,
    ) -> reqwest::Result<reqwest::Client> {
        let kept = kept.pin();
        if let Some(client) = kept.get(&service) {
            return Ok(client.clone());
        }
        let client = self.make(service, idle)?;
        if kept.len() < MOST_KEPT {
            kept.insert(service, client.clone());
        }
        Ok(client)
    }

    fn make(&self, service: Service, idle: usize) -> reqwest::Result<reqwest::Client> {
        let resolver = GatedResolver { gate: self.gate.clone(), names: self.names.clone(), service };
        #[expect(clippy::disallowed_methods, reason = "the clients that every other place is sent to")]
        let builder = reqwest::Client::builder();
        builder
            // Over HTTP/2 all calls of all organizations to a host would share one connection and its limits: from
            // about the hundredth on they would wait for each other.
            .http1_only()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            // Before the minute after which the common load balancers close theirs.
            .pool_idle_timeout(Duration::from_secs(55))
            .pool_max_idle_per_host(idle)
            .dns_resolver(Arc::new(resolver))
            .build()
    }
}

/// The resolver of one client: what the gate lets through of what the process's resolver finds.
struct GatedResolver {
    gate: Arc<Gate>,
    names: Arc<dyn Names>,
    service: Service,
}

impl Resolve for GatedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (gate, service) = (self.gate.clone(), self.service);
        let looked_up = self.names.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let found = looked_up.await?;
            if found.is_empty() {
                return Err(ResolveFailed::new("it has no address").into());
            }
            let admitted = gate.admit_found(found.iter().copied(), service)?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
