//! Scripts in Anthropic's dialect.

use serde_json::{Value, json};

use super::script::Script;

/// Complete responses.
impl Script {
    /// A whole message with this text; its usage is 3 prompt and 2 answer tokens.
    pub(crate) fn message(text: &str) -> Self {
        Self::json(
            200,
            &json!({
                "id": "msg_fake", "type": "message", "role": "assistant", "model": "upstream",
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 3, "output_tokens": 2}
            }),
        )
    }

    /// A message without content that ended for this reason.
    pub(crate) fn empty_message(reason: &str) -> Self {
        Self::json(
            200,
            &json!({
                "id": "msg_fake", "type": "message", "role": "assistant", "model": "upstream", "content": [],
                "stop_reason": reason, "usage": {"input_tokens": 3, "output_tokens": 0}
            }),
        )
    }

    /// An error object as Anthropic sends it.
    pub(crate) fn anthropic_error(status: u16, kind: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}),
        )
    }
}

/// Streams.
impl Script {
    /// An event of this name.
    pub(crate) fn named(self, name: &str, mut data: Value) -> Self {
        data["type"] = name.into();
        self.chunk(format!("event: {name}\ndata: {data}\n\n"))
    }

    /// The head of a stream, and `message_start`.
    pub(crate) fn message_start() -> Self {
        Self::stream().named(
            "message_start",
            json!({"message": {
                "id": "msg_fake", "type": "message", "role": "assistant", "model": "upstream", "content": [],
                "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": 12, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 0, "output_tokens": 1}
            }}),
        )
    }

    /// The start of a text block, which is empty.
    pub(crate) fn text_start(self) -> Self {
        self.named("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}}))
    }

    /// A delta of the first block.
    pub(crate) fn block_delta(self, delta: &Value) -> Self {
        self.named("content_block_delta", json!({"index": 0, "delta": delta}))
    }

    /// A piece of text.
    pub(crate) fn text_delta(self, text: &str) -> Self {
        self.block_delta(&json!({"type": "text_delta", "text": text}))
    }

    /// The end of the message, with 31 answer tokens.
    pub(crate) fn message_delta(self, reason: &str) -> Self {
        self.named(
            "message_delta",
            json!({"delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 31}}),
        )
    }

    /// The last event, and the end of the body.
    pub(crate) fn message_stop(self) -> Self {
        self.named("message_stop", json!({})).end()
    }

    /// A whole stream with this text in one delta.
    pub(crate) fn message_stream(text: &str) -> Self {
        Self::message_start()
            .text_start()
            .text_delta(text)
            .named("content_block_stop", json!({"index": 0}))
            .message_delta("end_turn")
            .message_stop()
    }
}
