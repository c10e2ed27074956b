//! A request that a console user sends: one prompt in one dialect, answered at once or as a stream, with optional drills.
//!
//! It runs and is recorded like any other request.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{Stream, StreamExt as _, iter, once};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dialects::CallerDialect;
use crate::domain::error::{Error, Result};
use crate::domain::operation::Operation;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::record::request_context::RequestContext;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::intent::Intent;
use crate::gateway::request::json_object;
use crate::gateway::response::answer::{Answer, AnswerBody};
use crate::gateway::response::broken_stream::BrokenStream;
use crate::gateway::response::options::ResponseOptions;
use crate::gateway::{Gateway, Job};
use crate::store::snapshot::OrganizationSnapshot;
use crate::upstream::sse::{Data, Splitter, data};

/// The longest that a console page waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request that a console user sends.
#[derive(Debug)]
pub struct PlaygroundRequest {
    /// The organization's catalog at this moment.
    pub organization: Arc<OrganizationSnapshot>,
    /// The id of the request in its rows.
    pub request_id: Uuid,
    /// The dialect of the request and of its answer.
    pub dialect: CallerDialect,
    /// Catalog name of the requested model.
    pub model: String,
    /// The text of the prompt.
    pub prompt: String,
    /// The models that fail on purpose.
    pub drills: Drills,
}

/// The limit of an answer in Messages, which require one.
pub const ANSWER_LIMIT: u32 = 1024;

