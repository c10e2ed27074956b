//! What signed-in people do with their own account: sessions, password, organizations.

use actix_web::cookie::Cookie;
use entity::ids::{OrganizationId, SessionId};
use secrecy::SecretString;

use super::{SignIn, SignedIn};
use crate::auth::console::console_user::ConsoleUser;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::domain::error::Error;
use crate::store::{OwnOrganization, SessionRow};

impl SignIn {
    /// Ends the session and returns the cookie that removes its token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn log_out<P>(&self, console_user: &ConsoleUser<P>) -> Result<Cookie<'static>, Error> {
        let actor = console_user.tenant.actor();
        self.store.system().session_end(console_user.user.id, console_user.session_id, actor).await?;
        tracing::info!(user = %console_user.user.id, address = %self.address, "a person logged out");
        Ok(cookies::removal(&self.settings, Kind::Session))
    }

    /// Changes the password and ends all other sessions. Returns false if the current password is wrong.
    ///
    /// # Errors
    /// Too many attempts, or too many at once. [`Error::Conflict`]: another account with the same address has this
    /// password.
    pub async fn change_password<P>(
        &self,
        console_user: &ConsoleUser<P>,
        current: SecretString,
        new: SecretString,
    ) -> Result<bool, Error> {
        let email = &console_user.user.email;
        let only = self.admit(email)?;
        let found = self.find(email, current, only).await?.user;
        if found.map(|user| user.id) != Some(console_user.user.id) {
            self.note_failure(email);
            return Ok(false);
        }
        let password_hash = self.hash(email, new).await?;
        let (id, keep) = (console_user.user.id, Some(console_user.session_id));
        let actor = console_user.tenant.actor();
        self.store.system().user_password_set(id, password_hash, keep, actor).await?;
        Ok(true)
    }

    /// Changes the display name; `None` removes it. Returns whether it changed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn rename<P>(
        &self,
        console_user: &ConsoleUser<P>,
        name: Option<String>,
    ) -> Result<bool, Error> {
        self.store.system().user_rename(console_user.user.id, name, console_user.tenant.actor()).await
    }

    /// The person's sessions, most recently used first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions<P>(&self, console_user: &ConsoleUser<P>) -> Result<Vec<SessionRow>, Error> {
        self.store.system().session_list(console_user.user.id).await
    }

    /// Ends one of the person's sessions. Returns false if there is no such session.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_session<P>(&self, console_user: &ConsoleUser<P>, id: SessionId) -> Result<bool, Error> {
        self.store.system().session_end(console_user.user.id, id, console_user.tenant.actor()).await
    }

    /// Ends all other sessions of the person and returns their number.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_other_sessions<P>(&self, console_user: &ConsoleUser<P>) -> Result<u64, Error> {
        let actor = console_user.tenant.actor();
        self.store.system().session_end_others(console_user.user.id, console_user.session_id, actor).await
    }

    /// The organizations of the person.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn organizations<P>(
        &self,
        console_user: &ConsoleUser<P>,
    ) -> Result<Vec<OwnOrganization>, Error> {
        self.store.system().user_organizations(console_user.user.id).await
    }

    /// Replaces the session by one for another organization of the person. Returns `None` if the person is not a
    /// member.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn switch<P>(
        &self,
        console_user: &ConsoleUser<P>,
        to: OrganizationId,
    ) -> Result<Option<SignedIn>, Error> {
        let organizations = self.organizations(console_user).await?;
        if !organizations.iter().any(|organization| organization.id == to) {
            return Ok(None);
        }
        let Some(user) = self.store.system().user_find(console_user.user.id).await? else { return Ok(None) };
        let signed_in = self.open_session(&user, to, "switch").await?;
        let actor = console_user.tenant.actor();
        self.store.system().session_end(console_user.user.id, console_user.session_id, actor).await?;
        Ok(Some(signed_in))
    }
}
