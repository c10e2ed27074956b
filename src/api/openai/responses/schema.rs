//! Schemas of Responses for the OpenAPI document: the fields that the gateway itself reads or writes.
//!
//! They are used for documentation only.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use crate::api::openai::request_schema::request_schema;

request_schema! {
    /// A request for a response. Providers that speak the dialect get every field as it is. For others it is translated: fields
    /// that have no equivalent there are left out by name, and a model of a provider that cannot serve one is passed over.
    ResponseRequest, "smart", "steady", {
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
    }
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
