//! Models of Amazon Bedrock, which speaks Converse: addresses, signatures and bodies of calls, binary streams, and failures.

mod calls;
mod credentials;
mod failures;
mod marks;
mod streams;
mod tools;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::support::app::{Answer, App, beginning, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};

const PROVIDERS: &str = "/v1/model-router/providers";
const ID: &str = "AKIAQ7XW2M4N8P3R5T6V";
const SECRET: &str = "k9Zt4mQx/7Rb2WnVy8+LdPc5HsFgJ3uTaE6oXiB1";
const SESSION: &str = "FwoGZXIvYXdzEJr4mQx7Rb2WnVy8LdPc5HsFgJ3uTaE6oXiB1k9Zt==";
const REGION: &str = "eu-central-1";
/// The models `claude` and `nova` at the provider.
const CLAUDE: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "eu.amazon.nova-pro-v1:0";

/// Bedrock with the models `claude` and `nova`, and a model `other` at another vendor.
struct Bedrock {
    fake: FakeProvider,
    other: FakeProvider,
    /// The id of the provider.
    id: String,
}

/// An access key that is temporary.
fn access_key() -> Value {
    json!({"access_key_id": ID, "secret_access_key": SECRET, "session_token": SESSION, "region": REGION})
}

impl Bedrock {
    async fn arrange(app: &App) -> Self {
        Self::arrange_with(app, &access_key().to_string()).await
    }

    async fn arrange_with(app: &App, credential: &str) -> Self {
        let (fake, other) = (FakeProvider::start().await, FakeProvider::start().await);
        let base = format!("http://{}", fake.address());
        let made = json!({"name": "aws", "preset": "bedrock", "base_url": base, "credential": credential});
        let made = app.post(PROVIDERS, &made).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let provider: Uuid = id.parse().expect("an id");
        for (name, upstream) in [("claude", CLAUDE), ("nova", NOVA)] {
            let change =
                |model: &mut failsoft::store::ModelFields| model.upstream_model = upstream.to_owned();
            app.organization.model_like(name, provider, change).await;
        }
        let elsewhere = app.organization.provider("other", &other).await;
        app.organization.model("other", elsewhere).await;
        other.always(Script::answer("From another"));
        Self { fake, other, id }
    }

    /// Checks that neither a call here nor one elsewhere is left over.
    fn served(&self) -> (usize, usize) {
        (self.fake.served(), self.other.served())
    }
}

/// The path of the calls of a model.
fn path(model: &str, end: &str) -> String {
    format!("/model/{}/{end}", model.replace(':', "%3A"))
}

async fn post(app: &App, path: &str, body: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, path), body), &app.organization.key).await
}

/// Asks a model in each dialect of callers: the path, and the body with `more`.
fn asked(model: &str, more: &Value) -> [(&'static str, Value); 3] {
    let turns = json!([{"role": "user", "content": "Hello"}]);
    let mut bodies = [
        ("/v1/chat/completions", json!({"model": model, "messages": turns})),
        ("/v1/messages", json!({"model": model, "max_tokens": 64, "messages": turns})),
        ("/v1/responses", json!({"model": model, "input": "Hello"})),
    ];
    for (_, body) in &mut bodies {
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
    }
    bodies
}

/// Checks the signature of a call as AWS does: computed again from what arrived.
fn assert_signed(call: &Received) {
    let header = |name: &str| call.header(name).unwrap_or_default();
    let time = beginning().format("%Y%m%dT%H%M%SZ").to_string();
    assert_eq!(header("x-amz-date"), time);
    assert_eq!(header("x-amz-security-token"), SESSION);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let names = "content-type;host;x-amz-date;x-amz-security-token";
    let lines: String = names.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    // A percent sign of the address is encoded once more.
    let path = call.path.replace('%', "%25");
    let hash = hex(&Sha256::digest(&call.body));
    let canonical = format!("{}\n{path}\n\n{lines}\n{names}\n{hash}", call.method);
    let scope = format!("{}/{REGION}/bedrock/aws4_request", &time[..8]);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let keyed = |key: &[u8], text: &str| {
        let mut code = Hmac::<Sha256>::new_from_slice(key).expect("a key");
        code.update(text.as_bytes());
        code.finalize().into_bytes().to_vec()
    };
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = scope.split('/').fold(first, |key, part| keyed(&key, part));
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders={names}, Signature={}",
        hex(&keyed(&key, &to_sign))
    );
    assert_eq!(header("authorization"), expected);
}

/// Checks that a text has no part of the access key.
fn assert_hides_the_key(text: &str) {
    for secret in [ID, SECRET, SESSION] {
        let parts = secret.as_bytes().windows(14).map(|part| std::str::from_utf8(part).expect("ASCII"));
        for part in parts {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}
