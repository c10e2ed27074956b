//! A running application: what its jobs do, and what it says while its connections are in use.

use std::sync::{Arc, Weak};

use entity::ids::OrganizationId;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;

use super::*;
use crate::auth::api::api_key;
use crate::domain::permission::Scope;
use crate::gateway::call::endpoint::Endpoint;
use crate::providers::StreamOptions;
use crate::store::maintenance::system::NewOrganization;
use crate::store::tests::database::{Kind, TestDatabase, hold_readers};
use crate::store::{ModelLimits, NewApiKey, NewProvider, OrgStore, ProviderLimits};
use crate::upstream::resolver::ResolveFailed;

/// A running application with an organization.
struct Running {
    store: Store,
    endpoints: Endpoints,
    organization: OrganizationId,
    address: SocketAddr,
    stopper: Stopper,
    task: JoinHandle<std::io::Result<()>>,
    _database: TestDatabase,
}

impl Running {
    async fn start(kind: Kind) -> Self {
        let database = TestDatabase::new(kind).await;
        let mut settings = database.settings.clone();
        settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.server.workers = std::num::NonZeroUsize::new(1);
        settings.server.drain_seconds = 2;
        settings.server.drain_notice_seconds = 0;
        let application = Application::build(settings, database.clock.clone()).await.expect("an application");
        let (store, address) = (application.store().clone(), application.address());
        let endpoints = application.endpoints.clone();
        let new = NewOrganization { email: "owner@acme.example".to_owned(), ..NewOrganization::default() };
        let made = store.system().organization_create(new).await.expect("an organization");
        let (stopper, mut stopped) = Stopper::new();
        let task = tokio::spawn(application.run_until(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        let organization = made.organization_id;
        Self { store, endpoints, organization, address, stopper, task, _database: database }
    }

    fn data(&self) -> OrgStore {
        self.store.system().organization(self.organization, "test")
    }

    /// A key with all scopes.
    async fn key(&self) -> String {
        let fresh = api_key::generate().expect("random bytes");
        let new = NewApiKey {
            name: "test".to_owned(),
            key_hash: self.store.vault().key_hash(fresh.key.expose_secret()),
            prefix: fresh.prefix,
            last_four: fresh.last_four,
            scopes: Scope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(),
            models: None,
            requests_per_minute: None,
            concurrent_requests: None,
            requests_per_day: None,
            tokens_per_minute: None,
            tokens_per_day: None,
            model_limits: ModelLimits::default(),
            expires_at: None,
            created_by: None,
        };
        self.data().api_key_create(new).await.expect("a key");
        fresh.key.expose_secret().to_owned()
    }

    /// Reads with the key; the status and the text.
    fn get(&self, path: &str, key: &str) -> BoxFuture<'static, (u16, String)> {
        #[expect(clippy::disallowed_methods, reason = "a test is its own caller")]
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.get(format!("http://{}{path}", self.address)).bearer_auth(key);
        async move {
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a body"))
        }
        .boxed()
    }

    async fn stop(self) {
        self.stopper.stop();
        self.task.await.expect("no panic").expect("a clean end");
    }
}

/// Names are not looked up here.
#[derive(Debug)]
struct NoNames;

impl NameResolver for NoNames {
    fn addresses(
        self: Arc<Self>,
        _: String,
    ) -> BoxFuture<'static, Result<Arc<[std::net::IpAddr]>, ResolveFailed>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_credential_of_a_deleted_provider_leaves_memory() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let running = Running::start(kind).await;
        let new = NewProvider {
            name: "vendor".to_owned(),
            preset: "openai".to_owned(),
            base_url: None,
            credential: Some("sk-a-credential-of-the-test".into()),
            stream_options: StreamOptions::default(),
            limits: ProviderLimits::default(),
        };
        let provider = running.data().provider_create(new).await.expect("a provider").id;
        let upstream = Upstream::new(AddressPolicy::default(), Duration::from_secs(1), Arc::new(NoNames))
            .expect("a client");
        let endpoint: Weak<Endpoint> = {
            let snapshot = running.store.snapshots().organization(running.organization).expect("a snapshot");
            let entry = &snapshot.providers[&provider];
            Arc::downgrade(&running.endpoints.of(&upstream, entry).expect("an endpoint"))
        };
        assert_eq!(endpoint.strong_count(), 1);
        running.data().provider_delete(provider).await.expect("deleted");
        let gone = async {
            while endpoint.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the job forgets it");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_all_in_use_are_not_an_absent_database() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let running = Running::start(kind).await;
        let key = running.key().await;
        let held = hold_readers(&running.store).await;
        let waiting = tokio::spawn(running.get("/v1/model-router/models", &key));
        // More checks than an outage needs.
        for _ in 0..5 {
            running.store.system().look().await;
        }
        // It needs no connection. During an outage all calls are refused.
        let (status, text) = running.get("/v1/identity/whoami", &key).await;
        assert_eq!(status, 200, "{kind:?}: {text}");
        let (status, text) = running.get("/readyz", &key).await;
        assert_eq!((status, text.as_str()), (200, "ok\n"), "{kind:?}");
        drop(held);
        let (status, text) = waiting.await.expect("no panic");
        assert_eq!(status, 200, "{kind:?}: {text}");
        running.stop().await;
    }
}
