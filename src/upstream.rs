//! The only HTTP client, the only send, and the gate before it.
//!
//! One client is shared by every organization and provider. It follows no redirect (a redirect would carry the
//! credential elsewhere), knows no proxy variables, sets no global timeout (streams live long) and decodes
//! nothing. Imports `config` and `clock`-free libraries only; nothing else of ours.

pub mod gate;
mod once;
pub mod resolver;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use url::Url;

pub use gate::{Blocked, Gate};
pub use resolver::on_behalf_of;

/// An address that the gate has let through.
#[derive(Debug, Clone)]
pub struct Admitted {
    url: Url,
}

impl Admitted {
    /// Another path of the same server: `from` at the end of the path gives way to `to`.
    #[must_use]
    pub fn beside(&self, from: &str, to: &str) -> Self {
        let path = self.url.path();
        let path = [path.strip_suffix(from).unwrap_or(path), to].concat();
        let mut url = self.url.clone();
        url.set_path(&path);
        Self { url }
    }
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Nobody listens there.
    Refused,
    /// The connection broke.
    Reset,
    /// It was closed before the answer was whole.
    Ended,
    /// The name does not resolve.
    Dns,
    /// No trusted TLS connection.
    Tls,
    /// The name resolves to an address that is not allowed.
    Blocked,
    /// The connection did not open in time.
    ConnectTimeout,
    /// Something else, such as an answer that is no HTTP, or a body that is framed wrongly.
    Other,
}

/// The shared client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    gate: Arc<Gate>,
}

/// The head of an answer, with its body still to be read.
#[derive(Debug)]
pub struct UpstreamResponse {
    response: reqwest::Response,
}

impl Upstream {
    /// A client behind a gate.
    ///
    /// # Errors
    /// The TLS library could not be set up.
    pub fn new(
        gate: Gate,
        connect_timeout: Duration,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let gate = Arc::new(gate);
        #[expect(clippy::disallowed_methods, reason = "the one client that every other place is sent to")]
        let client = reqwest::Client::builder()
            // Over HTTP/2 all calls of all organizations to a host would share one connection and its limits: from
            // about the hundredth on they would wait for each other.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(55))
            .dns_resolver(gate::GatedResolver::new(gate.clone()))
            .build()?;
        Ok(Self { client, gate })
    }

    /// The gate, for checks when an address is saved.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Lets a provider's address through, or says why not. A name is checked again when it resolves.
    ///
    /// # Errors
    /// [`Blocked`] names the rule and the remedy.
    pub fn admit(&self, url: &str) -> Result<Admitted, Blocked> {
        Ok(Admitted { url: self.gate.check(url)? })
    }

    /// The in-process simulated provider: its own loopback socket and no other.
    ///
    /// # Errors
    /// It is not running.
    pub fn admit_simulated(&self) -> Result<Admitted, Blocked> {
        let socket: SocketAddr = self.gate.simulated().ok_or(Blocked::NotRunning)?;
        let url =
            Url::parse(&format!("http://{socket}/v1/chat/completions")).map_err(|_| Blocked::NotAUrl)?;
        Ok(Admitted { url })
    }

    /// Posts a body and waits for the head of the answer.
    ///
    /// # Errors
    /// No head arrived. There is no timeout but the connection's: the caller sets its own.
    pub async fn post(
        &self,
        target: &Admitted,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<UpstreamResponse, SendError> {
        self.send(target, self.client.post(target.url.clone()).headers(headers).body(once::body(body))).await
    }

    /// Asks for something and waits for the head of the answer.
    ///
    /// # Errors
    /// As [`Upstream::post`].
    pub async fn get(&self, target: &Admitted, headers: HeaderMap) -> Result<UpstreamResponse, SendError> {
        self.send(target, self.client.get(target.url.clone()).headers(headers)).await
    }

    async fn send(
        &self,
        target: &Admitted,
        request: reqwest::RequestBuilder,
    ) -> Result<UpstreamResponse, SendError> {
        if !self.gate.still_admits(&target.url).await {
            return Err(SendError::Blocked);
        }
        match request.send().await {
            Ok(response) => Ok(UpstreamResponse { response }),
            Err(error) => Err(explain(&error)),
        }
    }
}

impl UpstreamResponse {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece of the body as it arrived; none at its end.
    ///
    /// # Errors
    /// The connection broke, or the body's framing is wrong.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        self.response.chunk().await.map_err(|error| explain(&error))
    }

    /// Reads what is left of a finished body if it is there already, so that its connection can be used again.
    pub fn finish(mut self) {
        while let Some(Ok(Some(_))) = self.response.chunk().now_or_never() {}
    }
}

#[cfg(test)]
impl UpstreamResponse {
    /// An answer whose body arrives in these pieces.
    pub(crate) fn in_pieces(pieces: Vec<std::io::Result<Bytes>>) -> Self {
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        Self { response: http::Response::new(body).into() }
    }
}

/// What a client error comes from: its chain of causes holds the system's own.
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
    if cause.is::<gate::ResolveFailed>() {
        return Some(SendError::Dns);
    }
    if cause.is::<rustls::Error>() {
        return Some(SendError::Tls);
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>()
        && (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
    {
        return Some(SendError::Ended);
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
