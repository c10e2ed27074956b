//! The first organization: its resources, and what another organization must not learn of them or change.

use std::collections::BTreeMap;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::operation::ModelKind;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::matrix::Row;
use crate::support::app::{Answer, App, Organization, eventually};
use crate::support::fake_provider::{FakeProvider, Script};

/// A resource of the first organization.
#[derive(Default)]
pub(super) struct Resource {
    pub(super) id: String,
    /// Another one of its kind, which no other row needs and its owner may delete.
    pub(super) spare: Option<String>,
    /// A string that the resource shows, also in its list.
    pub(super) shows: String,
}

/// The first organization's resources, with unique names.
#[derive(Default)]
pub(super) struct Victim {
    /// The resources by the segment of a path that precedes their id.
    pub(super) resources: BTreeMap<&'static str, Resource>,
    pub(super) organization: String,
    /// The contents of its lists, as its owner reads them.
    before: Vec<Value>,
    _fake: Option<FakeProvider>,
}

/// The lists that together contain everything of an organization.
const LISTS: [&str; 9] = [
    "/v1/model-router/limits",
    "/v1/model-router/error-mappings?limit=200",
    "/v1/model-router/budgets?limit=200",
    "/fallback",
    "/v1/model-router/providers?limit=200",
    "/v1/model-router/models?limit=200",
    "/v1/model-router/fallback-events?limit=200",
    "/v1/model-router/requests?limit=200",
    "/v1/identity/api-keys?limit=200",
];

async fn lists(app: &App) -> Vec<Value> {
    let mut lists = Vec::new();
    for path in LISTS {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let mut list = answer.json();
        // Cursors are sealed with a random nonce, and a key's last use changes with every call.
        list["next_cursor"] = Value::Null;
        for row in list["items"].as_array_mut().into_iter().flatten() {
            row["last_used_at"] = Value::Null;
        }
        lists.push(list);
    }
    lists
}

