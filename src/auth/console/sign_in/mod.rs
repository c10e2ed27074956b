//! The ways in: signing up, logging in, and links. What is decided here is who gets a session; pages only ask.
//!
//! An account is its address and its password: nothing is sent to an address, so nothing proves it, and the first
//! account to name one blocks no other. Known and unknown addresses are handled alike: the same steps, the same time,
//! the same answer.

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
use super::password::Recipe;
use crate::auth::api::api_caller::RequestId;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::auth::console::login_throttle::Throttle;
use crate::auth::console::{client_ip, session_token};
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::store::maintenance::system::NewOrganization;
use crate::store::{ABSOLUTE, NewSession, Store, UserRow};
pub use links::{Accepted, Account, Invited, Reset};

/// A client that is not let in yet: what is needed to let it in.
#[derive(Clone)]
pub struct Entrance {
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
    throttle: web::Data<Throttle>,
    address: IpAddr,
    user_agent: Option<String>,
    request_id: Uuid,
    /// The browser, if a person has logged in with it before.
    device: Option<Device>,
}

/// A new session: the cookies of the session and of the browser, which is known from now on.
#[derive(Debug, Clone)]
pub struct Entered(pub Box<[Cookie<'static>; 2]>);

/// What became of a log-in.
pub enum LogIn {
    /// A new session.
    In(Entered),
    /// The address or the password is wrong; which one is not said.
    Wrong,
    /// Both are right, but the person belongs to no organization any more.
    Nowhere,
}

/// What a password was found to open.
struct Found {
    user: Option<UserRow>,
    /// What a new account with this address and password stores.
    hash: Option<String>,
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
        let store: web::Data<Store> = part(request)?;
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let request_id = request.extensions().get::<RequestId>().map_or_else(|| clock.new_id(), |id| id.0);
        Ok(Self {
            throttle: part(request)?,
            address: client_ip::address(&settings, request),
            user_agent: user_agent.map(str::to_owned),
            request_id,
            device: device::read(&settings, store.vault(), request, clock.now()),
            store,
            clock,
            settings,
        })
    }

    /// Logs in for the organization of the last time, or else the first by name.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn log_in(&self, email: &str, password: SecretString) -> Result<LogIn, Error> {
        let only = self.admit(email)?;
        let Some(user) = self.find(email, password, only).await?.user else {
            self.note_failure(email);
            return Ok(LogIn::Wrong);
        };
        match self.home(user.id).await? {
            Some(home) => Ok(LogIn::In(self.open_session(&user, home, "password").await?)),
            None => Ok(LogIn::Nowhere),
        }
    }

    /// Makes an organization and its owner, who is logged in then. Whether the address has an account makes no difference.
    /// The password of an account that there is logs in to that one: a form that is sent twice makes one organization.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn sign_up(
        &self,
        organization: &str,
        email: &str,
        password: SecretString,
    ) -> Result<Entered, Error> {
        self.throttle.sign_up(self.address, email)?;
        let turn = password::turn_of_a_new_one().await?;
        let Found { user, hash } = self.find(email, password.clone(), None).await?;
        drop(turn);
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
            // The same form was sent twice at once.
            Err(Error::Conflict { .. }) => return self.log_in_after_all(email, password).await,
            Err(error) => return Err(error),
        };
        let owner = self.store.system().user_find(made.user_id).await?;
        let owner = owner.ok_or_else(|| Error::internal("a new account got lost"))?;
        self.open_session(&owner, made.organization_id, "sign-up").await
    }

    async fn log_in_after_all(&self, email: &str, password: SecretString) -> Result<Entered, Error> {
        match self.log_in(email, password).await? {
            LogIn::In(entered) => Ok(entered),
            LogIn::Wrong | LogIn::Nowhere => Err(Error::Busy),
        }
    }

    /// The account that this address and password open, `only` that one where it is named. It takes as long whether there
    /// is one or not, however many the address has. The attempt is counted before.
    async fn find(&self, email: &str, password: SecretString, only: Option<UserId>) -> Result<Found, Error> {
        let system = self.store.system();
        let email = email.to_lowercase();
        let hashes = password::hash_by(password, self.recipes(&email).await?).await?;
        let user = system.user_by_password(&email, &hashes).await?;
        let user = user.filter(|user| !user.disabled && only.is_none_or(|only| user.id == only));
        Ok(Found { user, hash: hashes.into_iter().next() })
    }

    /// How the passwords of an address are hashed: all alike, unless an older version of the program made accounts too.
    async fn recipes(&self, email: &str) -> Result<Vec<Recipe>, Error> {
        let mut recipes: Vec<Recipe> = Vec::new();
        for user in self.store.system().users_by_email(email, 64).await? {
            let Some(hash) = user.password_hash else { continue };
            let recipe = Recipe::of_hash(&hash)?;
            if !recipes.contains(&recipe) && recipes.len() < 3 {
                recipes.push(recipe);
            }
        }
        if recipes.is_empty() {
            recipes.push(Recipe::of_address(self.store.vault(), email));
        }
        Ok(recipes)
    }

    /// Counts an attempt at a password. With too many of them a browser that is known still tries, but only for the
    /// account that it knows.
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
        let mut recipes = self.recipes(&email.to_lowercase()).await?;
        recipes.truncate(1);
        let _turn = password::turn_of_a_new_one().await?;
        let hashed = password::hash_by(password, recipes).await?;
        hashed.into_iter().next().ok_or_else(|| Error::internal("a password was too long to be hashed"))
    }

    async fn home(&self, user_id: UserId) -> Result<Option<OrganizationId>, Error> {
        let system = self.store.system();
        let organizations = system.user_organizations(user_id).await?;
        let last = system.session_last_organization(user_id).await?;
        let last = organizations.iter().find(|organization| Some(organization.id) == last);
        Ok(last.or(organizations.first()).map(|organization| organization.id))
    }

    /// Makes a session and its cookies.
    async fn open_session(
        &self,
        user: &UserRow,
        organization_id: OrganizationId,
        by: &'static str,
    ) -> Result<Entered, Error> {
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
        Ok(Entered(Box::new([
            cookies::make(&self.settings, Kind::Session, token, Some(age)),
            device::cookie(&self.settings, vault, device, now),
        ])))
    }
}
