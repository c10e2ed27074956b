//! Which of a model's deployments a request is sent to. Pure.
//!
//! 1. One that is away or was tried for this request is left out.
//! 2. The first tier with one that is left is used.
//! 3. Within a tier, a session has a deployment of its own: each deployment gets a score from a hash of the session and of
//!    itself, and the highest one wins (rendezvous hashing). So every process picks the same one without asking another,
//!    and when one goes, only its own sessions move. A request without a session is sent by chance.
//! 4. Weights are kept in both: a deployment of weight 2 gets twice the sessions, and twice the requests, of one of weight 1.
//! 5. When a session's deployment comes back, the session stays where it is for a while, so that the caches of neither are
//!    cold again and again.

use std::hash::BuildHasher as _;

use entity::ids::ModelId;

use crate::domain::attempt_report::DeploymentReason;

/// Whether a deployment can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Availability {
    /// It can be called.
    Ready,
    /// Its cooldown's time has passed, and one request finds out whether it works.
    Recovering,
    /// It is in cooldown, or another request has its probe.
    Away,
}

/// What is known of a deployment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The id of its cooldown.
    pub(super) id: ModelId,
    pub(super) weight: u32,
    pub(super) tier: u32,
    pub(super) availability: Availability,
    /// Whether it has been available for a while.
    pub(super) is_settled: bool,
    /// Whether this request tried it.
    pub(super) was_tried: bool,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// A hash of its session, if it has one.
    pub(super) session: Option<u64>,
    /// A random number from 0 to 1.
    pub(super) random: f64,
}

impl Standing {
    fn is_left(&self) -> bool {
        !self.was_tried && self.availability != Availability::Away
    }

    /// Whether a session may go to it. One that is recovering gets the request that probes it.
    fn takes_sessions(&self) -> bool {
        self.is_left() && (self.is_settled || self.availability == Availability::Recovering)
    }

    /// The score of a session, the higher the better.
    fn score(&self, session: u64) -> f64 {
        let hash = foldhash::quality::FixedState::default().hash_one((session, self.id));
        // From above 0 to 1. A double holds 53 bits.
        let uniform = ((hash >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        uniform.ln() / f64::from(self.weight)
    }
}

/// Picks the place of a deployment, with the reason. `None` if all were tried or are away.
pub(super) fn select(all: &[Standing], wish: Wish) -> Option<(usize, DeploymentReason)> {
    let by_session = wish.session.filter(|_| all.iter().any(Standing::takes_sessions));
    let may_go = |one: &&Standing| if by_session.is_some() { one.takes_sessions() } else { one.is_left() };
    let tier = all.iter().filter(may_go).map(|one| one.tier).min()?;
    let pool = || all.iter().filter(may_go).filter(move |one| one.tier == tier);
    let chosen = match wish.session {
        Some(session) => best_of(pool(), session)?,
        None => by_weight(pool(), wish.random)?,
    };
    let at = all.iter().position(|one| one.id == chosen.id)?;
    Some((at, reason(all, chosen, wish.session)))
}

/// The place of the deployment to call if none is left: one that was tried and is ready, or the first one.
pub(super) fn again(all: &[Standing]) -> Option<usize> {
    let order =
        |place: &usize| all.get(*place).map(|one| (one.availability != Availability::Ready, one.tier));
    (0..all.len()).min_by_key(order)
}

fn reason(all: &[Standing], chosen: &Standing, session: Option<u64>) -> DeploymentReason {
    let first_tier = all.iter().map(|one| one.tier).min();
    if chosen.availability == Availability::Recovering {
        return DeploymentReason::Probe;
    }
    if all.iter().any(|one| one.was_tried) {
        return DeploymentReason::Failover;
    }
    if first_tier.is_some_and(|first| first < chosen.tier) {
        return DeploymentReason::Spill;
    }
    let Some(session) = session else { return DeploymentReason::Weight };
    let own = best_of(all.iter().filter(|one| one.tier == chosen.tier), session);
    let is_own = own.is_some_and(|own| own.id == chosen.id);
    if is_own { DeploymentReason::Session } else { DeploymentReason::SessionMoved }
}

fn best_of<'a>(pool: impl Iterator<Item = &'a Standing>, session: u64) -> Option<&'a Standing> {
    pool.max_by(|one, other| one.score(session).total_cmp(&other.score(session)))
}

fn by_weight<'a>(mut pool: impl Iterator<Item = &'a Standing> + Clone, random: f64) -> Option<&'a Standing> {
    let total: f64 = pool.clone().map(|one| f64::from(one.weight)).sum();
    let last = pool.clone().last();
    let mut left = random * total;
    let chosen = pool.find(|one| {
        left -= f64::from(one.weight);
        left < 0.0
    });
    // The sums of doubles may differ by a little.
    chosen.or(last)
}
