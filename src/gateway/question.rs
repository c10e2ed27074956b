//! A request that a person sends from a page: one prompt, the whole answer at once, with whom they like to fail.
//!
//! It is run and recorded as any other. Imports [`intent`](super::intent), [`relay`](mod@super::relay)'s manner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::answer::{Answer, AnswerBody, BrokenStream};
use super::drill::Drills;
use super::intent::Intent;
use super::relay::Manner;
use super::request::ChatRequest;
use super::trail::Context;
use super::{Gateway, Job};
use crate::error::{Error, Result};
use crate::store::snapshot::OrganizationSnapshot;

/// What somebody waits for with a page open, at most.
const PATIENCE: Duration = Duration::from_secs(120);

/// The path that the record names: what a program would have called.
const ENDPOINT: &str = "/v1/chat/completions";

/// What a person asks.
#[derive(Debug)]
pub struct Question {
    /// Whose catalogue, as of now.
    pub organization: Arc<OrganizationSnapshot>,
    /// The request's id in the record.
    pub request_id: Uuid,
    /// Catalogue name of the model that is asked for.
    pub model: String,
    /// What it is asked.
    pub prompt: String,
    /// Who fails on purpose.
    pub drills: Drills,
}

/// The body of a chat completion with one message, in the order in which people write it.
#[must_use]
pub fn body(model: &str, prompt: &str) -> String {
    let [model, prompt] = [model, prompt].map(|text| Value::from(text).to_string());
    format!(r#"{{"model": {model}, "messages": [{{"role": "user", "content": {prompt}}}]}}"#)
}

impl Question {
    /// What is asked for, as a program would ask for it.
    ///
    /// # Errors
    /// A name that cannot be one.
    pub fn intent(&self) -> Result<Intent> {
        let body = body(&self.model, &self.prompt);
        Ok(Intent {
            organization: self.organization.clone(),
            key: None,
            request: ChatRequest::parse(body.into())?,
            deadline: Some(PATIENCE),
            drills: self.drills.clone(),
        })
    }
}

impl Gateway {
    /// Asks, and returns the text of the answer. Its row is recorded when this returns, also when it is an error.
    ///
    /// # Errors
    /// As [`Gateway::run`].
    pub async fn ask(&self, question: &Question) -> Result<String> {
        let intent = question.intent()?;
        let context = Context {
            request_id: question.request_id,
            organization_id: question.organization.id,
            key: None,
            endpoint: ENDPOINT,
            requested: question.model.clone(),
            streamed: false,
            prompt_bytes: intent.request.body.len(),
            session_id: None,
            session_ref: None,
            client_retry_count: None,
            created_at: self.clock.now(),
            started: Instant::now(),
        };
        let manner = Manner { metadata: false, idle: PATIENCE, total: PATIENCE, broken: nothing };
        match self.run(Job { intent, traceparent: None, context, manner }).await? {
            Answer { body: AnswerBody::Whole(body), .. } => Ok(text(&body)),
            Answer { body: AnswerBody::Stream(_), .. } => {
                Err(Error::internal("a stream came where none was asked for"))
            }
        }
    }
}

/// No stream is asked for, so none can break.
fn nothing(_: &BrokenStream<'_>) -> Bytes {
    Bytes::new()
}

/// What the model said, or the whole body where it said nothing in words.
fn text(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.pointer("/choices/0/message/content").and_then(Value::as_str) {
        Some(said) if !said.is_empty() => said.to_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_words_or_else_all_of_it() {
        assert_eq!(text(br#"{"choices":[{"message":{"content":"Hello"}}]}"#), "Hello");
        let calls = r#"{"choices":[{"message":{"content":null,"tool_calls":[]}}]}"#;
        assert_eq!(text(calls.as_bytes()), calls);
        assert_eq!(text(b"<html>"), "<html>");
    }
}
