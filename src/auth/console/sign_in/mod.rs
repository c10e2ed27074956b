//! Sign-up, login and sign-in by link. This module decides who gets a session.
//!
//! An account is identified by its email address and password. Addresses are not verified, so the first account with an
//! address does not block others. Existing and unknown addresses take the same steps and the same time, and get the
//! same response.

pub(crate) mod account;
pub(crate) mod failures;
mod links;

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use entity::ids::{OrganizationId, UserId};
use secrecy::SecretString;
use uuid::Uuid;

use super::device::{self, Device};
use super::password;
use super::password::HashSettings;
use crate::auth::api::api_caller::RequestId;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::auth::console::login_throttle::Throttle;
use crate::auth::console::{client_ip, session_token};
use crate::auth::part::part;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::store::maintenance::system::NewOrganization;
use crate::store::{ABSOLUTE, NewSession, Store, UserRow};
pub use links::{Accepted, Account, Invited, Reset};

/// The services and request data that sign-in needs; an extractor for public handlers.
#[derive(Clone)]
pub struct SignIn {
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
    throttle: web::Data<Throttle>,
    address: IpAddr,
    user_agent: Option<String>,
    request_id: Uuid,
    /// The browser, if it is known.
    device: Option<Device>,
}

/// A new session: the cookies of the session and of the known browser.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Box<[Cookie<'static>; 2]>);

/// Result of a login.
pub enum LogInResult {
    /// A session was opened.
    LoggedIn(SignedIn),
    /// The address or the password is wrong.
    WrongCredentials,
    /// The credentials are valid, but the person belongs to no organization.
    NoOrganization,
}

/// Result of a password lookup.
struct Found {
    user: Option<UserRow>,
    /// The hash to store for a new account with this address and password.
    hash: Option<String>,
}

impl FromRequest for SignIn {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl SignIn {
    fn of(request: &HttpRequest) -> Result<Self, Error> {
        let settings = part::<Settings>(request)?;
        let clock = part::<Clock>(request)?;
        let store = part::<Store>(request)?;
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let request_id = request.extensions().get::<RequestId>().map_or_else(|| clock.new_id(), |id| id.0);
        Ok(Self {
            throttle: part::<Throttle>(request)?.clone(),
            address: client_ip::address(settings, request),
            user_agent: user_agent.map(str::to_owned),
            request_id,
            device: device::read(settings, store.vault(), request, clock.now()),
            store: store.clone(),
            clock: clock.clone(),
            settings: settings.clone(),
        })
    }

    /// Logs in to the most recently used organization, or else to the first by name.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn log_in(&self, email: &str, password: SecretString) -> Result<LogInResult, Error> {
        let only = self.admit(email)?;
        let Some(user) = self.find(email, password, only).await?.user else {
            self.note_failure(email);
            return Ok(LogInResult::WrongCredentials);
        };
        match self.home(user.id).await? {
            Some(home) => Ok(LogInResult::LoggedIn(self.open_session(&user, home, "password").await?)),
            None => Ok(LogInResult::NoOrganization),
        }
    }

