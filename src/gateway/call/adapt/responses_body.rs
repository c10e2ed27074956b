//! The body of a response for a provider of the dialect: the caller's, with the provider's name of the model and without the
//! gateway's fields.
//!
//! Reasoning that was translated is left out. For a fallback, so is all other reasoning, which only the provider that
//! encrypted it can read, and the organization's rules of its model apply.

use super::body::{Adapted, Out, member};
use super::parameters::at_most;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::responses::foreign::{LeftOut, without};
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::gateway::request::json_object::quoted;
use crate::store::snapshot::ModelEntry;

/// Writes the body of a response for `model`. `primary` says that the caller wrote the request for this model.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, primary: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::default();
    let rules = (!primary).then(|| model.parameter_rules());
    let most = model.settings.max_output_tokens.map(|most| most as f64);
    let left_out = if primary { LeftOut::Translated } else { LeftOut::All };
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = request.value(part);
        if name == "model" || is_own(request.dialect, name) {
            continue;
        }
        if name == "input"
            && let Some(input) = without(value, left_out)
        {
            changes.stripped("thinking");
            member(&mut out, name, input.as_bytes());
            continue;
        }
        match rules {
            Some(rules) if rules.drop.iter().any(|dropped| dropped == name) => {
                changes.note(Verb::Dropped, name);
            }
            Some(rules) if rules.clamp_output && name == "max_output_tokens" => {
                member(&mut out, name, &at_most(most, name, value, &mut changes));
            }
            Some(_) | None => member(&mut out, name, value),
        }
    }
    member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    out.text.push(b'}');
    out.into_body(changes)
}
