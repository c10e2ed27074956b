//! Three servers on one PostgreSQL: what a limit allows, it allows them together, also while one dies, and while the place
//! where they count is away. Each test runs with PostgreSQL and with Valkey as that place.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use failsoft::config::Settings;
use failsoft::domain::permission::Scope;
use failsoft::providers::ModelPrice;
use failsoft::store::NewApiKey;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{App, chat_body, eventually};
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::process::Process;
use crate::support::raw_client::Raw;

/// The limit of the tests, per minute.
const LIMIT: i64 = 60;
/// Callers at once, and how often each of them asks.
const CALLERS: usize = 12;
const TIMES: usize = 15;

/// Where the servers count.
#[derive(Clone, Copy)]
enum Place {
    Postgres,
    Valkey,
    /// A Valkey that nothing listens for.
    Nowhere,
}

impl Place {
    fn set(self, settings: &mut Settings) {
        settings.valkey.url = self.url().map(|url| url.as_str().into());
    }

    fn url(self) -> Option<String> {
        match self {
            Self::Postgres => None,
            Self::Valkey => Some(std::env::var("FAILSOFT_TEST_VALKEY_URL").expect(
                "FAILSOFT_TEST_VALKEY_URL is not set: these tests need a Valkey. `.ci/with-postgres` starts one",
            )),
            Self::Nowhere => Some("valkey://127.0.0.1:1".to_owned()),
        }
    }
}

/// Three servers, a key with limits, and a provider that answers.
struct Fleet {
    servers: Vec<App>,
    key: String,
    fake: FakeProvider,
    _folder: tempfile::TempDir,
}

impl Fleet {
    async fn new(place: Place, limit: impl FnOnce(&mut NewApiKey)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = |number: usize| folder.path().join(format!("spool-{number}.db"));
        let settings = |number: usize| {
            let spool = spool(number);
            move |settings: &mut Settings| {
                place.set(settings);
                settings.recording.spool = Some(spool);
            }
        };
        let first = App::start_with(Kind::Postgres, settings(0)).await;
        let fake = FakeProvider::start().await;
        first.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = first.organization.key_like(&[Scope::Inference], limit).await;
        let (second, third) = (first.beside(settings(1)).await, first.beside(settings(2)).await);
        let servers = vec![first, second, third];
        for server in &servers {
            eventually(async || (server.store.fleet().live() == 3).then_some(())).await;
        }
        Self { servers, key, fake, _folder: folder }
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }
}

/// What a server answered: the status, and the seconds to wait.
type Said = (u16, Option<u64>);

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client")
}

async fn ask(client: &reqwest::Client, address: SocketAddr, key: &str, body: &str) -> Said {
    let request = client.post(format!("http://{address}/v1/chat/completions")).bearer_auth(key);
    let request = request.header("content-type", "application/json").body(body.to_owned());
    let answer = request.send().await.expect("an answer");
    let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().expect("a text").to_owned());
    (answer.status().as_u16(), wait.map(|wait| wait.parse().expect("seconds")))
}

/// Many callers at once, which ask the servers in turn.
async fn storm(addresses: &[SocketAddr], key: &str, body: &str) -> Vec<Said> {
    let client = client();
    let callers = (0..CALLERS).map(|caller| {
        let client = &client;
        async move {
            let mut said = Vec::new();
            for time in 0..TIMES {
                said.push(ask(client, addresses[(caller + time) % addresses.len()], key, body).await);
            }
            said
        }
    });
    join_all(callers).await.concat()
}

fn asking(most: u64) -> String {
    chat_body(&json!({"model": "a", "max_tokens": most})).to_string()
}

/// How many were admitted. All others were refused for the limit, with the time to wait.
fn admitted(said: &[Said]) -> i64 {
    let refused = said.iter().filter(|(status, _)| *status != 200);
    for (status, wait) in refused {
        assert_eq!(*status, 429);
        assert!(wait.is_some_and(|wait| (1..=62).contains(&wait)), "{wait:?}");
    }
    let admitted = said.iter().filter(|(status, _)| *status == 200).count();
    i64::try_from(admitted).expect("a number")
}

