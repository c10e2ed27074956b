//! The HTTP clients, the function that sends every request, and the address policy that it enforces.
//!
//! All organizations and providers share the clients. They follow no redirects (a redirect would carry the credential
//! elsewhere), ignore proxy variables, set no global timeout (streams are long) and decode nothing.

pub mod address_policy;
pub(crate) mod answered_connections;
pub mod bare_event;
mod clients;
pub mod event_stream;
pub mod name_resolver;
pub mod object_storage;
pub mod resolver;
pub(crate) mod single_use_body;
pub mod sse;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use memchr::memmem;
use reqwest::Request;
use url::Url;

use address_policy::Service;
pub use address_policy::{AddressPolicy, Blocked};
use answered_connections::AnsweredConnections;
use clients::Clients;
use name_resolver::NameResolver;
use resolver::ResolveFailed;
pub use resolver::on_behalf_of;
pub use single_use_body::Pieces;

/// A URL that passed the address policy, with the client that checks what its host name resolves to.
#[derive(Debug, Clone)]
pub struct AdmittedUrl {
    url: Url,
    service: Service,
    client: reqwest::Client,
}

impl AdmittedUrl {
    /// The same URL with the connections of an earlier one, if both are on the same server.
    #[must_use]
    pub fn with_connections_of(self, earlier: &Self) -> Self {
        if self.url.origin() == earlier.url.origin() {
            Self { client: earlier.client.clone(), ..self }
        } else {
            self
        }
    }

    /// Another path of the same server: replaces `from` at the end of the path with `to`.
    #[must_use]
    pub fn beside(&self, from: &str, to: &str) -> Self {
        let path = self.url.path();
        let path = [path.strip_suffix(from).unwrap_or(path), to].concat();
        let mut url = self.url.clone();
        url.set_path(&path);
        Self { url, service: self.service, client: self.client.clone() }
    }

    /// The URL with another member of its query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The URL as it is sent.
    #[must_use]
    pub const fn as_url(&self) -> &Url {
        &self.url
    }

    /// A path below that of the URL. `end` is one part, percent-encoded.
    #[must_use]
    pub fn below(&self, end: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&[self.url.path(), "/", end].concat());
        Self { url, service: self.service, client: self.client.clone() }
    }
}

/// Why no response arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The server refused the connection.
    Refused,
    /// The connection broke before the response.
    Reset,
    /// The connection was closed before the response was complete.
    Ended,
    /// The host name does not resolve.
    Dns,
    /// No trusted TLS connection could be established.
    Tls,
    /// The host name resolves to an address that is not allowed.
    Blocked,
    /// The connection did not open in time.
    ConnectTimeout,
    /// The response is not HTTP, or its body is framed wrongly.
    NotHttp,
    /// The request failed for another reason.
    Other,
}

/// The shared clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    clients: Arc<Clients>,
    answered: Arc<AnsweredConnections>,
    policy: Arc<AddressPolicy>,
}

/// The head of a response; the body is read with [`UpstreamResponse::chunk`].
#[derive(Debug)]
pub struct UpstreamResponse {
    response: reqwest::Response,
}

impl Upstream {
    /// Creates the clients. They enforce the address policy and use this resolver.
    ///
    /// # Errors
    /// The TLS library could not be set up.
    pub fn new(
        policy: AddressPolicy,
        connect_timeout: Duration,
        names: Arc<dyn NameResolver>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let policy = Arc::new(policy);
        let clients = Arc::new(Clients::new(policy.clone(), names, connect_timeout)?);
        Ok(Self { clients, answered: Arc::new(AnsweredConnections::new()), policy })
    }

    /// The address policy, for checks when an address is saved.
    #[must_use]
    pub fn address_policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Checks a provider's URL against the address policy. A host name's addresses are checked when it resolves.
    ///
    /// # Errors
    /// [`Blocked`] names the rule and the remedy.
    pub fn admit(&self, url: &str) -> Result<AdmittedUrl, Blocked> {
        self.admitted(self.policy.check(url)?)
    }

    /// Checks the address of a token service, which must be the vendor's `own` one or opened by the operator.
    ///
    /// # Errors
    /// [`Blocked`] names the rule and the remedy.
    pub fn admit_token_service(&self, url: &str, own: &'static str) -> Result<AdmittedUrl, Blocked> {
        self.admitted(self.policy.check_token_service(url, own)?)
    }

    /// A path below the base of the in-process simulated provider, at its own loopback socket.
    ///
    /// # Errors
    /// It is not running.
    pub fn admit_simulated(&self, path: &str) -> Result<AdmittedUrl, Blocked> {
        let socket: SocketAddr = self.policy.simulated().ok_or(Blocked::NotRunning)?;
        let url = Url::parse(&format!("http://{socket}/v1{path}")).map_err(|_| Blocked::NotAUrl)?;
        self.admitted(url)
    }

    fn admitted(&self, url: Url) -> Result<AdmittedUrl, Blocked> {
        let service = Service::of(&url).ok_or(Blocked::NotAUrl)?;
        let client = self.clients.pooled(service).map_err(|error| {
            tracing::error!(%error, "could not create an HTTP client");
            Blocked::NotRunning
        })?;
        Ok(AdmittedUrl { url, service, client })
    }

