//! The body of a message: the caller's, with the provider's name of the model and without the gateway's fields.
//!
//! For a fallback, the organization's rules of its model apply too. Reasoning that models of another dialect wrote is left
//! out. Where the address names the model, the body does not; what such a platform does not know is left out, too.

use std::borrow::Cow;

use super::body::{Adapted, Out, member};
use super::parameters::at_most;
use super::reasoning::{self, Reasoning};
use super::{Use, thinking};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::messages::unsigned::{self, LeftOut};
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::gateway::request::json_object::quoted;
use crate::providers::raw_predict::Betas;
use crate::store::snapshot::ModelEntry;

/// The limit of an answer that Messages require, if neither the caller nor the catalog has one, in tokens.
const USUAL_LIMIT: i64 = 4_096;

/// The field with the effort and the schema of the answer.
const CONFIG: &str = "output_config";

/// No model writes more, in tokens.
const LARGEST_LIMIT: f64 = 1e9;

/// Names what becomes of the beta features in the headers, which the body goes with.
fn note_betas(changes: &mut Changes, betas: &Betas) {
    for (verb, noted) in [(Verb::Dropped, betas.left_out), (Verb::Renamed, betas.renamed)] {
        if noted {
            changes.note(verb, "anthropic_beta");
        }
    }
}

/// Writes the body of a message for `model`. `primary` says that the caller wrote the request for this model. `bare`: without
/// any reasoning in the history, which the provider refused.
pub(super) fn adapt(
    request: &ChatRequest,
    model: &ModelEntry,
    primary: bool,
    used: Use,
    bare: bool,
) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::after(request.translated_with.as_deref().unwrap_or_default());
    let translated = request.translated_with.is_some();
    let rules = (!primary).then(|| model.parameter_rules());
    let most = model.settings.max_output_tokens.map(|most| most as f64);
    let platform = model.provider.preset.messages.and_then(|service| service.raw_predict);
    let mut prepared = Prepared::of(request, model, primary, bare);
    let disabled = prepared.thinking().is_none() && request.has(thinking::NAME);
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = request.value(part);
        if name == "model" || is_own(request.dialect, name) {
            continue;
        }
        if platform.is_some_and(|platform| platform.lacks.contains(&name)) {
            changes.note(Verb::Dropped, name);
            continue;
        }
        if name == "messages"
            && let Some(history) = &prepared.history
        {
            changes.stripped(thinking::NAME);
            member(&mut out, name, history.as_bytes());
            continue;
        }
        match rules {
            Some(rules) if rules.drop.iter().any(|dropped| dropped == name) => {
                changes.note(Verb::Dropped, name);
            }
            Some(_) if translated && name == reasoning::NAME => {}
            Some(_) if prepared.reasoning.left_out.contains(&name) => changes.note(Verb::Dropped, name),
            Some(_) if name == CONFIG => {
                let config = prepared.reasoning.output_config(value);
                config.iter().for_each(|config| member(&mut out, name, config.as_bytes()));
            }
            Some(rules) if (rules.clamp_output || translated) && name == "max_tokens" => {
                member(&mut out, name, &at_most(most, name, value, &mut changes));
            }
            Some(_) | None if name == thinking::NAME => {
                changes.add(std::mem::take(&mut prepared.noted));
                prepared.thinking().iter().for_each(|thinking| member(&mut out, name, thinking));
            }
            Some(_) | None if name == thinking::MANAGEMENT && disabled => {
                let left = thinking::without_clearing(value, &mut changes);
                left.iter().for_each(|left| member(&mut out, name, left));
            }
            Some(_) | None => member(&mut out, name, value),
        }
    }
    add(&mut out, request, model, &prepared, &mut changes);
    changes.add(prepared.noted);
    if let Some(platform) = platform {
        let (name, version) = platform.version;
        if !request.has(name) {
            member(&mut out, name, quoted(version).as_bytes());
        }
        note_betas(&mut changes, &platform.betas(request.passed.betas(), used == Use::Count));
    }
    if platform.is_none() || used == Use::Count {
        member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    }
    out.text.push(b'}');
    out.into_body(changes)
}

