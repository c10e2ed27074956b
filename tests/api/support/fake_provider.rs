//! A provider that does what a test tells it, over a real socket: answers, streams, trickles, cuts, resets, hangs,
//! talks garbage. It keeps what it received, counts, and says when a caller has gone, so that no test sleeps.
//!
//! ```ignore
//! let provider = FakeProvider::start().await;
//! let gate = Gate::new();
//! provider.next(Script::error(503, "overloaded", "try later"));
//! provider.next(Script::stream().text("Hel").wait_until(&gate).text("lo").finish("stop").done());
//! ...                                   // drive the gateway with provider.base_url() as a provider's base_url
//! gate.open();
//! assert_eq!(provider.requests()[1].model.as_deref(), Some("upstream-name"));
//! provider.client_gone(1).await;        // the caller closed its connection during request 1
//! ```
//!
//! Which [`Script`] a request gets: the next one for its model, else the next one for anybody, else the standing one
//! of its model, else the standing one for anybody, else a 500 that says that there is none. A judge comes before all.

#![allow(clippy::expect_used, clippy::panic, reason = "only tests use it: a panic is how they fail")]

mod connection;
mod converse;
mod messages;
mod script;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use connection::{Connection, Ending};
pub(crate) use script::{Gate, Script};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Its index among all requests, starting at 0.
    pub(crate) number: usize,
    /// The index of its connection, starting at 0: equal numbers mean that a connection was reused.
    pub(crate) connection: usize,
    /// The HTTP method, such as `POST`.
    pub(crate) method: String,
    /// The path with the query.
    pub(crate) path: String,
    /// The headers in their original order and spelling.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without chunk framing.
    pub(crate) body: Vec<u8>,
    /// The `model` of the body, if the body is a JSON object with one, or that of the path.
    pub(crate) model: Option<String>,
}

impl Received {
    /// The first header of that name, ignoring case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// Inspects a request and may answer it.
type Judge = Box<dyn Fn(&Received) -> Option<Script> + Send + Sync>;

#[derive(Default)]
struct State {
    judge: Option<Judge>,
    next: VecDeque<Script>,
    next_for: HashMap<String, VecDeque<Script>>,
    always: Option<Script>,
    always_for: HashMap<String, Script>,
    received: Vec<Received>,
    /// Indexes of requests whose caller disconnected while the script was played.
    gone: BTreeSet<usize>,
    accepted: usize,
    open: usize,
    close_on_accept: usize,
}

impl State {
    fn script_for(&mut self, request: &Received) -> Script {
        if let Some(script) = self.judge.as_ref().and_then(|judge| judge(request)) {
            return script;
        }
        let model = request.model.as_deref().unwrap_or_default();
        let once =
            self.next_for.get_mut(model).and_then(VecDeque::pop_front).or_else(|| self.next.pop_front());
        let standing = once.or_else(|| self.always_for.get(model).or(self.always.as_ref()).cloned());
        standing.unwrap_or_else(|| {
            Script::error(500, "no_script", "the test gave the fake provider no script for this")
        })
    }
}

/// The server. When dropped, it stops and closes every connection.
pub(crate) struct FakeProvider {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: AbortHandle,
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl FakeProvider {
    /// Listens on a free loopback port in the current runtime.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = watch::Sender::new(State::default());
        let accepting = tokio::spawn(accept(listener, state.clone())).abort_handle();
        Self { address, state, accepting }
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `base_url` for a provider: `http://127.0.0.1:PORT/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Sets the script for the next request that no script of its model claims.
    pub(crate) fn next(&self, script: Script) {
        self.state.send_modify(|state| state.next.push_back(script));
    }

    /// Sets the script for the next request for this upstream model.
    pub(crate) fn next_for(&self, model: &str, script: Script) {
        self.state.send_modify(|state| state.next_for.entry(model.to_owned()).or_default().push_back(script));
    }

    /// Inspects every request first: a script that it returns takes precedence over all others.
    pub(crate) fn judge(&self, judge: impl Fn(&Received) -> Option<Script> + Send + Sync + 'static) {
        self.state.send_modify(|state| state.judge = Some(Box::new(judge)));
    }

    /// Sets the script for every request that nothing else claims.
    pub(crate) fn always(&self, script: Script) {
        self.state.send_modify(|state| state.always = Some(script));
    }

    /// Sets the script for every request for this upstream model that no `next_for` script claims.
    pub(crate) fn always_for(&self, model: &str, script: Script) {
        self.state.send_modify(|state| drop(state.always_for.insert(model.to_owned(), script)));
    }

    /// Closes the next connection as soon as it is accepted, without reading a byte.
    pub(crate) fn close_next_connection(&self) {
        self.state.send_modify(|state| state.close_on_accept += 1);
    }

    /// All requests so far, in the order in which they arrived completely.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.state.borrow().received.clone()
    }

    /// The number of requests so far.
    pub(crate) fn served(&self) -> usize {
        self.state.borrow().received.len()
    }

    /// The number of connections accepted so far, and of those open now.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let state = self.state.borrow();
        (state.accepted, state.open)
    }

    /// Waits for the request with this index to arrive completely.
    pub(crate) async fn request(&self, number: usize) -> Received {
        self.wait(&format!("request {number}"), |state| state.received.get(number).cloned()).await
    }

    /// Waits until the caller of this request has disconnected before its script ended.
    pub(crate) async fn client_gone(&self, number: usize) {
        self.wait(&format!("the caller of request {number} to go"), |state| {
            state.gone.contains(&number).then_some(())
        })
        .await;
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_closed(&self) {
        self.wait("every connection to close", |state| (state.open == 0).then_some(())).await;
    }

    async fn wait<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.state.subscribe();
        let seen = async {
            loop {
                if let Some(found) = look(&changes.borrow_and_update()) {
                    return found;
                }
                changes.changed().await.expect("the state lives as long as the provider");
            }
        };
        let found = tokio::time::timeout(PATIENCE, seen).await;
        found.unwrap_or_else(|_| panic!("the fake provider waited {PATIENCE:?} in vain for {what}"))
    }
}

async fn accept(listener: TcpListener, state: watch::Sender<State>) {
    // Dropped with this task, which closes every connection.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let mut number = 0;
        let mut close = false;
        state.send_modify(|state| {
            number = state.accepted;
            close = state.close_on_accept > 0;
            state.accepted += 1;
            state.close_on_accept -= usize::from(close);
            state.open += usize::from(!close);
        });
        if !close {
            let open = Open(state.clone());
            connections.spawn(serve(stream, number, open));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Counts a connection as open until it is dropped.
struct Open(watch::Sender<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.open -= 1);
    }
}

async fn serve(stream: TcpStream, number: usize, open: Open) {
    let mut connection = Connection::new(stream, number);
    while let Some(mut request) = connection.request().await {
        let mut script = Script::new();
        let mut place = 0;
        open.0.send_modify(|state| {
            place = state.received.len();
            request.number = place;
            script = state.script_for(&request);
            state.received.push(request.clone());
        });
        match connection.play(&script).await {
            Ending::Whole => {}
            Ending::ClientGone => {
                open.0.send_modify(|state| {
                    state.gone.insert(place);
                });
                break;
            }
            Ending::Close => break,
        }
    }
}

mod tests;
