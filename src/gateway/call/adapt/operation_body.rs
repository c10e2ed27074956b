//! The body of a request other than a chat: the caller's, with the provider's name of the model and without the gateway's
//! fields. For a fallback, the parameters that the organization's rules of its model drop are left out.

use super::body::{Adapted, Out, member};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::chat_request::{ChatRequest, ROUTER_MEMBERS, is_own};
use crate::gateway::request::json_object::quoted;
use crate::gateway::usage::asked::Asked;
use crate::store::snapshot::ModelEntry;
use crate::upstream::Pieces;

/// Writes the body for `model`. `primary` says that the caller wrote the request for this model.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, primary: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::default();
    let rules = (!primary).then(|| model.parameter_rules());
    if let Some(form) = &request.form {
        let dropped = rules.map(|rules| rules.drop.as_slice()).unwrap_or_default();
        let body = Pieces(form.written(&model.upstream_model, dropped));
        return Adapted { body, changes: changes.into_names(), asked: Asked::default() };
    }
    let preset = model.provider.preset;
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let foreign = ROUTER_MEMBERS.contains(&name) && !preset.understands.contains(&name);
        if name == "model" || foreign || is_own(request.dialect, name) {
            continue;
        }
        if rules.is_some_and(|rules| rules.drop.iter().any(|dropped| dropped == name)) {
            changes.note(Verb::Dropped, name);
            continue;
        }
        member(&mut out, name, request.value(part));
    }
    member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    out.text.push(b'}');
    // Members that change the price of a chat have other meanings here, such as the speed of speech.
    out.asked = Asked::default();
    out.into_body(changes)
}
