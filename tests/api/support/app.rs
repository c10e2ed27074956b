//! A running server, and callers as values.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use failsoft::app::{Application, Stopper};
use failsoft::auth::api::api_key;
use failsoft::config::Settings;
use failsoft::domain::clock::{Clock, ManualClock};
use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use failsoft::store::maintenance::system::NewOrganization;
use failsoft::store::snapshot::ModelEntry;
use failsoft::store::{ModelFields, ModelSettings, NewApiKey, NewFallback, NewProvider, OrgStore, Store};
use failsoft::upstream::name_resolver::NameResolver;
use failsoft::upstream::resolver::Resolver;
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::database::{Database, Kind};
use super::fake_provider::FakeProvider;

/// The time at which every test begins.
pub(crate) fn beginning() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A server with one organization. `app.get(..)` and similar calls use that organization's key with all scopes.
pub(crate) struct App {
    /// The server's address.
    pub(crate) address: SocketAddr,
    /// The server's clock.
    pub(crate) clock: ManualClock,
    /// The first organization.
    pub(crate) organization: Organization,
    client: reqwest::Client,
    pub(crate) store: Store,
    pub(crate) stopper: Stopper,
    running: Option<JoinHandle<std::io::Result<()>>>,
    pub(super) database: Arc<Database>,
}

/// An organization, as its owner sees it.
#[derive(Clone)]
pub(crate) struct Organization {
    pub(crate) id: Uuid,
    /// A key with all scopes.
    pub(crate) key: String,
    /// Its store, to set up tests; assertions use HTTP.
    pub(crate) store: OrgStore,
    pub(crate) vault: Store,
}

/// A complete response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    /// The data of the events of a stream.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text();
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }
}

