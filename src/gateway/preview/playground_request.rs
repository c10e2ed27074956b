//! A request that a console user sends: one prompt, answered at once or as a stream, with optional drills.
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

use crate::dialects::{CallerDialect, Dialect};
use crate::domain::error::{Error, Result};
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::record::request_context::RequestContext;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::intent::Intent;
use crate::gateway::request::json_object;
use crate::gateway::response::answer::{Answer, AnswerBody, BrokenStream};
use crate::gateway::response::relay::ResponseOptions;
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
    /// Catalog name of the requested model.
    pub model: String,
    /// The text of the prompt.
    pub prompt: String,
    /// The models that fail on purpose.
    pub drills: Drills,
}

/// The body of a chat completion with one message, formatted for people.
#[must_use]
pub fn body(model: &str, prompt: &str) -> String {
    let [model, prompt] = [model, prompt].map(|text| Value::from(text).to_string());
    format!(r#"{{"model": {model}, "messages": [{{"role": "user", "content": {prompt}}}]}}"#)
}

impl PlaygroundRequest {
    /// The request as a program would send it.
    ///
    /// # Errors
    /// The model name is not valid.
    pub fn intent(&self) -> Result<Intent> {
        self.intent_of(body(&self.model, &self.prompt))
    }

    fn intent_of(&self, body: String) -> Result<Intent> {
        Ok(Intent {
            organization: self.organization.clone(),
            key: None,
            request: ChatRequest::parse(body.into())?,
            deadline: Some(PATIENCE),
            drills: self.drills.clone(),
        })
    }

    /// The job for the gateway, answered at once or as a stream.
    fn job(&self, streamed: bool, now: DateTime<Utc>) -> Result<Job> {
        let body = body(&self.model, &self.prompt);
        let whole = body.strip_suffix('}').filter(|_| streamed);
        let intent =
            self.intent_of(whole.map_or(body.clone(), |body| format!(r#"{body}, "stream": true}}"#)))?;
        let context = RequestContext {
            request_id: self.request_id,
            organization_id: self.organization.id,
            key: None,
            dialect: CallerDialect::ChatCompletions,
            requested: self.model.clone(),
            streamed,
            session_id: None,
            session_ref: None,
            client_retry_count: None,
            created_at: now,
            started: Instant::now(),
        };
        let options = ResponseOptions {
            dialect: Dialect::ChatCompletions,
            metadata: false,
            idle: PATIENCE,
            total: PATIENCE,
            keepalive: None,
            broken,
        };
        Ok(Job { intent, context, options })
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
            Answer { body: AnswerBody::Whole(body), .. } => Ok(text(&body)),
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
        let chunks: Pin<Box<dyn Stream<Item = TextChunk>>> = match answer.body {
            AnswerBody::Whole(body) => Box::pin(once(ready(TextChunk::Text(text(&body))))),
            AnswerBody::Stream(relay) => {
                let mut splitter = Splitter::default();
                let chunks = relay.into_stream().map(move |chunk| {
                    let _ = &place;
                    iter(text_chunks(&mut splitter, chunk))
                });
                Box::pin(chunks.flatten())
            }
        };
        Ok(StreamedAnswer { routing: answer.routing, chunks })
    }
}

/// The text of the complete events so far as one chunk, and the error if the stream broke.
fn text_chunks(splitter: &mut Splitter, chunk: Bytes) -> Vec<TextChunk> {
    splitter.push(chunk);
    let (mut text, mut chunks) = (String::new(), Vec::new());
    // The relay has parsed these lines, so none is too long.
    while let Ok(Some(event)) = splitter.next_event() {
        let Data::Line(line) = data(&event) else { continue };
        if let Some(message) = text_at(line, &["error", "message"]) {
            chunks.push(TextChunk::Broken(message));
        }
        text.push_str(&text_at(line, &["choices", "0", "delta", "content"]).unwrap_or_default());
    }
    if !text.is_empty() {
        chunks.insert(0, TextChunk::Text(text));
    }
    chunks
}

/// The last chunk of a broken stream, as [`text_chunks`] reads it.
fn broken(broken: &BrokenStream<'_>) -> Bytes {
    let error = json!({ "error": { "message": broken.failure.message } });
    format!("data: {error}\n\n").into()
}

/// The content of the answer, or the whole body if it has no content.
fn text(body: &[u8]) -> String {
    match text_at(body, &["choices", "0", "message", "content"]) {
        Some(content) if !content.is_empty() => content,
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

/// The string at a path of field names.
fn text_at(text: &[u8], path: &[&str]) -> Option<String> {
    serde_json::from_str(json_object::at(text, path)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_does_not_depend_on_how_it_was_cut() {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n: alive\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\ndata: {\"error\":{\"message\":\"gone\"}}\n\n";
        for size in [1, 7, 40, stream.len()] {
            let mut splitter = Splitter::default();
            let chunks = stream.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            let chunks: Vec<TextChunk> = chunks.flat_map(|chunk| text_chunks(&mut splitter, chunk)).collect();
            let words = chunks.iter().filter_map(|chunk| match chunk {
                TextChunk::Text(text) => Some(text.as_str()),
                TextChunk::Broken(_) => None,
            });
            assert_eq!(words.collect::<String>(), "Hello", "{size}");
            assert_eq!(chunks.last(), Some(&TextChunk::Broken("gone".to_owned())), "{size}");
        }
    }

    #[test]
    fn an_answer_is_its_words_or_else_all_of_it() {
        assert_eq!(text(br#"{"choices":[{"message":{"content":"Hello"}}]}"#), "Hello");
        let calls = r#"{"choices":[{"message":{"content":null,"tool_calls":[]}}]}"#;
        assert_eq!(text(calls.as_bytes()), calls);
        assert_eq!(text(b"<html>"), "<html>");
    }
}
