//! Chat completions for the description of the API: the fields that this gateway reads or writes itself.
//!
//! They are schemas and nothing else: a request is parsed by `gateway::request`, and what is not named here passes
//! through as it came, in either direction.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// An OpenAI chat completion. The fields named here are those that this gateway reads. Every other field, OpenAI's
/// (`temperature`, `tools`, `response_format` ...) or a vendor's own, passes to the provider untouched, byte for byte; so
/// do `messages`. A fallback may get fewer: what it does not take is left out for it.
#[derive(ToSchema)]
pub struct ChatCompletionRequest {
    /// The model to ask first. Without `models` or `fallbacks` the stored fallbacks stand behind it.
    #[schema(required = false, example = "smart")]
    model: String,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks. Without `model` the first
    /// one is asked first.
    #[schema(required = false, example = json!(["steady"]), max_items = 32, min_items = 1)]
    models: Vec<String>,
    /// The conversation, as OpenAI has it.
    messages: Vec<ChatMessage>,
    /// Whether the answer is a stream of chunks.
    #[schema(required = false)]
    stream: bool,
    /// The same as `models`, in LiteLLM's words; send one of the two.
    #[schema(required = false, max_items = 32, min_items = 1)]
    fallbacks: Vec<String>,
    /// Asks `model` alone.
    #[schema(required = false)]
    disable_fallbacks: bool,
    /// Lowers the organization's limit of stored fallbacks that are called.
    #[schema(required = false)]
    max_fallbacks: u32,
    /// How often a model whose failure may pass is called again before the next one is.
    #[schema(required = false, maximum = 5)]
    num_retries: u32,
    /// Names the session in the records: a UUID, or a text of up to 256 characters. Also `metadata.session_id`, or
    /// the header `x-session-id`.
    #[schema(required = false, max_length = 256)]
    session_id: String,
    /// Whatever else the provider takes: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A message of a conversation. Whatever else it holds is passed on as it is.
#[derive(ToSchema)]
pub(super) struct ChatMessage {
    /// Whose it is: `system`, `user`, `assistant`, `tool` ...
    #[schema(example = "user")]
    role: String,
    /// What it says.
    content: ChatContent,
    /// Such as `name`, `tool_calls` or `tool_call_id`: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A text, or a list of parts as OpenAI has them.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "Hello")]
pub(super) enum ChatContent {
    /// A text.
    Text(String),
    /// Texts, images and so on.
    Parts(Vec<Value>),
    /// Nothing: the message calls a tool.
    Nothing,
}

/// The answer of the model that could. What else its provider says passes through as it came.
#[derive(ToSchema)]
pub(super) struct ChatCompletion {
    /// The provider's id of the answer.
    #[schema(example = "chatcmpl-7a31")]
    id: String,
    /// `chat.completion`, or `chat.completion.chunk` in a stream.
    #[schema(example = "chat.completion")]
    object: String,
    /// Unix seconds.
    #[schema(example = 1_795_167_000)]
    created: i64,
    /// The catalogue name of the model that answered.
    #[schema(example = "steady")]
    model: String,
    /// The catalogue name of its provider.
    #[schema(example = "simulated")]
    provider: String,
    /// What it says.
    choices: Vec<ChatChoice>,
    /// Tokens of the model that answered; nobody else's are counted.
    usage: ChatUsage,
    /// Whatever else the provider says: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// One of the answers that were asked for.
#[derive(ToSchema)]
pub(super) struct ChatChoice {
    /// Its number, from 0.
    #[schema(example = 0)]
    index: u32,
    /// The message; in a stream a `delta` of it.
    message: ChatReply,
    /// Why it ended there.
    #[schema(example = "stop")]
    finish_reason: String,
    /// Such as `logprobs`: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// What the model says. Whatever else it holds came so from the provider.
#[derive(ToSchema)]
pub(super) struct ChatReply {
    /// Always `assistant`.
    #[schema(example = "assistant")]
    role: String,
    /// The text; null where the model calls a tool.
    #[schema(required, example = "Hello back!")]
    content: Option<String>,
    /// Such as `tool_calls`, `refusal` or `reasoning_content`: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Tokens.
#[derive(ToSchema)]
pub(super) struct ChatUsage {
    /// Of the prompt.
    #[schema(example = 8)]
    prompt_tokens: u64,
    /// Of the answer.
    #[schema(example = 2)]
    completion_tokens: u64,
    /// Together.
    #[schema(example = 10)]
    total_tokens: u64,
    /// Such as `prompt_tokens_details`: passed on untouched.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
