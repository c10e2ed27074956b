//! Who is tried next: the only decider, and pure.
//!
//! Candidates wait in one queue that starts with the primary. A failure may put more into it; no model is tried
//! twice. What may change from moment to moment comes in as a [`View`]. Imports the store's snapshot,
//! [`classify`](super::classify) and [`request`](super::request).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use entity::ids::ModelId;

use super::classify::{ErrorClass, Failure};
use crate::store::TypedFallbacks;
use crate::store::snapshot::{Chain, Chains, ModelEntry, OrganizationSnapshot};

/// The most candidates that a request with stored chains looks at; a request's own list is as long as it is.
const MAX_LOOKED_AT: usize = 32;
/// What is kept back from an attempt's time for those who wait behind it.
const KEPT_BACK: Duration = Duration::from_secs(10);
/// With less than this left nothing is started.
const LEAST: Duration = Duration::from_secs(1);
/// A rate limit that ends so soon is waited for, if nobody else could answer.
const SHORT_RATE_LIMIT: Duration = Duration::from_secs(2);

/// A model that may serve the request, and the stored list that brought it in.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The model.
    pub model: Arc<ModelEntry>,
    /// The stored configuration; none for a request's own list and for the primary.
    pub chain: Option<Arc<Chain>>,
    /// Whether the request was written for this model.
    pub primary: bool,
}

/// What the plan may see of the world, frozen for one decision.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// What is left of the request's deadline.
    pub left: Duration,
    /// A number from 0 to 1 that spreads the waits of many requests.
    pub jitter: f64,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Call this candidate.
    Try {
        /// Whom.
        candidate: Candidate,
        /// How long to wait first.
        after: Duration,
        /// How long the call may take until content arrives.
        allowance: Duration,
    },
    /// Leave this candidate out, and say why.
    PassOver(Candidate, ErrorClass),
    /// Nobody is left. The failure of the last candidate called, or else the last reason to pass one over.
    Exhausted(Exhausted),
}

/// Why a chain ended.
#[derive(Debug)]
pub enum Exhausted {
    /// The last candidate that was called failed so.
    Failed(Failure),
    /// Nobody was called; the last one was passed over for this.
    PassedOver(ErrorClass),
}

/// The limits of one request.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Candidates called after the primary in stored chains.
    pub max_fallbacks: usize,
    /// The body's `num_retries`, which wins over the models' own.
    pub num_retries: Option<u32>,
    /// The models that the key may use; none is all.
    pub allowed: Option<Arc<HashSet<String>>>,
}

/// Where candidates come from after the first.
#[derive(Debug)]
enum Source {
    /// The request's own list, or nobody.
    Request,
    /// What the organization has stored.
    Stored { organization: Arc<OrganizationSnapshot>, requested: Arc<ModelEntry> },
}

/// The queue of one request.
#[derive(Debug)]
pub struct Plan {
    queue: VecDeque<Candidate>,
    seen: Vec<ModelId>,
    source: Source,
    limits: Limits,
    fallbacks_called: usize,
    /// The candidate of the last step, and how often it was called again.
    current: Option<(Candidate, u32)>,
    /// What triggers are held against: how the last candidate that was called failed; before any was, why the last
    /// one was passed over.
    last: Option<ErrorClass>,
    failure: Option<Failure>,
}

impl Plan {
    /// A plan of just these candidates, in this order.
    #[must_use]
    pub fn of_list(models: Vec<Arc<ModelEntry>>, limits: Limits) -> Self {
        let queue = models
            .into_iter()
            .enumerate()
            .map(|(index, model)| Candidate { model, chain: None, primary: index == 0 })
            .collect();
        Self::new(queue, Source::Request, limits)
    }

    /// A plan that starts with `requested` and goes on with what is stored.
    #[must_use]
    pub fn of_stored(
        organization: Arc<OrganizationSnapshot>,
        requested: Arc<ModelEntry>,
        limits: Limits,
    ) -> Self {
        let first = Candidate { model: requested.clone(), chain: None, primary: true };
        Self::new([first].into(), Source::Stored { organization, requested }, limits)
    }

    fn new(queue: VecDeque<Candidate>, source: Source, limits: Limits) -> Self {
        Self {
            queue,
            seen: Vec::new(),
            source,
            limits,
            fallbacks_called: 0,
            current: None,
            last: None,
            failure: None,
        }
    }

