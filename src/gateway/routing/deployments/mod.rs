//! The deployments of a model, which are its credentials: which one a request is sent to, inside one candidate.
//!
//! A model with one deployment passes by all of this.

mod select;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use entity::ids::ModelId;
use uuid::Uuid;

use self::select::{Availability, Standing, Wish, again, select};
use super::cooldown::{CooldownState, Cooldowns};
use crate::domain::attempt_report::DeploymentReason;
use crate::gateway::request::chat_request::ChatRequest;
use crate::store::snapshot::ModelEntry;

/// A request that looks for a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Seeker<'a> {
    /// The cooldowns of this process.
    pub cooldowns: &'a Cooldowns,
    /// A hash of the caller's API key.
    pub caller: u64,
    /// A hash of the session, if the request has one: see [`session`].
    pub session: Option<u64>,
    /// The deployments that the request was sent to, by the ids of their cooldowns.
    pub tried: &'a [ModelId],
    /// Whether the request may take the probe of a deployment; not in a drill or a dry run.
    pub takes_probes: bool,
}

impl Seeker<'_> {
    /// The deployment that the request is sent to, with the reason. Of the one in `claimed` the plan has taken the probe.
    #[must_use]
    pub fn choose<'m>(
        &self,
        deployments: &'m [Arc<ModelEntry>],
        claimed: Option<ModelId>,
        random: f64,
    ) -> Option<(&'m Arc<ModelEntry>, DeploymentReason)> {
        let probed = deployments.iter().find(|one| Some(one.cooldown_id()) == claimed);
        if let Some(probed) = probed {
            return Some((probed, DeploymentReason::Probe));
        }
        let mut standings = self.standings(deployments);
        let wish = Wish { session: self.session, random };
        while let Some((at, reason)) = select(&standings, wish) {
            let (chosen, standing) = (deployments.get(at)?, standings.get_mut(at)?);
            if standing.availability == Availability::Ready
                || self.takes_probes && self.cooldowns.claim_probe(chosen, self.caller)
            {
                return Some((chosen, reason));
            }
            standing.availability = Availability::Away;
        }
        Some((deployments.get(again(&standings)?)?, DeploymentReason::Retry))
    }

    /// The deployment that a request like this would be sent to, if that is not left to chance.
    #[must_use]
    pub fn foresee(&self, deployments: &[Arc<ModelEntry>]) -> Option<(ModelId, DeploymentReason)> {
        let standings = self.standings(deployments);
        let at = |random| select(&standings, Wish { session: self.session, random });
        let (first, last) = (at(0.0)?, at(1.0)?);
        let chosen = deployments.get(first.0)?;
        (first == last).then(|| (chosen.cooldown_id(), first.1))
    }

    /// Whether another deployment may answer that was not tried.
    #[must_use]
    pub fn has_another(&self, deployments: &[Arc<ModelEntry>]) -> bool {
        let is_left = |one: &Arc<ModelEntry>| {
            !self.tried.contains(&one.cooldown_id())
                && !matches!(self.cooldowns.state_for(one, self.caller), CooldownState::Open(_))
        };
        deployments.iter().any(is_left)
    }

    fn standings(&self, deployments: &[Arc<ModelEntry>]) -> Vec<Standing> {
        let standing = |one: &Arc<ModelEntry>| {
            let state = self.cooldowns.state_for(one, self.caller);
            let credential = &one.provider.credential_entry;
            Standing {
                id: one.cooldown_id(),
                weight: credential.weight,
                tier: credential.tier,
                is_settled: self.cooldowns.is_settled(one, &state),
                availability: match state {
                    CooldownState::Closed => Availability::Ready,
                    CooldownState::HalfOpen(_) => Availability::Recovering,
                    CooldownState::Open(_) => Availability::Away,
                },
                was_tried: self.tried.contains(&one.cooldown_id()),
            }
        };
        deployments.iter().map(standing).collect()
    }
}

/// Takes the probe of a model of which all deployments are in cooldown: that of the first to recover of which no other request
/// has taken it, which is noted in `claimed`. Returns false if others have taken all. If one can be called, nothing is taken.
pub fn claim_probe(
    cooldowns: &Cooldowns,
    deployments: &[Arc<ModelEntry>],
    caller: u64,
    claimed: &Cell<Option<ModelId>>,
) -> bool {
    let mut away = Vec::with_capacity(deployments.len());
    for deployment in deployments {
        match cooldowns.state_for(deployment, caller).into_cooldown() {
            None => return true,
            Some(cooldown) => away.push((cooldown.remaining, deployment)),
        }
    }
    away.sort_by_key(|(remaining, _)| *remaining);
    let taken = away.iter().find(|(_, deployment)| cooldowns.claim_probe(deployment, caller));
    claimed.set(taken.map(|(_, deployment)| deployment.cooldown_id()));
    taken.is_some()
}

/// A hash of what the requests of one conversation share, so that they find the same provider's cache: its session or, without
/// one, the `prompt_cache_key` of OpenAI's clients. The first message is not used: agents of many users send the same one.
#[must_use]
pub fn session(id: Option<Uuid>, request: &ChatRequest) -> Option<u64> {
    let hashes = foldhash::quality::FixedState::default();
    if let Some(id) = id {
        return Some(hashes.hash_one(id));
    }
    let part = request.parts.iter().find(|part| part.name == "prompt_cache_key")?;
    let value = request.value(part);
    value.starts_with(b"\"").then(|| hashes.hash_one(value))
}
