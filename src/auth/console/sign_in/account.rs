//! What a person who is logged in does with the own account: sessions, password, organizations.

use actix_web::cookie::Cookie;
use entity::ids::{OrganizationId, SessionId};
use secrecy::SecretString;

use super::{Entered, Entrance};
use crate::auth::console::console_user::Visitor;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::domain::error::Error;
use crate::store::{OwnOrganization, SessionRow};

impl Entrance {
    /// Ends the session, and returns the cookie that takes its own away.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn log_out<P>(&self, visitor: &Visitor<P>) -> Result<Cookie<'static>, Error> {
        let actor = visitor.tenant.actor();
        self.store.system().session_end(visitor.user.id, visitor.session_id, actor).await?;
        tracing::info!(user = %visitor.user.id, address = %self.address, "a person logged out");
        Ok(cookies::removal(&self.settings, Kind::Session))
    }

    /// Changes the password, which ends every other session. False: the current one is wrong.
    ///
    /// # Errors
    /// Too many attempts, or too many at once. [`Error::Conflict`]: another account of the address has the new one.
    pub async fn change_password<P>(
        &self,
        visitor: &Visitor<P>,
        current: SecretString,
        new: SecretString,
    ) -> Result<bool, Error> {
        let email = &visitor.user.email;
        let only = self.admit(email)?;
        let found = self.find(email, current, only).await?.user;
        if found.map(|user| user.id) != Some(visitor.user.id) {
            self.note_failure(email);
            return Ok(false);
        }
        let password_hash = self.hash(email, new).await?;
        let (id, keep) = (visitor.user.id, Some(visitor.session_id));
        let actor = visitor.tenant.actor();
        self.store.system().user_password_set(id, password_hash, keep, actor).await?;
        Ok(true)
    }

    /// Sets how the visitor wants to be called; none: by the address. False: so it is already.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn rename<P>(&self, visitor: &Visitor<P>, name: Option<String>) -> Result<bool, Error> {
        self.store.system().user_rename(visitor.user.id, name, visitor.tenant.actor()).await
    }

    /// The visitor's sessions, the one used last first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions<P>(&self, visitor: &Visitor<P>) -> Result<Vec<SessionRow>, Error> {
        self.store.system().session_list(visitor.user.id).await
    }

    /// Ends one of the visitor's sessions. False: there is no such one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_session<P>(&self, visitor: &Visitor<P>, id: SessionId) -> Result<bool, Error> {
        self.store.system().session_end(visitor.user.id, id, visitor.tenant.actor()).await
    }

    /// Ends every session of the visitor's but this one. Returns how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_other_sessions<P>(&self, visitor: &Visitor<P>) -> Result<u64, Error> {
        let actor = visitor.tenant.actor();
        self.store.system().session_end_others(visitor.user.id, visitor.session_id, actor).await
    }

    /// The organizations that the visitor belongs to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn organizations<P>(&self, visitor: &Visitor<P>) -> Result<Vec<OwnOrganization>, Error> {
        self.store.system().user_organizations(visitor.user.id).await
    }

    /// Ends this session and makes one for another organization of the visitor's. None: it is not one of theirs.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn switch<P>(
        &self,
        visitor: &Visitor<P>,
        to: OrganizationId,
    ) -> Result<Option<Entered>, Error> {
        let organizations = self.organizations(visitor).await?;
        if !organizations.iter().any(|organization| organization.id == to) {
            return Ok(None);
        }
        let Some(user) = self.store.system().user_find(visitor.user.id).await? else { return Ok(None) };
        let entered = self.open_session(&user, to, "switch").await?;
        let actor = visitor.tenant.actor();
        self.store.system().session_end(visitor.user.id, visitor.session_id, actor).await?;
        Ok(Some(entered))
    }
}