    /// What to do next, given how the last attempt failed.
    #[must_use]
    pub fn next(&mut self, failure: Option<Failure>, view: View) -> Step {
        if let Some(failure) = failure {
            let again = self.again(&failure, view);
            self.last = Some(failure.class);
            if let (Some(after), Some((candidate, times))) = (again, &mut self.current) {
                *times += 1;
                let candidate = candidate.clone();
                self.failure = Some(failure);
                let allowance = self.allowance(view.left.saturating_sub(after));
                return Step::Try { candidate, after, allowance };
            }
            if let Some((candidate, _)) = self.current.take() {
                self.bring_in(&candidate.model, failure.class);
            }
            self.failure = Some(failure);
        }
        self.advance(view)
    }

    fn advance(&mut self, view: View) -> Step {
        while let Some(candidate) = self.queue.pop_front() {
            if self.seen.contains(&candidate.model.id) || !triggered(candidate.chain.as_deref(), self.last) {
                continue;
            }
            if self.looked_at_enough() || (!candidate.primary && self.fallbacks_used_up()) {
                break;
            }
            self.seen.push(candidate.model.id);
            let short = (view.left < LEAST).then_some(ErrorClass::Deadline);
            if let Some(reason) = self.objection(&candidate.model).or(short) {
                if self.failure.is_none() {
                    self.last = Some(reason);
                }
                self.bring_in(&candidate.model, reason);
                return Step::PassOver(candidate, reason);
            }
            self.fallbacks_called += usize::from(!candidate.primary);
            self.current = Some((candidate.clone(), 0));
            let allowance = self.allowance(view.left);
            return Step::Try { candidate, after: Duration::ZERO, allowance };
        }
        self.queue.clear();
        Step::Exhausted(match (self.failure.take(), self.last) {
            (Some(failure), _) => Exhausted::Failed(failure),
            (None, reason) => Exhausted::PassedOver(reason.unwrap_or(ErrorClass::Disabled)),
        })
    }

