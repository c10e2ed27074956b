//! Schemas of Responses for the OpenAPI document: the fields that the gateway itself reads or writes.
//!
//! They are used for documentation only.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A request for a response. Providers that speak the dialect get every field as it is. For others it is translated: fields
/// that have no equivalent there are left out by name, and a model of a provider that cannot serve one is passed over.
#[derive(ToSchema)]
pub(super) struct ResponseRequest {
    /// The model to try first. Without `models` or `fallbacks` its stored fallbacks follow.
    #[schema(required = false, example = "smart")]
    model: String,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks.
    #[schema(required = false, example = json!(["steady"]), max_items = 32, min_items = 1)]
    models: Vec<String>,
    /// The conversation until now.
    input: ResponseInput,
    /// The instructions before the conversation.
    #[schema(required = false, example = "Be brief.")]
    instructions: String,
    /// The longest answer in tokens.
    #[schema(required = false, example = 1024)]
    max_output_tokens: u64,
    /// Whether the response is a stream of events.
    #[schema(required = false)]
    stream: bool,
    /// LiteLLM's name for `models`; send one of the two.
    #[schema(required = false, max_items = 32, min_items = 1)]
    fallbacks: Vec<String>,
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
    /// Other fields of OpenAI's API, such as `tools`, `tool_choice`, `reasoning` and `text`.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A text, or a list of items in OpenAI's format.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "Hello")]
pub(super) enum ResponseInput {
    /// What the user says.
    Text(String),
    /// Messages, reasoning, calls of tools, their outputs and so on.
    Items(Vec<Value>),
}

/// The response of the model that answered.
#[derive(ToSchema)]
pub(super) struct ResponseObject {
    /// The id of the response. If the provider stores it, its end names the provider.
    #[schema(example = "resp_7a31")]
    id: String,
    /// The type, always `response`.
    #[schema(example = "response")]
    object: String,
    /// When it was made, in Unix seconds.
    #[schema(example = 1_795_167_000)]
    created_at: i64,
    /// Whether the answer is whole: `completed` or `incomplete`.
    #[schema(example = "completed")]
    status: String,
    /// The catalog name of the model that answered.
    #[schema(example = "steady")]
    model: String,
    /// Messages, reasoning and calls of tools.
    output: Vec<Value>,
    /// The token usage of the model that answered. Failed attempts are not included.
    usage: ResponseUsage,
    /// What is repeated of the request, such as `tools`, and other fields of OpenAI's API.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Token usage of a response.
#[derive(ToSchema)]
pub(super) struct ResponseUsage {
    /// Tokens of the prompt, with those of caches.
    #[schema(example = 8)]
    input_tokens: u64,
    /// Tokens of the answer, with its reasoning.
    #[schema(example = 2)]
    output_tokens: u64,
    /// The sum of both.
    #[schema(example = 10)]
    total_tokens: u64,
    /// The tokens of caches and of reasoning among them.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
