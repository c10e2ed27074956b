//! Chat completions for the description of the API: the fields that this gateway reads or writes itself.
//!
//! They are schemas and nothing else: a request is parsed by `gateway::request`, and what is not named here passes
//! through as it came, in either direction.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use serde_json::Value;
use utoipa::ToSchema;

/// An OpenAI chat completion. Every other field of OpenAI's (`temperature`, `tools`, `response_format` ...) is passed
/// on as it is.
#[derive(ToSchema)]
pub(super) struct ChatCompletionRequest {
    /// The model to ask first. Without `models` or `fallbacks` the stored fallbacks stand behind it.
    #[schema(example = "smart")]
    model: Option<String>,
    /// The conversation, as OpenAI has it.
    #[schema(value_type = Vec<Value>, example = json!([{"role": "user", "content": "Hello"}]))]
    messages: Vec<Value>,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks. Without `model` the first
    /// one is asked first.
    #[schema(example = json!(["steady"]), max_items = 32, min_items = 1)]
    models: Option<Vec<String>>,
    /// The same in LiteLLM's words; send one of the two.
    #[schema(max_items = 32, min_items = 1)]
    fallbacks: Option<Vec<String>>,
    /// Asks `model` alone.
    #[schema(default = false)]
    disable_fallbacks: Option<bool>,
    /// Lowers the organization's limit of stored fallbacks that are called.
    #[schema(minimum = 0)]
    max_fallbacks: Option<u32>,
    /// How often a model whose failure may pass is called again before the next one is.
    #[schema(minimum = 0, maximum = 5)]
    num_retries: Option<u32>,
    /// Whether the answer is a stream of chunks.
    #[schema(default = false)]
    stream: Option<bool>,
    /// Names the session in the records: a UUID, or a text of up to 256 characters. Also `metadata.session_id`, or
    /// the header `x-session-id`.
    session_id: Option<String>,
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
    #[schema(value_type = Vec<Value>, example = json!([{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}]))]
    choices: Vec<Value>,
    /// Tokens of the model that answered; nobody else's are counted.
    #[schema(value_type = Object, example = json!({"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}))]
    usage: Option<Value>,
}