    /// Facts that never yield.
    fn objection(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if !model.enabled {
            return Some(ErrorClass::Disabled);
        }
        let forbidden = self.limits.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&*model.name));
        forbidden.then_some(ErrorClass::NotAllowed)
    }

    fn looked_at_enough(&self) -> bool {
        match self.source {
            Source::Request => false,
            Source::Stored { .. } => self.seen.len() >= MAX_LOOKED_AT,
        }
    }

    fn fallbacks_used_up(&self) -> bool {
        match self.source {
            Source::Request => false,
            Source::Stored { .. } => self.fallbacks_called >= self.limits.max_fallbacks,
        }
    }

    /// How long the current candidate may take.
    fn allowance(&self, left: Duration) -> Duration {
        // What is kept back is for those who would follow if it takes all of this.
        if self.nobody_else(ErrorClass::Timeout) {
            return left;
        }
        // A short deadline still leaves each attempt a second.
        left.saturating_sub(KEPT_BACK).max(left.min(LEAST))
    }

    /// Whether to call the same candidate again, and after how long.
    fn again(&self, failure: &Failure, view: View) -> Option<Duration> {
        let (candidate, times) = self.current.as_ref()?;
        let after = match failure.class {
            ErrorClass::Overloaded | ErrorClass::Unavailable | ErrorClass::InvalidResponse => {
                let retries = self.limits.num_retries.unwrap_or(candidate.model.num_retries);
                let jittered = Duration::from_millis(25).mul_f64(1.0 + 9.0 * view.jitter.clamp(0.0, 1.0));
                (*times < retries).then_some(jittered)?
            }
            ErrorClass::RateLimited => {
                let wait = failure.retry_after.filter(|wait| *wait <= SHORT_RATE_LIMIT)?;
                (*times < 1 && self.nobody_else(failure.class)).then_some(wait)?
            }
            ErrorClass::QuotaExhausted
            | ErrorClass::Timeout
            | ErrorClass::ContextWindowExceeded
            | ErrorClass::ContentPolicy
            | ErrorClass::Authentication
            | ErrorClass::ModelNotFound
            | ErrorClass::InvalidRequest
            | ErrorClass::StreamInterrupted
            | ErrorClass::Cooldown
            | ErrorClass::Disabled
            | ErrorClass::NotAllowed
            | ErrorClass::OverBudget
            | ErrorClass::Deadline
            | ErrorClass::TooLarge
            | ErrorClass::LacksCapability => return None,
        };
        (view.left >= after + LEAST).then_some(after)
    }

    /// Whether nobody would be called if the current candidate failed so.
    fn nobody_else(&self, class: ErrorClass) -> bool {
        let behind = match (&self.source, &self.current) {
            (Source::Stored { organization, .. }, Some((candidate, _))) => {
                Some(lists(organization, &candidate.model, class))
            }
            (Source::Request | Source::Stored { .. }, _) => None,
        };
        let mut behind = behind
            .into_iter()
            .flatten()
            .flat_map(|chain| chain.targets.iter().map(move |model| (model, Some(chain))));
        let mut queued = self.queue.iter().map(|candidate| (&candidate.model, candidate.chain.as_ref()));
        let called = |(model, chain): (&Arc<ModelEntry>, Option<&Arc<Chain>>)| {
            !self.seen.contains(&model.id)
                && triggered(chain.map(|chain| &**chain), Some(class))
                && self.objection(model).is_none()
        };
        self.fallbacks_used_up() || !(queued.any(called) || behind.any(called))
    }

    /// Puts what stands behind a failed model into the queue. For the requested model its typed list and then its
    /// general one; for a fallback its typed list and then the requested model's typed list to the front, its
    /// general one to the end: so the requested model's own list is always tried whole and in its order.
    fn bring_in(&mut self, failed: &ModelEntry, class: ErrorClass) {
        let Source::Stored { organization, requested } = &self.source else { return };
        let typed = typed(class);
        let strict = organization.settings.typed_fallbacks == TypedFallbacks::Strict
            && match typed {
                Some(Typed::ContextWindow) => organization.typed_lists.context_window,
                Some(Typed::ContentPolicy) => organization.typed_lists.content_policy,
                None => false,
            };
        let own = organization.chains.get(&failed.id);
        let own_typed = own.and_then(|chains| typed_list(chains, typed)).cloned();
        let own_general = own.and_then(|chains| chains.general.clone()).filter(|_| !strict);
        if failed.id == requested.id {
            self.queue.extend(candidates(own_typed.as_ref()));
        } else {
            let first = organization.chains.get(&requested.id).and_then(|chains| typed_list(chains, typed));
            let front: Vec<Candidate> = candidates(own_typed.as_ref()).chain(candidates(first)).collect();
            for candidate in front.into_iter().rev() {
                self.queue.push_front(candidate);
            }
        }
        self.queue.extend(candidates(own_general.as_ref()));
    }
}

/// The configuration that supplies a candidate may want it only for some failures.
fn triggered(chain: Option<&Chain>, last: Option<ErrorClass>) -> bool {
    match (chain.and_then(|chain| chain.triggers.as_ref()), last) {
        (Some(triggers), Some(last)) => triggers.iter().any(|trigger| trigger == last.as_str()),
        (Some(_) | None, _) => true,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    ContextWindow,
    ContentPolicy,
}

/// Which typed list a class uses. Passing over for size routes like a context-window failure.
fn typed(class: ErrorClass) -> Option<Typed> {
    match class {
        ErrorClass::ContextWindowExceeded | ErrorClass::TooLarge => Some(Typed::ContextWindow),
        ErrorClass::ContentPolicy => Some(Typed::ContentPolicy),
        ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidRequest
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::LacksCapability => None,
    }
}

fn typed_list(chains: &Chains, typed: Option<Typed>) -> Option<&Arc<Chain>> {
    match typed? {
        Typed::ContextWindow => chains.context_window.as_ref(),
        Typed::ContentPolicy => chains.content_policy.as_ref(),
    }
}

fn lists<'a>(
    organization: &'a OrganizationSnapshot,
    model: &ModelEntry,
    class: ErrorClass,
) -> impl Iterator<Item = &'a Arc<Chain>> {
    let chains = organization.chains.get(&model.id);
    chains
        .into_iter()
        .flat_map(move |chains| typed_list(chains, typed(class)).into_iter().chain(chains.general.as_ref()))
}

fn candidates(chain: Option<&Arc<Chain>>) -> impl Iterator<Item = Candidate> + use<> {
    let chain = chain.cloned();
    let targets = chain.iter().flat_map(|chain| chain.targets.clone()).collect::<Vec<_>>();
    targets.into_iter().map(move |model| Candidate { model, chain: chain.clone(), primary: false })
}

#[cfg(test)]
mod tests;
