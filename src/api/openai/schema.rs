//! Schemas of chat completions for the OpenAPI document: the fields that the gateway itself reads or writes.
//!
//! They are used for documentation only: `gateway::request` parses requests, and other fields pass through
//! unchanged in both directions.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::request_schema::request_schema;

request_schema! {
    /// An OpenAI chat completion. The fields listed here are those that the gateway reads. Every other field, OpenAI's
    /// (`temperature`, `tools`, `response_format` ...) or a vendor's own, is passed to the provider byte for byte, and
    /// so are `messages`. Fields that a fallback does not support are left out for it.
    ChatCompletionRequest, "smart", "steady", {
        /// The conversation, in OpenAI's format.
        messages: Vec<ChatMessage>,
        /// Whether the response is a stream of chunks.
        #[schema(required = false)]
        stream: bool,
    }
}

/// A message of a conversation. Other fields are passed on unchanged.
#[derive(ToSchema)]
pub(super) struct ChatMessage {
    /// The role: `system`, `user`, `assistant`, `tool` ...
    #[schema(example = "user")]
    role: String,
    /// The content of the message.
    content: ChatContent,
    /// Other fields, such as `name`, `tool_calls` or `tool_call_id`, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A text, or a list of parts in OpenAI's format.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "Hello")]
pub(super) enum ChatContent {
    /// The message as a text.
    Text(String),
    /// Texts, images and so on.
    Parts(Vec<Value>),
    /// Null, for a message that calls a tool.
    Nothing,
}

/// The response of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct ChatCompletion {
    /// The provider's id of the response.
    #[schema(example = "chatcmpl-7a31")]
    id: String,
    /// `chat.completion`, or `chat.completion.chunk` in a stream.
    #[schema(example = "chat.completion")]
    object: String,
    /// When the response was created, in Unix seconds.
    #[schema(example = 1_795_167_000)]
    created: i64,
    /// The catalog name of the model that answered.
    #[schema(example = "steady")]
    model: String,
    /// The catalog name of its provider.
    #[schema(example = "simulated")]
    provider: String,
    /// The completions that were requested.
    choices: Vec<ChatChoice>,
    /// The token usage of the model that answered. Failed attempts are not included.
    usage: ChatUsage,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// One of the requested completions.
#[derive(ToSchema)]
pub(super) struct ChatChoice {
    /// Its index, from 0.
    #[schema(example = 0)]
    index: u32,
    /// The message; in a stream a `delta` of it.
    message: ChatReply,
    /// Why the completion ended.
    #[schema(example = "stop")]
    finish_reason: String,
    /// Other fields, such as `logprobs`, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The message of the model. Other fields come unchanged from the provider.
#[derive(ToSchema)]
pub(super) struct ChatReply {
    /// The role, always `assistant`.
    #[schema(example = "assistant")]
    role: String,
    /// The text; null if the model calls a tool.
    #[schema(required, example = "Hello back!")]
    content: Option<String>,
    /// Other fields, such as `tool_calls`, `refusal` or `reasoning_content`, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Token usage of a response.
#[derive(ToSchema)]
pub(super) struct ChatUsage {
    /// Tokens of the prompt.
    #[schema(example = 8)]
    prompt_tokens: u64,
    /// Tokens of the completion.
    #[schema(example = 2)]
    completion_tokens: u64,
    /// The sum of both.
    #[schema(example = 10)]
    total_tokens: u64,
    /// Other fields, such as `prompt_tokens_details`, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
