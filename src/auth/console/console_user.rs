//! The extractor of pages: a handler's first argument says who is logged in and what their role allows.
//!
//! The cookie names a session, the session a person and an organization; all of them are read anew with every request,
//! so that a log-out, a removal or another role holds at once.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use entity::ids::{SessionId, UserId};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use crate::auth::api::api_caller::RequestId;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::auth::console::session_token;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, VisitFault};
use crate::domain::permission::{Permission, Role};
use crate::domain::tenant::Tenant;
use crate::limits::shares::Shares;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{LiveSession, Store};

/// A permission as a type, for signatures.
pub trait Requires: 'static {
    /// The permission.
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

/// A person who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// How the person wants to be called.
    pub name: Option<String>,
}

/// A person who is logged in and whose role allows `P`.
#[derive(Debug, Clone)]
pub struct Visitor<P> {
    /// The proof that opens the organization's data.
    pub tenant: Tenant,
    /// The organization as of now.
    pub organization: Arc<OrganizationSnapshot>,
    /// Who it is.
    pub user: User,
    /// What they are in the organization.
    pub role: Role,
    /// The session.
    pub session_id: SessionId,
    /// The request.
    pub request_id: Uuid,
    request: HttpRequest,
    permission: PhantomData<P>,
}

/// Who is here, for what a page shows around its content: also on the page of an error.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The person's address.
    pub email: String,
    /// The organization's name.
    pub organization: String,
    /// The person's role.
    pub role: Role,
    /// The session.
    pub session_id: SessionId,
}

impl<P> Visitor<P> {
    /// The request, for what belongs to the browser and not to the person.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Does the role allow it?
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

impl<P: Requires> FromRequest for Visitor<P> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move { Self::of(&request).await }.boxed_local()
    }
}

impl<P: Requires> Visitor<P> {
    /// Who is logged in.
    ///
    /// # Errors
    /// [`VisitFault::LoggedOut`], [`VisitFault::RoleMissing`].
    pub async fn of(request: &HttpRequest) -> Result<Self, Error> {
        let missing = || Error::internal("the application was built without its store, clock or settings");
        let store = request.app_data::<web::Data<Store>>().ok_or_else(missing)?;
        let clock = request.app_data::<web::Data<Clock>>().ok_or_else(missing)?;
        let session = living_session(request, store, clock).await?.ok_or_else(|| logged_out(request))?;
        let role = Role::parse(&session.role)
            .ok_or_else(|| Error::internal(format!("no role is called '{}'", session.role)))?;
        let organization = organization(store, &session).await?;
        let shares = request.app_data::<web::Data<Shares>>().ok_or_else(missing)?;
        let place = shares.of(organization.id).call()?;
        request.extensions_mut().insert(Seen {
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

/// Is somebody logged in? For the few pages that are for who is not.
///
/// # Errors
/// The database cannot be read.
pub async fn is_logged_in(request: &HttpRequest, store: &Store, clock: &Clock) -> Result<bool, Error> {
    Ok(living_session(request, store, clock).await?.is_some())
}

/// The session's organization. One that another process made a moment ago may not be known here yet.
async fn organization(store: &Store, session: &LiveSession) -> Result<Arc<OrganizationSnapshot>, Error> {
    if let Some(known) = store.directory().organization(session.organization_id) {
        return Ok(known);
    }
    store.system().follow_changes().await?;
    store.directory().organization(session.organization_id).ok_or(Error::NotReady)
}

/// Where to go after the log-in: back to a page, but not into the middle of an action.
fn logged_out(request: &HttpRequest) -> Error {
    let back = request.method() == actix_web::http::Method::GET;
    let next = if back { request.uri().path_and_query().map_or("/", |path| path.as_str()) } else { "/" };
    Error::Visit(VisitFault::LoggedOut { next: next.to_owned() })
}
