//! Remembers which optional parameters providers refuse, in memory and for each process.
//!
//! One caller's request must not take a parameter from others. So only a refusal of the parameter itself counts, not one
//! of its value, of a member or of a combination, and only once the same call without the parameter has succeeded. Three
//! different requests must meet it. If they are of one caller, the parameter is left out of this caller's requests only,
//! until another caller meets the refusal, too. An answer to a call with the parameter forgets all of it.
//!
//! What was learned is tried again: after ten minutes one request carries the parameter.

pub mod reasoning;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::classify::Fault;
use super::outcome::AttemptOutcome;
use super::redact::own_words::{Heard, without_values};
use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::domain::failure::evidence::{Evidence, Source};
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::UpstreamError;
use crate::providers::compatibility::{OF_MESSAGES, OPTIONAL, Parameters, Refusal, refused_parameters};
use crate::store::snapshot::ModelEntry;

/// The most models and providers that are remembered. For others, a refusal costs a second call each time.
const MOST: usize = 10_000;
/// The number of different requests that must meet a refusal.
const ENOUGH: usize = 3;
/// The most requests that are remembered for a parameter until there are enough.
const MOST_MET: usize = 8;
/// How long a parameter is left out until a request carries it again.
const KEPT: Duration = Duration::from_secs(600);
/// How long the others go on without the parameter while that request is under way. If it ends without a result, the next
/// one tries.
const TRIAL: Duration = Duration::from_secs(60);
/// The longest value, in bytes, that is compared with the provider's message.
const LONGEST: usize = 4096;

/// When a model and its provider, or a provider alone, were last changed.
type Version = (DateTime<Utc>, DateTime<Utc>);

/// The parameters that one model or one provider refuses.
#[derive(Debug, Clone)]
struct Refused {
    /// The version of the model or provider that refused them.
    version: Version,
    parameters: Vec<(Parameters, Knowledge)>,
}

/// What is known of one parameter that was refused.
#[derive(Debug, Clone)]
enum Knowledge {
    /// These requests met its refusal, which are too few.
    Met(Evidence<MOST_MET>),
    /// It is left out.
    LeftOut {
        /// The only caller without it; `None` for all.
        of: Option<u64>,
        until: Duration,
        /// Whether a request is trying it.
        on_trial: bool,
    },
}

/// The refusals that this process has seen.
#[derive(Debug)]
pub struct Refusals {
    clock: Clock,
    known: IdMap<Uuid, Refused>,
    /// The number of entries, so that a request skips the lookup while there are none.
    count: AtomicUsize,
}

