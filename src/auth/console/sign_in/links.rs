//! The ways in by a link: an invitation, a new password, the demo's console.

use secrecy::SecretString;

use super::{Entered, Entrance, Found};
use crate::auth::console::{link_secret, password};
use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::{InvitationRow, Joining, LinkKind, LinkRow};

/// An invitation that works, and its organization. It does not say whether the address has an account: the link may have been
/// opened by anybody.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation.
    pub invitation: InvitationRow,
    /// The organization's name.
    pub organization: String,
}

/// With which account a person joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The one of this address that the password opens.
    Existing,
    /// A new one; the one that the password opens, if there is such.
    New {
        /// How the person wants to be called.
        name: Option<String>,
    },
}

/// What became of an invitation that somebody accepted.
pub enum Accepted {
    /// A session in the organization.
    In(Entered),
    /// The password opens no account of the address.
    WrongPassword,
    /// The link does not work any more.
    Gone,
}

/// What became of a link for a new password.
pub enum Reset {
    /// The password is set.
    Done,
    /// The link does not work any more.
    Gone,
    /// Another password is needed, and why.
    Refused(String),
}

impl Entrance {
    /// The invitation behind a link. Looking uses nothing up.
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

    /// Accepts an invitation, with an account of its address.
    ///
    /// # Errors
    /// Too many attempts. [`Error::Conflict`]: a person with this address belongs to the organization already.
    pub async fn accept(
        &self,
        invited: &Invited,
        account: Account,
        password: SecretString,
    ) -> Result<Accepted, Error> {
        let invitation = &invited.invitation;
        let only = self.admit(&invitation.email)?;
        let turn = password::turn_of_a_new_one().await?;
        let Found { user, hash } = self.find(&invitation.email, password, only).await?;
        drop(turn);
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
        Ok(Accepted::In(self.open_session(&user, invitation.organization_id, "invitation").await?))
    }

    /// The link for a new password, and the address of its account. Looking uses nothing up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn reset_link(&self, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.one_time_link(LinkKind::Reset, secret).await
    }

    /// Sets a new password, which ends every session. It logs no one in: that takes the new password. It counts as an
    /// attempt at a password, because it says whether another account of the address has it.
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

    /// The link into a demo's console. Looking uses nothing up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn console_link(&self, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.one_time_link(LinkKind::Console, secret).await
    }

    /// Logs in by a link into a demo's console. None: it does not work any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn enter(&self, link: &LinkRow) -> Result<Option<Entered>, Error> {
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

    /// The secret of a new link, and the hash under which it is stored.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new_secret(&self) -> Result<(SecretString, [u8; 32]), Error> {
        link_secret::generate(self.store.vault())
    }
}
