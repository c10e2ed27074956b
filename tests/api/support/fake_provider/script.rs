//! Scripts of the fake provider: bytes to send, gates to wait for, ways to end. Independent of sockets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

/// A gate that a test opens: scripts that wait for it then continue, and it stays open.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn opened(&self) {
        // `self` holds the sender, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Vec<u8>),
    /// The same, one byte at a time, each in its own segment.
    Trickle(Vec<u8>),
    /// The same bytes repeatedly with a pause in between, until the caller disconnects.
    Repeat(Vec<u8>, Duration),
    WaitUntil(Gate),
    Hang,
    Close,
    Reset,
}

/// The steps of one response. If a script ends without closing, the connection waits for the next request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(super) steps: Vec<Step>,
}

/// Complete responses.
impl Script {
    /// An empty script: [`Script::send`] adds raw bytes, [`Script::hang`] hangs before the headers.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A complete response with `content-length`.
    pub(crate) fn respond(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let head = head(status, headers.iter().copied().chain([("content-length", length.as_str())]));
        Self::new().send(head).send(body)
    }

    /// A complete JSON response.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::respond(status, &[("content-type", "application/json")], body.to_string())
    }

    /// A complete chat completion with this text; its usage is 3 prompt and 2 completion tokens.
    pub(crate) fn answer(text: &str) -> Self {
        Self::json(
            200,
            &json!({
                "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": "upstream",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
            }),
        )
    }

    /// An error object as OpenAI sends it; `code` is also its type.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message, "type": code, "param": null, "code": code}}))
    }
}

/// Streams: the head of a chunked event stream, then each event in its own chunk and segment.
impl Script {
    /// The head of a stream.
    pub(crate) fn stream() -> Self {
        Self::new().send(head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]))
    }

    /// Raw bytes as one chunk of the body, such as a comment or half an event.
    pub(crate) fn chunk(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
    }

    /// One `data:` event.
    pub(crate) fn event(self, data: &Value) -> Self {
        self.chunk(format!("data: {data}\n\n"))
    }

    /// A chunk of the completion with this delta and finish reason.
    pub(crate) fn delta(self, delta: &Value, finish_reason: Option<&str>) -> Self {
        self.event(&json!({
            "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "upstream",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
        }))
    }

    /// A chunk with this content.
    pub(crate) fn text(self, content: &str) -> Self {
        self.delta(&json!({"content": content}), None)
    }

    /// The chunk that ends the choice.
    pub(crate) fn finish(self, reason: &str) -> Self {
        self.delta(&json!({}), Some(reason))
    }

    /// The chunk that contains only the usage.
    pub(crate) fn usage(self, prompt: u64, completion: u64) -> Self {
        self.event(&json!({
            "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "upstream",
            "choices": [],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        }))
    }

    /// `[DONE]`, and the end of the body.
    pub(crate) fn done(self) -> Self {
        self.chunk("data: [DONE]\n\n").end()
    }

    /// The end of the body, without `[DONE]`.
    pub(crate) fn end(self) -> Self {
        self.send("0\r\n\r\n")
    }
}

/// Steps of any script.
impl Script {
    /// Raw bytes in their own segment.
    pub(crate) fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Waits until the gate is open.
    pub(crate) fn wait_until(self, gate: &Gate) -> Self {
        self.step(Step::WaitUntil(gate.clone()))
    }

    /// The steps of another script, after those so far.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self
    }

    /// Sends nothing more, and keeps the connection open until the caller disconnects.
    pub(crate) fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Repeats the bytes endlessly, until the caller disconnects.
    pub(crate) fn repeat(self, bytes: impl AsRef<[u8]>, pause: Duration) -> Self {
        self.step(Step::Repeat(bytes.as_ref().to_vec(), pause))
    }

    /// Closes cleanly (FIN).
    pub(crate) fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Resets the connection (RST). Data still in transit is lost: put a gate before it if the bytes must arrive.
    pub(crate) fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Sends everything so far one byte at a time.
    pub(crate) fn trickled(mut self) -> Self {
        for step in &mut self.steps {
            if let Step::Send(bytes) = step {
                *step = Step::Trickle(std::mem::take(bytes));
            }
        }
        self
    }

    /// How many bytes it sends, including headers.
    pub(crate) fn length(&self) -> usize {
        let bytes = |step: &Step| match step {
            Step::Send(bytes) | Step::Trickle(bytes) => bytes.len(),
            Step::Repeat(..) | Step::WaitUntil(_) | Step::Hang | Step::Close | Step::Reset => 0,
        };
        self.steps.iter().map(bytes).sum()
    }

    /// Only the first `length` bytes of everything so far, including headers, then a clean close.
    pub(crate) fn cut_at(mut self, length: usize) -> Self {
        let mut left = length;
        for step in &mut self.steps {
            if let Step::Send(bytes) | Step::Trickle(bytes) = step {
                bytes.truncate(left);
                left -= bytes.len();
            }
        }
        self.close()
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn head<'a>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let lines = headers.into_iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 {status} Scripted\r\n{}\r\n", lines.collect::<String>())
}