impl Refusals {
    /// Starts without any refusal.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: IdMap::default(), count: AtomicUsize::new(0) }
    }

    /// The parameters to leave out of a caller's request to the model.
    #[must_use]
    pub fn of(&self, model: &ModelEntry, caller: u64) -> Parameters {
        let mut left_out = Parameters::default();
        self.each(model, |parameter, known, now| {
            if known.leaves_out(caller, now) {
                left_out = left_out.with(parameter);
            }
        });
        left_out
    }

    /// The parameters to leave out of a call. One of those that are due for a trial is carried by a call that has it.
    /// `sent` returns what is sent without these.
    pub fn of_call(
        &self,
        model: &ModelEntry,
        caller: u64,
        sent: impl FnOnce(Parameters) -> Parameters,
    ) -> Parameters {
        let (mut left_out, mut due) = (Parameters::default(), Parameters::default());
        self.each(model, |parameter, known, now| {
            if known.leaves_out(caller, now) {
                left_out = left_out.with(parameter);
            } else if known.is_due(now) {
                due = due.with(parameter);
            }
        });
        if !due.is_empty() {
            let tried = due.common(sent(left_out));
            let until = self.clock.monotonic() + TRIAL;
            self.change(model, |parameter, known| match known {
                Knowledge::LeftOut { of, .. } if !parameter.common(tried).is_empty() => {
                    Some(Knowledge::LeftOut { of: *of, until, on_trial: true })
                }
                Knowledge::LeftOut { .. } | Knowledge::Met(_) => Some(known.clone()),
            });
        }
        left_out
    }

    /// Counts a request that succeeded only without these parameters. `stream_options` is remembered for the provider,
    /// the others for the model.
    pub fn learn(&self, model: &ModelEntry, refused: Parameters, source: Source) {
        let options = Parameters::of(["stream_options"]);
        let [of_model, of_provider] = keys(model);
        self.add(of_model, refused.without(options), source);
        self.add(of_provider, refused.common(options), source);
    }

    /// Forgets what is known of parameters that a caller's request had, because the provider answered it. `sent` is
    /// called only if the request may have had one of them.
    pub fn accepted(&self, model: &ModelEntry, caller: u64, sent: impl FnOnce() -> Parameters) {
        let mut open = Parameters::default();
        self.each(model, |parameter, known, now| {
            if known.is_on_trial() || !known.leaves_out(caller, now) {
                open = open.with(parameter);
            }
        });
        if open.is_empty() {
            return;
        }
        let sent = sent().common(open);
        if !sent.is_empty() {
            self.change(model, |parameter, known| parameter.common(sent).is_empty().then(|| known.clone()));
        }
    }

    /// Looks at what is known of each parameter of the model and its provider.
    fn each(&self, model: &ModelEntry, mut look: impl FnMut(Parameters, &Knowledge, Duration)) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (pinned, now) = (self.known.pin(), self.clock.monotonic());
        for (id, version) in keys(model) {
            let current = pinned.get(&id).filter(|refused| refused.version == version);
            let parameters = current.into_iter().flat_map(|refused| &refused.parameters);
            parameters.for_each(|(parameter, known)| look(*parameter, known, now));
        }
    }

    /// Changes or forgets what is known of the model's and the provider's parameters.
    fn change(&self, model: &ModelEntry, changed: impl Fn(Parameters, &Knowledge) -> Option<Knowledge>) {
        let pinned = self.known.pin();
        for (id, _) in keys(model) {
            pinned.update(id, |refused| {
                let changed = |(parameter, known): &(Parameters, Knowledge)| {
                    Some((*parameter, changed(*parameter, known)?))
                };
                let parameters = refused.parameters.iter().filter_map(changed).collect();
                Refused { version: refused.version, parameters }
            });
        }
    }

    fn add(&self, (id, version): (Uuid, Version), parameters: Parameters, source: Source) {
        let (known, now) = (self.known.pin(), self.clock.monotonic());
        if parameters.is_empty() || (known.len() >= MOST && !known.contains_key(&id)) {
            return;
        }
        let new = || Refused { version, parameters: Vec::new() }.with(parameters, source, now);
        let merged = |old: &Refused| {
            if old.version == version { old.clone().with(parameters, source, now) } else { new() }
        };
        known.update_or_insert_with(id, merged, new);
        self.count.store(known.len(), Ordering::Relaxed);
    }
}

impl Refused {
    /// With one more request that met refusals.
    fn with(mut self, refused: Parameters, source: Source, now: Duration) -> Self {
        for name in OPTIONAL.iter().copied().filter(|name| refused.contains(name)) {
            match self.parameters.iter_mut().find(|(known, _)| known.contains(name)) {
                Some((_, known)) => known.meet(source, now),
                None => {
                    let mut known = Knowledge::Met(Evidence::default());
                    known.meet(source, now);
                    self.parameters.push((Parameters::of([name]), known));
                }
            }
        }
        self
    }
}

impl Knowledge {
    /// Counts a request that met the refusal. One is enough to renew what was learned.
    fn meet(&mut self, source: Source, now: Duration) {
        let of = match self {
            Self::Met(evidence) => {
                evidence.add(source, now);
                if evidence.requests() < ENOUGH {
                    return;
                }
                evidence.only_caller()
            }
            Self::LeftOut { of, .. } => of.filter(|of| *of == source.caller),
        };
        *self = Self::LeftOut { of, until: now + KEPT, on_trial: false };
    }

