//! What a caller of another dialect asks of the reasoning of a model of Messages, in the form that this model takes.
//!
//! A translation has it in `reasoning`, as an effort or a budget, because what a model takes is known only here.

use super::draft::Draft;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::messages::read_request::effort_of;
use crate::dialects::messages::unsigned;
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::claude::{Claude, Thinking};
use crate::providers::compatibility::clamped;
use crate::store::snapshot::ModelEntry;

/// The field of a translation.
pub(super) const NAME: &str = "reasoning";

/// The least budget that Anthropic accepts, in tokens.
const LEAST: i64 = 1_024;
/// The largest budget that an effort becomes, in tokens.
const MOST: i64 = 32_000;
/// What does not go with reasoning, and what the newest models refuse always.
const SAMPLING: &[&str] = &["temperature", "top_p"];

/// What is sent of the reasoning.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reasoning {
    /// The `thinking` as JSON.
    pub(super) thinking: Option<String>,
    /// The effort for `output_config`.
    pub(super) effort: Option<&'static str>,
    /// Fields that the model refuses beside it.
    pub(super) left_out: &'static [&'static str],
}

/// What the caller asks for.
struct Asked {
    effort: Option<String>,
    budget: Option<i64>,
}

impl Reasoning {
    /// What is sent to a model of a translated request. `limit` is the one of the answer, and `messages` are those that are
    /// sent.
    pub(super) fn of(
        request: &ChatRequest,
        model: &ModelEntry,
        limit: i64,
        messages: &[u8],
        changes: &mut Changes,
    ) -> Self {
        let claude = Claude::of(&model.upstream_model, model.settings.capabilities.reasoning);
        let none = Self { left_out: if claude.fixed_sampling { SAMPLING } else { &[] }, ..Self::default() };
        let Some(asked) = Asked::of(request) else { return none };
        if asked.is_off() {
            // Without `thinking`, models do not reason, except for the newest that always do.
            changes.note(Verb::Mapped, asked.name());
            return none;
        }
        match claude.thinking {
            Thinking::Unknown => {
                changes.note(Verb::Dropped, asked.name());
                none
            }
            Thinking::Budget => {
                let allowed = !is_forced(request) && !unsigned::is_missing_in_turn(messages);
                let Some(budget) = asked.budget(limit).filter(|_| allowed) else {
                    changes.note(Verb::Disabled, super::thinking::NAME);
                    return none;
                };
                let verb = if asked.budget.is_some_and(|asked| asked != budget) {
                    Verb::Clamped
                } else {
                    Verb::Mapped
                };
                changes.note(verb, asked.name());
                let thinking = format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#);
                Self { thinking: Some(thinking), effort: None, left_out: SAMPLING }
            }
            Thinking::Adaptive(words) => {
                let Some(effort) = clamped(asked.word(), words) else {
                    changes.note(Verb::Dropped, asked.name());
                    return none;
                };
                let verb = if asked.word() == effort { Verb::Mapped } else { Verb::Clamped };
                changes.note(verb, asked.name());
                if is_forced(request) {
                    changes.note(Verb::Disabled, super::thinking::NAME);
                    return Self { effort: Some(effort), ..none };
                }
                let shown = if claude.omits_reasoning { r#","display":"summarized""# } else { "" };
                let thinking = format!(r#"{{"type":"adaptive"{shown}}}"#);
                Self { thinking: Some(thinking), effort: Some(effort), left_out: SAMPLING }
            }
        }
    }

    /// The `output_config` with the effort; `config` is the one of the translation, if it has one.
    pub(super) fn output_config(&self, config: &[u8]) -> Option<String> {
        let effort = format!("\"{}\"", self.effort?);
        match std::str::from_utf8(config).ok().and_then(Draft::of) {
            Some(mut config) => {
                config.set("effort", effort);
                config.written()
            }
            None => Some(format!(r#"{{"effort":{effort}}}"#)),
        }
    }
}

/// The budget that a translation names in place of an effort, in tokens.
pub(super) fn budget(request: &ChatRequest) -> Option<i64> {
    Asked::of(request)?.budget
}

impl Asked {
    fn of(request: &ChatRequest) -> Option<Self> {
        let asked = Draft::of(std::str::from_utf8(request.named(NAME)).ok()?)?;
        let budget = asked.get("max_tokens").and_then(|budget| serde_json::from_str(budget).ok());
        Some(Self { effort: asked.text("effort"), budget })
    }

    /// The field of the caller that the change is named after.
    fn name(&self) -> &'static str {
        if self.budget.is_some() { NAME } else { "reasoning_effort" }
    }

    fn is_off(&self) -> bool {
        self.effort.as_deref() == Some("none") || self.budget == Some(0)
    }

    fn word(&self) -> &str {
        match (&self.effort, self.budget.and_then(|budget| u64::try_from(budget).ok())) {
            (Some(effort), _) => effort,
            (None, Some(budget)) => effort_of(budget),
            (None, None) => "",
        }
    }

    /// The budget below the limit of the answer; `None` if none fits, or the effort is not known.
    fn budget(&self, limit: i64) -> Option<i64> {
        let of_effort = || {
            let hundredths = match self.effort.as_deref()? {
                "minimal" => 10,
                "low" => 20,
                "medium" => 50,
                "high" => 80,
                "xhigh" | "max" => 95,
                _ => return None,
            };
            Some((limit / 100).saturating_mul(hundredths).min(MOST))
        };
        let asked = self.budget.or_else(of_effort)?;
        (limit > LEAST).then(|| asked.clamp(LEAST, limit - 1))
    }
}

/// Whether the model has to call a tool, for which reasoning must be off.
fn is_forced(request: &ChatRequest) -> bool {
    let choice = std::str::from_utf8(request.named("tool_choice")).ok().and_then(Draft::of);
    choice.and_then(|choice| choice.text("type")).is_some_and(|kind| matches!(kind.as_str(), "any" | "tool"))
}