impl App {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, |_| {}).await
    }

    /// Starts a server with changed settings. Loopback is allowed for providers, because the fake provider uses it.
    pub(crate) async fn start_with(kind: Kind, change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(Arc::new(Database::new(kind).await), None, change, Arc::new(Resolver::default())).await
    }

    /// Another server on the same database, like a second process, with the same organization.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut Settings)) -> Self {
        self.beside_with(change, Arc::new(Resolver::default())).await
    }

    pub(super) async fn start_on(
        database: Arc<Database>,
        organization: Option<Organization>,
        change: impl FnOnce(&mut Settings),
        names: Arc<dyn NameResolver>,
    ) -> Self {
        let mut settings = database.settings.clone();
        settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.server.workers = std::num::NonZeroUsize::new(1);
        settings.server.drain_seconds = 2;
        settings.upstream.allow_private = vec!["127.0.0.0/8".parse().expect("a range")];
        // Most tests make models fail repeatedly while the clock does not advance.
        settings.gateway.cooldown = false;
        change(&mut settings);
        let (clock, hand) = Clock::manual(beginning());
        let application = Application::build_with(settings, clock, names).await.expect("a server");
        let (address, store) = (application.address(), application.store().clone());
        let (stopper, mut stopped) = Stopper::new();
        let running = tokio::spawn(application.run_until(async move {
            // An error ends the test, which is a reason to stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        let organization = match organization {
            Some(known) => known,
            None => Organization::create(&store, "first").await,
        };
        let (client, running) = (client(), Some(running));
        Self { address, clock: hand, organization, client, store, stopper, running, database }
    }

    /// Another server on the same database, with its own organization and cooldown.
    pub(crate) async fn cooling(&self) -> Self {
        let mut app = self.beside(|settings| settings.gateway.cooldown = true).await;
        app.organization = app.other_organization("cooling").await;
        app
    }

    /// The environment variables with which another process uses the same database.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let settings = &self.database.settings;
        let key = settings.secrets.master_key.as_ref();
        let key = key.map(|key| ("FAILSOFT_MASTER_KEY", key.expose_secret().to_owned()));
        let own = [
            ("DATABASE_URL", settings.database.url.expose().to_owned()),
            (
                "FAILSOFT_DATABASE_PREPARED_STATEMENTS",
                if settings.database.prepares() { "on" } else { "off" }.to_owned(),
            ),
            ("FAILSOFT_LISTEN", "127.0.0.1:0".to_owned()),
            ("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "127.0.0.0/8".to_owned()),
            ("FAILSOFT_SPOOL", "off".to_owned()), // Its default is a file in the working directory.
            ("FAILSOFT_DRAIN_NOTICE_SECONDS", "0".to_owned()),
        ];
        own.into_iter().chain(key).collect()
    }

    /// The database of this test.
    pub(crate) fn database_of_its_own(&self) -> &Database {
        &self.database
    }

    /// A connection to the database, bypassing the server.
    pub(crate) async fn database(&self) -> DatabaseConnection {
        self.database.connect().await
    }

    /// Replaces the organization's settings; omitted members get their default.
    pub(crate) async fn set(&self, settings: &Value) {
        let statement = format!("UPDATE organizations SET settings = '{settings}'");
        self.database().await.execute_unprepared(&statement).await.expect("the settings");
        // The server reloads an organization when something in it changes.
        self.organization.key_with(&[]).await;
    }

    /// Another organization on the same server.
    pub(crate) async fn other_organization(&self, name: &str) -> Organization {
        Organization::create(&self.store, name).await
    }

    /// A model as requests see it.
    pub(crate) fn model_as_served(&self, name: &str) -> Arc<ModelEntry> {
        let organization = self.store.snapshots().organization(self.organization.id.into());
        organization.expect("the organization").models[name].clone()
    }

    /// Stops the server as a signal would, and waits until it has drained.
    pub(crate) async fn stop(&mut self) {
        self.stopper.stop();
        if let Some(running) = self.running.take() {
            running.await.expect("no panic").expect("a clean end");
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without a credential.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(self.request(Method::GET, path), &self.organization.key).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(self.request(Method::DELETE, path), &self.organization.key).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(with_json(self.request(Method::POST, path), body), &self.organization.key).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(with_json(self.request(Method::PATCH, path), body), &self.organization.key).await
    }

    /// Sends a request with a key.
    pub(crate) async fn call(&self, request: reqwest::RequestBuilder, key: &str) -> Answer {
        self.send(request.bearer_auth(key)).await
    }

    /// Sends a request as it is and reads the complete response.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.expect("a body") }
    }

    /// A chat completion with one user message; `more` is merged into the body.
    pub(crate) async fn chat(&self, more: &Value) -> Answer {
        self.post("/v1/chat/completions", &chat_body(more)).await
    }

    /// The organization's events, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let page = self.get("/v1/model-router/fallback-events?limit=200").await;
        assert_eq!(page.status, 200, "{}", page.text());
        let mut items = page.json()["items"].as_array().expect("a list").clone();
        items.reverse();
        items
    }

    /// The organization's finished requests, oldest first, once there are `count`: some are recorded late.
    pub(crate) async fn requests(&self, count: usize) -> Vec<Value> {
        self.requests_where(|outcome| outcome != "running", count).await
    }

    /// The organization's running streams, oldest first, once there are `count`.
    pub(crate) async fn running(&self, count: usize) -> Vec<Value> {
        self.requests_where(|outcome| outcome == "running", count).await
    }

    async fn requests_where(&self, which: impl Fn(&str) -> bool, count: usize) -> Vec<Value> {
        eventually(async || {
            let page = self.get("/v1/model-router/requests?limit=200").await;
            let mut items = page.json()["items"].as_array().expect("a list").clone();
            items.retain(|item| which(item["outcome"].as_str().expect("a word")));
            items.reverse();
            (items.len() >= count).then_some(items)
        })
        .await
    }
}

/// Sets a JSON body on a request.
pub(crate) fn with_json(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

/// Polls until there is a result, for at most 20 seconds: for effects that follow a response.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(std::time::Instant::now() < end, "it did not happen within 20 seconds");
        tokio::task::yield_now().await;
    }
}