    /// Whether the parameter is left out of this caller's requests.
    fn leaves_out(&self, caller: u64, now: Duration) -> bool {
        match self {
            Self::Met(_) => false,
            Self::LeftOut { of, until, .. } => now < *until && of.is_none_or(|of| of == caller),
        }
    }

    /// Whether a request should try the parameter.
    fn is_due(&self, now: Duration) -> bool {
        match self {
            Self::Met(_) => false,
            Self::LeftOut { until, .. } => now >= *until,
        }
    }

    fn is_on_trial(&self) -> bool {
        match self {
            Self::Met(_) => false,
            Self::LeftOut { on_trial, .. } => *on_trial,
        }
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
pub fn named(
    outcome: &AttemptOutcome,
    request: &ChatRequest,
    optional: impl FnOnce() -> Parameters,
) -> Refusal {
    // Reading what was sent takes time, and few errors are such a refusal.
    let Some(error) = refusal_of(outcome).filter(|error| matches!(error.status, 400 | 422)) else {
        return Refusal::default();
    };
    let sent = optional();
    let refusal = refused_parameters(error, sent);
    if refusal.left_out.is_empty() {
        return refusal;
    }
    // A value that the error repeats must not name the parameters of others.
    let names: Vec<&str> =
        OPTIONAL.iter().map(|name| name.strip_prefix(OF_MESSAGES).unwrap_or(name)).collect();
    let refusal = match without_values(error, &request.text(), &names) {
        Heard::All => refusal,
        Heard::Rest(rest) => {
            let own = refused_parameters(&error.with_message(rest), sent);
            Refusal { themselves: refusal.themselves.common(own.themselves), ..refusal }
        }
        Heard::Unknown => Refusal { themselves: Parameters::default(), ..refusal },
    };
    if refusal.themselves.is_empty() {
        return refusal;
    }
    let part = |name: &str| request.parts.iter().find(|part| part.name == name);
    let of_value = |name: &&str| {
        refusal.themselves.contains(name)
            && part(name).is_some_and(|part| repeats(&error.message, name, request.value(part)))
    };
    refusal.of_members(Parameters::of(OPTIONAL.iter().copied().filter(of_value)), sent)
}

/// The error with which a provider refused the request without processing it.
fn refusal_of(outcome: &AttemptOutcome) -> Option<&UpstreamError> {
    match outcome {
        AttemptOutcome::Failed(Fault::Upstream(error)) => Some(error),
        // A provider that counts tokens has processed the request.
        AttemptOutcome::Unusable(Fault::Upstream(error), reported) if !reported.counts_any() => Some(error),
        AttemptOutcome::Failed(_)
        | AttemptOutcome::Unusable(..)
        | AttemptOutcome::Ready(_)
        | AttemptOutcome::Filtered(..) => None,
    }
}

/// Whether the message repeats a part of the value, which may be all that it refuses.
fn repeats(message: &str, name: &str, value: &[u8]) -> bool {
    if value.len() > LONGEST {
        return true;
    }
    let Ok(value) = serde_json::from_slice::<Value>(value) else { return true };
    let part_of_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let words = |text: &str| {
        message.match_indices(text).any(|(at, _)| {
            let before = message.get(..at).unwrap_or_default();
            let after = message.get(at + text.len()..).unwrap_or_default();
            !text.is_empty() && !before.ends_with(part_of_word) && !after.starts_with(part_of_word)
        })
    };
    any_text(&value, &|text| text != name && text != "include_usage" && words(text))
}

/// Whether a text within the value fits: a member's name, a string, or a number.
fn any_text(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => fits(&number.to_string()),
        Value::String(text) => fits(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, fits)),
        Value::Object(members) => members.iter().any(|(name, value)| fits(name) || any_text(value, fits)),
    }
}

#[cfg(test)]
mod tests;
