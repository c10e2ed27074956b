//! `failsoft demo`: a gateway to try out, on a temporary database.
//!
//! HTTP, the gateway, the database and the records are real. This process simulates the models, on a loopback port of
//! its own.

mod catalog;
mod folder;
mod week;
mod welcome;

use std::net::{SocketAddr, TcpListener};

use super::command::block_on;
use super::command::explain;
use super::organization::first_key;
use super::output::announce;
use super::serve::until_stopped;
use crate::app::Application;
use crate::auth::console::link_secret;
use crate::config::Settings;
use crate::config::upstream::AllowedRange;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::store::LinkKind;
use crate::store::maintenance::system::NewOrganization;
use crate::telemetry;
use folder::Folder;
use secrecy::SecretString;

/// Runs a gateway to try out: a temporary database, simulated models, nothing leaves the machine.
///
/// The model 'smart' fails on purpose, and 'steady' answers instead. It prints an API key and commands to paste, and
/// removes its database when it is stopped with Ctrl-C.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The address to listen on; port 0 picks a free one. [default: 127.0.0.1:8080, or a free port if that is taken]
    #[arg(long, env = "FAILSOFT_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Private ranges that providers may use: CIDR or CIDR:PORT.
    #[arg(long, env = "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", value_delimiter = ',', value_name = "RANGE")]
    allow_private_upstreams: Vec<AllowedRange>,
    /// The log filter: a level or directives.
    #[arg(long, env = "FAILSOFT_LOG", value_name = "FILTER", default_value = "warn")]
    log: String,
}

/// The actor of the demo's changes in the audit log.
const ACTOR: &str = "demo";
/// The drain time: Ctrl-C does not wait for the answers of simulated models.
const DRAIN_SECONDS: u64 = 2;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = Folder::create()?;
    let (listen, moved) = address(arguments.listen);
    // The demo ignores the operator's settings, such as their database and key, except for the private ranges that
    // providers may use.
    let mut settings = Settings::default();
    settings.server.listen = listen;
    settings.server.drain_seconds = DRAIN_SECONDS;
    settings.server.drain_notice_seconds = 0;
    settings.upstream.allow_private.clone_from(&arguments.allow_private_upstreams);
    settings.database.url = format!("sqlite://{}", folder.path().join("demo.db").display()).into();
    settings.telemetry.log.clone_from(&arguments.log);
    telemetry::init(&settings.telemetry).map_err(anyhow::Error::msg)?;
    block_on(async {
        let clock = Clock::system();
        let application = Application::build(settings, clock.clone()).await?;
        let (key, console) = fill(&application, &clock).await?;
        let text = welcome::text(application.address(), &key, &console, moved);
        // The database of a demo is its own.
        until_stopped(application, || announce(&text), std::future::pending()).await
    })
}

/// The address to listen on, and whether it is another one because the usual port is taken.
fn address(wanted: Option<SocketAddr>) -> (SocketAddr, bool) {
    let usual = Settings::default().server.listen;
    match wanted {
        Some(address) => (address, false),
        None if TcpListener::bind(usual).is_ok() => (usual, false),
        None => (SocketAddr::new(usual.ip(), 0), true),
    }
}

/// Creates the organization with all its data, and returns its key and the secret of a link into its console.
async fn fill(application: &Application, clock: &Clock) -> anyhow::Result<(SecretString, SecretString)> {
    let store = application.store();
    // Without a password, the link is the only way to sign in.
    let owner = NewOrganization {
        name: "Demo".to_owned(),
        email: "demo@example.com".to_owned(),
        password_hash: None,
        actor: Some(Actor::system(ACTOR)),
        request_id: None,
        owner: None,
    };
    let created = store.system().organization_create(owner).await.map_err(explain)?;
    let organization = store.system().organization(created.organization_id, ACTOR);
    catalog::fill(&organization).await.map_err(explain)?;
    let key = first_key(store, created.organization_id, ACTOR).await?;
    if let Some(snapshot) = store.snapshots().organization(created.organization_id) {
        let (events, requests) = week::invent(&snapshot, clock.now());
        store.system().record(&events, &requests).await.map_err(explain)?;
    }
    let (console, token_hash) = link_secret::generate(store.vault()).map_err(explain)?;
    let (expires_at, actor) = (clock.now() + link_secret::CONSOLE, Actor::system(ACTOR));
    let system = store.system();
    let made = system.link_create(LinkKind::Console, created.user_id, token_hash, expires_at, &actor).await;
    made.map_err(explain)?;
    Ok((key, console))
}
