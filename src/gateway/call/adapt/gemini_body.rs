//! The body of a request for Gemini, whose address names the model.

use super::{Adapted, Out, member};
use crate::dialects::change::Changes;
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::store::snapshot::ModelEntry;

/// Writes the body of a translation for `model`, without what only the address says. `bare`: without any signature in the
/// history, which the provider refused.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, bare: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len());
    let changes = Changes::after(request.translated_with.as_deref().unwrap_or_default());
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        if name != "model"
            && name != "stream"
            && !(bare && name == "thoughtSignature")
            && !is_own(request.dialect, name)
        {
            member(&mut out, name, request.value(part));
        }
    }
    out.text.push(b'}');
    out.into_body(changes)
}
