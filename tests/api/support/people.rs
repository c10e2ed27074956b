//! Members of an organization, made past the pages: for tests of what a role may do.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use failsoft::auth::permission::Role;
use failsoft::auth::{link, password};
use failsoft::store::{Joining, NewInvitation};
use tokio::sync::OnceCell;

use super::app::{Organization, beginning};
use super::browser::PASSWORD;

impl Organization {
    /// A person with that role and everybody's password. Returns the address.
    pub(crate) async fn member(&self, role: Role) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let email = format!("{role}-{}@example.com", NUMBER.fetch_add(1, Ordering::Relaxed));
        let (_, token_hash) = link::generate(self.vault.vault()).expect("random bytes");
        let expires_at = beginning() + TimeDelta::days(3_650);
        let role = role.as_str().to_owned();
        let new = NewInvitation { email: email.clone(), role, token_hash, expires_at, invited_by: None };
        let invitation = self.store.invitation_create(new).await.expect("an invitation");
        let joining = Joining::New { name: None, password_hash: password_hash().await };
        self.vault.system().invitation_accept(&invitation, joining).await.expect("accepted").expect("once");
        email
    }
}

/// Of everybody's password, made once: it is dear.
async fn password_hash() -> String {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(async || password::hash(PASSWORD.into()).await.expect("a hash")).await.clone()
}