async fn three_servers_admit_exactly_the_limit(place: Place) {
    let fleet = Fleet::new(place, |key| key.requests_per_minute = Some(LIMIT)).await;
    let said = storm(&fleet.addresses(), &fleet.key, &asking(9)).await;
    assert_eq!(admitted(&said), LIMIT);
    assert_eq!(fleet.fake.served(), 60);
}

async fn three_servers_use_no_more_tokens_than_are_in_flight(place: Place) {
    let fleet = Fleet::new(place, |key| key.tokens_per_minute = Some(3_000)).await;
    let usage = json!({"prompt_tokens": 40, "completion_tokens": 100, "total_tokens": 140});
    let message = json!({"role": "assistant", "content": "Hi"});
    let answer = json!({"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage});
    fleet.fake.always(Script::json(200, &answer));
    let said = storm(&fleet.addresses(), &fleet.key, &asking(100)).await;
    let used = 140 * admitted(&said);
    let in_flight = 140 * i64::try_from(CALLERS).expect("a number");
    assert!((2_000..=3_000 + in_flight).contains(&used), "{used}");
}

async fn away_they_admit_no_more_than_the_limit_and_each_some(fleet: &Fleet) {
    let mut all = 0;
    for address in fleet.addresses() {
        let said = storm(&[address], &fleet.key, &asking(9)).await;
        let own = admitted(&said);
        assert!(own > 0, "no server is closed");
        all += own;
    }
    assert!((LIMIT - 3..=LIMIT).contains(&all), "{all}");
}

/// Three processes with the system's clock, one of which dies with slices that it has not spent.
async fn a_dead_process_takes_its_slices_with_it(place: Place) {
    let app = App::start_with(Kind::Postgres, |settings| place.set(settings)).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always(Script::answer("Hi"));
    let key =
        app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(LIMIT)).await;
    let url = place.url();
    let variables: Vec<(&str, &str)> = url.iter().map(|url| ("FAILSOFT_VALKEY_URL", url.as_str())).collect();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(Process::serve(&app, &variables).await);
    }
    let addresses: Vec<SocketAddr> = processes.iter().map(|process| process.address).collect();
    let (client, body) = (client(), asking(9));
    let early = join_all((0..20).map(|number| ask(&client, addresses[number % 3], &key, &body))).await;
    assert_eq!(admitted(&early), 20);
    processes[0].kill();
    let said = storm(&addresses[1..], &key, &body).await;
    let all = 20 + admitted(&said);
    assert!((LIMIT / 2..=LIMIT).contains(&all), "{all}");
}

/// Requests at once of a process that died count for at most five seconds.
async fn requests_at_once_of_a_dead_process_come_back(place: Place) {
    let app = App::start_with(Kind::Postgres, |settings| place.set(settings)).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always(Script::answer("Hi"));
    fake.next(Script::stream().text("Hel").hang());
    let key = app.organization.key_like(&[Scope::Inference], |new| new.concurrent_requests = Some(1)).await;
    let url = place.url();
    let variables: Vec<(&str, &str)> = url.iter().map(|url| ("FAILSOFT_VALKEY_URL", url.as_str())).collect();
    let mut dying = Process::serve(&app, &variables).await;
    let other = Process::serve(&app, &variables).await;
    let mut caller = Raw::connect(dying.address).await;
    caller.chat(&key, &chat_body(&json!({"model": "a", "stream": true}))).await;
    caller.read_until("Hel").await;
    let (client, body) = (client(), asking(9));
    assert_eq!(ask(&client, other.address, &key, &body).await.0, 429);
    dying.kill();
    let died = Instant::now();
    eventually(async || (ask(&client, other.address, &key, &body).await.0 == 200).then_some(())).await;
    assert!(died.elapsed() < Duration::from_secs(7), "{:?}", died.elapsed());
}

