//! The extractor for pages: provides the signed-in person and checks the role's permission.
//!
//! The cookie names a session, and the session names a person and an organization. They are read for every request, so
//! that a logout, a removal or a role change takes effect at once.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use entity::ids::{SessionId, UserId};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use crate::auth::access::{Access, Admits};
use crate::auth::api::api_caller::RequestId;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::auth::console::session_token;
use crate::auth::part::part;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, VisitFault};
use crate::domain::permission::{Permission, Role};
use crate::domain::tenant::Tenant;
use crate::limits::shares::Shares;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{LiveSession, Store};

/// A permission as a type, for handler signatures.
pub trait Requires: 'static {
    /// The permission as a value.
    const PERMISSION: Permission;
}

macro_rules! requires {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("[`Permission::", stringify!($name), "`](super::Permission::", stringify!($name), ").")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl super::Requires for $name {
                const PERMISSION: super::Permission = super::Permission::$name;
            }
        )*
    };
}

/// The permissions as types.
pub mod may {
    requires! { Read Send Configure ManageKeys ManageSettings ReadAudit ManageMembers }
}

/// The person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id of the account.
    pub id: UserId,
    /// Email address of the account.
    pub email: String,
    /// Display name, if one is set.
    pub name: Option<String>,
}

/// A signed-in person with a role that grants permission `P`.
#[derive(Debug, Clone)]
pub struct ConsoleUser<P> {
    /// Proof of authentication; opens the organization's data.
    pub tenant: Tenant,
    /// Current snapshot of the organization.
    pub organization: Arc<OrganizationSnapshot>,
    /// The signed-in person's account.
    pub user: User,
    /// Role in the organization.
    pub role: Role,
    /// Id of the session.
    pub session_id: SessionId,
    /// Id of the request.
    pub request_id: Uuid,
    request: HttpRequest,
    permission: PhantomData<P>,
}

/// The signed-in person as the page frame shows it, also on error pages.
#[derive(Debug, Clone)]
pub struct PageUser {
    /// Email address of the account.
    pub email: String,
    /// Name of the organization.
    pub organization: String,
    /// Role in the organization.
    pub role: Role,
    /// Id of the session.
    pub session_id: SessionId,
}

impl<P> ConsoleUser<P> {
    /// The underlying HTTP request.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Whether the role grants the permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

impl<P: Requires> Admits for ConsoleUser<P> {
    const ACCESS: Access = Access::ConsoleUser(P::PERMISSION);
}

impl<P: Requires> FromRequest for ConsoleUser<P> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move { Self::of(&request).await }.boxed_local()
    }
}

impl<P: Requires> ConsoleUser<P> {
    /// Authenticates the request.
    ///
    /// # Errors
    /// [`VisitFault::LoggedOut`], [`VisitFault::RoleMissing`].
    pub async fn of(request: &HttpRequest) -> Result<Self, Error> {
        let store = part::<Store>(request)?;
        let clock = part::<Clock>(request)?;
        let session = living_session(request, store, clock).await?.ok_or_else(|| logged_out(request))?;
        let role = Role::parse(&session.role)
            .ok_or_else(|| Error::internal(format!("no role is called '{}'", session.role)))?;
        let organization = organization(store, &session).await?;
        let shares = part::<Shares>(request)?;
        let place = shares.of(organization.id).call()?;
        request.extensions_mut().insert(PageUser {
            email: session.email.clone(),
            organization: organization.name.to_string(),
            role,
            session_id: session.id,
        });
        if !role.may(P::PERMISSION) {
            return Err(Error::Visit(VisitFault::RoleMissing(P::PERMISSION.describe())));
        }
        let request_id = request.extensions().get::<RequestId>().map_or_else(|| clock.new_id(), |id| id.0);
        let actor = Actor::user(session.user_id.0, &session.email, Some(request_id));
        Ok(Self {
            tenant: Tenant::authenticated(session.organization_id, actor).holding(place),
            organization,
            user: User { id: session.user_id, email: session.email, name: session.name },
            role,
            session_id: session.id,
            request_id,
            request: request.clone(),
            permission: PhantomData,
        })
    }
}

async fn living_session(
    request: &HttpRequest,
    store: &Store,
    clock: &Clock,
) -> Result<Option<LiveSession>, Error> {
    let Some(settings) = request.app_data::<web::Data<Settings>>() else { return Ok(None) };
    let Some(token) = cookies::read(settings, Kind::Session, request) else { return Ok(None) };
    let Some((user_id, id)) = session_token::read(store.vault().signing_key(), &token, clock.now()) else {
        return Ok(None);
    };
    Ok(store.system().session_find(id).await?.filter(|session| session.user_id == user_id))
}

/// Whether the request has a valid session, for pages that do not require one.
///
/// # Errors
/// The database cannot be read.
pub async fn is_logged_in(request: &HttpRequest, store: &Store, clock: &Clock) -> Result<bool, Error> {
    Ok(living_session(request, store, clock).await?.is_some())
}

/// The session's organization. If another process created it just now, it is read first.
async fn organization(store: &Store, session: &LiveSession) -> Result<Arc<OrganizationSnapshot>, Error> {
    if let Some(known) = store.snapshots().organization(session.organization_id) {
        return Ok(known);
    }
    store.system().organization_load(session.organization_id).await?;
    store.snapshots().organization(session.organization_id).ok_or(Error::NotReady)
}

/// The login redirect, which returns to the page for GET requests only.
fn logged_out(request: &HttpRequest) -> Error {
    let back = request.method() == actix_web::http::Method::GET;
    let next = if back { request.uri().path_and_query().map_or("/", |path| path.as_str()) } else { "/" };
    Error::Visit(VisitFault::LoggedOut { next: next.to_owned() })
}
