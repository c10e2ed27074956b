//! The HTTP clients that enforce the address policy, one per scheme and port.
//!
//! A client asks its resolver for a host name without the scheme and port, but the address policy depends on both.
//! Each resolver belongs to one scheme and port, so it can check the addresses that it returns against the full
//! policy, and the client connects to nothing else.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tower_service::Service as Call;

use super::resolver::ResolveFailed;
use super::single_use_body::SingleUseBody;
use crate::upstream::address_policy::{AddressPolicy, Service};
use crate::upstream::name_resolver::NameResolver;

/// The most clients that are kept; any further client lives as long as the endpoint that uses it.
const MOST_KEPT: usize = 512;

/// The time between the probes of a silent connection, and how many of them may stay unanswered.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
const MOST_PROBES: u32 = 3;
/// How long bytes that were sent may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A client with a pool of connections. Cheap to clone.
///
/// It follows no redirects and knows no proxies. A client that does would parse the URL of each call again and copy its
/// headers.
pub(super) type Client = legacy::Client<Connector, SingleUseBody>;

/// A connection did not open in time.
#[derive(Debug, thiserror::Error)]
#[error("the connection did not open in time")]
pub(super) struct ConnectTimedOut;

/// All clients of the process. They share the TLS configuration and nothing else.
#[derive(Debug)]
pub(super) struct Clients {
    policy: Arc<AddressPolicy>,
    names: Arc<dyn NameResolver>,
    tls: Arc<rustls::ClientConfig>,
    connect_timeout: Duration,
    kept: papaya::HashMap<Service, Client>,
    /// Clients without a pool: each call opens a new connection.
    fresh: papaya::HashMap<Service, Client>,
}

impl Clients {
    pub(super) fn new(
        policy: Arc<AddressPolicy>,
        names: Arc<dyn NameResolver>,
        connect_timeout: Duration,
    ) -> Result<Self, BoxError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (kept, fresh) = (papaya::HashMap::new(), papaya::HashMap::new());
        Ok(Self { policy, names, tls: Arc::new(tls), connect_timeout, kept, fresh })
    }

    pub(super) fn of(&self, service: Service) -> Client {
        self.known(&self.kept, service, usize::MAX)
    }

    /// A client that never reuses a connection.
    pub(super) fn fresh(&self, service: Service) -> Client {
        self.known(&self.fresh, service, 0)
    }

    fn known(&self, kept: &papaya::HashMap<Service, Client>, service: Service, idle: usize) -> Client {
        let kept = kept.pin();
        if let Some(client) = kept.get(&service) {
            return client.clone();
        }
        let client = self.make(service, idle);
        if kept.len() < MOST_KEPT {
            kept.insert(service, client.clone());
        }
        client
    }

    fn make(&self, service: Service, idle: usize) -> Client {
        let resolver = PolicyResolver { policy: self.policy.clone(), names: self.names.clone(), service };
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(self.connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        http.set_keepalive_interval(Some(PROBE_INTERVAL));
        http.set_keepalive_retries(Some(MOST_PROBES));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let https = HttpsConnector::from((http, self.tls.clone()));
        #[expect(clippy::disallowed_methods, reason = "the only place that creates clients")]
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        // With HTTP/2, all calls of all organizations to a host would share one connection and its limit of about one
        // hundred concurrent streams. The library is built without it.
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // Shorter than the minute after which common load balancers close idle connections.
            .pool_idle_timeout(Duration::from_secs(55))
            .pool_max_idle_per_host(idle)
            .build(Connector(Arc::new(Opening { https, connect_timeout: self.connect_timeout })))
    }
}

/// Opens the connections of one client. The client clones it for each call, although few calls need a new connection.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Opening>);

#[derive(Debug)]
struct Opening {
    https: HttpsConnector<HttpConnector<PolicyResolver>>,
    /// The time for the whole of it: name, connection and TLS.
    connect_timeout: Duration,
}

impl Call<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let limit = self.0.connect_timeout;
        let connecting = self.0.https.clone().call(to);
        Box::pin(async move {
            tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_| Err(ConnectTimedOut.into()))
        })
    }
}

/// The resolver of one client: the addresses from the process's resolver that the address policy admits.
#[derive(Clone)]
struct PolicyResolver {
    policy: Arc<AddressPolicy>,
    names: Arc<dyn NameResolver>,
    service: Service,
}

impl fmt::Debug for PolicyResolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PolicyResolver").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Call<Name> for PolicyResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (policy, service) = (self.policy.clone(), self.service);
        let looked_up = self.names.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let found = looked_up.await?;
            if found.is_empty() {
                return Err(ResolveFailed::new("it has no address").into());
            }
            let admitted = policy.admit_found(found.iter().copied(), service)?;
            Ok(admitted.into_iter())
        })
    }
}