/// The body of a request with one prompt, formatted for people.
#[must_use]
pub fn body(dialect: CallerDialect, model: &str, prompt: &str) -> String {
    let [model, prompt] = [model, prompt].map(|text| Value::from(text).to_string());
    let messages = || format!(r#""messages": [{{"role": "user", "content": {prompt}}}]"#);
    let rest = match dialect {
        CallerDialect::ChatCompletions => messages(),
        CallerDialect::Messages => format!(r#""max_tokens": {ANSWER_LIMIT}, {}"#, messages()),
        CallerDialect::Responses => format!(r#""input": {prompt}, "store": false"#),
    };
    format!(r#"{{"model": {model}, {rest}}}"#)
}

/// The body of a request for an operation with one text.
fn body_for(operation: Operation, model: &str, prompt: &str) -> String {
    let [name, text] = [model, prompt].map(|text| Value::from(text).to_string());
    match operation {
        Operation::Chat => body(CallerDialect::ChatCompletions, model, prompt),
        Operation::Completions | Operation::Images => format!(r#"{{"model": {name}, "prompt": {text}}}"#),
        Operation::Rerank => format!(r#"{{"model": {name}, "query": {text}, "documents": [{text}]}}"#),
        Operation::Embeddings
        | Operation::Moderations
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Translations => format!(r#"{{"model": {name}, "input": {text}}}"#),
    }
}

impl PlaygroundRequest {
    /// The request as a program would send it.
    ///
    /// # Errors
    /// The model name is not valid.
    pub fn intent(&self) -> Result<Intent> {
        self.intent_of(self.body())
    }

    /// The operation that the model is for.
    fn operation(&self) -> Operation {
        let model = self.organization.models.get(&self.model);
        model.map_or(Operation::Chat, |model| model.settings.kind.operation())
    }

    fn body(&self) -> String {
        match self.operation() {
            Operation::Chat => body(self.dialect, &self.model, &self.prompt),
            operation => body_for(operation, &self.model, &self.prompt),
        }
    }

    fn parse(&self, body: Bytes) -> Result<ChatRequest> {
        match self.operation() {
            Operation::Chat => ChatRequest::parse_as(self.dialect.dialect(), body),
            operation => ChatRequest::parse_operation(operation, body),
        }
    }

    fn intent_of(&self, body: String) -> Result<Intent> {
        Ok(Intent {
            organization: self.organization.clone(),
            key: None,
            request: self.parse(body.into())?,
            deadline: Some(PATIENCE),
            drills: self.drills.clone(),
        })
    }

    /// The job for the gateway, answered at once or as a stream.
    fn job(&self, streamed: bool, now: DateTime<Utc>) -> Result<Box<Job>> {
        let body = self.body();
        let whole = body.strip_suffix('}').filter(|_| streamed);
        let intent =
            self.intent_of(whole.map_or(body.clone(), |body| format!(r#"{body}, "stream": true}}"#)))?;
        let context = RequestContext {
            request_id: self.request_id,
            organization_id: self.organization.id,
            key: None,
            dialect: self.dialect,
            operation: self.operation(),
            requested: self.model.clone(),
            streamed,
            session_id: None,
            session_ref: None,
            client_retry_count: None,
            created_at: now,
            started: Instant::now(),
        };
        let options = ResponseOptions {
            dialect: self.dialect.dialect(),
            metadata: false,
            idle: PATIENCE,
            total: PATIENCE,
            keepalive: None,
            broken,
        };
        Ok(Box::new(Job { intent, context, options }))
    }
}

impl Gateway {
    /// Runs the request and returns the text of the answer. The row is durable when this returns, even with an error.
    ///
    /// # Errors
    /// As [`Gateway::run`].
    pub async fn playground_answer(&self, request: &PlaygroundRequest) -> Result<String> {
        let _place = self.shares.of(request.organization.id).request()?;
        match self.run(request.job(false, self.clock.now())?).await? {
            Answer { body: AnswerBody::Whole(body), .. } => Ok(text(request.dialect, &body)),
            // Dropping it ends the call, and the request is recorded.
            Answer { body: AnswerBody::Passed(_), .. } => Ok("The answer is sound.".to_owned()),
            Answer { body: AnswerBody::Stream(_), .. } => {
                Err(Error::internal("the gateway returned a stream for a request without one"))
            }
        }
    }
}

/// One chunk of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextChunk {
    /// More of the text.
    Text(String),
    /// The stream broke; carries the reason.
    Broken(String),
}

/// A streamed answer. Dropping it cancels the upstream call.
pub struct StreamedAnswer {
    /// What response headers would say about routing.
    pub routing: RoutingInfo,
    /// The text as it arrives. The row is durable when the stream ends.
    pub chunks: Pin<Box<dyn Stream<Item = TextChunk>>>,
}

impl Gateway {
    /// Runs the request and returns the answer as soon as it begins. If no candidate answers, the row is durable when
    /// this returns.
    ///
    /// # Errors
    /// As [`Gateway::run`].
    pub async fn stream_playground_answer(&self, request: &PlaygroundRequest) -> Result<StreamedAnswer> {
        let place = self.shares.of(request.organization.id).request()?;
        let answer = self.run(request.job(true, self.clock.now())?).await?;
        let dialect = request.dialect;
        let chunks: Pin<Box<dyn Stream<Item = TextChunk>>> = match answer.body {
            AnswerBody::Whole(body) => Box::pin(once(ready(TextChunk::Text(text(dialect, &body))))),
            AnswerBody::Stream(relay) => {
                let mut splitter = Splitter::default();
                let chunks = relay.into_stream().map(move |chunk| {
                    let _ = &place;
                    iter(text_chunks(dialect, &mut splitter, chunk))
                });
                Box::pin(chunks.flatten())
            }
            AnswerBody::Passed(_) => Box::pin(once(ready(TextChunk::Text(String::new())))),
        };
        Ok(StreamedAnswer { routing: answer.routing, chunks })
    }
}

/// The text of the complete events so far as one chunk, and the error if the stream broke.
fn text_chunks(dialect: CallerDialect, splitter: &mut Splitter, chunk: Bytes) -> Vec<TextChunk> {
    splitter.push(chunk);
    let (mut text, mut chunks) = (String::new(), Vec::new());
    // The relay has parsed these lines, so none is too long.
    while let Ok(Some(event)) = splitter.next_event() {
        let Data::Line(line) = data(&event) else { continue };
        if let Some(message) = text_at(line, &["error", "message"]) {
            chunks.push(TextChunk::Broken(message));
        }
        text.push_str(&text_in(dialect, line).unwrap_or_default());
    }
    if !text.is_empty() {
        chunks.insert(0, TextChunk::Text(text));
    }
    chunks
}

/// The text that an event of a stream adds to the answer.
fn text_in(dialect: CallerDialect, event: &[u8]) -> Option<String> {
    match dialect {
        CallerDialect::ChatCompletions => text_at(event, &["choices", "0", "delta", "content"]),
        CallerDialect::Messages => text_at(event, &["delta", "text"]),
        // The pieces of calls and of reasoning have the same field.
        CallerDialect::Responses => {
            text_at(event, &["type"]).filter(|kind| kind == "response.output_text.delta")?;
            text_at(event, &["delta"])
        }
    }
}

/// The last chunk of a broken stream, as [`text_chunks`] reads it.
fn broken(broken: &BrokenStream<'_>) -> Bytes {
    let error = json!({ "error": { "message": broken.failure.message } });
    format!("data: {error}\n\n").into()
}

/// The text of the answer, or the whole body if it has no text.
fn text(dialect: CallerDialect, body: &[u8]) -> String {
    let parsed = || serde_json::from_slice::<Value>(body).ok();
    let text = match dialect {
        CallerDialect::ChatCompletions => text_at(body, &["choices", "0", "message", "content"]),
        CallerDialect::Messages => parsed().map(|message| texts(&message, "text")),
        CallerDialect::Responses => parsed().map(|response| {
            elements(&response, "output").map(|item| texts(item, "output_text")).collect::<String>()
        }),
    };
    match text {
        Some(text) if !text.is_empty() => text,
        Some(_) | None => String::from_utf8_lossy(body).into_owned(),
    }
}

/// The texts in the content of a message that are of this type, joined.
fn texts(message: &Value, kind: &str) -> String {
    let parts = elements(message, "content");
    let parts = parts.filter(|part| part.get("type").and_then(Value::as_str) == Some(kind));
    parts.filter_map(|part| part.get("text")?.as_str()).collect()
}

/// The elements of a list in an object; none if there is no such list.
fn elements<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The string at a path of field names.
fn text_at(text: &[u8], path: &[&str]) -> Option<String> {
    serde_json::from_str(json_object::at(text, path)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dialects, each with a stream that says "Hello" beside other things.
    fn streams() -> [(CallerDialect, &'static [&'static str]); 3] {
        let chat: &[&str] = &[
            r#"{"choices":[{"delta":{"content":"Hel"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":"lo"}}]}"#,
        ];
        let messages: &[&str] = &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"lo"}}"#,
        ];
        let responses: &[&str] = &[
            r#"{"type":"response.created","response":{"output":[]}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","delta":"hm"}"#,
            r#"{"type":"response.output_text.delta","delta":"Hel"}"#,
            r#"{"type":"response.output_text.delta","delta":"lo"}"#,
            r#"{"type":"response.output_text.done","text":"Hello"}"#,
        ];
        [
            (CallerDialect::ChatCompletions, chat),
            (CallerDialect::Messages, messages),
            (CallerDialect::Responses, responses),
        ]
    }

    #[test]
    fn what_is_said_does_not_depend_on_how_it_was_cut() {
        for (dialect, events) in streams() {
            let event = |event: &&str| format!("event: any\ndata: {event}\n\n: alive\n\n");
            let broken = "data: {\"error\":{\"message\":\"gone\"}}\n\n";
            let stream = events.iter().map(event).collect::<String>() + broken;
            for size in [1, 7, 40, stream.len()] {
                let mut splitter = Splitter::default();
                let chunks = stream.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                let chunks: Vec<TextChunk> =
                    chunks.flat_map(|chunk| text_chunks(dialect, &mut splitter, chunk)).collect();
                let words = chunks.iter().filter_map(|chunk| match chunk {
                    TextChunk::Text(text) => Some(text.as_str()),
                    TextChunk::Broken(_) => None,
                });
                assert_eq!(words.collect::<String>(), "Hello", "{dialect:?} {size}");
                let last = Some(&TextChunk::Broken("gone".to_owned()));
                assert_eq!(chunks.last(), last, "{dialect:?} {size}");
            }
        }
    }

    #[test]
    fn an_answer_is_its_words_or_else_all_of_it() {
        for (dialect, answer, silent) in [
            (
                CallerDialect::ChatCompletions,
                r#"{"choices":[{"message":{"content":"Hello"}}]}"#,
                r#"{"choices":[{"message":{"content":null,"tool_calls":[]}}]}"#,
            ),
            (
                CallerDialect::Messages,
                r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}"#,
                r#"{"content":[{"type":"tool_use","name":"f","input":{}}]}"#,
            ),
            (
                CallerDialect::Responses,
                r#"{"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"Hello"}]}]}"#,
                r#"{"output":[{"type":"function_call","name":"f","arguments":"{}"}]}"#,
            ),
        ] {
            assert_eq!(text(dialect, answer.as_bytes()), "Hello");
            assert_eq!(text(dialect, silent.as_bytes()), silent);
            assert_eq!(text(dialect, b"<html>"), "<html>");
        }
    }

    #[test]
    fn the_body_is_a_request_of_its_dialect() {
        for (dialect, _) in streams() {
            let body = body(dialect, "m", "it's \"quoted\"\n\u{e9}");
            let streamed = body.strip_suffix('}').map(|body| format!(r#"{body}, "stream": true}}"#));
            for (body, stream) in [(Some(body), false), (streamed, true)] {
                let body = body.expect("an object");
                let request = ChatRequest::parse_as(dialect.dialect(), body.clone().into()).expect(&body);
                assert_eq!((request.wanted.primary(), request.stream), ("m", stream), "{body}");
            }
        }
    }
}
