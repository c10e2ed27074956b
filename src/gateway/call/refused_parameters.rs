//! Which optional parameters providers were seen to refuse. A refusal is believed once the same call without the
//! parameter has worked, and holds until the model or its provider changes. In memory, by each process for itself.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::attempt::AttemptOutcome;
use super::classify::Fault;
use crate::providers::compatibility::{Parameters, refused_parameters};
use crate::store::snapshot::ModelEntry;

/// For so many models and providers. Behind them a refusal costs a second call every time.
const MOST: usize = 10_000;

/// When a model and its provider, or a provider alone, were last changed.
type Version = (DateTime<Utc>, DateTime<Utc>);

/// What is known of one model, or of one provider.
#[derive(Debug, Clone, Copy)]
struct Refused {
    /// The last change of what refused it.
    version: Version,
    parameters: Parameters,
}

/// What this process has seen.
#[derive(Debug, Default)]
pub struct Refusals {
    known: papaya::HashMap<Uuid, Refused>,
    /// So that a request pays for the look only where there is something to see.
    count: AtomicUsize,
}

impl Refusals {
    /// What the model and its provider refuse.
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

    /// The call worked without these. `stream_options` are the provider's affair, everything else the model's.
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

/// Under which ids something is known of a model and of its provider, and as of which change.
fn keys(model: &ModelEntry) -> [(Uuid, Version); 2] {
    let provider = &model.provider;
    [
        (model.id.0, (model.updated_at, provider.updated_at)),
        (provider.id.0, (provider.updated_at, provider.updated_at)),
    ]
}

/// Which of the parameters that a call could have done without its provider says that it does not take.
#[must_use]
pub fn named(outcome: &AttemptOutcome, optional: impl FnOnce() -> Parameters) -> Parameters {
    match outcome {
        AttemptOutcome::Failed(Fault::Upstream(error)) => refused_parameters(error, optional()),
        AttemptOutcome::Failed(_) | AttemptOutcome::Ready(_) | AttemptOutcome::Filtered(..) => {
            Parameters::default()
        }
    }
}
