//! Requests that go on from what a provider stores.

use entity::ids::ProviderId;

use super::Intent;
use crate::dialects::need::Need;
use crate::domain::failure::Failure;
use crate::gateway::request::stored_state::{is_gone, not_found, thread_not_found};
use crate::store::snapshot::ModelEntry;

impl Intent {
    /// The failure for the caller of a request that continues a response or a thread: that it is not found, if its provider says
    /// so, or may not be called while other models were passed over. Clients send the whole conversation then.
    #[must_use]
    pub fn without_previous_response(&self, failure: &Failure) -> Option<Failure> {
        let state = self.request.stored_state();
        if state.continues_thread() {
            return thread_not_found(failure, self.passes_over(Need::Thread));
        }
        if !state.has_previous_response() {
            return None;
        }
        if is_gone(failure) || self.passes_over(Need::PreviousResponse) { not_found(failure) } else { None }
    }

    /// Whether a model in reach is passed over because it lacks what the request needs.
    fn passes_over(&self, need: Need) -> bool {
        let requirements = self.requirements();
        let lacks = |model: &ModelEntry| requirements.lacking(model) == Some(need);
        let mut models = self.reachable().filter_map(|name| self.organization.models.get(name));
        models.any(|model| lacks(model))
    }

    /// The provider of what the request refers to that was made without the gateway: that of the first model, or of the first one
    /// that speaks the dialect in which the request refers to it.
    pub(super) fn first_keeper(&self, primary: &ModelEntry) -> ProviderId {
        let of_primary = primary.provider.id;
        if self.request.is_spoken_by(primary) || !self.request.stored_state().was_made_elsewhere() {
            return of_primary;
        }
        let models = self.reachable().filter_map(|name| self.organization.models.get(name));
        let mut natives = models.filter(|model| self.request.is_spoken_by(model));
        natives.next().map_or(of_primary, |model| model.provider.id)
    }

    /// The only provider that may have stored a response of which the id names none: that of all models in reach that speak the
    /// dialect. `None` if there are several, or the id names one.
    pub(super) fn only_keeper(&self) -> Option<ProviderId> {
        if !self.request.stored_state().has_unmarked_response() {
            return None;
        }
        let models = self.reachable().filter_map(|name| self.organization.models.get(name));
        let mut keepers =
            models.filter(|model| self.request.is_spoken_by(model)).map(|model| model.provider.id);
        let first = keepers.next()?;
        keepers.all(|other| other == first).then_some(first)
    }
}
