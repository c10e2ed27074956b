//! A raw TCP caller: it stalls, breaks off, closes cleanly and counts bytes, unlike an HTTP client.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a test waits for bytes before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A raw connection to the server.
pub(crate) struct Raw {
    stream: TcpStream,
    /// Everything that was read so far.
    pub(crate) seen: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connected socket takes the option");
        Self { stream, seen: Vec::new() }
    }

    /// Sends the head of a chat completion; `headers` are complete lines without line ends.
    pub(crate) async fn head(&mut self, key: &str, headers: &[&str]) {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n{lines}\r\n"
        );
        self.send(head).await;
    }

    /// Sends a complete chat completion.
    pub(crate) async fn chat(&mut self, key: &str, body: &serde_json::Value) {
        let body = body.to_string();
        self.head(key, &["content-type: application/json", &format!("content-length: {}", body.len())]).await;
        self.send(body).await;
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the server reads");
    }

    /// Sends as long as the server accepts it: it may have answered and closed.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Reads until the received data contains the text.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if seen.contains(text) {
                return seen;
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.seen)).await;
            let count = read.unwrap_or_else(|_| panic!("no '{text}' in time, but: {seen}"));
            assert!(count.expect("bytes") > 0, "the server closed before '{text}', after: {seen}");
        }
    }

    /// Reads until the server closes or resets.
    pub(crate) async fn read_to_end(&mut self) -> String {
        loop {
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.seen)).await;
            match read.expect("the server closes in time") {
                Ok(count) if count > 0 => {}
                Ok(_) | Err(_) => return String::from_utf8_lossy(&self.seen).into_owned(),
            }
        }
    }

    /// Closes cleanly (FIN), after reading everything that was sent.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("a connected socket closes");
    }
}
