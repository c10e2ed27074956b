//! One row per route: how its owner calls it, and what another organization gets for the same call.

use failsoft::app::routes::Endpoint;
use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::managed_resources;
use crate::support::app::{Answer, App, Organization, eventually};
use crate::support::fake_provider::{FakeProvider, Script};

/// What another organization gets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Foreign {
    /// 404, as for a resource that does not exist.
    Absent,
    /// This status, with only its own resources in the response.
    Own(u16),
    /// This status, because the body refers to a resource that it cannot see.
    Refused(u16),
}

/// One route, called with the first organization's ids.
#[derive(Debug)]
pub(super) struct Row {
    /// `METHOD path`, as in the list of routes.
    pub(super) title: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
    /// The status that the owner gets.
    pub(super) owner: u16,
    pub(super) foreign: Foreign,
    /// Strings that the owner's response contains.
    pub(super) names: Vec<String>,
}

impl Row {
    pub(super) fn new(
        title: &str,
        path: &str,
        body: Value,
        owner: u16,
        foreign: Foreign,
        names: &[&str],
    ) -> Self {
        let (method, _) = title.split_once(' ').expect("a method and a path");
        Self {
            title: title.to_owned(),
            method: method.parse().expect("a method"),
            path: path.to_owned(),
            body,
            owner,
            foreign,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// The title of a route in the matrix.
pub(super) fn title(route: &Endpoint) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

/// The first organization's resources, with unique names. No row needs what another row deletes.
#[derive(Default)]
pub(super) struct Victim {
    pub(super) provider: String,
    pub(super) spare_provider: String,
    pub(super) model: String,
    pub(super) spare_model: String,
    pub(super) key: String,
    pub(super) spare_key: String,
    pub(super) budget: String,
    pub(super) spare_budget: String,
    pub(super) mapping: String,
    pub(super) spare_mapping: String,
    event: String,
    request: String,
    pub(super) organization: String,
    /// The contents of its lists, as its owner reads them.
    before: Vec<Value>,
    _fake: Option<FakeProvider>,
}

/// The lists that together contain everything of an organization.
const LISTS: [&str; 8] = [
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

impl Victim {
    /// An empty organization, for the titles of the rows only.
    pub(super) fn nobody() -> Self {
        Self::default()
    }

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
        let chat = app.chat(&json!({"model": "victim/first", "session_id": "victim-session"})).await;
        assert_eq!(chat.status, 200, "{}", chat.text());
        // The provider has answered, but its row may not be written yet.
        let path = format!("/v1/model-router/providers/{provider}");
        eventually(async || (app.get(&path).await.json()["health"] == "ok").then_some(())).await;
        let request = app.requests(1).await[0]["id"].clone();
        let event = app.events().await[0]["id"].clone();
        let new_key = async |name: &str| {
            let body = json!({"name": name, "scopes": ["inference"]});
            let answer = app.post("/v1/identity/api-keys", &body).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["id"].as_str().expect("an id").to_owned()
        };
        let key = new_key("victim-key").await;
        let new = async |folder: &str, body: Value| {
            let answer = app.post(&format!("/v1/model-router/{folder}"), &body).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["id"].as_str().expect("an id").to_owned()
        };
        let limit = 9_000_000_000_000_000_i64;
        let budget = json!({"api_key_id": key, "period": "day", "hard_limit_nano_dollars": limit});
        let spare_budget = json!({"period": "month", "soft_limit_nano_dollars": limit});
        let mapping =
            json!({"contains": ["victim-sentence"], "class": "content_policy", "provider_id": provider});
        let spare_mapping = json!({"contains": ["victim-spare"], "scope": "request"});
        Self {
            budget: new("budgets", budget).await,
            spare_budget: new("budgets", spare_budget).await,
            mapping: new("error-mappings", mapping).await,
            spare_mapping: new("error-mappings", spare_mapping).await,
            provider: provider.to_string(),
            spare_provider: spare_provider.to_string(),
            model: model.to_string(),
            spare_model: spare_model.to_string(),
            key,
            spare_key: new_key("victim-spare-key").await,
            event: event.as_str().expect("an id").to_owned(),
            request: request.as_str().expect("an id").to_owned(),
            organization: organization.id.to_string(),
            before: lists(app).await,
            _fake: Some(fake),
        }
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
        let ids = [
            &self.provider,
            &self.spare_provider,
            &self.model,
            &self.spare_model,
            &self.key,
            &self.spare_key,
            &self.budget,
            &self.spare_budget,
            &self.mapping,
            &self.spare_mapping,
            &self.event,
            &self.request,
            &self.organization,
        ];
        let names = ["victim-", "victim/first", "victim/second", "victim/spare", "first@example.com"];
        for secret in ids.into_iter().map(String::as_str).chain(names) {
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

/// Every route. Rows that delete come after those that need the resource.
pub(super) fn rows(victim: &Victim) -> Vec<Row> {
    let mut rows = inference();
    rows.extend(fallbacks());
    rows.extend(records(victim));
    rows.extend(managed_resources::catalog(victim));
    rows.extend(managed_resources::identity(victim));
    rows.extend(open());
    rows
}

fn inference() -> Vec<Row> {
    let chat = json!({"model": "victim/first", "messages": [{"role": "user", "content": "Hello"}]});
    let mut rows = Vec::new();
    for path in [
        "/v1/chat/completions",
        "/api/v1/chat/completions",
        "/chat/completions",
        "/openai/v1/chat/completions",
    ] {
        rows.push(Row::new(
            &format!("POST {path}"),
            path,
            chat.clone(),
            200,
            Foreign::Absent,
            &["victim-answer"],
        ));
    }
    let title = "POST /openai/deployments/{model:.+}/chat/completions";
    let path = "/openai/deployments/victim/first/chat/completions?api-version=2024-10-21";
    rows.push(Row::new(title, path, chat.clone(), 200, Foreign::Absent, &["victim-answer"]));
    let path = "/v1/model-router/explain";
    rows.push(Row::new(&format!("POST {path}"), path, chat, 200, Foreign::Absent, &["victim/second"]));
    for prefix in ["/v1/models", "/api/v1/models", "/openai/v1/models", "/openai/models"] {
        rows.push(Row::new(
            &format!("GET {prefix}"),
            prefix,
            Value::Null,
            200,
            Foreign::Own(200),
            &["victim/first"],
        ));
        let path = format!("{prefix}/victim/first");
        let title = format!("GET {prefix}/{{id:.+}}");
        rows.push(Row::new(&title, &path, Value::Null, 200, Foreign::Absent, &["victim/first"]));
    }
    rows
}

fn fallbacks() -> Vec<Row> {
    let list = json!({"model": "victim/second", "fallback_models": ["victim/first"]});
    let foreign_target = json!({"model": "stranger/model", "fallback_models": ["victim/first"]});
    let one = "/fallback/victim/first";
    vec![
        Row::new("POST /fallback", "/fallback", list, 200, Foreign::Absent, &["victim/second"]),
        // The owner gets an error about the unknown model.
        Row::new("POST /fallback", "/fallback", foreign_target, 404, Foreign::Refused(400), &[]),
        Row::new("GET /fallback", "/fallback", Value::Null, 200, Foreign::Own(200), &["victim/first"]),
        Row::new("GET /fallback/{model:.+}", one, Value::Null, 200, Foreign::Absent, &["victim/second"]),
        Row::new("DELETE /fallback/{model:.+}", one, Value::Null, 200, Foreign::Absent, &["deleted"]),
    ]
}

fn records(victim: &Victim) -> Vec<Row> {
    let usage = "/v1/model-router/usage";
    let by_model = format!("{usage}?group_by=model");
    let own = Foreign::Own(200);
    let row = Row::new(&format!("GET {usage}"), &by_model, Value::Null, 200, own, &["victim/second"]);
    let mut rows = vec![row];
    for (folder, id, name) in [
        ("/v1/model-router/fallback-events", &victim.event, "victim-session"),
        ("/v1/model-router/requests", &victim.request, "victim-session"),
    ] {
        let list = format!("GET {folder}");
        rows.push(Row::new(&list, folder, Value::Null, 200, Foreign::Own(200), &[name]));
        for filter in ["session_id=victim-session", "origin=live"] {
            let path = format!("{folder}?{filter}");
            rows.push(Row::new(&list, &path, Value::Null, 200, Foreign::Own(200), &[id]));
        }
        let one = format!("{folder}/{id}");
        rows.push(Row::new(
            &format!("GET {folder}/{{id}}"),
            &one,
            Value::Null,
            200,
            Foreign::Absent,
            &[name],
        ));
    }
    rows
}

/// Public routes, and the operator's metrics, which are closed unless a token is configured.
fn open() -> Vec<Row> {
    let open = |path: &str, at: &str, status| {
        Row::new(&format!("GET {path}"), at, Value::Null, status, Foreign::Own(status), &[])
    };
    vec![
        open("/livez", "/livez", 200),
        open("/health/liveliness", "/health/liveliness", 200),
        open("/readyz", "/readyz", 200),
        open("/health/readiness", "/health/readiness", 200),
        open("/metrics", "/metrics", 404),
        open("/openapi.json", "/openapi.json", 200),
        open("/docs/api", "/docs/api", 200),
        open("/static/{name}", "/static/nothing.css", 404),
    ]
}
