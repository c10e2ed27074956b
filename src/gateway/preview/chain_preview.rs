//! Previews a model's fallback lists before they are saved: which models would be called, and how long that may take.
//!
//! For the console's editor. The current state of the models is ignored.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::explain::{Explained, explain};
use crate::dialects::CallerDialect;
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::intent::StateView;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// The chain of a model that fails with one class while all others are unavailable.
#[derive(Debug)]
pub struct ChainPreview {
    /// The candidates in order, starting with the model.
    pub candidates: Vec<Explained>,
    /// The longest time until a caller without a stream gets the error.
    pub longest: Duration,
    /// The longest time until a caller with a stream gets the error.
    pub longest_stream: Duration,
}

/// Previews the chain of a model that fails with `class`.
///
/// # Errors
/// A class that no call can fail with.
pub fn chain_preview(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    class: ErrorClass,
    cooldowns: &Cooldowns,
) -> Result<ChainPreview> {
    let others = organization.models.keys().filter(|name| **name != *model.name);
    let first = (model.name.to_string(), class);
    // Drilled models are called regardless of cooldown and requirements.
    let drills =
        Drills::of([first].into_iter().chain(others.map(|name| (name.clone(), ErrorClass::Unavailable))))?;
    let playground = PlaygroundRequest {
        organization: organization.clone(),
        request_id: Uuid::nil(),
        dialect: CallerDialect::ChatCompletions,
        model: model.name.to_string(),
        prompt: String::new(),
        drills,
    };
    let mut intent = playground.intent()?;
    intent.deadline = None;
    let state =
        StateView { cooldowns, calibrations: None, spending: None, call_limits: None, refusals: None };
    let complete = explain(&intent, None, state)?;
    intent.request.stream = true;
    let stream = explain(&intent, None, state)?;
    Ok(ChainPreview {
        candidates: complete.candidates,
        longest: Duration::from_millis(complete.worst_case_ms),
        longest_stream: Duration::from_millis(stream.worst_case_ms),
    })
}
