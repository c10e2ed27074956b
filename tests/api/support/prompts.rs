//! Requests that differ from each other by their prompt.

use serde_json::{Value, json};

use super::app::{Answer, App, chat_body};

impl App {
    /// A chat completion with this number in its prompt.
    pub(crate) async fn chat_number(&self, number: usize, more: &Value) -> Answer {
        let mut body = chat_body(more);
        body["messages"] = json!([{"role": "user", "content": format!("Hello, for the {number}th time")}]);
        self.post("/v1/chat/completions", &body).await
    }
}
