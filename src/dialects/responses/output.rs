//! The response object and its items, as whole answers and streams have them.

use serde::Serialize;

use super::repeated::Repeated;
use super::tools::{Origin, unwrapped};
use crate::dialects::answers::{Stop, Tokens};
use crate::dialects::ids::own_part;

/// The letters of the id of an item that come from its response.
const KEPT: usize = 40;

/// What every version of a response has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) id: &'a str,
    /// The time of the answer, in seconds.
    pub(super) created: i64,
    /// The name of the model, as a JSON string.
    pub(super) model: &'a str,
    pub(super) repeated: &'a Repeated,
}

/// Why a response is as it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Status {
    /// The model is writing.
    InProgress,
    /// The answer ended, whole or cut.
    Ended(Stop, Tokens),
}

impl Head<'_> {
    /// The response as JSON. `output` holds the items, each as JSON.
    pub(super) fn response(self, status: Status, output: &[String]) -> String {
        let Head { id, created, model, repeated } = self;
        let (word, details, usage) = match status {
            Status::InProgress => ("in_progress", "null".to_owned(), "null".to_owned()),
            Status::Ended(stop, tokens) => {
                let details = reason(stop).map(|reason| format!("{{\"reason\":\"{reason}\"}}"));
                let word = if details.is_some() { "incomplete" } else { "completed" };
                let usage = serde_json::to_string(&Usage::of(tokens)).unwrap_or_default();
                (word, details.unwrap_or_else(|| "null".to_owned()), usage)
            }
        };
        format!(
            r#"{{"id":"{id}","object":"response","created_at":{created},"status":"{word}","error":null,"incomplete_details":{details},"model":{model},"output":[{}],"usage":{usage},{}}}"#,
            output.join(","),
            repeated.members(),
        )
    }
}

/// Why an answer is not complete; `None` if it is.
pub(super) const fn reason(stop: Stop) -> Option<&'static str> {
    match stop {
        Stop::End | Stop::Sequence | Stop::Calls => None,
        Stop::Length | Stop::Window => Some("max_output_tokens"),
        Stop::Refused => Some("content_filter"),
    }
}

/// The id of an item of a response, with the prefix of its kind.
pub(super) fn id_of_item(prefix: &str, response: &str, index: usize) -> String {
    let own: String = own_part(response).chars().take(KEPT).collect();
    format!("{prefix}_{own}_{index}")
}

/// An item of the output.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Reasoning {
        id: &'a str,
        summary: Vec<Part<'a>>,
        /// What its vendor has signed, with its mark.
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    Message {
        id: &'a str,
        status: &'static str,
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    FunctionCall {
        id: &'a str,
        call_id: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
        arguments: &'a str,
        status: &'static str,
    },
    CustomToolCall {
        id: &'a str,
        call_id: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
        input: &'a str,
        status: &'static str,
    },
}

/// A part of an item.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    SummaryText { text: &'a str },
    OutputText { text: &'a str, annotations: [u8; 0], logprobs: [u8; 0] },
}

impl<'a> Part<'a> {
    pub(super) const fn of_text(text: &'a str) -> Self {
        Self::OutputText { text, annotations: [], logprobs: [] }
    }
}

impl<'a> Item<'a> {
    pub(super) fn message(id: &'a str, status: &'static str, content: Vec<Part<'a>>) -> Self {
        Self::Message { id, status, role: "assistant", content }
    }

    /// The item as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A call as the caller knows it.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// Whether the input is free text.
    pub(super) custom: bool,
}

impl Called {
    /// A call of the tool that a model knows by this name.
    pub(super) fn of(call_id: String, name: String, repeated: &Repeated) -> Self {
        match repeated.origins.of(&name) {
            None => Self { call_id, name, namespace: None, custom: false },
            Some(Origin { name, namespace, custom }) => {
                Self { call_id, name: name.clone(), namespace: namespace.clone(), custom: *custom }
            }
        }
    }

    /// The beginning of the ids of such items.
    pub(super) const fn prefix(&self) -> &'static str {
        if self.custom { "ctc" } else { "fc" }
    }

    /// What the caller gets of an input: a JSON object, or the text in it.
    pub(super) fn input(&self, json: &str) -> String {
        match (self.custom, json.trim()) {
            (true, "") => String::new(),
            (true, json) => unwrapped(json),
            // Clients parse it.
            (false, "") => "{}".to_owned(),
            (false, _) => json.to_owned(),
        }
    }

    /// The item of the call.
    pub(super) fn item<'a>(&'a self, id: &'a str, input: &'a str, status: &'static str) -> Item<'a> {
        let Self { call_id, name, namespace, custom } = self;
        let namespace = namespace.as_deref();
        if *custom {
            return Item::CustomToolCall { id, call_id, name, namespace, input, status };
        }
        Item::FunctionCall { id, call_id, name, namespace, arguments: input, status }
    }
}

/// The tokens of a response. OpenAI counts those of the cache in the prompt.
#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: i64,
    input_tokens_details: InputDetails,
    output_tokens: i64,
    output_tokens_details: OutputDetails,
    total_tokens: i64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: i64,
    cache_write_tokens: i64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: i64,
}

impl Usage {
    fn of(tokens: Tokens) -> Self {
        Self {
            input_tokens: tokens.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: tokens.cache_read,
                cache_write_tokens: tokens.cache_write,
            },
            output_tokens: tokens.output,
            output_tokens_details: OutputDetails { reasoning_tokens: tokens.reasoning },
            total_tokens: tokens.prompt().saturating_add(tokens.output),
        }
    }
}
