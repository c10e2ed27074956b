//! Where a model's lists lead, thought through before they are in force: who would be asked, and how long it may take.
//!
//! For people who edit lists: how the models are right now plays no part.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::explain::{Explained, explain};
use crate::domain::error::Result;
use crate::domain::error_class::ErrorClass;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::intent::StateView;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// Where a model's lists lead if it fails in one way, and everybody behind it is unavailable.
#[derive(Debug)]
pub struct ChainPreview {
    /// Everybody who would be looked at, in order, the model first.
    pub candidates: Vec<Explained>,
    /// Until a caller without a stream would know, if every call took all the time that it may.
    pub longest: Duration,
    /// The same for a caller who waits for the first words of a stream.
    pub longest_stream: Duration,
}

/// Walks the chain of a model that fails in this way.
///
/// # Errors
/// A class that no call fails with.
pub fn chain_preview(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    class: ErrorClass,
    cooldowns: &Cooldowns,
) -> Result<ChainPreview> {
    let others = organization.models.keys().filter(|name| **name != *model.name);
    let first = (model.name.to_string(), class);
    // Whoever fails on purpose is neither left alone nor found unfit.
    let drills =
        Drills::of([first].into_iter().chain(others.map(|name| (name.clone(), ErrorClass::Unavailable))))?;
    let playground = PlaygroundRequest {
        organization: organization.clone(),
        request_id: Uuid::nil(),
        model: model.name.to_string(),
        prompt: String::new(),
        drills,
    };
    let mut intent = playground.intent()?;
    intent.deadline = None;
    let state = StateView { cooldowns, calibrations: None, spending: None, refusals: None };
    let complete = explain(&intent, state)?;
    intent.request.stream = true;
    let stream = explain(&intent, state)?;
    Ok(ChainPreview {
        candidates: complete.candidates,
        longest: Duration::from_millis(complete.worst_case_ms),
        longest_stream: Duration::from_millis(stream.worst_case_ms),
    })
}
