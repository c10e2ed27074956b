//! Members of an organization, created without the pages: for tests of what a role may do.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use failsoft::auth::console::{link_secret, password};
use failsoft::domain::permission::Role;
use failsoft::store::{Joining, NewInvitation};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::app::{Organization, beginning};
use super::browser::PASSWORD;

impl Organization {
    /// A member with this role and the shared password. Returns the email address.
    pub(crate) async fn member(&self, role: Role) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let email = format!("{role}-{}@example.com", NUMBER.fetch_add(1, Ordering::Relaxed));
        let joining = Joining::New { name: None, password_hash: password_hash().await };
        self.accept(&email, role, joining).await;
        email
    }

    /// Adds an existing user to the organization.
    pub(crate) async fn join(&self, email: &str, role: Role) {
        let id = self.user_id(email).await.into();
        self.accept(email, role, Joining::Known(id)).await;
    }

    async fn accept(&self, email: &str, role: Role, joining: Joining) {
        let (_, token_hash) = link_secret::generate(self.vault.vault()).expect("random bytes");
        let expires_at = beginning() + TimeDelta::days(3_650);
        let (email, role) = (email.to_owned(), role.as_str().to_owned());
        let new = NewInvitation { email, role, token_hash, expires_at, invited_by: None };
        let invitation = self.store.invitation_create(new).await.expect("an invitation");
        self.vault
            .system()
            .invitation_accept(&invitation, joining, None)
            .await
            .expect("accepted")
            .expect("once");
    }

    /// The id of a user in any organization.
    pub(crate) async fn user_id(&self, email: &str) -> Uuid {
        self.vault.system().user_by_email(email).await.expect("read").expect("a user").id.0
    }
}

/// The hash of the shared password, computed once because it is expensive.
async fn password_hash() -> String {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(async || password::hash(PASSWORD.into()).await.expect("a hash")).await.clone()
}
