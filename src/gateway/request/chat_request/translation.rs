//! The request in the other dialect, made once, when a candidate needs it.

use std::sync::Arc;

use memchr::memmem;

use super::{ChatRequest, ROUTER_MEMBERS, is_own};
use crate::dialects::Dialect;
use crate::dialects::change::Changes;
use crate::dialects::members::Members;
use crate::dialects::need::Need;
use crate::dialects::translate;
use crate::limits::shares::LARGE_TO_TRANSLATE;
use crate::providers::Documents;
use crate::store::snapshot::ModelEntry;

/// How a document begins in a translation, and one with an address in it. Texts have their quotes escaped.
const FILE: &[u8] = br#"{"type":"file","#;
const ADDRESSED_FILE: &[u8] = br#","file_data":"http"#;

/// A request that was translated, or why it cannot be.
pub(in crate::gateway) type Translated = Result<Arc<ChatRequest>, Need>;

const BROKEN: Need = Need::Translation("the request cannot be written in it");

impl ChatRequest {
    /// Whether the provider of a model serves the dialect of the request.
    #[must_use]
    pub fn is_spoken_by(&self, model: &ModelEntry) -> bool {
        model.provider.preset.service(self.dialect).is_some()
    }

    /// The request in a dialect that the provider of a model serves: itself, or its translation.
    ///
    /// # Errors
    /// The provider does not serve its dialect, and the request needs what the other one lacks.
    pub fn spoken_to(&self, model: &ModelEntry) -> Result<&Self, Need> {
        if self.is_spoken_by(model) {
            return Ok(self);
        }
        if !self.translates {
            return Err(Need::Dialect(self.dialect));
        }
        match self.translation.get_or_init(|| self.translated()) {
            Ok(translation) => Ok(translation),
            Err(need) => Err(*need),
        }
    }

    /// Whether a translation is still to be made, and takes so long that it must not hold up an event loop.
    pub(in crate::gateway) fn is_slow_to_translate(&self) -> bool {
        self.translates && self.body.len() > LARGE_TO_TRANSLATE && self.translation.get().is_none()
    }

    /// Translates the request into the other dialect.
    pub(in crate::gateway) fn translated(&self) -> Translated {
        let own =
            |name: &str| name == "model" || is_own(self.dialect, name) || ROUTER_MEMBERS.contains(&name);
        let parts = self.parts.iter().filter(|part| !own(&part.name));
        let members = Members::from_parts(parts.map(|part| (part.name.as_str(), self.value(part))));
        let mut changes = Changes::default();
        let model = self.wanted.primary();
        let body = translate::request(self.dialect, &members.ok_or(BROKEN)?, model, &mut changes)?;
        let translated = Self::parse_as(self.dialect.other(), body.into()).map_err(|_| BROKEN)?;
        Ok(Arc::new(Self {
            passed: self.passed.of_any_dialect(),
            translated_with: Some(changes.into_names()),
            documents: documents(&translated),
            ..translated
        }))
    }

    /// Keeps a translation that was made early.
    pub(in crate::gateway) fn keep(&self, translation: Translated) {
        // Another one would be the same.
        let _ = self.translation.set(translation);
    }
}

/// The documents of a translation, if it is a chat completion.
fn documents(translated: &ChatRequest) -> Documents {
    let part = translated.parts.iter().find(|part| part.name == "messages");
    let messages = part.map(|part| translated.value(part)).unwrap_or_default();
    let has = |what: &[u8]| memmem::find(messages, what).is_some();
    match translated.dialect {
        Dialect::ChatCompletions if has(FILE) => {
            if has(ADDRESSED_FILE) {
                Documents::Addressed
            } else {
                Documents::Inline
            }
        }
        Dialect::ChatCompletions | Dialect::Messages => Documents::None,
    }
}
