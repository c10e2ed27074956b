//! The HTTP servers: the API with the console, and the separate metrics listener if one is configured.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer, web};

use super::StartError;
use crate::api::openapi::{Document, LazyDocument};
use crate::api::public;
use crate::app::cors;
use crate::app::middleware;
use crate::app::own_addresses::OwnPlaces;
use crate::app::routes;
use crate::auth::api::rate_limit::Limiter;
use crate::auth::console::login_throttle::Throttle;
use crate::config::Settings;
use crate::console::pages::docs::api::reference::{LazyReference, Reference};
use crate::console::pages::events::feed::Feeds;
use crate::domain::clock::Clock;
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::limits::leases::Leases;
use crate::limits::shares::Shares;
use crate::store::Store;
use crate::telemetry::{Readiness, Registry};

/// The shared state that handlers receive.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) settings: Arc<Settings>,
    pub(super) gateway: Arc<Gateway>,
    pub(super) readiness: Readiness,
    pub(super) registry: Arc<Registry>,
    pub(super) shares: Shares,
    pub(super) leases: Leases,
}

/// The servers, with their ports open.
pub(super) struct Served {
    pub(super) servers: Vec<Server>,
    pub(super) address: SocketAddr,
    pub(super) metrics_address: Option<SocketAddr>,
}

pub(super) fn serve(parts: Parts) -> Result<Served, StartError> {
    let settings = parts.settings.clone();
    let registry = web::Data::from(parts.registry.clone());
    let gateway = parts.gateway.clone();
    let (api, address) = api(parts)?;
    let mut servers = vec![api];
    let mut own = vec![address];
    let mut metrics_address = None;
    if let Some(listen) = settings.telemetry.metrics_listen {
        let (server, address) = metrics(listen, registry)?;
        servers.push(server);
        own.push(address);
        metrics_address = Some(address);
    }
    let places = OwnPlaces::of_all(&settings.database, &settings.archive, &settings.valkey);
    own.extend(places.sockets);
    gateway.upstream.address_policy().set_own(own, places.names);
    Ok(Served { servers, address, metrics_address })
}

fn api(parts: Parts) -> Result<(Server, SocketAddr), StartError> {
    let Parts { store, clock, settings, gateway, readiness, registry, shares, leases } = parts;
    let listen = settings.server.listen;
    let failed = |source| StartError::Listen { address: listen, source };
    let limiter = web::Data::new(Limiter::new(leases, shares.clone()));
    let throttle = web::Data::new(Throttle::new(&clock).with_sign_ups(settings.console.signups_per_hour));
    let reader = web::Data::new(BodyReader::new(&settings.server, shares.clone()));
    let shares = web::Data::new(shares);
    let feeds = web::Data::new(Feeds::default());
    let store = web::Data::new(store);
    let clock = web::Data::new(clock);
    let gateway = web::Data::from(gateway);
    let readiness = web::Data::new(readiness);
    let registry = web::Data::from(registry);
    let shared = web::Data::from(settings.clone());
    let public_url = settings.server.public_url.clone();
    let description = move || routes::description(public_url.as_ref().map(url::Url::as_str));
    let described = description.clone();
    let document = web::Data::new(LazyDocument::new(Box::new(move || Document::new(&described()))));
    let reference = web::Data::new(LazyReference::new(Box::new(move || Reference::new(&description()))));
    let crosses_origins = !settings.server.cors_origins.is_empty();
    let unread = Duration::from_secs(settings.server.unread_seconds);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(store.clone())
            .app_data(clock.clone())
            .app_data(gateway.clone())
            .app_data(limiter.clone())
            .app_data(throttle.clone())
            .app_data(reader.clone())
            .app_data(shares.clone())
            .app_data(feeds.clone())
            .app_data(readiness.clone())
            .app_data(registry.clone())
            .app_data(shared.clone())
            .app_data(document.clone())
            .app_data(reference.clone())
            .wrap(from_fn(middleware::open))
            // Outside of the error middleware, so that pages of other origins can read errors.
            .wrap(Condition::new(crosses_origins, from_fn(cors::allow)))
            .configure(routes::configure)
            .default_service(web::to(public::nothing_here))
    })
    .disable_signals()
    .on_connect(move |connection, _| cut_off_after(connection, unread))
    // Otherwise a client's clean close is not noticed while an upstream is silent.
    .h1_allow_half_closed(false)
    // Otherwise the end of a stream waits 40 ms for an acknowledgment.
    .tcp_nodelay(true)
    .keep_alive(Duration::from_secs(75))
    .client_request_timeout(Duration::from_secs(10))
    .backlog(4_096)
    .shutdown_timeout(settings.server.drain_seconds);
    if let Some(workers) = settings.server.workers {
        server = server.workers(workers.get());
    }
    let server = server.bind(listen).map_err(failed)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// Sets the time after which the kernel closes a connection with unread bytes. A response is only polled while its caller
/// reads, and so are its time limits, so they cannot end such a connection.
fn cut_off_after(connection: &dyn Any, unread: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(unread))
    {
        tracing::debug!(%error, "a connection has no time limit for what is not read");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, unread);
}

fn metrics(listen: SocketAddr, registry: web::Data<Registry>) -> Result<(Server, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address: listen, source };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(registry.clone())
            .wrap(from_fn(middleware::open))
            .route("/metrics", web::get().to(public::metrics_on_own_listener))
            .default_service(web::to(public::nothing_here))
    })
    .workers(1)
    .disable_signals()
    .bind(listen)
    .map_err(failed)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}
