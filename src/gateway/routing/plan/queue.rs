//! The queue of candidates. It starts with the primary, and failures add fallbacks to it.

use crate::domain::fallback_type::FallbackType;
use std::collections::VecDeque;
use std::sync::Arc;

use entity::ids::ModelId;

use super::{Candidate, Limits};
use crate::domain::failure::class::ErrorClass;
use crate::store::TypedFallbacks;
use crate::store::snapshot::{Chain, Chains, ModelEntry, OrganizationSnapshot};

/// The most candidates of a request with stored chains. A request's own list is not limited by this.
const MAX_LOOKED_AT: usize = 32;

/// Where further candidates come from.
#[derive(Debug, Clone)]
enum Source {
    /// The request's own list only.
    Request,
    /// The organization's stored fallbacks.
    Stored { organization: Arc<OrganizationSnapshot>, requested: Arc<ModelEntry> },
}

/// Why a candidate did not answer, for triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cause {
    /// The class of its failure or of its skip reason.
    pub(super) class: ErrorClass,
    /// For a cooldown, the class of the failure that started it: a list for rate limits also applies to a model in
    /// cooldown because of one, and to one that a limit leaves no room for.
    pub(super) opened_by: Option<ErrorClass>,
}

/// The candidates of one request.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    waiting: VecDeque<Candidate>,
    seen: Vec<ModelId>,
    source: Source,
    pub(super) limits: Limits,
    fallbacks_called: usize,
    /// The cause that triggers are compared with: the failure of the last call, or before any call the last skip
    /// reason.
    last: Option<Cause>,
    /// Whether `last` is a failure of a call.
    called: bool,
}

impl Queue {
    /// A queue of these models in this order.
    pub(super) fn of_list(models: Vec<Arc<ModelEntry>>, limits: Limits) -> Self {
        let waiting = models
            .into_iter()
            .enumerate()
            .map(|(index, model)| Candidate { model, chain: None, primary: index == 0, chosen: None })
            .collect();
        Self::new(waiting, Source::Request, limits)
    }

    /// A queue of `requested` and its stored fallbacks.
    pub(super) fn of_stored(
        organization: Arc<OrganizationSnapshot>,
        requested: Arc<ModelEntry>,
        limits: Limits,
    ) -> Self {
        let first = Candidate { model: requested.clone(), chain: None, primary: true, chosen: None };
        Self::new([first].into(), Source::Stored { organization, requested }, limits)
    }

    fn new(waiting: VecDeque<Candidate>, source: Source, limits: Limits) -> Self {
        Self { waiting, seen: Vec::new(), source, limits, fallbacks_called: 0, last: None, called: false }
    }

    /// The number of retries of a model.
    pub(super) fn retries_of(&self, model: &ModelEntry) -> u32 {
        self.limits.num_retries.unwrap_or(model.num_retries())
    }

    /// Takes the next candidate that was not seen yet, within the limits.
    pub(super) fn pop(&mut self) -> Option<Candidate> {
        while let Some(candidate) = self.waiting.pop_front() {
            if self.seen.contains(&candidate.model.id) || !triggered(candidate.chain.as_deref(), self.last) {
                continue;
            }
            if self.reached_candidate_limit() || (!candidate.primary && self.reached_fallback_limit()) {
                break;
            }
            self.seen.push(candidate.model.id);
            return Some(candidate);
        }
        self.waiting.clear();
        None
    }

    /// Puts a candidate back to the front, as if it had not been taken.
    pub(super) fn put_back(&mut self, candidate: Candidate) {
        self.seen.retain(|seen| *seen != candidate.model.id);
        self.waiting.push_front(candidate);
    }

    /// Counts a candidate that is about to be called.
    pub(super) fn mark_called(&mut self, candidate: &Candidate) {
        self.fallbacks_called += usize::from(!candidate.primary);
    }

    /// Notes the class of a failed call.
    pub(super) fn failed(&mut self, class: ErrorClass) {
        self.called = true;
        self.last = Some(Cause { class, opened_by: None });
    }

    /// Notes that a candidate was skipped, and adds its fallbacks.
    pub(super) fn skipped(&mut self, model: &ModelEntry, cause: Cause) {
        if !self.called {
            self.last = Some(cause);
        }
        self.enqueue_fallbacks(model, cause.class);
    }

