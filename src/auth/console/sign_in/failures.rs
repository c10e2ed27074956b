//! Records failed logins in the log and in the audit log.
//!
//! The log has every failure, without the typed address, because people sometimes type passwords there. The audit log
//! of the account's organizations has the first few and then one now and then. It is written after the response, so
//! that the timing does not reveal whether the account exists.

use super::SignIn;
use crate::domain::actor::Actor;

/// Actor of audit entries without a known person.
const UNKNOWN: &str = "unknown client";

impl SignIn {
    pub(super) fn note_failure(&self, email: &str) {
        tracing::warn!(address = %self.address, request_id = %self.request_id, "a log-in failed");
        if !self.throttle.notes_failure(email) {
            return;
        }
        let (store, email, address) = (self.store.clone(), email.to_owned(), self.address.to_string());
        let actor = Actor::system(UNKNOWN).within(self.request_id);
        actix_web::rt::spawn(async move {
            if let Err(error) = store.system().log_in_failed(&email, &actor, &address).await {
                tracing::warn!(%error, "a failed log-in is not in the audit");
            }
        });
    }
}
