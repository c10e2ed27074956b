//! The HTTP clients, the function that sends every request, and the address policy that it enforces.
//!
//! All organizations and providers share the clients. They follow no redirects (a redirect would carry the credential
//! elsewhere), ignore proxy variables, set no global timeout (streams are long) and decode nothing.

pub mod address_policy;
pub(crate) mod answered_connections;
mod clients;
pub mod name_resolver;
pub mod resolver;
pub(crate) mod single_use_body;
pub mod sse;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use url::{Position, Url};

use address_policy::Service;
pub use address_policy::{AddressPolicy, Blocked};
use answered_connections::AnsweredConnections;
use clients::{Client, Clients, ConnectTimedOut};
use name_resolver::NameResolver;
use resolver::ResolveFailed;
pub use resolver::on_behalf_of;
pub use single_use_body::Pieces;
use single_use_body::SingleUseBody;

/// A URL that passed the address policy, with the client that checks what its host name resolves to.
#[derive(Debug, Clone)]
pub struct AdmittedUrl {
    url: Url,
    /// The URL as the client takes it, so that no call parses it again.
    uri: Uri,
    host: HeaderValue,
    service: Service,
    client: Client,
}

impl AdmittedUrl {
    fn new(url: Url, service: Service, client: Client) -> Result<Self, Blocked> {
        let uri = url.as_str().parse().map_err(|_| Blocked::NotAUrl)?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| Blocked::NotAUrl)?;
        Ok(Self { url, uri, host, service, client })
    }

    /// Another path of the same server: replaces `from` at the end of the path with `to`.
    ///
    /// # Errors
    /// The result is not a URL.
    pub fn beside(&self, from: &str, to: &str) -> Result<Self, Blocked> {
        let path = self.url.path();
        let path = [path.strip_suffix(from).unwrap_or(path), to].concat();
        let mut url = self.url.clone();
        url.set_path(&path);
        Self::new(url, self.service, self.client.clone())
    }

    /// The value of the header `host`. The client would write it for each call that has none.
    #[must_use]
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    fn request(&self, method: Method, headers: HeaderMap, body: Pieces) -> Request<SingleUseBody> {
        let mut request = Request::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
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
    response: Response<ResponseBody>,
}

#[derive(Debug)]
enum ResponseBody {
    Received(Incoming),
    #[cfg(test)]
    Given(std::vec::IntoIter<std::io::Result<Bytes>>),
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

    /// The in-process simulated provider, at its own loopback socket.
    ///
    /// # Errors
    /// It is not running.
    pub fn admit_simulated(&self) -> Result<AdmittedUrl, Blocked> {
        let socket: SocketAddr = self.policy.simulated().ok_or(Blocked::NotRunning)?;
        let url =
            Url::parse(&format!("http://{socket}/v1/chat/completions")).map_err(|_| Blocked::NotAUrl)?;
        self.admitted(url)
    }

    fn admitted(&self, url: Url) -> Result<AdmittedUrl, Blocked> {
        let service = Service::of(&url).ok_or(Blocked::NotAUrl)?;
        AdmittedUrl::new(url, service, self.clients.of(service))
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
            target.request(Method::POST, headers, pieces)
        };
        let unsent = match self.send(&target.client, request()).await {
            Ok(response) => return Ok(response),
            Err(unsent) => unsent,
        };
        if !unsent.was_idle {
            return Err(unsent.error);
        }
        let fresh = self.clients.fresh(target.service);
        self.send(&fresh, request()).await.map_err(|unsent| unsent.error)
    }

    /// Sends a GET request and waits for the head of the response.
    ///
    /// # Errors
    /// As [`Upstream::post`].
    pub async fn get(&self, target: &AdmittedUrl, headers: HeaderMap) -> Result<UpstreamResponse, SendError> {
        let request = target.request(Method::GET, headers, Pieces::default());
        self.send(&target.client, request).await.map_err(|unsent| unsent.error)
    }

    async fn send(
        &self,
        client: &Client,
        request: Request<SingleUseBody>,
    ) -> Result<UpstreamResponse, Unsent> {
        match client.request(request).await {
            Ok(response) => {
                self.answered.note(&response);
                Ok(UpstreamResponse { response: response.map(ResponseBody::Received) })
            }
            Err(error) => {
                let found = explain(&error);
                let broke = matches!(found, SendError::Reset | SendError::Ended | SendError::NotHttp);
                Err(Unsent { error: found, was_idle: broke && self.answered.holds(&error) })
            }
        }
    }
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
        poll_fn(|context| self.response.body_mut().poll_chunk(context)).await
    }

    /// Reads the rest of a finished body if it has already arrived, so that the connection can be reused.
    pub fn finish(mut self) {
        while let Some(Ok(Some(_))) = self.chunk().now_or_never() {}
    }
}

impl ResponseBody {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SendError>> {
        let body = match self {
            Self::Received(body) => body,
            #[cfg(test)]
            Self::Given(pieces) => {
                return Poll::Ready(pieces.next().transpose().map_err(|error| explain(&error)));
            }
        };
        loop {
            match ready!(Pin::new(&mut *body).poll_frame(context)) {
                None => return Poll::Ready(Ok(None)),
                Some(Err(error)) => return Poll::Ready(Err(explain(&error))),
                Some(Ok(frame)) => {
                    // Trailers are of no interest.
                    if let Ok(chunk) = frame.into_data() {
                        return Poll::Ready(Ok(Some(chunk)));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
impl UpstreamResponse {
    /// A response with a body that arrives in these chunks.
    pub(crate) fn in_pieces(pieces: Vec<std::io::Result<Bytes>>) -> Self {
        Self { response: Response::new(ResponseBody::Given(pieces.into_iter())) }
    }
}

/// Classifies an error of the client by its chain of sources, which includes the system's error.
fn explain(error: &(dyn std::error::Error + 'static)) -> SendError {
    let mut cause = Some(error);
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
    if cause.is::<ConnectTimedOut>() {
        return Some(SendError::ConnectTimeout);
    }
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
