//! One connection of the fake provider: reads requests and plays scripts. Supports only as much HTTP/1.1 as the
//! gateway's client needs.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::interval;

use super::Received;
use super::script::{Script, Step};

/// How playing a script ended.
pub(super) enum Ending {
    /// The last step is done: the connection waits for the next request.
    Whole,
    /// The caller closed or reset the connection first.
    ClientGone,
    /// The script closed the connection.
    Close,
}

pub(super) struct Connection {
    stream: TcpStream,
    number: usize,
    /// Bytes that were read but not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, number: usize) -> Self {
        // Sends each step separately, without joining it with the next.
        stream.set_nodelay(true).expect("a connected socket takes the option");
        Self { stream, number, buffer: Vec::new() }
    }

    /// The next request; `None` if the caller has closed, or sent something invalid.
    pub(super) async fn request(&mut self) -> Option<Received> {
        let first = self.line().await?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request = Received {
            number: 0,
            connection: self.number,
            method,
            path,
            headers,
            body: Vec::new(),
            model: None,
        };
        request.body = match request.header("transfer-encoding") {
            Some(_) => self.chunks().await?,
            None => {
                self.take(request.header("content-length").map_or(Some(0), |length| length.parse().ok())?)
                    .await?
            }
        };
        let body: Option<serde_json::Value> = serde_json::from_slice(&request.body).ok();
        let in_body = body.and_then(|body| body.get("model")?.as_str().map(str::to_owned));
        request.model = in_body.or_else(|| model_in(&request.path).map(str::to_owned));
        Some(request)
    }

    /// Plays the script to its end, or until the caller disconnects, which is noticed even while nothing is sent.
    pub(super) async fn play(&mut self, script: &Script) -> Ending {
        for step in &script.steps {
            let (mut reader, mut writer) = self.stream.split();
            let ending = tokio::select! {
                biased;
                () = client_gone(&mut reader, &mut self.buffer) => Some(Ending::ClientGone),
                ending = perform(step, &mut writer) => ending,
            };
            if let Step::Reset = step {
                self.stream.set_zero_linger().expect("a connected socket takes the option");
            }
            if let Some(ending) = ending {
                return ending;
            }
        }
        Ending::Whole
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2).await?;
                return String::from_utf8(line).ok().map(|line| line.trim_end().to_owned());
            }
            self.fill().await?;
        }
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line().await?, 16).ok()?;
            body.extend(self.take(length).await?);
            self.line().await?;
            if length == 0 {
                return Some(body);
            }
        }
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Some(self.buffer.drain(..length).collect())
    }

    async fn fill(&mut self) -> Option<()> {
        let count = self.stream.read_buf(&mut self.buffer).await.ok()?;
        (count > 0).then_some(())
    }
}

/// The model of an address such as `/models/name:rawPredict`.
fn model_in(path: &str) -> Option<&str> {
    let (_, end) = path.split_once("/models/")?;
    end.rsplit_once(':').map(|(model, _)| model)
}

/// Waits for the caller to close or reset. A request that arrives early is kept for later.
async fn client_gone(reader: &mut ReadHalf<'_>, buffer: &mut Vec<u8>) {
    while reader.read_buf(buffer).await.is_ok_and(|count| count > 0) {}
}

/// Performs one step. `None`: continue with the next.
async fn perform(step: &Step, writer: &mut WriteHalf<'_>) -> Option<Ending> {
    let sent = match step {
        Step::Send(bytes) => writer.write_all(bytes).await,
        Step::Trickle(bytes) => trickle(bytes, writer).await,
        Step::Repeat(bytes, pause) => repeat(bytes, *pause, writer).await,
        Step::WaitUntil(gate) => {
            gate.opened().await;
            Ok(())
        }
        Step::Hang => pending().await,
        Step::Close | Step::Reset => return Some(Ending::Close),
    };
    sent.err().map(|_| Ending::ClientGone)
}

async fn trickle(bytes: &[u8], writer: &mut WriteHalf<'_>) -> io::Result<()> {
    for byte in bytes {
        writer.write_all(&[*byte]).await?;
        // Lets the reader get this byte before the next one is sent.
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn repeat(bytes: &[u8], pause: Duration, writer: &mut WriteHalf<'_>) -> io::Result<()> {
    let mut beat = interval(pause);
    loop {
        beat.tick().await;
        writer.write_all(bytes).await?;
    }
}
