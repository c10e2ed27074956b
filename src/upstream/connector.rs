//! Opens the connections of one client: resolves the host name, connects and agrees on TLS.
//!
//! A client asks its resolver for a host name without the scheme and port, but the address policy depends on both.
//! Each resolver belongs to one scheme and port, so it can check the addresses that it returns against the full
//! policy, and the client connects to nothing else.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service as Connect;

use super::resolver::ResolveFailed;
use crate::upstream::address_policy::{AddressPolicy, AdmittedAddresses, Service};
use crate::upstream::name_resolver::NameResolver;

/// How long a connection may be silent before the system asks whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How often it asks again.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// After how many questions without an answer the connection counts as broken.
const KEEP_ALIVE_RETRIES: u32 = 3;
/// After how long without an acknowledgment of what was sent the connection counts as broken.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Opening<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The connection did not open in time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection did not open in time")]
pub(super) struct ConnectTimedOut;

/// Opens the connections of one client.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector<PolicyResolver>>,
    timeout: Duration,
}

impl Connector {
    /// Connects to what the resolver admits. `timeout` limits resolving, connecting and TLS together.
    pub(super) fn new(resolver: PolicyResolver, tls: Arc<rustls::ClientConfig>, timeout: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(resolver);
        // The connector around it refuses other schemes than the two.
        http.enforce_http(false);
        // Divided among the addresses of a name, so that a dead one does not use up the time of the others.
        http.set_connect_timeout(Some(timeout));
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEP_ALIVE));
        http.set_keepalive_interval(Some(KEEP_ALIVE_INTERVAL));
        http.set_keepalive_retries(Some(KEEP_ALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        Self { https: HttpsConnector::from((http, tls)), timeout }
    }
}

impl Connect<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let opened = tokio::time::timeout(self.timeout, self.https.call(server));
        Box::pin(async move { opened.await.unwrap_or_else(|_| Err(ConnectTimedOut.into())) })
    }
}

/// The resolver of one client: the addresses from the process's resolver that the address policy admits.
#[derive(Clone)]
pub(super) struct PolicyResolver {
    pub(super) policy: Arc<AddressPolicy>,
    pub(super) names: Arc<dyn NameResolver>,
    pub(super) service: Service,
}

impl Connect<Name> for PolicyResolver {
    type Response = <AdmittedAddresses as IntoIterator>::IntoIter;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

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
            Ok(policy.admit_found(found.iter().copied(), service)?.into_iter())
        })
    }
}
