//! A fault: how a provider fails, and the expected classification. Each row of the table is one.

use std::any::Any;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use uuid::Uuid;

use crate::support::app::Organization;
use crate::support::fake_provider::{FakeProvider, Script};

/// How a provider fails.
#[derive(Clone)]
pub(crate) enum How {
    /// It reads the request and plays this script.
    Plays(Script),
    /// Nothing listens at its address.
    Refuses,
    /// Its host name has no address.
    HasNoAddress,
    /// It speaks plain text at an https address.
    SpeaksPlainly,
    /// It closes the connection (FIN) without reading the request.
    ClosesUnread,
}

/// The expected error class, and the rule that matched.
pub(crate) type Verdict = (&'static str, &'static str);

/// One row of the table.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) how: How,
    /// The verdicts for a whole answer; empty if it is not a fault. Several if it depends on the network.
    pub(super) whole: Vec<Verdict>,
    /// The verdicts for a stream.
    pub(super) streamed: Vec<Verdict>,
    /// The provider's status, if it may be shown to the caller.
    pub(super) status: Option<u16>,
    /// Whether only a time limit ends it, so that its model gets a short one.
    pub(crate) hangs: bool,
}

impl Fault {
    pub(crate) fn verdicts(&self, stream: bool) -> &[Verdict] {
        if stream { &self.streamed } else { &self.whole }
    }

    pub(super) fn streamed(mut self, class: &'static str, rule: &'static str) -> Self {
        self.streamed = vec![(class, rule)];
        self
    }

    pub(super) fn or(mut self, class: &'static str, rule: &'static str) -> Self {
        for verdicts in [&mut self.whole, &mut self.streamed] {
            if !verdicts.is_empty() {
                verdicts.push((class, rule));
            }
        }
        self
    }

    pub(super) fn only_whole(mut self) -> Self {
        self.streamed.clear();
        self
    }

    pub(super) fn only_streamed(mut self) -> Self {
        self.whole.clear();
        self
    }
}

pub(super) fn fault(name: impl Into<String>, how: How, class: &'static str, rule: &'static str) -> Fault {
    let verdict = vec![(class, rule)];
    Fault { name: name.into(), how, whole: verdict.clone(), streamed: verdict, status: None, hangs: false }
}

pub(super) fn plays(
    name: impl Into<String>,
    script: Script,
    class: &'static str,
    rule: &'static str,
) -> Fault {
    fault(name, How::Plays(script), class, rule)
}

/// A fault that never ends by itself.
pub(super) fn hangs(name: &str, script: Script) -> Fault {
    let fault = plays(name, script, "timeout", "timeout:answer").streamed("timeout", "timeout:first_frame");
    Fault { hangs: true, ..fault }
}

/// A status with an error object without a code.
pub(super) fn status(status: u16, class: &'static str, rule: &'static str) -> Fault {
    let script = Script::json(status, &error_object(Value::Null));
    Fault { status: Some(status), ..plays(format!("status {status}"), script, class, rule) }
}

/// A success status with this body.
pub(super) fn garbage(name: &str, kind: &str, body: impl AsRef<[u8]>, rule: &'static str) -> Fault {
    plays(name, Script::respond(200, &[("content-type", kind)], body), "invalid_response", rule)
}

/// An invalid stream.
pub(super) fn hollow(name: &str, script: Script, rule: &'static str) -> Fault {
    plays(name, script, "invalid_response", rule).only_streamed()
}

/// OpenAI's error object with only this code.
pub(super) fn error_object(code: Value) -> Value {
    json!({"error": {"message": "no", "type": null, "param": null, "code": code}})
}

/// An address that sends HTTP before a request and waits for the caller to disconnect.
async fn speaks_plainly() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The caller may have disconnected already.
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    address
}

/// The provider of a fault that occurs `times` times, and values that must live as long as it.
pub(super) async fn provider(
    owner: &Organization,
    number: usize,
    fault: &Fault,
    times: usize,
    fake: Uuid,
) -> (Uuid, Option<Box<dyn Any>>) {
    let at = async |address: &str| owner.provider_at(&format!("p{number}"), "custom", Some(address)).await;
    match &fault.how {
        How::Plays(_) => (fake, None),
        How::Refuses => {
            // Bound but not listening, so that no other process can take the port.
            let bound = TcpSocket::new_v4().expect("a socket");
            bound.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
            let address = bound.local_addr().expect("a bound socket has an address");
            (at(&format!("http://{address}/v1")).await, Some(Box::new(bound)))
        }
        How::HasNoAddress => (at("https://nowhere.invalid/v1").await, None),
        How::SpeaksPlainly => (at(&format!("https://{}/v1", speaks_plainly().await)).await, None),
        How::ClosesUnread => {
            let closing = FakeProvider::start().await;
            (0..times).for_each(|_| closing.close_next_connection());
            (at(&closing.base_url()).await, Some(Box::new(closing)))
        }
    }
}
