//! Sign-in by link: invitations, password resets, demo logins.

use secrecy::SecretString;

use super::{Found, SignIn, SignedIn};
use crate::auth::console::{link_secret, password};
use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::{InvitationRow, Joining, LinkKind, LinkRow};

/// A valid invitation and its organization. It does not reveal whether the address has an account, because anyone may
/// have opened the link.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The row of the invitation.
    pub invitation: InvitationRow,
    /// Name of the organization.
    pub organization: String,
}

/// The account with which a person joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The existing account of the address that the password opens.
    Existing,
    /// A new account, or the existing one that the password opens.
    New {
        /// Display name, if one is set.
        name: Option<String>,
    },
}

/// Result of accepting an invitation.
pub enum Accepted {
    /// Accepted; a session was opened.
    LoggedIn(SignedIn),
    /// The password opens no account of the address.
    WrongPassword,
    /// The link is no longer valid.
    Gone,
}

/// Result of a password reset.
pub enum Reset {
    /// The password was set.
    Done,
    /// The link is no longer valid.
    Gone,
    /// The password was refused, for this reason.
    Refused(String),
}

impl SignIn {
    /// The invitation of a link, without using it up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn invitation(&self, secret: &str) -> Result<Option<Invited>, Error> {
        self.throttle.link(self.address)?;
        let system = self.store.system();
        let hash = link_secret::hash(self.store.vault(), secret);
        let found = system.invitation_find(&hash).await?;
        Ok(found.map(|(invitation, organization)| Invited { invitation, organization }))
    }

    /// Accepts an invitation with an account of its address.
    ///
    /// # Errors
    /// Too many attempts. [`Error::Conflict`]: a person with this address already belongs to the organization.
    pub async fn accept(
        &self,
        invited: &Invited,
        account: Account,
        password: SecretString,
    ) -> Result<Accepted, Error> {
        let invitation = &invited.invitation;
        let only = self.admit(&invitation.email)?;
        let slot = password::acquire_new_password_slot().await?;
        let Found { user, hash } = self.find(&invitation.email, password, only).await?;
        drop(slot);
        let joining = match (user, account, hash) {
            (Some(user), _, _) => Joining::Known(user.id),
            (None, Account::New { name }, Some(password_hash)) => Joining::New { name, password_hash },
            (None, Account::New { .. } | Account::Existing, _) => {
                self.note_failure(&invitation.email);
                return Ok(Accepted::WrongPassword);
            }
        };
        let (system, request) = (self.store.system(), Some(self.request_id));
        let Some(user_id) = system.invitation_accept(invitation, joining, request).await? else {
            return Ok(Accepted::Gone);
        };
        let user = system.user_find(user_id).await?;
        let user = user.ok_or_else(|| Error::internal("a new account got lost"))?;
        Ok(Accepted::LoggedIn(self.open_session(&user, invitation.organization_id, "invitation").await?))
    }

    /// The password reset link and the address of its account, without using it up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn reset_link(&self, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.one_time_link(LinkKind::Reset, secret).await
    }

    /// Sets a new password and ends all sessions; it does not log in. It counts as a password attempt, because it
    /// reveals whether another account of the address has this password.
    ///
    /// # Errors
    /// Too many attempts, or too many at once.
    pub async fn reset(&self, link: &LinkRow, email: &str, password: SecretString) -> Result<Reset, Error> {
        self.throttle.password(self.address, email)?;
        let password_hash = self.hash(email, password).await?;
        let actor = Actor::user(link.user_id.0, email, Some(self.request_id));
        match self.store.system().link_use_for_password(link, password_hash, &actor).await {
            Ok(true) => Ok(Reset::Done),
            Ok(false) => Ok(Reset::Gone),
            Err(Error::Conflict { message }) => Ok(Reset::Refused(message)),
            Err(error) => Err(error),
        }
    }

    /// The demo login link and the address of its account, without using it up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn console_link(&self, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.one_time_link(LinkKind::Console, secret).await
    }

    /// Logs in by a demo login link. Returns `None` if it is no longer valid.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn enter(&self, link: &LinkRow) -> Result<Option<SignedIn>, Error> {
        let system = self.store.system();
        let Some(organization_id) = self.home(link.user_id).await? else { return Ok(None) };
        let Some(user) = system.user_find(link.user_id).await?.filter(|user| !user.disabled) else {
            return Ok(None);
        };
        if !system.link_use(link.id).await? {
            return Ok(None);
        }
        Ok(Some(self.open_session(&user, organization_id, "link").await?))
    }

    async fn one_time_link(&self, kind: LinkKind, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.throttle.link(self.address)?;
        let system = self.store.system();
        let hash = link_secret::hash(self.store.vault(), secret);
        let Some(found) = system.link_find(kind, &hash).await? else { return Ok(None) };
        let user = system.user_find(found.user_id).await?.filter(|user| !user.disabled);
        Ok(user.map(|user| (found, user.email)))
    }

    /// Generates the secret of a new link and its stored hash.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new_secret(&self) -> Result<(SecretString, [u8; 32]), Error> {
        link_secret::generate(self.store.vault())
    }
}
