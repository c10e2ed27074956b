//! The ways in: signing up, logging in, and links. What is decided here is who gets a session; pages only ask.
//!
//! Known and unknown addresses are handled alike: the same steps, the same time, the same answer. Imports `store`,
//! `error`, `clock`, `config`.

mod links;
mod own;

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use entity::ids::{OrganizationId, UserId};
use secrecy::SecretString;
use uuid::Uuid;

use super::cookie::{self, Kind};
use super::principal::RequestId;
use super::throttle::Throttle;
use super::{client, password, session};
use crate::clock::Clock;
use crate::config::Settings;
use crate::error::Error;
use crate::store::system::NewOrganization;
use crate::store::{ABSOLUTE, NewSession, Store};
pub use links::{Accepted, Invited};

/// Somebody at the door: what is needed to let them in.
#[derive(Clone)]
pub struct Entrance {
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
    throttle: web::Data<Throttle>,
    address: IpAddr,
    user_agent: Option<String>,
    request_id: Uuid,
}

/// What became of a log-in.
pub enum LogIn {
    /// The cookie of a new session.
    In(Cookie<'static>),
    /// The address or the password is wrong; which one is not said.
    Wrong,
    /// Both are right, but the person belongs to no organization any more.
    Nowhere,
}

/// What became of a sign-up.
pub enum SignUp {
    /// The cookie of the owner's session.
    In(Cookie<'static>),
    /// Somebody has an account with that address.
    Taken,
}

impl FromRequest for Entrance {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Entrance {
    fn of(request: &HttpRequest) -> Result<Self, Error> {
        fn part<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, Error> {
            let part = request.app_data::<web::Data<T>>().cloned();
            part.ok_or_else(|| Error::internal("the application was built without a part of the entrance"))
        }
        let settings: web::Data<Settings> = part(request)?;
        let clock: web::Data<Clock> = part(request)?;
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let request_id = request.extensions().get::<RequestId>().map_or_else(|| clock.new_id(), |id| id.0);
        Ok(Self {
            store: part(request)?,
            throttle: part(request)?,
            address: client::address(&settings, request),
            user_agent: user_agent.map(str::to_owned),
            request_id,
            clock,
            settings,
        })
    }

    /// Logs in for the organization of the last time, or else the first by name.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn log_in(&self, email: &str, password: SecretString) -> Result<LogIn, Error> {
        let Some(user_id) = self.check_password(email, password).await? else { return Ok(LogIn::Wrong) };
        match self.home(user_id).await? {
            Some(organization_id) => Ok(LogIn::In(self.open_session(user_id, organization_id).await?)),
            None => Ok(LogIn::Nowhere),
        }
    }

    /// Makes an organization and its owner, who is logged in then.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn sign_up(
        &self,
        organization: &str,
        email: &str,
        password: SecretString,
    ) -> Result<SignUp, Error> {
        self.throttle.sign_up(self.address)?;
        let password_hash = Some(password::hash(password).await?);
        let (name, email) = (organization.to_owned(), email.to_owned());
        let new =
            NewOrganization { name, email, password_hash, actor: None, request_id: Some(self.request_id) };
        match self.store.system().organization_create(new).await {
            Ok(made) => Ok(SignUp::In(self.open_session(made.user_id, made.organization_id).await?)),
            Err(Error::Conflict { .. }) => Ok(SignUp::Taken),
            Err(error) => Err(error),
        }
    }

    /// The person whose address and password these are. It takes as long whether there is one or not.
    async fn check_password(&self, email: &str, password: SecretString) -> Result<Option<UserId>, Error> {
        self.throttle.password(self.address, email)?;
        let user = self.store.system().user_by_email(email).await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let fits = password::verify(password, hash).await?;
        Ok(user.filter(|user| fits && !user.disabled).map(|user| user.id))
    }

    async fn home(&self, user_id: UserId) -> Result<Option<OrganizationId>, Error> {
        let system = self.store.system();
        let organizations = system.user_organizations(user_id).await?;
        let last = system.session_last_organization(user_id).await?;
        let last = organizations.iter().find(|organization| Some(organization.id) == last);
        Ok(last.or(organizations.first()).map(|organization| organization.id))
    }

    /// Makes a session and its cookie.
    async fn open_session(
        &self,
        user_id: UserId,
        organization_id: OrganizationId,
    ) -> Result<Cookie<'static>, Error> {
        let new = NewSession {
            user_id,
            organization_id,
            user_agent: self.user_agent.clone(),
            address: Some(self.address.to_string()),
        };
        let (session_id, expires_at) = self.store.system().session_create(new).await?;
        let key = self.store.vault().signing_key();
        let token = session::sign(key, (user_id, session_id), self.clock.now(), expires_at)?;
        let age = Duration::from_secs(ABSOLUTE.num_seconds().unsigned_abs());
        Ok(cookie::make(&self.settings, Kind::Session, token, Some(age)))
    }
}
