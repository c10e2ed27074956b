//! A request needs models of the kind that its endpoint calls.

use super::Intent;
use crate::domain::error::{Error, Result};
use crate::domain::operation::ModelKind;
use crate::store::snapshot::ModelEntry;

impl Intent {
    /// Refuses a request to a model of another kind than its endpoint calls.
    ///
    /// # Errors
    /// 400 with the kinds and the endpoint of the model.
    pub(super) fn check_kinds(&self) -> Result<()> {
        let wanted = &self.request.wanted;
        // What is unknown, or not for the key, is refused as such.
        let allowed = |name: &&String| self.key.as_ref().is_none_or(|key| key.allows_model(name));
        let known = |name: &String| self.organization.models.get(name);
        let mut known = wanted.names().iter().filter(allowed).filter_map(known);
        let expected = self.request.operation.kind();
        let Some(other) = known.find(|model| model.settings.kind != expected) else {
            return Ok(());
        };
        let param = if *other.name == *wanted.primary() { "model" } else { "models" };
        Err(Error::refused(Some(param), "wrong_model_kind", self.wrong_kind(other)))
    }

    fn wrong_kind(&self, model: &ModelEntry) -> String {
        let (kind, expected) = (model.settings.kind, self.request.operation.kind());
        let remedy = match kind {
            ModelKind::Chat => "as a chat, such as to POST /v1/chat/completions".to_owned(),
            kind => format!("to POST {}", kind.operation().endpoint()),
        };
        format!(
            "The model '{}' is {}, but this endpoint needs {}. Name such a model, or send the request {remedy}.",
            model.name,
            kind.title(),
            expected.title()
        )
    }
}