/// Creates a resource, and returns its id.
async fn new(app: &App, path: &str, body: Value) -> String {
    let answer = app.post(path, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Models of kinds with endpoints of their own, and how their provider answers.
fn other_kinds() -> [(&'static str, ModelKind, Script); 6] {
    let json = |body: Value| Script::json(200, &body);
    let results =
        json!({"results": [{"index": 0, "flagged": false, "relevance_score": 0.5, "note": "victim-answer"}]});
    [
        ("completion", ModelKind::Completion, json(json!({"choices": [{"text": "victim-answer"}]}))),
        ("transcription", ModelKind::Transcription, Script::new()),
        ("moderation", ModelKind::Moderation, json(results.clone())),
        ("rerank", ModelKind::Rerank, json(results)),
        ("image", ModelKind::Image, json(json!({"data": [{"url": "victim-answer"}]}))),
        (
            "speech",
            ModelKind::Speech,
            Script::respond(200, &[("content-type", "audio/mpeg")], "ID3\u{4}\0\0victim-answer"),
        ),
    ]
}

impl Victim {
    /// Fills the first organization.
    pub(super) async fn create(app: &App) -> Self {
        let fake = FakeProvider::start().await;
        let organization = &app.organization;
        let provider = organization.provider("victim-provider", &fake).await;
        let spare_provider = organization.provider("victim-spare-provider", &fake).await;
        let model = organization.model("victim/first", provider).await;
        organization.model("victim/second", provider).await;
        let spare_model = organization.model("victim/spare", provider).await;
        organization.fallback("victim/first", FallbackType::General, &["victim/second"]).await;
        organization.fallback("victim/first", FallbackType::ContentPolicy, &["victim/second"]).await;
        fake.always_for("victim/first-upstream", Script::error(503, "overloaded", "victim-message"));
        fake.always_for("victim/second-upstream", Script::answer("victim-answer"));
        let claude =
            organization.provider_at("victim-claude", "custom-messages", Some(&fake.base_url())).await;
        organization.model("victim/claude", claude).await;
        fake.always_for("victim/claude-upstream", Script::message("victim-answer"));
        organization
            .model_like("victim/embedding", provider, |model| model.settings.kind = ModelKind::Embedding)
            .await;
        let vector = json!({"embedding": [0.5], "note": "victim-answer"});
        let vectors = json!({"object": "list", "data": [vector, vector], "model": "small"});
        fake.always_for("victim/embedding-upstream", Script::json(200, &vectors));
        for (name, kind, script) in other_kinds() {
            let name = format!("victim/{name}");
            organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
            fake.always_for(&format!("{name}-upstream"), script);
        }
        fake.judge(|received| {
            let counts = received.path.ends_with("/count_tokens");
            // The model in a form is not looked for.
            let heard =
                received.path.ends_with("/transcriptions") || received.path.ends_with("/translations");
            let heard = heard.then(|| Script::json(200, &json!({"text": "victim-answer"})));
            counts.then(|| Script::json(200, &json!({"input_tokens": 4_711}))).or(heard)
        });
        let chat = app.chat(&json!({"model": "victim/first", "session_id": "victim-session"})).await;
        assert_eq!(chat.status, 200, "{}", chat.text());
        // The provider has answered, but its row may not be written yet.
        let path = format!("/v1/model-router/providers/{provider}");
        eventually(async || (app.get(&path).await.json()["health"] == "ok").then_some(())).await;
        let first = |rows: Vec<Value>| rows[0]["id"].as_str().expect("an id").to_owned();
        let request = first(app.requests(1).await);
        let event = first(app.events().await);
        let keys = "/v1/identity/api-keys";
        let key = new(app, keys, json!({"name": "victim-key", "scopes": ["inference"]})).await;
        let spare_key = new(app, keys, json!({"name": "victim-spare-key", "scopes": ["inference"]})).await;
        let limit = 9_000_000_000_000_000_i64;
        let budget = json!({"api_key_id": key, "period": "day", "hard_limit_nano_dollars": limit});
        let spare_budget = json!({"period": "month", "soft_limit_nano_dollars": limit});
        let budgets = "/v1/model-router/budgets";
        let (budget, spare_budget) = (new(app, budgets, budget).await, new(app, budgets, spare_budget).await);
        let limits = json!({"model_limits": {"victim/second": {"tokens_per_day": 1_000_000_000_000_i64}}});
        assert_eq!(app.patch("/v1/model-router/limits", &limits).await.status, 200);
        let mapping =
            json!({"contains": ["victim-sentence"], "class": "content_policy", "provider_id": provider});
        let spare_mapping = json!({"contains": ["victim-spare"], "scope": "request"});
        let mappings = "/v1/model-router/error-mappings";
        let (mapping, spare_mapping) =
            (new(app, mappings, mapping).await, new(app, mappings, spare_mapping).await);
        let credentials = format!("/v1/model-router/providers/{provider}/credentials");
        let credential = json!({"name": "victim-credential", "credential": "sk-victim-0002"});
        let spare_credential = json!({"name": "victim-spare-credential", "credential": "sk-victim-0003"});
        let (credential, spare_credential) =
            (new(app, &credentials, credential).await, new(app, &credentials, spare_credential).await);
        let resource = |id: String, spare: Option<String>, shows: &str| {
            let shows = if shows.is_empty() { id.clone() } else { shows.to_owned() };
            Resource { id, spare, shows }
        };
        let resources = BTreeMap::from([
            (
                "providers",
                resource(provider.to_string(), Some(spare_provider.to_string()), "victim-provider"),
            ),
            ("credentials", resource(credential, Some(spare_credential), "victim-credential")),
            ("models", resource(model.to_string(), Some(spare_model.to_string()), "victim/first")),
            ("budgets", resource(budget, Some(spare_budget), "")),
            ("error-mappings", resource(mapping, Some(spare_mapping), "victim-sentence")),
            ("api-keys", resource(key, Some(spare_key), "victim-key")),
            ("fallback-events", resource(event, None, "victim-session")),
            ("requests", resource(request, None, "victim-session")),
        ]);
        Self {
            resources,
            organization: organization.id.to_string(),
            before: lists(app).await,
            _fake: Some(fake),
        }
    }

    /// The id of a resource, by its collection.
    pub(super) fn id(&self, collection: &str) -> &str {
        &self.resources[collection].id
    }

    /// A key with all scopes that was used and then revoked.
    pub(super) async fn revoked_key(&self, app: &App) -> String {
        let scopes = Scope::ALL.map(Scope::as_str);
        let made = app.post("/v1/identity/api-keys", &json!({"name": "gone", "scopes": scopes})).await.json();
        let path = format!("/v1/identity/api-keys/{}", made["id"].as_str().expect("an id"));
        let key = made["key"].as_str().expect("a key").to_owned();
        let alive = app.call(app.request(Method::GET, "/v1/identity/whoami"), &key).await;
        assert_eq!(alive.status, 200, "{}", alive.text());
        assert_eq!(app.delete(&path).await.status, 204);
        key
    }

    /// Checks that a response to another organization contains nothing of this one, except what the caller sent.
    pub(super) fn assert_unnamed(&self, row: &Row, answer: &Answer) {
        let said = format!("{} {}", row.path, row.body);
        let mut text = answer.text();
        for (name, value) in &answer.headers {
            text.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        let ids = self.resources.values().flat_map(|own| [Some(own.id.as_str()), own.spare.as_deref()]);
        let ids = ids.flatten().chain([self.organization.as_str()]);
        let names = [
            "victim-",
            "victim/first",
            "victim/second",
            "victim/spare",
            "victim/claude",
            "victim/embedding",
            "victim/completion",
            "victim/moderation",
            "victim/rerank",
            "victim/image",
            "victim/speech",
            "victim/transcription",
            "first@example.com",
        ];
        for secret in ids.chain(names) {
            let echoed = said.contains(secret);
            assert!(echoed || !text.contains(secret), "{} gives away {secret}: {text}", row.title);
        }
    }

    /// Checks that nothing has changed. Keys that a test created since do not count.
    pub(super) async fn assert_untouched(&self, app: &App) {
        for ((path, before), after) in LISTS.into_iter().zip(&self.before).zip(lists(app).await) {
            if path.starts_with("/v1/identity/api-keys") {
                let kept = |row: &&Value| after["items"].as_array().expect("a list").contains(row);
                let changed: Vec<_> =
                    before["items"].as_array().expect("a list").iter().filter(|row| !kept(row)).collect();
                assert!(changed.is_empty(), "{path}: {changed:?}");
            } else {
                assert_eq!(*before, after, "{path}");
            }
        }
    }
}

/// An organization of the same kind, with its own provider and model.
pub(super) async fn stranger(app: &App) -> Organization {
    let stranger = app.other_organization("stranger").await;
    let provider = stranger.provider_at("stranger-provider", "simulated", None).await;
    stranger.model("stranger/model", provider).await;
    stranger
}
