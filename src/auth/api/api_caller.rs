//! The extractor of API callers: a handler's first argument names the scope that it needs.
//!
//! One extractor serves every route and dialect. It finds the key in the headers, checks its format, expiry and
//! scope, and creates the [`Tenant`].

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use entity::ids::{ApiKeyId, OrganizationId};
use uuid::Uuid;

use super::api_key;
use crate::auth::access::{Access, Admits};
use crate::auth::part::part;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::{CredentialFault, Error};
use crate::domain::permission::Scope;
use crate::domain::tenant::Tenant;
use crate::limits::shares::Shares;
use crate::store::Store;
use crate::store::snapshot::{ApiKeyEntry, OrganizationSnapshot};

/// The id of a request, which the middleware assigns and the response has as `x-request-id`.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

/// The target of the access log: one line per call of a model, at level debug.
pub const ACCESS_LOG: &str = "failsoft::access";

/// Who calls, for the line of a refused request. Kept only while the access log is on.
#[derive(Debug, Clone, Copy)]
pub struct CallerIds {
    /// The organization of the key.
    pub organization: OrganizationId,
    /// The key that calls.
    pub key: ApiKeyId,
}

/// A scope as a type, for handler signatures.
pub trait RequiredScope {
    /// The required scope. None: any active key.
    const SCOPE: Option<Scope>;
}

macro_rules! required_scopes {
    ($($(#[$documentation:meta])* $name:ident = $scope:expr;)*) => {
        $(
            $(#[$documentation])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl RequiredScope for $name {
                const SCOPE: Option<Scope> = $scope;
            }
        )*
    };
}

required_scopes! {
    /// Any active API key.
    AnyKey = None;
    /// Needs the scope [`Scope::Inference`].
    Inference = Some(Scope::Inference);
    /// Needs the scope [`Scope::RouterRead`].
    RouterRead = Some(Scope::RouterRead);
    /// Needs the scope [`Scope::RouterManage`].
    RouterManage = Some(Scope::RouterManage);
    /// Needs the scope [`Scope::KeysManage`].
    KeysManage = Some(Scope::KeysManage);
    /// Needs the scope [`Scope::BudgetsManage`].
    BudgetsManage = Some(Scope::BudgetsManage);
}

/// An authenticated API caller with a key that has the scope `S`.
#[derive(Debug, Clone)]
pub struct ApiCaller<S> {
    /// The tenant, which gives access to the organization's data.
    pub tenant: Tenant,
    /// The current snapshot of the organization.
    pub organization: Arc<OrganizationSnapshot>,
    /// The key of the request.
    pub key: Arc<ApiKeyEntry>,
    /// The id of the request.
    pub request_id: Uuid,
    scope: PhantomData<S>,
}

impl<S: RequiredScope> Admits for ApiCaller<S> {
    const ACCESS: Access = match S::SCOPE {
        Some(scope) => Access::Scope(scope),
        None => Access::Key,
    };
}

impl<S: RequiredScope> FromRequest for ApiCaller<S> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request))
    }
}

fn authenticate<S: RequiredScope>(request: &HttpRequest) -> Result<ApiCaller<S>, Error> {
    let store = part::<Store>(request)?;
    let clock = part::<Clock>(request)?;
    let presented = presented(request.headers())?;
    if !api_key::is_well_formed(presented) {
        return Err(Error::Unauthenticated(CredentialFault::Malformed));
    }
    if !store.snapshots().is_loaded() {
        return Err(Error::NotReady);
    }
    let hash = store.vault().key_hash(presented);
    let (organization, key) =
        store.snapshots().find_key(&hash).ok_or(Error::Unauthenticated(CredentialFault::Unknown))?;
    let now = clock.now();
    if key.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::Unauthenticated(CredentialFault::Expired));
    }
    if tracing::enabled!(target: ACCESS_LOG, tracing::Level::DEBUG) {
        request.extensions_mut().insert(CallerIds { organization: organization.id, key: key.id });
    }
    key.last_used.store(now.timestamp(), Ordering::Relaxed);
    if let Some(scope) = S::SCOPE
        && !key.scopes.iter().any(|own| own == scope.as_str())
    {
        return Err(Error::ScopeMissing(scope.as_str()));
    }
    let request_id = request.extensions().get::<RequestId>().map_or_else(|| clock.new_id(), |id| id.0);
    let actor = Actor::api_key(key.id.0, &key.name, Some(request_id));
    let tenant = Tenant::authenticated(organization.id, actor);
    // The rate limiter counts inference requests toward the organization's share.
    let tenant = if S::SCOPE == Some(Scope::Inference) {
        tenant
    } else {
        let shares = part::<Shares>(request)?;
        tenant.holding(shares.of(organization.id).call()?)
    };
    Ok(ApiCaller { tenant, organization, key, request_id, scope: PhantomData })
}

/// Headers that contain only a key: the gateway's own and the one of Azure's clients.
static KEY_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// The key in the request's headers. The same key may be sent in several of them.
fn presented(headers: &HeaderMap) -> Result<&str, Error> {
    let fault = |fault| Err(Error::Unauthenticated(fault));
    let mut found = None;
    for value in KEY_HEADERS.iter().flat_map(|name| headers.get_all(name)) {
        match (found, value.to_str()) {
            (None, Ok(key)) => found = Some(key.trim()),
            (Some(known), Ok(key)) if known == key.trim() => {}
            (Some(_), Ok(_)) => return fault(CredentialFault::Conflicting),
            (_, Err(_)) => return fault(CredentialFault::Malformed),
        }
    }
    for value in headers.get_all(AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(|text| {
            let (scheme, key) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        match (found, bearer) {
            (None, Some(key)) => found = Some(key),
            (Some(known), Some(key)) if known == key => {}
            (Some(_), Some(_)) => return fault(CredentialFault::Conflicting),
            (_, None) => return fault(CredentialFault::Malformed),
        }
    }
    match found {
        Some(key) => Ok(key),
        None => fault(CredentialFault::Missing),
    }
}
