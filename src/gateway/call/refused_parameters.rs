//! Remembers which optional parameters providers refuse, in memory and for each process.
//!
//! One caller's request must not take a parameter from others. So only a refusal of the parameter itself counts, not one
//! of its value, of a member or of a combination; several different requests must meet it, and a call with the
//! parameter that is answered in between clears the count. A refusal counts once the same call without the
//! parameter has succeeded, and until the model or its provider changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::classify::Fault;
use super::outcome::AttemptOutcome;
use super::redact::own_words::{Heard, without_values};
use crate::domain::IdMap;
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::compatibility::{OPTIONAL, Parameters, Refusal, refused_parameters};
use crate::store::snapshot::ModelEntry;

/// The most models and providers that are remembered. For others, a refusal costs a second call each time.
const MOST: usize = 10_000;
/// The number of different requests that must meet a refusal.
const ENOUGH: usize = 3;
/// The most requests that are remembered until there are enough for a parameter.
const MOST_MET: usize = 32;
/// The longest value, in bytes, that is compared with the provider's message.
const LONGEST: usize = 4096;

/// When a model and its provider, or a provider alone, were last changed.
type Version = (DateTime<Utc>, DateTime<Utc>);

/// The parameters that one model or one provider refuses.
#[derive(Debug, Clone)]
struct Refused {
    /// The version of the model or provider that refused them.
    version: Version,
    /// Those that are left out of every request.
    parameters: Parameters,
    /// The requests that met refusals of others, by their fingerprints.
    met: Vec<(u64, Parameters)>,
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

    /// Counts a request that succeeded only without these parameters. `stream_options` is remembered for the provider,
    /// the others for the model.
    pub fn learn(&self, model: &ModelEntry, refused: Parameters, request: u64) {
        let options = Parameters::of(["stream_options"]);
        let [of_model, of_provider] = keys(model);
        self.add(of_model, refused.without(options), request);
        self.add(of_provider, refused.common(options), request);
    }

    /// Forgets the count of parameters that were sent, because the provider answered. `sent` is called only if
    /// something was counted.
    pub fn accepted(&self, model: &ModelEntry, sent: impl FnOnce() -> Parameters) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let known = self.known.pin();
        let counted = |(id, _): &(Uuid, Version)| known.get(id).is_some_and(|known| !known.met.is_empty());
        let counted: Vec<(Uuid, Version)> = keys(model).into_iter().filter(counted).collect();
        if counted.is_empty() {
            return;
        }
        let sent = sent();
        for (id, _) in counted {
            known.update(id, |known| {
                let left = known.met.iter().map(|(request, met)| (*request, met.without(sent)));
                let met = left.filter(|(_, met)| !met.is_empty()).collect();
                Refused { version: known.version, parameters: known.parameters, met }
            });
        }
    }

    fn add(&self, (id, version): (Uuid, Version), parameters: Parameters, request: u64) {
        let known = self.known.pin();
        if parameters.is_empty() || (known.len() >= MOST && !known.contains_key(&id)) {
            return;
        }
        let new = || Refused { version, parameters: Parameters::default(), met: Vec::new() };
        let merged = |old: &Refused| {
            let old = if old.version == version { old.clone() } else { new() };
            old.with(parameters, request)
        };
        known.update_or_insert(id, merged, new().with(parameters, request));
        self.count.store(known.len(), Ordering::Relaxed);
    }
}

impl Refused {
    /// With one more request that met refusals.
    fn with(mut self, parameters: Parameters, request: u64) -> Self {
        let room = self.met.len() < MOST_MET;
        match self.met.iter_mut().find(|(other, _)| *other == request) {
            Some((_, met)) => *met = met.with(parameters),
            None if room => self.met.push((request, parameters)),
            None => {}
        }
        let often = |name: &&str| self.met.iter().filter(|(_, met)| met.contains(name)).count() >= ENOUGH;
        self.parameters = self.parameters.with(Parameters::of(OPTIONAL.iter().copied().filter(often)));
        self.met.iter_mut().for_each(|(_, met)| *met = met.without(self.parameters));
        self.met.retain(|(_, met)| !met.is_empty());
        self
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
    let error = match outcome {
        AttemptOutcome::Failed(Fault::Upstream(error)) => error,
        // A provider that counts tokens has processed the request.
        AttemptOutcome::Unusable(Fault::Upstream(error), reported) if !reported.counts_any() => error,
        AttemptOutcome::Failed(_)
        | AttemptOutcome::Unusable(..)
        | AttemptOutcome::Ready(_)
        | AttemptOutcome::Filtered(..) => return Refusal::default(),
    };
    let sent = optional();
    let refusal = refused_parameters(error, sent);
    if refusal.left_out.is_empty() {
        return refusal;
    }
    // A value that the error repeats must not name the parameters of others.
    let refusal = match without_values(error, request, OPTIONAL) {
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