/// What one server has reserved, another one cannot spend.
async fn two_servers_reserve_the_money_of_a_budget_once(place: Place) {
    let app = App::start_with(Kind::Postgres, |settings| place.set(settings)).await;
    let other = app.beside(|settings| place.set(settings)).await;
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    app.organization.model_like("a", provider, |fields| fields.settings.price = Some(price)).await;
    fake.always(Script::answer("Hi"));
    // One answer of 1,000 tokens fits, or one after a short one.
    let budget = json!({"period": "day", "hard_limit_nano_dollars": 1_900_000});
    assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
    let budgets =
        async || other.get("/v1/model-router/budgets").await.json()["items"].as_array().map(Vec::len);
    eventually(async || (budgets().await == Some(1)).then_some(())).await;
    let known = || {
        other
            .store
            .snapshots()
            .organization(app.organization.id.into())
            .is_some_and(|own| !own.budgets.is_empty())
    };
    eventually(async || known().then_some(())).await;
    let gate = Gate::new();
    fake.next(Script::stream().text("Hi").wait_until(&gate).finish("stop").done());
    let mut caller = Raw::connect(app.address).await;
    let long = json!({"model": "a", "max_tokens": 1_000});
    caller
        .chat(&app.organization.key, &chat_body(&json!({"model": "a", "max_tokens": 1_000, "stream": true})))
        .await;
    caller.read_until("Hi").await;
    let refused = other.chat(&long).await;
    assert_eq!(
        (refused.status, refused.header("retry-after"), refused.header("x-should-retry")),
        (402, "1", "true")
    );
    assert!(refused.text().contains("running requests have reserved what is left"), "{}", refused.text());
    gate.open();
    caller.read_until("[DONE]").await;
    // The lease of the first one ends, and what it has not spent goes back.
    eventually(async || {
        [&app, &other].iter().for_each(|server| server.clock.advance(Duration::from_secs(1)));
        (other.chat(&long).await.status == 200).then_some(())
    })
    .await;
}

/// Each test, with both places.
macro_rules! at_both_places {
    ($($test:ident),* $(,)?) => {
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::Postgres).await;
            })*
        }

        mod valkey {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::Valkey).await;
            })*
        }
    };
}

at_both_places! {
    three_servers_admit_exactly_the_limit,
    three_servers_use_no_more_tokens_than_are_in_flight,
    a_dead_process_takes_its_slices_with_it,
    requests_at_once_of_a_dead_process_come_back,
    two_servers_reserve_the_money_of_a_budget_once,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_each_has_its_share() {
    let fleet = Fleet::new(Place::Postgres, |key| key.requests_per_minute = Some(LIMIT)).await;
    fleet.servers[0].database_of_its_own().shut().await;
    away_they_admit_no_more_than_the_limit_and_each_some(&fleet).await;
    fleet.servers[0].database_of_its_own().open().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_valkey_each_has_its_share() {
    let fleet = Fleet::new(Place::Nowhere, |key| key.requests_per_minute = Some(LIMIT)).await;
    away_they_admit_no_more_than_the_limit_and_each_some(&fleet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_count_at_different_places_share_nothing_and_exceed_nothing() {
    let app = App::start_with(Kind::Postgres, |settings| Place::Postgres.set(settings)).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always(Script::answer("Hi"));
    let key =
        app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(LIMIT)).await;
    let other = app.beside(|settings| Place::Valkey.set(settings)).await;
    for server in [&app, &other] {
        eventually(async || server.store.fleet().is_divided().then_some(())).await;
        let whoami = server.call(server.request(Method::GET, "/v1/identity/whoami"), &key).await;
        assert_eq!(whoami.status, 200);
    }
    let said = storm(&[app.address, other.address], &key, &asking(9)).await;
    assert_eq!(admitted(&said), LIMIT);
}
