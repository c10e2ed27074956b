//! Reads requests from a kept-alive HTTP/1.1 connection, and the three facts that the answer depends on. The body is
//! searched but not parsed, because a JSON parser would slow down every measurement.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More header lines than any gateway sends.
const HEADER_LINES: usize = 96;

/// One request, read to its end.
pub(crate) struct Request {
    pub(crate) is_get: bool,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The behavior that the request names: in its path (`/m/<behavior>/...`) or else as its model.
    pub(crate) fn behavior(&self) -> &str {
        match self.path.strip_prefix("/m/") {
            Some(rest) => rest.split('/').next().unwrap_or_default(),
            None => model(&self.body),
        }
    }

    /// Whether the top level contains `"key": true`. `quoted_key` includes the quotes.
    pub(crate) fn is_set(&self, quoted_key: &str) -> bool {
        values(&self.body, quoted_key).any(|value| value.starts_with(b"true"))
    }
}

/// A connection, and bytes that were read beyond the last request.
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    received: Vec<u8>,
}

struct Head {
    bytes: usize,
    is_get: bool,
    path: String,
    content_length: usize,
    chunked: bool,
    expects_continue: bool,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, received: Vec::with_capacity(4096) }
    }

    /// The next request. `None` if the peer has closed or sends invalid HTTP: nothing more can follow.
    pub(crate) async fn next_request(&mut self) -> Option<Request> {
        let head = loop {
            if let Some(head) = parse_head(&self.received).ok()? {
                break head;
            }
            self.read_more().await?;
        };
        self.received.drain(..head.bytes);
        if head.expects_continue {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.socket.write_all(go_on).await.ok()?;
        }
        let body = if head.chunked {
            self.chunked_body().await?
        } else {
            self.sized_body(head.content_length).await?
        };
        Some(Request { is_get: head.is_get, path: head.path, body })
    }

    async fn sized_body(&mut self, length: usize) -> Option<Vec<u8>> {
        self.received.reserve(length.saturating_sub(self.received.len()));
        while self.received.len() < length {
            self.read_more().await?;
        }
        let rest = self.received.split_off(length);
        Some(std::mem::replace(&mut self.received, rest))
    }

    async fn chunked_body(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let httparse::Status::Complete((start, size)) =
                httparse::parse_chunk_size(&self.received).ok()?
            else {
                self.read_more().await?;
                continue;
            };
            let end = start + usize::try_from(size).ok()?;
            while self.received.len() < end + 2 {
                self.read_more().await?;
            }
            body.extend_from_slice(&self.received[start..end]);
            self.received.drain(..end + 2);
            if size == 0 {
                return Some(body);
            }
        }
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = self.socket.read_buf(&mut self.received).await.ok()?;
        (read > 0).then_some(())
    }
}

/// The head at the start of `received`; `None` while it is incomplete.
fn parse_head(received: &[u8]) -> Result<Option<Head>, httparse::Error> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_LINES];
    let mut request = httparse::Request::new(&mut lines);
    let httparse::Status::Complete(bytes) = request.parse(received)? else {
        return Ok(None);
    };
    let mut head = Head {
        bytes,
        is_get: request.method == Some("GET"),
        path: request.path.unwrap_or("/").to_owned(),
        content_length: 0,
        chunked: false,
        expects_continue: false,
    };
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).unwrap_or_default();
            head.content_length = text.trim().parse().map_err(|_| httparse::Error::HeaderValue)?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = true;
        } else if header.name.eq_ignore_ascii_case("expect") {
            head.expects_continue = true;
        }
    }
    Ok(Some(head))
}

/// The model of a chat request, without a `provider/` prefix; empty if there is none.
fn model(body: &[u8]) -> &str {
    values(body, "\"model\"")
        .find_map(|value| {
            let text = value.strip_prefix(b"\"")?;
            let name = &text[..memchr::memchr(b'"', text)?];
            std::str::from_utf8(name).ok()?.rsplit('/').next()
        })
        .unwrap_or_default()
}

/// The text after each `"key":` in the body. A key inside a string has a backslash before its quote and is skipped.
fn values<'a>(body: &'a [u8], quoted_key: &'a str) -> impl Iterator<Item = &'a [u8]> {
    memchr::memmem::find_iter(body, quoted_key).filter(|&at| at == 0 || body[at - 1] != b'\\').filter_map(
        move |at| {
            let rest = body[at + quoted_key.len()..].trim_ascii_start();
            Some(rest.strip_prefix(b":")?.trim_ascii_start())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, body: &str) -> Request {
        Request { is_get: false, path: path.to_owned(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_behavior_is_the_path_or_the_model_without_its_prefix() {
        let body = r#"{"x":"say \"model\":\"no\"","model" : "vendor/ok","stream": true}"#;
        assert_eq!(request("/v1/chat/completions", body).behavior(), "ok");
        assert_eq!(request("/m/fail-503/v1/chat/completions", body).behavior(), "fail-503");
        assert_eq!(request("/v1/chat/completions", "{}").behavior(), "");
    }

    #[test]
    fn a_flag_counts_when_it_is_true_and_not_when_a_prompt_speaks_of_it() {
        assert!(request("/", r#"{"stream": true}"#).is_set("\"stream\""));
        assert!(!request("/", r#"{"stream":false}"#).is_set("\"stream\""));
        assert!(!request("/", r#"{"content":"\"stream\": true"}"#).is_set("\"stream\""));
    }
}
