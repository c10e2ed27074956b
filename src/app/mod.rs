//! Builds the application from its settings and runs it until it is stopped.

pub(crate) mod archive;
pub(crate) mod cors;
pub(crate) mod followers;
pub(crate) mod jobs;
mod leases;
pub(crate) mod middleware;
pub(crate) mod open_files;
pub(crate) mod own_addresses;
mod refusal_log;
pub(crate) mod request_path;
pub mod routes;
pub mod sentences_file;
mod serve;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::domain::clock::Clock;
use crate::gateway::Gateway;
use crate::gateway::call::endpoint::Endpoints;
use crate::gateway::call::refused_parameters::Refusals;
use crate::gateway::record::metrics::Metrics;
use crate::gateway::routing::budget::Spending;
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::gateway::routing::headroom::CallLimits;
use crate::gateway::routing::provider_health::{Health, HealthChange};
use crate::gateway::usage::calibration::TokenCalibrations;
use crate::limits::leases::{Leases, Taker};
use crate::limits::shares::{Shares, Sizes};
use crate::simulate;
use crate::store::archive::Archive;
use crate::store::recorder::{Recorder, RecorderError, Watcher};
use crate::store::{ConnectError, Store};
use crate::telemetry::{Readiness, Registry};
use crate::upstream::name_resolver::NameResolver;
use crate::upstream::resolver::Resolver;
use crate::upstream::{AddressPolicy, Upstream};

