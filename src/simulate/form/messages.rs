//! An answer in Anthropic's Messages: whole, as events, and the count of a prompt's tokens.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Form, Frames};
use crate::simulate::behavior::{self, Behavior};
use crate::simulate::chat::read;
use crate::simulate::completion::Answer;
use crate::simulate::refusal::Refusal;
use crate::simulate::request::ChatRequest;
use crate::simulate::shape::{BEFORE_THOUGHT, SIGNATURE, THOUGHT};

/// The usual estimate for English, as for answers.
pub(super) const BYTES_PER_TOKEN: usize = 4;

/// Answers `POST /v1/messages/count_tokens` with an estimate of the prompt.
pub(in crate::simulate) async fn count(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    counted(&request, payload).await.unwrap_or_else(|refusal| refusal.response(Form::Message))
}

async fn counted(request: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, Refusal> {
    let body = read(request, payload).await?;
    let prompt = ChatRequest::parse(&body)?;
    match behavior::find(&prompt.model) {
        None => Err(Refusal::unknown_model(&prompt.model)),
        Some((Behavior::Refuse(failure), _)) => {
            Err(Refusal::simulated(failure, &prompt.model, Form::Message))
        }
        Some(_) => {
            let tokens = prompt.content_bytes().div_ceil(BYTES_PER_TOKEN);
            Ok(HttpResponse::Ok().json(json!({ "input_tokens": tokens })))
        }
    }
}

/// The body of an answer that is not streamed.
pub(in crate::simulate) fn whole(answer: &Answer, thinks: bool) -> Bytes {
    let mut message = message(answer);
    let mut content = Vec::new();
    if answer.thinks_late() {
        content.push(json!({ "type": "text", "text": BEFORE_THOUGHT }));
    }
    if thinks {
        content.push(json!({ "type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE }));
    }
    match answer.called() {
        Some(name) => {
            let input: Value = serde_json::from_str(&answer.text()).unwrap_or_else(|_| json!({}));
            content.push(json!({ "type": "tool_use", "id": call_id(answer), "name": name, "input": input }));
        }
        None if answer.length() > 0 => content.push(json!({ "type": "text", "text": answer.text() })),
        None => {}
    }
    message["content"] = content.into();
    message["stop_reason"] = stop_reason(answer).into();
    message["usage"] = usage(answer, answer.tokens().1);
    message.to_string().into()
}

/// The message without content and end, as a stream begins.
fn message(answer: &Answer) -> Value {
    json!({
        "id": answer.id().replace("chatcmpl-", "msg_"), "type": "message", "role": "assistant",
        "model": answer.model(), "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": usage(answer, 1),
    })
}

fn usage(answer: &Answer, output: usize) -> Value {
    json!({
        "input_tokens": answer.tokens().0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output,
    })
}

fn call_id(answer: &Answer) -> String {
    answer.id().replace("chatcmpl-", "toolu_")
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish_reason() {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    }
}

/// The parts of a stream: events before the content, one for each of its chunks, and events after it.
struct Events {
    answer: Answer,
    before: Vec<Bytes>,
    after: Vec<Bytes>,
    /// The index of the block with the content.
    block: usize,
}

impl Events {
    fn of(answer: Answer, thinks: bool) -> Self {
        let mut before = vec![event("message_start", json!({ "message": message(&answer) }))];
        let mut block = 0;
        if answer.thinks_late() {
            let delta = json!({ "type": "text_delta", "text": BEFORE_THOUGHT });
            before.extend(whole_block(block, json!({ "type": "text", "text": "" }), [delta]));
            block += 1;
        }
        if thinks {
            let empty = json!({ "type": "thinking", "thinking": "", "signature": "" });
            let thought = json!({ "type": "thinking_delta", "thinking": THOUGHT });
            let signature = json!({ "type": "signature_delta", "signature": SIGNATURE });
            before.extend(whole_block(block, empty, [thought, signature]));
            block += 1;
        }
        let mut after = Vec::new();
        if answer.length() > 0 {
            let empty = match answer.called() {
                Some(name) => {
                    json!({ "type": "tool_use", "id": call_id(&answer), "name": name, "input": {} })
                }
                None => json!({ "type": "text", "text": "" }),
            };
            before.push(event("content_block_start", json!({ "index": block, "content_block": empty })));
            before.push(event("ping", json!({})));
            after.push(event("content_block_stop", json!({ "index": block })));
        }
        let end = json!({ "stop_reason": stop_reason(&answer), "stop_sequence": null });
        let usage = json!({ "output_tokens": answer.tokens().1 });
        after.push(event("message_delta", json!({ "delta": end, "usage": usage })));
        after.push(event("message_stop", json!({})));
        Self { answer, before, after, block }
    }
}

impl Frames for Events {
    fn before(&self) -> &[Bytes] {
        &self.before
    }

    fn length(&self) -> usize {
        self.answer.length()
    }

    fn content(&self, index: usize) -> Bytes {
        let words = self.answer.word(index);
        let delta = match self.answer.called() {
            Some(_) => json!({ "type": "input_json_delta", "partial_json": words }),
            None => json!({ "type": "text_delta", "text": words }),
        };
        event("content_block_delta", json!({ "index": self.block, "delta": delta }))
    }

    fn after(&self) -> &[Bytes] {
        &self.after
    }
}

/// The server-sent events of an answer.
pub(in crate::simulate) fn frames(answer: Answer, thinks: bool) -> impl Frames {
    Events::of(answer, thinks)
}

/// The events of a whole block at this index.
fn whole_block<const N: usize>(index: usize, empty: Value, deltas: [Value; N]) -> Vec<Bytes> {
    let mut events = vec![event("content_block_start", json!({ "index": index, "content_block": empty }))];
    let deltas = deltas.into_iter();
    events
        .extend(deltas.map(|delta| event("content_block_delta", json!({ "index": index, "delta": delta }))));
    events.push(event("content_block_stop", json!({ "index": index })));
    events
}

fn event(name: &str, mut data: Value) -> Bytes {
    data["type"] = name.into();
    format!("event: {name}\ndata: {data}\n\n").into()
}
