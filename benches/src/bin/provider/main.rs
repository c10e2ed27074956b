//! `bench-provider ADDRESS`: an OpenAI-compatible provider that is never the bottleneck. One thread, no router, no
//! JSON parser, responses prepared at startup. The model name chooses the response (`behavior`), credentials are
//! ignored, and `GET /calls` returns how many requests were answered and how many failed on purpose. Loopback only.

mod answers;
mod behavior;
mod request;

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::answers::{Answers, json_answer};
use crate::behavior::{Behavior, Fault};
use crate::request::{Connection, Request};

/// Large enough for every connection of the widest measurement to arrive at once.
const ACCEPT_QUEUE: u32 = 16_384;

#[derive(Default)]
struct Calls {
    answered: Cell<u64>,
    failed: Cell<u64>,
}

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("usage: bench-provider ADDRESS")?;
    let address: SocketAddr = address.parse().context("the address is not of the form IP:PORT")?;
    ensure!(address.ip().is_loopback(), "the provider checks no credentials and listens on loopback only");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, listen(address))
}

async fn listen(address: SocketAddr) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(ACCEPT_QUEUE)?;
    let (answers, calls) = (Rc::new(Answers::prepare()), Rc::new(Calls::default()));
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (answers, calls) = (Rc::clone(&answers), Rc::clone(&calls));
        tokio::task::spawn_local(async move {
            let mut connection = Connection::new(socket);
            while let Some(request) = connection.next_request().await {
                // An error means that the gateway disconnected during an answer, which ends the connection.
                if answer(&mut connection.socket, &request, &answers, &calls).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn answer(
    socket: &mut TcpStream,
    request: &Request,
    answers: &Answers,
    calls: &Calls,
) -> std::io::Result<()> {
    if request.is_get {
        let (answered, failed) = (calls.answered.get(), calls.failed.get());
        let body = format!(r#"{{"answered":{answered},"failed":{failed}}}"#);
        return socket.write_all(&json_answer("200 OK", &body)).await;
    }
    let behavior = Behavior::named(request.behavior());
    let streamed = request.is_set("\"stream\"");
    if let Some(fault) = behavior.fault {
        calls.failed.set(calls.failed.get() + 1);
        return fail(socket, fault, streamed, answers).await;
    }
    calls.answered.set(calls.answered.get() + 1);
    if streamed {
        let with_usage = request.is_set("\"include_usage\"");
        stream(socket, behavior, with_usage, answers).await
    } else {
        socket.write_all(answers.whole(request.body.len())).await
    }
}

/// An error ends the connection.
async fn fail(
    socket: &mut TcpStream,
    fault: Fault,
    streamed: bool,
    answers: &Answers,
) -> std::io::Result<()> {
    match fault {
        Fault::Overloaded => socket.write_all(&answers.overloaded).await,
        Fault::RateLimited => socket.write_all(&answers.rate_limited).await,
        Fault::Reset => {
            socket.set_zero_linger()?;
            Err(ErrorKind::ConnectionReset.into())
        }
        Fault::Hang => {
            if streamed {
                socket.write_all(&answers.stream_silent).await?;
            }
            // The next byte can only belong to the next request, which is not sent before this one is answered.
            socket.read_u8().await.map(drop)
        }
    }
}

/// Every chunk is written separately, as by a model that generates words one at a time.
async fn stream(
    socket: &mut TcpStream,
    behavior: Behavior,
    with_usage: bool,
    answers: &Answers,
) -> std::io::Result<()> {
    socket.write_all(&answers.stream_start).await?;
    for number in 1..behavior.chunks {
        // The first words follow the role at once, because a gateway may hold an answer back until there is content.
        if behavior.gap_ms > 0 && number > 1 {
            tokio::time::sleep(Duration::from_millis(behavior.gap_ms)).await;
        }
        socket.write_all(answers.content(number)).await?;
    }
    socket.write_all(&answers.stream_finish).await?;
    if with_usage {
        socket.write_all(&answers.stream_usage).await?;
    }
    socket.write_all(&answers.stream_end).await
}
