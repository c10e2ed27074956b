//! Remembers which optional parameters providers refuse. A refusal counts once the same call without the parameter
//! has succeeded, and until the model or its provider changes. Kept in memory, for each process.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::classify::Fault;
use super::outcome::AttemptOutcome;
use crate::domain::IdMap;
use crate::providers::compatibility::{Parameters, refused_parameters};
use crate::store::snapshot::ModelEntry;

/// The most models and providers that are remembered. For others, a refusal costs a second call each time.
const MOST: usize = 10_000;

/// When a model and its provider, or a provider alone, were last changed.
type Version = (DateTime<Utc>, DateTime<Utc>);

/// The parameters that one model or one provider refuses.
#[derive(Debug, Clone, Copy)]
struct Refused {
    /// The version of the model or provider that refused them.
    version: Version,
    parameters: Parameters,
}

/// The refusals that this process has seen.
#[derive(Debug, Default)]
pub struct Refusals {
    known: IdMap<Uuid, Refused>,
    /// The number of entries, so that a request skips the lookup while there are none.
    count: AtomicUsize,
}

impl Refusals {
    /// The parameters that the model and its provider refuse.
    #[must_use]
    pub fn of(&self, model: &ModelEntry) -> Parameters {
        if self.count.load(Ordering::Relaxed) == 0 {
            return Parameters::default();
        }
        let known = self.known.pin();
        let current = |(id, version): (Uuid, _)| {
            known.get(&id).filter(|known| known.version == version).map(|known| known.parameters)
        };
        let [model, provider] = keys(model).map(current).map(Option::unwrap_or_default);
        model.with(provider)
    }

    /// Remembers that a call succeeded without these parameters. `stream_options` is remembered for the provider, the
    /// others for the model.
    pub fn learn(&self, model: &ModelEntry, refused: Parameters) {
        let options = Parameters::of(["stream_options"]);
        let [of_model, of_provider] = keys(model);
        self.add(of_model, refused.without(options));
        self.add(of_provider, refused.common(options));
    }

    fn add(&self, (id, version): (Uuid, Version), parameters: Parameters) {
        let known = self.known.pin();
        if parameters.is_empty() || (known.len() >= MOST && !known.contains_key(&id)) {
            return;
        }
        let merged = |old: &Refused| {
            let earlier = if old.version == version { old.parameters } else { Parameters::default() };
            Refused { version, parameters: earlier.with(parameters) }
        };
        known.update_or_insert(id, merged, Refused { version, parameters });
        self.count.store(known.len(), Ordering::Relaxed);
    }
}

/// The keys of a model and of its provider, with their versions.
fn keys(model: &ModelEntry) -> [(Uuid, Version); 2] {
    let provider = &model.provider;
    [
        (model.id.0, (model.updated_at, provider.updated_at)),
        (provider.id.0, (provider.updated_at, provider.updated_at)),
    ]
}

/// The optional parameters that the provider's error names as unsupported.
#[must_use]
pub fn named(outcome: &AttemptOutcome, optional: impl FnOnce() -> Parameters) -> Parameters {
    match outcome {
        AttemptOutcome::Failed(Fault::Upstream(error)) => refused_parameters(error, optional()),
        AttemptOutcome::Failed(_)
        | AttemptOutcome::Unusable(..)
        | AttemptOutcome::Ready(_)
        | AttemptOutcome::Filtered(..) => Parameters::default(),
    }
}
