//! The ways in by a link: an invitation, a new password, the demo's console.

use actix_web::cookie::Cookie;
use secrecy::SecretString;

use super::Entrance;
use crate::auth::{link, password};
use crate::error::Error;
use crate::store::{Actor, InvitationRow, Joining, LinkKind, LinkRow};

/// An invitation that works, and for whom.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation.
    pub invitation: InvitationRow,
    /// The organization's name.
    pub organization: String,
    /// The person has an account already.
    pub known: bool,
}

/// What became of an invitation that somebody accepted.
pub enum Accepted {
    /// The cookie of a session in the organization.
    In(Cookie<'static>),
    /// The password is not that of the account.
    WrongPassword,
    /// The link does not work any more.
    Gone,
}

impl Entrance {
    /// The invitation behind a link. Looking uses nothing up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn invitation(&self, secret: &str) -> Result<Option<Invited>, Error> {
        self.throttle.link(self.address)?;
        let system = self.store.system();
        let hash = link::hash(self.store.vault(), secret);
        let Some((invitation, organization)) = system.invitation_find(&hash).await? else { return Ok(None) };
        let known = system.user_by_email(&invitation.email).await?.is_some();
        Ok(Some(Invited { invitation, organization, known }))
    }

    /// Accepts an invitation: with the password of the account that there is, or with one for a new account.
    ///
    /// # Errors
    /// Too many attempts. [`Error::Conflict`]: the person belongs to the organization already.
    pub async fn accept(
        &self,
        invited: &Invited,
        name: Option<String>,
        password: SecretString,
    ) -> Result<Accepted, Error> {
        let invitation = &invited.invitation;
        let joining = if invited.known {
            match self.check_password(&invitation.email, password).await? {
                Some(user_id) => Joining::Known(user_id),
                None => return Ok(Accepted::WrongPassword),
            }
        } else {
            Joining::New { name, password_hash: password::hash(password).await? }
        };
        let (system, request) = (self.store.system(), Some(self.request_id));
        match system.invitation_accept(invitation, joining, request).await? {
            Some(user_id) => Ok(Accepted::In(self.open_session(user_id, invitation.organization_id).await?)),
            None => Ok(Accepted::Gone),
        }
    }

    /// The link for a new password, and whose it is. Looking uses nothing up.
    ///
    /// # Errors
    /// Too many links were tried.
    pub async fn reset_link(&self, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.one_time_link(LinkKind::Reset, secret).await
    }

    /// Sets a new password, which ends every session. None logged in: whoever has the new password can. False: the
    /// link does not work any more.
    ///
    /// # Errors
    /// Too many at once.
    pub async fn reset(&self, link: &LinkRow, email: &str, password: SecretString) -> Result<bool, Error> {
        let password_hash = password::hash(password).await?;
        let actor = Actor::user(link.user_id.0, email, Some(self.request_id));
        self.store.system().link_use_for_password(link, password_hash, &actor).await
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
    pub async fn enter(&self, link: &LinkRow) -> Result<Option<Cookie<'static>>, Error> {
        let Some(organization_id) = self.home(link.user_id).await? else { return Ok(None) };
        if !self.store.system().link_use(link.id).await? {
            return Ok(None);
        }
        Ok(Some(self.open_session(link.user_id, organization_id).await?))
    }

    async fn one_time_link(&self, kind: LinkKind, secret: &str) -> Result<Option<(LinkRow, String)>, Error> {
        self.throttle.link(self.address)?;
        let system = self.store.system();
        let hash = link::hash(self.store.vault(), secret);
        let Some(found) = system.link_find(kind, &hash).await? else { return Ok(None) };
        let user = system.user_find(found.user_id).await?.filter(|user| !user.disabled);
        Ok(user.map(|user| (found, user.email)))
    }

    /// The secret of a new link, and the hash under which it is stored.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new_secret(&self) -> Result<(SecretString, [u8; 32]), Error> {
        link::generate(self.store.vault())
    }
}
