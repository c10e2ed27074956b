//! Routes without an API key: health checks, metrics, and unknown paths.

use std::future;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::auth::access::{Access, Admits, Anyone};
use crate::auth::part::part;
use crate::domain::error::{CredentialFault, Error, Result};
use crate::store::Store;
use crate::telemetry::{Readiness, Registry};

/// Reports that the process runs.
#[utoipa::path(get, path = "", 
    responses((status = 200, description = "The process runs", body = String, content_type = "text/plain")))]
pub async fn live(_: Anyone) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Answers clients that look for the server before they call it, as Claude Code does.
#[utoipa::path(get, path = "", operation_id = "getHello",
    responses((status = 200, description = "The server is reachable", body = String, content_type = "text/plain")))]
pub async fn hello(_: Anyone) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("failsoft\n")
}

/// The process can serve: its data is loaded, it can write records, and it is not shutting down. It stays ready
/// without its database as long as the spool accepts records.
///
/// # Errors
/// [`Error::Busy`] (503) when it cannot.
#[utoipa::path(get, path = "",
    responses((status = 200, description = "The process can serve", body = String, content_type = "text/plain"), (status = 503, description = "The process cannot serve, or is shutting down")))]
pub async fn ready(
    _: Anyone,
    store: web::Data<Store>,
    readiness: web::Data<Readiness>,
) -> Result<HttpResponse> {
    if readiness.is_draining() || !store.snapshots().is_loaded() {
        return Err(Error::Busy);
    }
    let said = match (store.is_away(), readiness.outlives_database()) {
        (false, _) => "ok\n",
        (true, true) => "ok, without the database: records wait in the spool\n",
        (true, false) => return Err(Error::DatabaseAway),
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(said))
}

/// The metrics in OpenMetrics text, with the operator's token.
///
/// # Errors
/// 404 if no token is configured, 401 if the token is wrong.
#[utoipa::path(get, path = "",
    responses((status = 200, description = "OpenMetrics text, which Prometheus reads", body = String, content_type = "application/openmetrics-text"), (status = 401), (status = 404)))]
pub async fn metrics(_: Operator, registry: web::Data<Registry>) -> Result<HttpResponse> {
    exposition(&registry)
}

/// The operator, who has the token for metrics.
#[derive(Debug, Clone, Copy)]
pub struct Operator;

impl Admits for Operator {
    const ACCESS: Access = Access::Operator;
}

impl FromRequest for Operator {
    type Error = Error;
    type Future = future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        future::ready(Self::authenticate(request))
    }
}

impl Operator {
    fn authenticate(request: &HttpRequest) -> Result<Self> {
        let registry = part::<Registry>(request)?;
        let Some(token) = registry.token() else { return Err(Error::RouteUnknown) };
        let presented =
            request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let presented = presented.strip_prefix(b"Bearer ").unwrap_or_default();
        if !bool::from(presented.ct_eq(token.expose_secret().as_bytes())) {
            return Err(Error::Unauthenticated(CredentialFault::Unknown));
        }
        Ok(Self)
    }
}

/// The metrics on their own listener, which needs no token.
///
/// # Errors
/// The text cannot be written.
pub async fn metrics_on_own_listener(registry: web::Data<Registry>) -> Result<HttpResponse> {
    exposition(&registry)
}

fn exposition(registry: &Registry) -> Result<HttpResponse> {
    let text = registry.text().map_err(Error::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).body(text))
}

/// A path without a route, or a method that its path does not have.
///
/// # Errors
/// Always [`Error::RouteUnknown`].
pub async fn nothing_here() -> Result<HttpResponse> {
    Err(Error::RouteUnknown)
}
