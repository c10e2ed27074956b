//! What one call tells about its model and its provider: cooldown, health and habits hear of it here, and only here.
//!
//! Imports [`cooldown`](super::cooldown), [`health`](super::health), [`habit`](super::habit) and the store's snapshot.

use std::sync::Arc;
use std::time::Duration;

use entity::ids::OrganizationId;

use super::budget::Spending;
use super::classify::{Failure, NO_ROOM};
use super::cooldown::Cooldowns;
use super::habit::{Habit, Habits};
use super::health::Health;
use crate::store::snapshot::ModelEntry;

/// What every call tells its news to.
#[derive(Debug)]
pub struct Listeners {
    /// Which models are left alone.
    pub cooldowns: Cooldowns,
    /// Which providers accept our credentials.
    pub health: Health,
    /// How models count.
    pub habits: Habits,
    /// What budgets have spent.
    pub spending: Spending,
}

/// One call of one model.
#[derive(Debug, Clone)]
pub struct Pulse {
    /// None in a drill, which must leave no trace in what real requests go by.
    listeners: Option<Arc<Listeners>>,
    organization_id: OrganizationId,
    model: Arc<ModelEntry>,
    called_at: Duration,
}

impl Pulse {
    /// A call that is about to be made.
    #[must_use]
    pub fn new(
        listeners: &Arc<Listeners>,
        organization_id: OrganizationId,
        model: &Arc<ModelEntry>,
        drill: bool,
    ) -> Self {
        let called_at = listeners.cooldowns.now();
        let listeners = (!drill).then(|| listeners.clone());
        Self { listeners, organization_id, model: model.clone(), called_at }
    }

    /// The model that is called.
    #[must_use]
    pub fn model(&self) -> &Arc<ModelEntry> {
        &self.model
    }

    /// How the model counts; in a drill, nothing that was learned or is to be.
    #[must_use]
    pub fn habit(&self) -> Arc<Habit> {
        self.listeners.as_ref().map(|listeners| listeners.habits.of(self.model.id)).unwrap_or_default()
    }

    /// The call failed, or its stream broke.
    pub fn failed(&self, failure: &Failure) {
        if let Some(listeners) = self.listeners.as_ref().filter(|_| failure.rule != NO_ROOM) {
            listeners.cooldowns.failed(&self.model, failure, self.called_at);
            listeners.health.failed(self.organization_id, &self.model.provider, failure);
        }
    }

    /// Its stream has begun.
    pub fn began(&self) {
        if let Some(listeners) = &self.listeners {
            listeners.cooldowns.began(&self.model, self.called_at);
            listeners.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Its answer is whole.
    pub fn answered(&self) {
        if let Some(listeners) = &self.listeners {
            listeners.cooldowns.answered(&self.model, self.called_at);
            listeners.health.answered(self.organization_id, &self.model.provider);
        }
    }
}