/// The limit of the answer to a translation, in tokens: the caller's, at most the model's own. Messages require one, which leaves
/// room beside a budget for reasoning.
fn limit(request: &ChatRequest, model: &ModelEntry) -> i64 {
    limit_of(request, model, request.named("max_tokens"))
}

/// The same, with the caller's limit as JSON; empty if there is none.
pub(super) fn limit_of(request: &ChatRequest, model: &ModelEntry, asked: &[u8]) -> i64 {
    let own = model.settings.max_output_tokens;
    // Parsed as a float, because `1e6` is valid too.
    let asked: Option<f64> = serde_json::from_slice(asked).ok();
    #[expect(clippy::cast_possible_truncation, reason = "a number within these bounds fits")]
    let asked = asked.map(|asked| asked.clamp(0.0, LARGEST_LIMIT) as i64);
    let usual = || own.unwrap_or_else(|| USUAL_LIMIT.saturating_add(reasoning::budget(request).unwrap_or(0)));
    own.unwrap_or(i64::MAX).min(asked.unwrap_or_else(usual))
}

/// Adds what the request lacks: the limit to a translation, and what the model takes in place of what the caller asks for.
fn add(
    out: &mut Out<'_>,
    request: &ChatRequest,
    model: &ModelEntry,
    prepared: &Prepared<'_>,
    changes: &mut Changes,
) {
    if request.translated_with.is_some() && !request.has("max_tokens") {
        changes.note(Verb::Placeholder, "max_tokens");
        member(out, "max_tokens", limit(request, model).to_string().as_bytes());
    }
    let reasoning = &prepared.reasoning;
    let config = reasoning.output_config(b"");
    let added = [(thinking::NAME, reasoning.thinking.as_ref()), (CONFIG, config.as_ref())];
    for (name, value) in added {
        let is_dropped = || model.parameter_rules().drop.iter().any(|dropped| dropped == name);
        if let Some(value) = value.filter(|_| !request.has(name) && !is_dropped()) {
            member(out, name, value.as_bytes());
        }
    }
}

/// What of a message depends on several of its members.
struct Prepared<'a> {
    /// The messages without the reasoning that is left out; `None` if they keep all.
    history: Option<String>,
    /// The caller's own `thinking`; `None` if there is none, or it is left out.
    own_thinking: Option<Cow<'a, [u8]>>,
    /// What is sent of the reasoning in another form than the caller's.
    reasoning: Reasoning,
    /// The changes to both.
    noted: Changes,
}

impl<'a> Prepared<'a> {
    fn of(request: &'a ChatRequest, model: &ModelEntry, primary: bool, bare: bool) -> Self {
        let mut noted = Changes::default();
        let history = unsigned::without(request.named("messages"), LeftOut::of(bare));
        let messages = history.as_deref().map_or_else(|| request.named("messages"), str::as_bytes);
        let reasoning = match (primary, request.translated_with.is_some()) {
            (true, _) => Reasoning::default(),
            (false, true) => {
                Reasoning::of_translation(request, model, limit(request, model), messages, &mut noted)
            }
            (false, false) => {
                Reasoning::of_fallback(request, model, limit(request, model), messages, &mut noted)
            }
        };
        let asked = request.named(thinking::NAME);
        // Where reasoning is missing at the beginning of a turn, Anthropic does not let the rest of it begin with some.
        let is_missing = || {
            (history.is_some() || bare)
                && thinking::has_budget(asked)
                && unsigned::is_missing_in_turn(messages)
        };
        let own_thinking = if asked.is_empty() || reasoning.replaces {
            None
        } else if is_missing() {
            noted.note(Verb::Disabled, thinking::NAME);
            None
        } else if primary {
            Some(asked.into())
        } else {
            thinking::fitting(request, model, asked, &mut noted)
        };
        Self { history, own_thinking, reasoning, noted }
    }

    /// The `thinking` to send.
    fn thinking(&self) -> Option<&[u8]> {
        self.reasoning.thinking.as_deref().map(str::as_bytes).or(self.own_thinking.as_deref())
    }
}
