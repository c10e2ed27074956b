//! One request and its response over a kept-alive HTTP/1.1 connection.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More header lines than any gateway sends.
const HEADER_LINES: usize = 96;
/// Decoded bytes are discarded beyond this limit, so that a long stream uses little memory.
const DECODED_LIMIT: usize = 64 << 10;

/// A connection with two buffers that are reused for every response.
pub(crate) struct Connection {
    socket: TcpStream,
    received: Vec<u8>,
    body: Vec<u8>,
}

/// What is known about a response besides its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// When the first byte of the body arrived.
    pub(crate) first_byte: Instant,
    /// Whether the connection may be used again.
    pub(crate) keep_alive: bool,
}

enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

struct Head {
    bytes: usize,
    status: u16,
    framing: Framing,
    keep_alive: bool,
}

impl Connection {
    /// Connects. The error describes the cause in a few words, so that equal ones can be counted.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, String> {
        let connected = TcpStream::connect(address).await;
        let socket = connected.map_err(|error| format!("connect: {}", error.kind()))?;
        socket.set_nodelay(true).map_err(|error| format!("connect: {}", error.kind()))?;
        Ok(Self { socket, received: Vec::new(), body: Vec::new() })
    }

    /// The decoded body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends the request and reads the complete response; calls `on_first_byte` once the body has begun.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        mut on_first_byte: impl FnMut(),
    ) -> Result<Answer, String> {
        let written = self.socket.write_all(request).await;
        written.map_err(|error| format!("write: {}", error.kind()))?;
        self.received.clear();
        self.body.clear();
        let head = loop {
            if self.read_more().await? == 0 {
                return Err("closed before the answer".to_owned());
            }
            if let Some(head) = parse_head(&self.received)? {
                break head;
            }
        };
        self.received.drain(..head.bytes);
        if self.received.is_empty() && !matches!(head.framing, Framing::Length(0)) {
            self.read_more().await?;
        }
        let first_byte = Instant::now();
        on_first_byte();
        match head.framing {
            Framing::Length(length) => self.read_sized(length).await?,
            Framing::Chunked => self.read_chunked().await?,
            Framing::UntilClosed => self.read_until_closed().await?,
        }
        Ok(Answer { status: head.status, first_byte, keep_alive: head.keep_alive })
    }

    async fn read_sized(&mut self, length: usize) -> Result<(), String> {
        while self.received.len() < length {
            self.read_body().await?;
        }
        self.body.extend_from_slice(&self.received[..length]);
        Ok(())
    }

    async fn read_chunked(&mut self) -> Result<(), String> {
        let mut decoded = 0;
        loop {
            let rest = &self.received[decoded..];
            let size = httparse::parse_chunk_size(rest).map_err(|_| "a broken chunk".to_owned())?;
            if let httparse::Status::Complete((start, size)) = size {
                let end = start + usize::try_from(size).map_err(|_| "a broken chunk".to_owned())?;
                if rest.len() >= end + 2 {
                    self.body.extend_from_slice(&rest[start..end]);
                    decoded += end + 2;
                    if size == 0 {
                        return Ok(());
                    }
                    continue;
                }
            }
            if decoded > DECODED_LIMIT {
                self.received.drain(..decoded);
                decoded = 0;
            }
            self.read_body().await?;
        }
    }

    async fn read_until_closed(&mut self) -> Result<(), String> {
        while self.read_more().await? > 0 {}
        self.body.extend_from_slice(&self.received);
        Ok(())
    }

    async fn read_body(&mut self) -> Result<(), String> {
        match self.read_more().await? {
            0 => Err("closed in the middle of the answer".to_owned()),
            _ => Ok(()),
        }
    }

    async fn read_more(&mut self) -> Result<usize, String> {
        let read = self.socket.read_buf(&mut self.received).await;
        read.map_err(|error| format!("read: {}", error.kind()))
    }
}

/// The head at the start of `received`; `None` while it is incomplete.
fn parse_head(received: &[u8]) -> Result<Option<Head>, String> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_LINES];
    let mut response = httparse::Response::new(&mut lines);
    let parsed = response.parse(received).map_err(|error| format!("a broken head: {error}"))?;
    let httparse::Status::Complete(bytes) = parsed else {
        return Ok(None);
    };
    let mut framing = Framing::UntilClosed;
    let mut closes = false;
    for header in response.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().map_err(|_| "a broken content-length".to_owned())?;
            framing = Framing::Length(length);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    let keep_alive = !closes && !matches!(framing, Framing::UntilClosed);
    Ok(Some(Head { bytes, status: response.code.unwrap_or_default(), framing, keep_alive }))
}
