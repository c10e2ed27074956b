//! Scripts in the dialect of Amazon Bedrock's Converse, with its binary streams.

use serde_json::{Value, json};

use super::script::Script;

/// Complete responses.
impl Script {
    /// A whole answer with this content; its usage is 3 prompt and 2 answer tokens, and 9 from the cache.
    pub(crate) fn converse(content: &Value, reason: &str) -> Self {
        Self::json(
            200,
            &json!({
                "output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason,
                "usage": {"inputTokens": 3, "cacheReadInputTokens": 9, "outputTokens": 2, "totalTokens": 14},
                "metrics": {"latencyMs": 80},
            }),
        )
    }

    /// An exception as AWS sends it, with its name in a header.
    pub(crate) fn exception(status: u16, name: &str, message: &str) -> Self {
        let kind = format!("{name}:http://internal.amazon.com/coral/com.amazon.bedrock/");
        let headers = [("content-type", "application/json"), ("x-amzn-errortype", kind.as_str())];
        Self::respond(status, &headers, json!({"message": message}).to_string())
    }
}

/// Streams: each message in its own chunk.
impl Script {
    /// The head of a stream and its first event.
    pub(crate) fn converse_stream() -> Self {
        let head = "HTTP/1.1 200 Scripted\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n";
        Self::new().send(head).converse_event("messageStart", &json!({"role": "assistant"}))
    }

    /// An event of this type.
    pub(crate) fn converse_event(self, kind: &str, payload: &Value) -> Self {
        self.chunk(event(kind, payload))
    }

    /// An event of which a byte of the payload was flipped on its way.
    pub(crate) fn flipped_event(self, kind: &str, payload: &Value) -> Self {
        let mut message = event(kind, payload);
        let at = message.len() - 8;
        message[at] ^= 1;
        self.chunk(message)
    }

    /// A piece of the block with this index.
    pub(crate) fn converse_delta(self, index: u64, delta: &Value) -> Self {
        self.converse_event(
            "contentBlockDelta",
            &json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"}),
        )
    }

    /// A piece of the text of the first block.
    pub(crate) fn converse_text(self, text: &str) -> Self {
        self.converse_delta(0, &json!({"text": text}))
    }

    /// The end, the usage as in [`Script::converse`], and the end of the body.
    pub(crate) fn converse_end(self, reason: &str) -> Self {
        let usage =
            json!({"inputTokens": 3, "cacheReadInputTokens": 9, "outputTokens": 2, "totalTokens": 14});
        self.converse_event("messageStop", &json!({"stopReason": reason}))
            .converse_event("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 80}}))
            .end()
    }

    /// An exception within a stream, which ends it.
    pub(crate) fn converse_exception(self, name: &str, text: &str) -> Self {
        let headers = [
            (":exception-type", name),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        self.chunk(message(&headers, &json!({"message": text}).to_string())).end()
    }
}

fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    message(&headers, &payload.to_string())
}

/// A message: its lengths with their checksum, its headers, its payload, and the checksum of all.
fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).expect("a short message").to_be_bytes();
    let mut named = Vec::new();
    for (name, value) in headers {
        named.push(u8::try_from(name.len()).expect("a short name"));
        named.extend_from_slice(name.as_bytes());
        // The type of a text.
        named.push(7);
        named.extend(u16::try_from(value.len()).expect("a short value").to_be_bytes());
        named.extend_from_slice(value.as_bytes());
    }
    let mut message = [number(16 + named.len() + payload.len()), number(named.len())].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(named);
    message.extend_from_slice(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}