/// The body of a chat completion.
pub(crate) fn chat_body(more: &Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client")
}

impl Organization {
    async fn create(store: &Store, name: &str) -> Self {
        let new = NewOrganization {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            ..NewOrganization::default()
        };
        let created = store.system().organization_create(new).await.expect("an organization");
        let own = store.system().organization(created.organization_id, "test");
        let mut organization =
            Self { id: created.organization_id.0, key: String::new(), store: own, vault: store.clone() };
        organization.key = organization.key_with(&Scope::ALL).await;
        organization
    }

    /// A key with these scopes and no limits.
    pub(crate) async fn key_with(&self, scopes: &[Scope]) -> String {
        self.key_like(scopes, |_| {}).await
    }

    /// A key with these scopes; `change` sets its limits.
    pub(crate) async fn key_like(&self, scopes: &[Scope], change: impl FnOnce(&mut NewApiKey)) -> String {
        let fresh = api_key::generate().expect("random bytes");
        let mut new = NewApiKey {
            name: "test key".to_owned(),
            key_hash: self.vault.vault().key_hash(fresh.key.expose_secret()),
            prefix: fresh.prefix,
            last_four: fresh.last_four,
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            models: None,
            requests_per_minute: None,
            concurrent_requests: None,
            requests_per_day: None,
            tokens_per_minute: None,
            tokens_per_day: None,
            model_limits: Default::default(),
            expires_at: None,
            created_by: None,
        };
        change(&mut new);
        self.store.api_key_create(new).await.expect("a key");
        fresh.key.expose_secret().to_owned()
    }

    /// A provider at the fake provider's address.
    pub(crate) async fn provider(&self, name: &str, fake: &FakeProvider) -> Uuid {
        self.provider_at(name, "custom", Some(&fake.base_url())).await
    }

    /// A provider of a preset at an address.
    pub(crate) async fn provider_at(&self, name: &str, preset: &str, base_url: Option<&str>) -> Uuid {
        let credential = (preset != "simulated").then(|| "sk-upstream-secret-0001".into());
        let (name, preset, base_url) = (name.to_owned(), preset.to_owned(), base_url.map(str::to_owned));
        let (stream_options, limits) = Default::default();
        let new = NewProvider { name, preset, base_url, credential, stream_options, limits };
        self.store.provider_create(new).await.expect("a provider").id.0
    }

    /// A model without retries, whose upstream name is `<name>-upstream`.
    pub(crate) async fn model(&self, name: &str, provider: Uuid) -> Uuid {
        self.model_like(name, provider, |_| {}).await
    }

    /// A model; `change` adjusts its fields.
    pub(crate) async fn model_like(
        &self,
        name: &str,
        provider: Uuid,
        change: impl FnOnce(&mut ModelFields),
    ) -> Uuid {
        let mut fields = ModelFields {
            name: name.to_owned(),
            provider_id: provider.into(),
            upstream_model: format!("{name}-upstream"),
            settings: ModelSettings { num_retries: Some(0), ..ModelSettings::default() },
            enabled: true,
        };
        change(&mut fields);
        self.store.model_create(fields).await.expect("a model").id.0
    }

    /// Models of one fake provider, by name.
    pub(crate) async fn catalog(&self, fake: &FakeProvider, names: &[&str]) {
        let provider = self.provider("fake", fake).await;
        for name in names {
            self.model(name, provider).await;
        }
    }

    /// A stored list. Returns its configuration's id.
    pub(crate) async fn fallback(&self, model: &str, kind: FallbackType, behind: &[&str]) -> Uuid {
        let new = NewFallback {
            model: model.to_owned(),
            fallback_models: behind.iter().map(|name| (*name).to_owned()).collect(),
            fallback_type: kind,
            triggers: None,
        };
        self.store.fallback_set(new, None).await.expect("a configuration").0.config_id.0
    }
}
