//! Schemas of Messages for the OpenAPI document: the fields that the gateway itself reads or writes.
//!
//! They are used for documentation only, and other fields pass through unchanged in both directions.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A request for a message. The fields listed here are those that the gateway reads. Every other field of Anthropic's API
/// is passed to the provider byte for byte, and so are `messages` and `system`.
#[derive(ToSchema)]
pub(super) struct MessageRequest {
    /// The model to try first. Without `models` its stored fallbacks follow.
    #[schema(example = "smart")]
    model: String,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks. Anthropic's own `fallbacks`
    /// pass to the provider.
    #[schema(required = false, example = json!(["steady"]), max_items = 32, min_items = 1)]
    models: Vec<String>,
    /// The conversation, in Anthropic's format.
    messages: Vec<InputMessage>,
    /// The longest answer in tokens.
    #[schema(example = 1024)]
    max_tokens: u64,
    /// Whether the response is a stream of events.
    #[schema(required = false)]
    stream: bool,
    /// Calls only `model`, without fallbacks.
    #[schema(required = false)]
    disable_fallbacks: bool,
    /// Lowers the organization's limit on the number of stored fallbacks that are called.
    #[schema(required = false)]
    max_fallbacks: u32,
    /// How often a model is retried after a transient failure before the next one is called.
    #[schema(required = false, maximum = 5)]
    num_retries: u32,
    /// The session in the request log: a UUID or a text of up to 256 characters.
    #[schema(required = false, max_length = 256)]
    session_id: String,
    /// Every other field that the provider accepts, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A prompt to be counted: a request for a message without the fields of an answer.
#[derive(ToSchema)]
pub(super) struct CountRequest {
    /// The model that would be tried first.
    #[schema(example = "smart")]
    model: String,
    /// The conversation, in Anthropic's format.
    messages: Vec<InputMessage>,
    /// Every other field that the provider accepts, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A message of a conversation. Other fields are passed on unchanged.
#[derive(ToSchema)]
pub(super) struct InputMessage {
    /// The role: `user`, `assistant` or `system`.
    #[schema(example = "user")]
    role: String,
    /// The content of the message.
    content: MessageContent,
    /// Other fields, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A text, or a list of blocks in Anthropic's format.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "Hello")]
pub(super) enum MessageContent {
    /// The message as a text.
    Text(String),
    /// Texts, images, calls of tools, their results and so on.
    Blocks(Vec<Value>),
}

/// The response of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct Message {
    /// The provider's id of the message.
    #[schema(example = "msg_7a31")]
    id: String,
    /// The type, always `message`.
    #[schema(example = "message")]
    r#type: String,
    /// The role, always `assistant`.
    #[schema(example = "assistant")]
    role: String,
    /// The catalog name of the model that answered.
    #[schema(example = "steady")]
    model: String,
    /// The blocks of the message.
    content: Vec<Value>,
    /// Why the message ended.
    #[schema(required, example = "end_turn")]
    stop_reason: Option<String>,
    /// The token usage of the model that answered. Failed attempts are not included.
    usage: MessageUsage,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Token usage of a message.
#[derive(ToSchema)]
pub(super) struct MessageUsage {
    /// Tokens of the prompt that were neither read from a cache nor written to one.
    #[schema(example = 8)]
    input_tokens: u64,
    /// Tokens of the answer.
    #[schema(example = 2)]
    output_tokens: u64,
    /// Other fields, such as `cache_read_input_tokens`, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The tokens of a prompt, as its provider counts them.
#[derive(ToSchema)]
pub(super) struct TokenCount {
    /// Tokens of the prompt, with its tools and its system prompt.
    #[schema(example = 8)]
    input_tokens: u64,
}
