//! The events that end a stream of these endpoints with an error, in the form of its other events.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::inference::{Waiting, Writer};
use crate::api::openai::{error, stream_error};
use crate::dialects::CallerDialect;
use crate::domain::error::Error;
use crate::domain::operation::Operation;
use crate::gateway::call::frame::Identity;
use crate::gateway::request::json_object::quoted;
use crate::gateway::response::broken_stream::BrokenStream;

/// How completions are answered.
const COMPLETIONS: Writer = Writer {
    dialect: CallerDialect::ChatCompletions,
    broken: broken_completion,
    failed: instead_of_a_completion,
};

/// How endpoints are answered if their events have a type.
const TYPED: Writer =
    Writer { dialect: CallerDialect::ChatCompletions, broken: broken_answer, failed: instead_of_an_answer };

/// How an endpoint is answered.
pub(super) fn writer(operation: Operation) -> Writer {
    if operation == Operation::Completions { COMPLETIONS } else { TYPED }
}

fn broken_completion(broken: &BrokenStream<'_>) -> Bytes {
    completion(broken.identity, broken.model, &stream_error::interrupted(broken))
}

fn instead_of_a_completion(error: &Error, waiting: &Waiting) -> Bytes {
    let identity = Identity {
        id: quoted(&format!("cmpl-{}", waiting.id)),
        created: waiting.created.to_string(),
        ..Identity::unknown()
    };
    completion(&identity, &quoted(&waiting.model), &error::in_stream(error, waiting.id))
}

/// A chunk with what clients require, then the error alone, because some ignore it beside choices.
fn completion(identity: &Identity, model: &str, error: &Value) -> Bytes {
    let Identity { id, created, .. } = identity;
    let text = format!(
        "data: {{\"id\":{id},\"object\":\"text_completion\",\"created\":{created},\"model\":{model},\"error\":{error},\"choices\":[{{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"error\"}}]}}\n\ndata: {{\"error\":{error}}}\n\n"
    );
    Bytes::from(text)
}

fn broken_answer(broken: &BrokenStream<'_>) -> Bytes {
    event(&stream_error::interrupted(broken))
}

fn instead_of_an_answer(error: &Error, waiting: &Waiting) -> Bytes {
    event(&error::in_stream(error, waiting.id))
}

fn event(error: &Value) -> Bytes {
    let data = json!({"type": "error", "error": error});
    Bytes::from(format!("event: error\ndata: {data}\n\n"))
}
