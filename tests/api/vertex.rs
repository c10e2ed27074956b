//! Claude on Google's Vertex AI: addresses and bodies of calls, access tokens, and the secrecy of keys and tokens.

mod calls;
mod credentials;
mod secrecy;
mod tokens;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};

const PROVIDERS: &str = "/v1/model-router/providers";
const PLACE: &str = "/v1/projects/p-1/locations/us-east5";
const MODELS: &str = "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models";
const EMAIL: &str = "gateway@p-1.iam.gserviceaccount.com";
/// The id of the key in the file.
const KEY_ID: &str = "3f9c0de1a7b84c55";
/// Made for the tests, and used nowhere else.
const KEY: &str = include_str!("support/service_account/key.pem");
/// The model at the provider.
const UPSTREAM: &str = "claude-sonnet-4-5@20250929";

/// A token service and Vertex AI, and a catalog with the model `a` there and `b` at another provider of Messages.
struct Google {
    tokens: FakeProvider,
    vertex: FakeProvider,
    other: FakeProvider,
    /// The id of the provider.
    id: String,
}

/// The key file of the account, with the address of its token service.
fn key_file(token_uri: &str) -> Value {
    json!({
        "type": "service_account", "project_id": "p-1", "private_key_id": KEY_ID, "private_key": KEY,
        "client_email": EMAIL, "client_id": "1", "token_uri": token_uri, "universe_domain": "googleapis.com",
    })
}

/// The token with this number.
fn token(number: usize) -> String {
    format!("ya29.c.c0Zx7Qm2Wd9-R_{number:03}-kVb3Ny8TfQ")
}

/// The answer of a token service with this token, which lasts an hour.
fn granted(number: usize) -> Script {
    Script::json(200, &json!({"access_token": token(number), "expires_in": 3_599, "token_type": "Bearer"}))
}

fn bearer(number: usize) -> String {
    format!("Bearer {}", token(number))
}

/// The token that a call had.
fn sent_with(call: &Received) -> &str {
    call.header("authorization").expect("a token")
}

impl Google {
    /// The provider has a key file.
    async fn arrange(app: &App) -> Self {
        let tokens = FakeProvider::start().await;
        let credential = key_file(&format!("http://{}/token", tokens.address())).to_string();
        Self::arrange_with(app, tokens, &credential).await
    }

    async fn arrange_with(app: &App, tokens: FakeProvider, credential: &str) -> Self {
        let (vertex, other) = (FakeProvider::start().await, FakeProvider::start().await);
        let base = format!("http://{}{PLACE}", vertex.address());
        let made = json!({"name": "vertex", "preset": "vertex-messages", "base_url": base, "credential": credential});
        let made = app.post(PROVIDERS, &made).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let provider: Uuid = id.parse().expect("an id");
        let organization = &app.organization;
        organization.model_like("a", provider, |model| model.upstream_model = UPSTREAM.to_owned()).await;
        let elsewhere = organization.provider_at("other", "custom-messages", Some(&other.base_url())).await;
        organization.model("b", elsewhere).await;
        other.always(Script::message("From another"));
        Self { tokens, vertex, other, id }
    }
}

/// Sends a message to `a`; `more` is merged into the body.
async fn message(app: &App, more: &Value) -> Answer {
    message_with(app, "/v1/messages", more, &[]).await
}

async fn message_with(app: &App, path: &str, more: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut body =
        json!({"model": "a", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let mut request = with_json(app.request(Method::POST, path), &body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.call(request, &app.organization.key).await
}
