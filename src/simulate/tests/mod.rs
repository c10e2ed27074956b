//! Tests of the simulated provider over real connections.

mod answers;
mod dialects;
mod failures;
mod forms;
mod operations;
mod requests;
mod tools;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{MODELS, Settings, start};

/// The timeout of every response in these tests.
const PATIENCE: Duration = Duration::from_secs(10);

struct Provider {
    address: SocketAddr,
    client: Client,
}

impl Provider {
    #[expect(
        clippy::disallowed_methods,
        reason = "an external caller, to which the rules for the gateway's clients do not apply"
    )]
    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(start(listener, settings).expect("a server"));
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { address, client }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> Response {
        self.request(Method::POST, "/v1/chat/completions").body(body).send().await.expect("an answer")
    }

    async fn chat(&self, model: &str, fields: Value) -> Response {
        self.post(chat_body(model, fields)).await
    }
}

fn chat_body(model: &str, fields: Value) -> String {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "hello there" }] });
    body.as_object_mut().expect("object").extend(fields.as_object().expect("object").clone());
    body.to_string()
}

fn streamed() -> Value {
    json!({ "stream": true })
}

async fn provider() -> Provider {
    Provider::start(Settings::default()).await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn body_of(response: Response) -> Value {
    let bytes = response.bytes().await.expect("a whole body");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The chunks in which a body arrived, and whether it ended properly.
async fn pieces_of(mut response: Response) -> (Vec<String>, bool) {
    let mut pieces = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => pieces.push(String::from_utf8(piece.to_vec()).expect("text")),
            Ok(None) => return (pieces, true),
            Err(_) => return (pieces, false),
        }
    }
}

fn data_of(event: &str) -> Value {
    let data = event.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n")).expect("one event");
    serde_json::from_str(data).expect("JSON")
}

fn content_of(events: &[String]) -> String {
    events
        .iter()
        .filter(|event| !event.contains("[DONE]"))
        .filter_map(|event| data_of(event)["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect()
}
