//! An HTTP client for one server, with the connections that wait for its next request.
//!
//! A client for any server looks its connections up by scheme and host for each request, writes the `host` header and
//! parses URLs for redirects. That takes longer than to send a request, and here each provider has a client of its own.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::{Extensions, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::client::legacy::connect::{Connection as _, HttpInfo};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service as _;

use super::connector::Connector;
use super::single_use_body::SingleUseBody;

/// How long an unused connection is kept. Shorter than the minute after which common load balancers close it.
const IDLE: Duration = Duration::from_secs(55);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An HTTP client for one server. It speaks HTTP/1.1 only: with HTTP/2, all calls of all organizations to a host would
/// share one connection and its limit of about one hundred concurrent streams.
#[derive(Debug, Clone)]
pub(super) struct Client(Arc<Pool>);

/// A response, and the connection that it came on.
pub(super) type Sent = (Response<Incoming>, Option<HttpInfo>);

/// Why no response came, and the connection if there was one.
pub(super) struct Failed {
    pub(super) error: BoxError,
    pub(super) connection: Option<HttpInfo>,
}

struct Pool {
    connector: Connector,
    /// Whether connections are used again.
    keeps: bool,
    /// The connections that wait, in the order in which they became idle.
    idle: Mutex<Vec<Idle>>,
    /// Whether a task removes connections that were not used for long.
    is_swept: AtomicBool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

struct Connection {
    sender: SendRequest<SingleUseBody>,
    info: Option<HttpInfo>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pool").field("keeps", &self.keeps).finish_non_exhaustive()
    }
}

impl Client {
    /// A client without connections yet. `keeps` says whether it uses them again.
    pub(super) fn new(connector: Connector, keeps: bool) -> Self {
        let (idle, is_swept) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Pool { connector, keeps, idle, is_swept }))
    }

    /// Sends a request to the server, which needs a `host` header and the path alone as its URI.
    ///
    /// If a connection was closed while it was idle, and so took nothing of the request, another one is used.
    pub(super) async fn send(
        &self,
        server: &Uri,
        mut request: Request<SingleUseBody>,
    ) -> Result<Sent, Failed> {
        loop {
            let idle = self.0.take();
            let reused = idle.is_some();
            let mut connection = match idle {
                Some(idle) => idle,
                None => self.connect(server).await.map_err(|error| Failed { error, connection: None })?,
            };
            match connection.sender.try_send_request(request).await {
                Ok(response) => {
                    let info = connection.info.clone();
                    self.keep(connection);
                    return Ok((response, info));
                }
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if reused => request = unsent,
                    _ => {
                        let error = failed.into_error().into();
                        return Err(Failed { error, connection: connection.info });
                    }
                },
            }
        }
    }

    /// Boxed because it is large, and rarely needed.
    fn connect<'a>(
        &'a self,
        server: &'a Uri,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send + 'a>> {
        Box::pin(async move {
            let mut connector = self.0.connector.clone();
            poll_fn(|context| connector.poll_ready(context)).await?;
            let io = connector.call(server.clone()).await?;
            let mut extras = Extensions::new();
            io.connected().get_extras(&mut extras);
            let (mut sender, driver) = handshake(io).await?;
            let (report, reported) = oneshot::channel();
            tokio::spawn(async move {
                if let Err(error) = driver.with_upgrades().await {
                    tracing::debug!(%error, "a connection to a provider ended");
                    let _ = report.send(error);
                }
            });
            match sender.ready().await {
                Ok(()) => Ok(Connection { sender, info: extras.remove() }),
                // The connection knows better why.
                Err(error) if error.is_closed() => Err(reported.await.unwrap_or(error).into()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Keeps a connection for the next request, once its response has been read.
    fn keep(&self, mut connection: Connection) {
        if !self.0.keeps {
            return;
        }
        if connection.sender.is_ready() {
            return Pool::put(&self.0, connection);
        }
        let pool = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            if connection.sender.ready().await.is_ok()
                && let Some(pool) = pool.upgrade()
            {
                Pool::put(&pool, connection);
            }
        });
    }
}

impl Pool {
    /// The connection that was used last, if it is still open.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        loop {
            let last = idle.pop()?;
            if last.is_usable(now) {
                return Some(last.connection);
            }
        }
    }

    fn put(pool: &Arc<Self>, connection: Connection) {
        if !connection.sender.is_ready() {
            return;
        }
        let idle = Idle { connection, since: Instant::now() };
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        if !pool.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(pool)));
        }
    }
}

impl Idle {
    fn is_usable(&self, now: Instant) -> bool {
        self.connection.sender.is_ready() && now.saturating_duration_since(self.since) <= IDLE
    }
}

/// Closes connections that were not used for long, as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|idle| idle.is_usable(now));
        if idle.is_empty() {
            // While no connection can be added, so that the next one starts this task again.
            pool.is_swept.store(false, Ordering::Release);
            return;
        }
    }
}