/// Why the application could not be built, in one line with cause and remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] ConnectError),
    /// The recorder could not be started.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The operator's file of sentences cannot be used.
    #[error(transparent)]
    Sentences(#[from] sentences_file::SentencesError),
    /// A port could not be opened.
    #[error("cannot listen on {address}: {source}. Choose another with --listen or FAILSOFT_LISTEN")]
    Listen {
        /// The address of the listener.
        address: SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// Another part could not be started.
    #[error("cannot start: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A built application: its ports are open, and it answers as soon as it runs.
pub struct Application {
    store: Store,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    settings: Arc<Settings>,
    readiness: Readiness,
    servers: Vec<Server>,
    simulator: Server,
    writer: JoinHandle<()>,
    clock: Clock,
    health_changes: mpsc::Receiver<HealthChange>,
    shared_state: Arc<SharedState>,
    endpoints: Endpoints,
    watcher: Watcher,
    archive: Option<Arc<Archive>>,
    taker: Taker,
}

/// How many organizations can have their full number of live views open at once.
const ORGANIZATIONS_WITH_ALL_TAILS: usize = 40;

/// Stops a running application from another task.
#[derive(Clone)]
pub struct Stopper(tokio::sync::watch::Sender<bool>);

impl Stopper {
    /// A stopper, and the receiver that waits for it.
    #[must_use]
    pub fn new() -> (Self, tokio::sync::watch::Receiver<bool>) {
        let (sender, receiver) = tokio::sync::watch::channel(false);
        (Self(sender), receiver)
    }

    /// Requests the stop of the application.
    pub fn stop(&self) {
        // Without a receiver it has stopped already.
        let _ = self.0.send(true);
    }
}

impl Application {
    /// Opens the store and the ports, without serving yet.
    ///
    /// # Errors
    /// One line with the cause and the remedy.
    pub async fn build(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let names = Arc::new(Resolver::new(settings.upstream.name_servers.clone()));
        Self::build_with(settings, clock, names).await
    }

    /// The same as [`Application::build`], with another resolver for the names of providers.
    ///
    /// # Errors
    /// One line with the cause and the remedy.
    pub async fn build_with(
        settings: Settings,
        clock: Clock,
        names: Arc<dyn NameResolver>,
    ) -> Result<Self, StartError> {
        // The TLS library is set once per process; setting the same one again is not an error.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let settings = Arc::new(settings);
        let store = Store::open(&settings, clock.clone()).await?;
        let policy = AddressPolicy::new(settings.upstream.allow_private.clone());
        let connect = Duration::from_secs(settings.gateway.connect_seconds);
        let upstream = Upstream::new(policy, connect, names).map_err(StartError::Other)?;
        let (simulator, simulator_address) = start_simulator()?;
        upstream.address_policy().set_simulated(simulator_address);
        // Before the first heartbeat, which says it.
        store.fleet().counts_at(&leases::place_name(&settings, &store));
        let (recorder, writer) = Recorder::start(&store, &settings.recording).await?;
        let (leases, taker) = open_leases(&settings, &store, &clock, &recorder)?;
        let readiness = Readiness::new(recorder.has_spool());
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Arc::new(Metrics::register(&mut registry));
        let (health, health_changes) = Health::new();
        let cooldowns = Cooldowns::new(clock.clone(), settings.gateway.cooldown);
        let spending = Spending::new(clock.clone()).written_by(recorder.watcher());
        let sentences = sentences_file::read(settings.gateway.sentences.as_deref())?;
        let endpoints = Endpoints::new(&store.vault().instance_name())
            .map_err(|error| StartError::Other(error.into()))?;
        let shared_state = Arc::new(SharedState {
            cooldowns,
            endpoints: endpoints.clone(),
            health,
            calibrations: TokenCalibrations::default(),
            spending,
            call_limits: Arc::new(CallLimits::new(leases.clone())),
            sentences: ArcSwap::from_pointee(sentences),
        });
        // Budgets are read before the first request, so that a used-up one applies from the start.
        jobs::read_spending(&store, &shared_state).await.map_err(|error| StartError::Other(error.into()))?;
        let watcher = recorder.watcher();
        jobs::register(&mut registry, &recorder, &shared_state, &store);
        leases::register(&mut registry, leases.clone(), store.fleet().clone());
        let archive = archive::open(&settings).map_err(|error| StartError::Other(error.into()))?;
        if let Some(archive) = &archive {
            archive::register(&mut registry, archive.clone(), clock.clone());
        }
        let shares = Shares::new(sizes(&settings));
        let gateway = Gateway {
            upstream,
            recorder,
            clock: clock.clone(),
            metrics,
            shared_state: shared_state.clone(),
            refusals: Refusals::new(clock.clone()),
            shares: shares.clone(),
        };
        let registry = Registry::new(registry, settings.telemetry.metrics_token.clone());
        let served = serve::serve(serve::Parts {
            store: store.clone(),
            clock: clock.clone(),
            settings: settings.clone(),
            gateway: Arc::new(gateway),
            readiness: readiness.clone(),
            registry: Arc::new(registry),
            shares,
            leases,
        })?;
        Ok(Self {
            store,
            address: served.address,
            metrics_address: served.metrics_address,
            settings,
            readiness,
            servers: served.servers,
            simulator,
            writer,
            clock,
            health_changes,
            shared_state,
            endpoints,
            watcher,
            archive,
            taker,
        })
    }

    /// The address of the API's listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the separate metrics listener, if there is one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// The readiness, which a stop changes.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The store, which the demo and tests fill.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs until `stop` fires, then drains: it reports that it is not ready, closes the port, gives running answers time
    /// to finish, and writes their records.
    ///
    /// # Errors
    /// A server failed while running.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let handles: Vec<ServerHandle> = self.servers.iter().map(Server::handle).collect();
        let simulator_handle = self.simulator.handle();
        let simulator = tokio::spawn(self.simulator);
        let running_jobs = jobs::start(
            (&self.store, self.endpoints, self.archive),
            &self.clock,
            &self.settings,
            &self.shared_state,
            self.watcher,
            self.health_changes,
            self.taker,
        );
        let mut running: Vec<JoinHandle<std::io::Result<()>>> =
            self.servers.into_iter().map(tokio::spawn).collect();
        stop.await;
        self.readiness.drain();
        let notice = Duration::from_secs(self.settings.server.drain_notice_seconds);
        // After Ctrl-C at a terminal there is no load balancer to notify.
        let _ = tokio::time::timeout(notice, self.readiness.without_notice()).await;
        for handle in &handles {
            handle.stop(true).await;
        }
        for server in running.drain(..) {
            server.await.map_err(std::io::Error::other)??;
        }
        // Its streams may feed draining answers, so it stops last.
        simulator_handle.stop(false).await;
        let _ = simulator.await;
        running_jobs.stop().await;
        // The servers have dropped their senders; the writer ends after writing all waiting records.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.writer).await;
        self.store.close().await;
        Ok(())
    }
}

/// The slices of limits, at the place that the settings name.
fn open_leases(
    settings: &Settings,
    store: &Store,
    clock: &Clock,
    recorder: &Recorder,
) -> Result<(Leases, Taker), StartError> {
    let place = leases::place(settings, store, clock, recorder.instance_id());
    let place = place.map_err(|error| StartError::Other(error.into()))?;
    Ok(Leases::new(place, clock.clone(), store.fleet().clone()))
}

/// The limits that organizations share.
fn sizes(settings: &Settings) -> Sizes {
    let server = &settings.server;
    Sizes {
        bytes: server.body_budget,
        requests: server.request_ceiling.min(open_files::requests(open_files::raise())),
        organization_requests: server.organization_requests,
        organization_calls: server.organization_calls,
        tails: server.organization_tails.saturating_mul(ORGANIZATIONS_WITH_ALL_TAILS),
        organization_tails: server.organization_tails,
        person_tails: server.person_tails,
    }
}

fn start_simulator() -> Result<(Server, SocketAddr), StartError> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = |source| StartError::Listen { address: any, source };
    let listener = TcpListener::bind(any).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let server = simulate::start(listener, simulate::Settings::default()).map_err(listen)?;
    Ok((server, address))
}
