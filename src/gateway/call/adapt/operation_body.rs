//! The body of a request other than a chat: the caller's, with the provider's name of the model and without the gateway's
//! fields. For a fallback, the parameters that the organization's rules of its model drop are left out. The stream of a completion
//! is asked for its usage, as one of a chat.

use super::body::{Adapted, Out, member};
use super::{Options, with_usage};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::chat_request::{ChatRequest, ROUTER_MEMBERS, is_own};
use crate::gateway::request::json_object::quoted;
use crate::gateway::usage::asked::Asked;
use crate::providers::compatibility::Parameters;
use crate::store::snapshot::ModelEntry;
use crate::upstream::Pieces;

/// Writes the body for `model`. `primary` says that the caller wrote the request for this model. Of the parameters, those in
/// `refused` are left out.
pub(super) fn adapt(
    request: &ChatRequest,
    model: &ModelEntry,
    primary: bool,
    refused: Parameters,
) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::default();
    let rules = (!primary).then(|| model.parameter_rules());
    if let Some(form) = &request.form {
        let dropped = rules.map(|rules| rules.drop.as_slice()).unwrap_or_default();
        let body = Pieces(form.written(&model.upstream_model, dropped));
        return Adapted { body, changes: changes.into_names(), asked: Asked::default() };
    }
    let preset = model.provider.preset;
    let options = Options::of(request, model, primary, refused);
    let asks_for_usage = options == Options::AskForUsage;
    let mut asked_for_usage = false;
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
        let value = request.value(part);
        match name {
            "stream_options" if options == Options::LeftOut => changes.note(Verb::Dropped, name),
            "stream_options" if asks_for_usage => {
                member(&mut out, name, &with_usage(value));
                asked_for_usage = true;
            }
            name => member(&mut out, name, value),
        }
    }
    if asks_for_usage && !asked_for_usage {
        member(&mut out, "stream_options", br#"{"include_usage":true}"#);
    }
    member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    out.text.push(b'}');
    // Members that change the price of a chat have other meanings here, such as the speed of speech.
    out.asked = Asked::default();
    out.into_body(changes)
}