    /// Creates an organization and logs its owner in, whether or not the address has an account. If the password opens
    /// an existing account, it logs in to that one, so that a form submitted twice creates one organization.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn sign_up(
        &self,
        organization: &str,
        email: &str,
        password: SecretString,
    ) -> Result<SignedIn, Error> {
        self.throttle.sign_up(self.address, email)?;
        let slot = password::acquire_new_password_slot().await?;
        let Found { user, hash } = self.find(email, password.clone(), None).await?;
        drop(slot);
        if let Some(user) = &user
            && let Some(home) = self.home(user.id).await?
        {
            return self.open_session(user, home, "sign-up").await;
        }
        let new = NewOrganization {
            name: organization.to_owned(),
            email: email.to_owned(),
            password_hash: hash,
            request_id: Some(self.request_id),
            owner: user.map(|user| user.id),
            ..NewOrganization::default()
        };
        let made = match self.store.system().organization_create(new).await {
            Ok(made) => made,
            // The same form was submitted twice at once.
            Err(Error::Conflict { .. }) => return self.log_in_after_all(email, password).await,
            Err(error) => return Err(error),
        };
        let owner = self.store.system().user_find(made.user_id).await?;
        let owner = owner.ok_or_else(|| Error::internal("a new account got lost"))?;
        self.open_session(&owner, made.organization_id, "sign-up").await
    }

    async fn log_in_after_all(&self, email: &str, password: SecretString) -> Result<SignedIn, Error> {
        match self.log_in(email, password).await? {
            LogInResult::LoggedIn(signed_in) => Ok(signed_in),
            LogInResult::WrongCredentials | LogInResult::NoOrganization => Err(Error::Busy),
        }
    }

    /// The account that the address and password open, restricted to `only` if given. The time does not depend on
    /// whether or how many accounts exist. The attempt must already be counted.
    async fn find(&self, email: &str, password: SecretString, only: Option<UserId>) -> Result<Found, Error> {
        let system = self.store.system();
        let email = email.to_lowercase();
        let hashes = password::hash_by(password, self.hash_settings(&email).await?).await?;
        let user = system.user_by_password(&email, &hashes).await?;
        let user = user.filter(|user| !user.disabled && only.is_none_or(|only| user.id == only));
        Ok(Found { user, hash: hashes.into_iter().next() })
    }

    /// The hash settings of an address, with or without accounts.
    async fn hash_settings(&self, email: &str) -> Result<Vec<HashSettings>, Error> {
        let users = self.store.system().users_by_email(email, 64).await?;
        let hashes = users.into_iter().filter_map(|user| user.password_hash);
        HashSettings::of_accounts(hashes, || HashSettings::of_address(self.store.vault(), email))
    }

    /// Counts a password attempt. When throttled, a known browser may still try, but only for its own account.
    fn admit(&self, email: &str) -> Result<Option<UserId>, Error> {
        let refused = match self.throttle.password(self.address, email) {
            Ok(()) => return Ok(None),
            Err(refused) => refused,
        };
        match self.device {
            Some(device) if self.throttle.known_browser(device.id).is_ok() => Ok(Some(device.user_id)),
            Some(_) | None => {
                tracing::warn!(address = %self.address, request_id = %self.request_id, "too many log-ins");
                Err(refused)
            }
        }
    }

    /// The hash of a new password for an account of this address.
    async fn hash(&self, email: &str, password: SecretString) -> Result<String, Error> {
        let mut hash_settings = self.hash_settings(&email.to_lowercase()).await?;
        hash_settings.truncate(1);
        let _turn = password::acquire_new_password_slot().await?;
        let hashed = password::hash_by(password, hash_settings).await?;
        hashed.into_iter().next().ok_or_else(|| Error::internal("a password was too long to be hashed"))
    }

    async fn home(&self, user_id: UserId) -> Result<Option<OrganizationId>, Error> {
        let system = self.store.system();
        let organizations = system.user_organizations(user_id).await?;
        let last = system.session_last_organization(user_id).await?;
        let last = organizations.iter().find(|organization| Some(organization.id) == last);
        Ok(last.or(organizations.first()).map(|organization| organization.id))
    }

    /// Opens a session and builds its cookies.
    async fn open_session(
        &self,
        user: &UserRow,
        organization_id: OrganizationId,
        by: &'static str,
    ) -> Result<SignedIn, Error> {
        let new = NewSession {
            user_id: user.id,
            organization_id,
            user_agent: self.user_agent.clone(),
            address: Some(self.address.to_string()),
            by,
            actor: Actor::user(user.id.0, &user.email, Some(self.request_id)),
        };
        let (session_id, expires_at) = self.store.system().session_create(new).await?;
        let (now, vault) = (self.clock.now(), self.store.vault());
        tracing::info!(
            user = %user.id, organization = %organization_id, address = %self.address, by,
            request_id = %self.request_id, "a person logged in"
        );
        let token = session_token::sign(vault.signing_key(), (user.id, session_id), now, expires_at)?;
        let age = Duration::from_secs(ABSOLUTE.num_seconds().unsigned_abs());
        let known = self.device.filter(|device| device.user_id == user.id);
        let device = known.unwrap_or_else(|| Device { id: self.clock.new_id(), user_id: user.id });
        Ok(SignedIn(Box::new([
            cookies::make(&self.settings, Kind::Session, token, Some(age)),
            device::cookie(&self.settings, vault, device, now),
        ])))
    }
}