    /// Posts a body and waits for the head of the response. If a connection that had answered before breaks before
    /// its next response, it was closed while idle; if something else than a response comes, it belongs to the
    /// previous one. Only then is the message built again and sent on a new connection.
    ///
    /// # Errors
    /// No head arrived. There is no timeout except for connecting: the caller sets its own.
    pub async fn post(
        &self,
        target: &AdmittedUrl,
        message: impl Fn() -> (HeaderMap, Pieces),
    ) -> Result<UpstreamResponse, SendError> {
        let request = || {
            let (headers, pieces) = message();
            // The builder of requests would merge the headers one by one into a map of its own.
            let mut request = Request::new(Method::POST, target.url.clone());
            *request.headers_mut() = headers;
            *request.body_mut() = Some(single_use_body::body(pieces));
            request
        };
        let unsent = match self.send(&target.client, request()).await {
            Ok(response) => return Ok(response),
            Err(unsent) => unsent,
        };
        if !unsent.was_idle {
            return Err(unsent.error);
        }
        match self.clients.fresh(target.service) {
            Ok(fresh) => self.send(&fresh, request()).await.map_err(|unsent| unsent.error),
            Err(_) => Err(unsent.error),
        }
    }

    /// Sends a GET request and waits for the head of the response.
    ///
    /// # Errors
    /// As [`Upstream::post`].
    pub async fn get(&self, target: &AdmittedUrl, headers: HeaderMap) -> Result<UpstreamResponse, SendError> {
        let mut request = Request::new(Method::GET, target.url.clone());
        *request.headers_mut() = headers;
        self.send(&target.client, request).await.map_err(|unsent| unsent.error)
    }

    async fn send(&self, client: &reqwest::Client, request: Request) -> Result<UpstreamResponse, Unsent> {
        match client.execute(request).await {
            Ok(response) => {
                // A server that closes an idle connection may say so, which would be read as the answer.
                if self.answered.note(&response) && says_goodbye(&response) {
                    return Err(Unsent { error: SendError::Ended, was_idle: true });
                }
                Ok(UpstreamResponse { response })
            }
            Err(error) => {
                let found = explain(&error);
                let broke = matches!(found, SendError::Reset | SendError::Ended | SendError::NotHttp);
                Err(Unsent { error: found, was_idle: broke && self.answered.holds(&error) })
            }
        }
    }
}

/// Whether this may be what a server says before it closes an idle connection, and no answer: a 408 because no request
/// came in time, or a 400 because it takes none. Providers explain their own in JSON, or keep the connection open.
///
/// What arrives before the connection takes the next request, the client discards with the connection. This is about
/// what crosses with that request.
fn says_goodbye(response: &reqwest::Response) -> bool {
    let status = response.status();
    if status != StatusCode::REQUEST_TIMEOUT && status != StatusCode::BAD_REQUEST {
        return false;
    }
    let header = |name| response.headers().get(name).map_or(&b""[..], HeaderValue::as_bytes);
    // A body without a length ends with the connection.
    let has_end =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| response.headers().contains_key(name));
    let closes = header(CONNECTION).eq_ignore_ascii_case(b"close") || !has_end;
    let explains = memmem::find(&header(CONTENT_TYPE).to_ascii_lowercase(), b"json").is_some();
    closes && !explains
}

/// A request without a response.
struct Unsent {
    error: SendError,
    /// It broke before any response, on a connection that had answered before.
    was_idle: bool,
}

impl UpstreamResponse {
    /// The HTTP status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers of the response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next chunk of the body as it arrived; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or the body's framing is invalid.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        self.response.chunk().await.map_err(|error| explain(&error))
    }

    /// Reads the rest of a finished body if it has already arrived, so that the connection can be reused.
    pub fn finish(mut self) {
        while let Some(Ok(Some(_))) = self.response.chunk().now_or_never() {}
    }
}

#[cfg(test)]
impl UpstreamResponse {
    /// A response with a body that arrives in these chunks.
    pub(crate) fn in_pieces(pieces: Vec<std::io::Result<Bytes>>) -> Self {
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        Self { response: http::Response::new(body).into() }
    }
}

/// Classifies a client error by its chain of sources, which includes the system's error.
fn explain(error: &reqwest::Error) -> SendError {
    if error.is_connect() && error.is_timeout() {
        return SendError::ConnectTimeout;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(found) = explain_cause(inner) {
            return found;
        }
        cause = inner.source();
    }
    SendError::Other
}

fn explain_cause(cause: &(dyn std::error::Error + 'static)) -> Option<SendError> {
    use std::io::ErrorKind;
    if cause.is::<Blocked>() {
        return Some(SendError::Blocked);
    }
    if cause.is::<ResolveFailed>() {
        return Some(SendError::Dns);
    }
    if cause.is::<rustls::Error>() {
        return Some(SendError::Tls);
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Some(SendError::Ended);
        }
        if error.is_parse() {
            return Some(SendError::NotHttp);
        }
    }
    let io = cause.downcast_ref::<std::io::Error>()?;
    if let Some(inner) = io.get_ref() {
        if inner.is::<rustls::Error>() {
            return Some(SendError::Tls);
        }
        if let Some(found) = explain_cause(inner) {
            return Some(found);
        }
    }
    match io.kind() {
        ErrorKind::ConnectionRefused => Some(SendError::Refused),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(SendError::Reset)
        }
        ErrorKind::UnexpectedEof => Some(SendError::Ended),
        ErrorKind::TimedOut => Some(SendError::ConnectTimeout),
        _ => None,
    }
}
