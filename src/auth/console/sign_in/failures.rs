//! Failed log-ins, in the log and in the audit.
//!
//! The log has each of them, without the address that was typed: people type passwords there. The audit of an account's
//! organizations has the first few and then one now and then, so that guessing does not fill it. It is written after the
//! answer: an account that exists must not take longer than one that does not.

use super::Entrance;
use crate::domain::actor::Actor;

/// Who acts in the audit where no person does.
const UNKNOWN: &str = "unknown client";

impl Entrance {
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