    /// The class of a hard reason to skip a model, if there is one.
    pub(super) fn hard_skip_class(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if !model.enabled {
            return Some(ErrorClass::Disabled);
        }
        let forbidden = self.limits.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&*model.name));
        forbidden.then_some(ErrorClass::NotAllowed)
    }

    fn reached_candidate_limit(&self) -> bool {
        match self.source {
            Source::Request => false,
            Source::Stored { .. } => self.seen.len() >= MAX_LOOKED_AT,
        }
    }

    fn reached_fallback_limit(&self) -> bool {
        match self.source {
            Source::Request => false,
            Source::Stored { .. } => self.fallbacks_called >= self.limits.max_fallbacks,
        }
    }

    /// Whether no other candidate would be called if `current` failed with `class`.
    pub(super) fn has_no_successor(&self, current: &ModelEntry, class: ErrorClass) -> bool {
        let behind = match &self.source {
            Source::Stored { organization, .. } => Some(lists(organization, current, class)),
            Source::Request => None,
        };
        let mut behind = behind
            .into_iter()
            .flatten()
            .flat_map(|chain| chain.targets.iter().map(move |model| (model, Some(chain))));
        let mut queued = self.waiting.iter().map(|candidate| (&candidate.model, candidate.chain.as_ref()));
        let cause = Some(Cause { class, opened_by: None });
        let called = |(model, chain): (&Arc<ModelEntry>, Option<&Arc<Chain>>)| {
            !self.seen.contains(&model.id)
                && triggered(chain.map(|chain| &**chain), cause)
                && self.hard_skip_class(model).is_none()
        };
        self.reached_fallback_limit() || !(queued.any(called) || behind.any(called))
    }

    /// Adds the fallbacks of a failed model. For the requested model: its typed list, then its general list. For a
    /// fallback: its typed list and then the requested model's typed list to the front, its general list to the end.
    /// So the requested model's list is always tried completely and in order.
    pub(super) fn enqueue_fallbacks(&mut self, failed: &ModelEntry, class: ErrorClass) {
        let Source::Stored { organization, requested } = &self.source else { return };
        let list = class.policy().list;
        let strict = organization.settings.typed_fallbacks == TypedFallbacks::Strict
            && match list {
                FallbackType::ContextWindow => organization.typed_lists.context_window,
                FallbackType::ContentPolicy => organization.typed_lists.content_policy,
                FallbackType::General => false,
            };
        let own = organization.chains.get(&failed.id);
        let own_typed = own.and_then(|chains| typed_list(chains, list)).cloned();
        let own_general = own.and_then(|chains| chains.general.clone()).filter(|_| !strict);
        if failed.id == requested.id {
            self.waiting.extend(candidates(own_typed.as_ref()));
        } else {
            let first = organization.chains.get(&requested.id).and_then(|chains| typed_list(chains, list));
            let front: Vec<Candidate> = candidates(own_typed.as_ref()).chain(candidates(first)).collect();
            for candidate in front.into_iter().rev() {
                self.waiting.push_front(candidate);
            }
        }
        self.waiting.extend(candidates(own_general.as_ref()));
    }
}

/// Whether the triggers of a candidate's list allow it after this cause.
fn triggered(chain: Option<&Chain>, last: Option<Cause>) -> bool {
    let Some(triggers) = chain.and_then(|chain| chain.triggers.as_ref()) else { return true };
    let wanted = |class: ErrorClass| triggers.iter().any(|trigger| trigger == class.as_str());
    last.is_none_or(|cause| wanted(cause.class) || cause.opened_by.is_some_and(wanted))
}

/// The list for failures of this type only; `None` for [`FallbackType::General`], which applies to every failure.
fn typed_list(chains: &Chains, list: FallbackType) -> Option<&Arc<Chain>> {
    match list {
        FallbackType::General => None,
        FallbackType::ContextWindow => chains.context_window.as_ref(),
        FallbackType::ContentPolicy => chains.content_policy.as_ref(),
    }
}

fn lists<'a>(
    organization: &'a OrganizationSnapshot,
    model: &ModelEntry,
    class: ErrorClass,
) -> impl Iterator<Item = &'a Arc<Chain>> {
    let chains = organization.chains.get(&model.id);
    chains.into_iter().flat_map(move |chains| {
        typed_list(chains, class.policy().list).into_iter().chain(chains.general.as_ref())
    })
}

fn candidates(chain: Option<&Arc<Chain>>) -> impl Iterator<Item = Candidate> + use<> {
    let chain = chain.cloned();
    let targets = chain.iter().flat_map(|chain| chain.targets.clone()).collect::<Vec<_>>();
    targets.into_iter().map(move |model| Candidate {
        model,
        chain: chain.clone(),
        primary: false,
        chosen: None,
    })
}
