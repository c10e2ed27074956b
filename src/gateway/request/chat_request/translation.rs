//! The request in another dialect, made once for each, when a candidate needs it.

use std::sync::{Arc, OnceLock};

use memchr::memmem;

use super::{ChatRequest, Part, ROUTER_MEMBERS, is_own};
use crate::dialects::change::Changes;
use crate::dialects::members::Members;
use crate::dialects::need::Need;
use crate::dialects::{Dialect, translate};
use crate::gateway::request::json_object::is_same_name;
use crate::limits::shares::LARGE_TO_TRANSLATE;
use crate::providers::Documents;
use crate::store::snapshot::ModelEntry;

/// How a document begins in a translation, and one with an address in it. Texts have their quotes escaped.
const FILE: &[u8] = br#"{"type":"file","#;
const ADDRESSED_FILE: &[u8] = br#","file_data":"http"#;

/// How a setting is turned off, as JSON.
const NO: [&str; 6] = ["null", "false", "0", "\"\"", "\"0\"", "\"false\""];

/// A request that was translated, or why it cannot be.
pub(in crate::gateway) type Translated = Result<Arc<ChatRequest>, Need>;

/// The translations of a request so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Translations {
    to_chat: OnceLock<Translated>,
    to_messages: OnceLock<Translated>,
    to_gemini: OnceLock<Translated>,
    to_converse: OnceLock<Translated>,
}

impl Translations {
    /// The translation into a dialect; `None` if no provider is called in it.
    const fn of(&self, target: Dialect) -> Option<&OnceLock<Translated>> {
        match target {
            Dialect::ChatCompletions => Some(&self.to_chat),
            Dialect::Messages => Some(&self.to_messages),
            Dialect::Gemini => Some(&self.to_gemini),
            Dialect::Converse => Some(&self.to_converse),
            Dialect::Responses => None,
        }
    }
}

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
        if self.asks_for_background() {
            return Err(Need::Background);
        }
        if self.is_spoken_by(model) {
            return Ok(self);
        }
        let slot = self.target(model).and_then(|target| Some((target, self.translations.of(target)?)));
        let Some((target, slot)) = slot.filter(|_| self.translates) else {
            return Err(Need::Dialect(self.dialect));
        };
        match slot.get_or_init(|| self.translated(target)) {
            Ok(translation) => Ok(translation),
            Err(need) => Err(*need),
        }
    }

    /// What the provider of a model gets, for estimates: the translation, unless there is none or it would hold up an event
    /// loop to make it now.
    #[must_use]
    pub fn as_sent_to(&self, model: &ModelEntry) -> &Self {
        if self.is_slow_to_translate(model) { self } else { self.spoken_to(model).unwrap_or(self) }
    }

    /// Whether a response is asked for that is made later, in any spelling that a server may take for it. There is no endpoint to
    /// read it from.
    fn asks_for_background(&self) -> bool {
        let is_no = |value: &[u8]| NO.iter().any(|no| value.eq_ignore_ascii_case(no.as_bytes()));
        let is_asked = |part: &Part| is_same_name(&part.name, "background") && !is_no(self.value(part));
        self.dialect == Dialect::Responses && self.parts.iter().any(is_asked)
    }

    /// The dialect that the request is translated into for a model; `None` if it need not be.
    pub(in crate::gateway) fn target(&self, model: &ModelEntry) -> Option<Dialect> {
        let preset = model.provider.preset;
        if self.is_spoken_by(model) { None } else { preset.services().map(|(dialect, _)| dialect).next() }
    }

    /// Whether a translation, if there is one, takes so long that it must not hold up an event loop.
    pub(in crate::gateway) fn may_be_slow_to_translate(&self) -> bool {
        self.translates && self.body.len() > LARGE_TO_TRANSLATE
    }

    /// Whether a translation for a model is still to be made, and takes so long that it must not hold up an event loop.
    pub(in crate::gateway) fn is_slow_to_translate(&self, model: &ModelEntry) -> bool {
        let is_missing = |target| self.translations.of(target).is_some_and(|slot| slot.get().is_none());
        self.may_be_slow_to_translate() && self.target(model).is_some_and(is_missing)
    }

    /// Translates the request into another dialect.
    pub(in crate::gateway) fn translated(&self, target: Dialect) -> Translated {
        let mut changes = Changes::default();
        let model = self.wanted.primary();
        let members = self.members().ok_or(BROKEN)?;
        let caller = self.dialect.of_callers().ok_or(BROKEN)?;
        let body = translate::request((caller, target), &members, model, &mut changes)?;
        let translated = Self::parse_as(target, body.into()).map_err(|_| BROKEN)?;
        Ok(Arc::new(Self {
            passed: self.passed.of_any_dialect(),
            translated_with: Some(changes.into_names()),
            documents: documents(&translated),
            ..translated
        }))
    }

    /// The fields that are not meant for the gateway; `None` if a value is not JSON.
    pub(in crate::gateway) fn members(&self) -> Option<Members<'_>> {
        let own =
            |name: &str| name == "model" || is_own(self.dialect, name) || ROUTER_MEMBERS.contains(&name);
        let parts = self.parts.iter().filter(|part| !own(&part.name));
        Members::from_parts(parts.map(|part| (part.name.as_str(), self.value(part))))
    }

    /// Keeps a translation that was made early.
    pub(in crate::gateway) fn keep(&self, target: Dialect, translation: Translated) {
        if let Some(slot) = self.translations.of(target) {
            // Another one would be the same.
            let _ = slot.set(translation);
        }
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
        Dialect::ChatCompletions
        | Dialect::Messages
        | Dialect::Responses
        | Dialect::Gemini
        | Dialect::Converse => Documents::None,
    }
}
