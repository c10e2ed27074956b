//! What a caller asks of the reasoning of a model of Messages, in the form that this model takes.
//!
//! A translation has it in `reasoning`, as an effort or a budget, because what a model takes is known only here. A caller of
//! Messages wrote it for another model.

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
const SAMPLING: &[&str] = &["temperature", "top_k", "top_p"];
/// The effort of a model that is asked for none.
const USUAL: &str = "high";
/// The field with the effort.
const EFFORT: &str = "effort";

/// What is sent of the reasoning.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    /// The `thinking` as JSON, if it is not the caller's own.
    pub(super) thinking: Option<String>,
    /// Whether the caller's own `thinking` is left out.
    pub(super) replaces: bool,
    /// The effort in `output_config`.
    pub(super) effort: SentEffort,
    /// Fields that the model refuses beside it.
    pub(super) left_out: &'static [&'static str],
}

/// The effort in `output_config`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum SentEffort {
    /// The caller's own, if there is one.
    #[default]
    Own,
    /// None, although the caller has one.
    Removed,
    /// One of the model's own.
    Set(&'static str),
}

/// What of a request reasoning depends on.
pub(super) struct Conversation {
    /// Whether the model has to call a tool, for which reasoning must be off.
    pub(super) is_forced: bool,
    /// Whether the turn that goes on did not begin with reasoning.
    pub(super) lacks_reasoning: bool,
}

/// What the caller asks for.
struct Asked {
    effort: Option<String>,
    budget: Option<i64>,
}

impl Reasoning {
    /// What is sent to a model of a translated request. `limit` is the one of the answer, and `messages` are those that are
    /// sent.
    pub(super) fn of_translation(
        request: &ChatRequest,
        model: &ModelEntry,
        limit: i64,
        messages: &[u8],
        changes: &mut Changes,
    ) -> Self {
        let conversation = || Conversation {
            is_forced: is_forced(request),
            lacks_reasoning: unsigned::is_missing_in_turn(messages),
        };
        Self::of_asked(request, claude(model), limit, conversation, changes)
    }

    /// What is sent to a model of what the caller of a translated request asks for.
    pub(super) fn of_asked(
        request: &ChatRequest,
        claude: Claude,
        limit: i64,
        conversation: impl FnOnce() -> Conversation,
        changes: &mut Changes,
    ) -> Self {
        let none = Self::none(claude);
        let Some(asked) = Asked::of(request) else { return none };
        if asked.is_off() {
            // Without `thinking`, models do not reason, except for the newest that always do.
            changes.note(Verb::Mapped, asked.name());
            return none;
        }
        match claude.thinking {
            Thinking::Unknown | Thinking::None => {
                changes.note(Verb::Dropped, asked.name());
                none
            }
            Thinking::Budget => {
                let Conversation { is_forced, lacks_reasoning } = conversation();
                let allowed = !is_forced && !lacks_reasoning;
                let Some(budget) = asked.budget(limit).filter(|_| allowed) else {
                    changes.note(Verb::Disabled, super::thinking::NAME);
                    return none;
                };
                let is_clamped = asked.budget.is_some_and(|asked| asked != budget);
                changes.note(if is_clamped { Verb::Clamped } else { Verb::Mapped }, asked.name());
                Self { thinking: Some(with_budget(budget)), left_out: SAMPLING, ..none }
            }
            Thinking::Adaptive(words) => {
                let Some(effort) = clamped(asked.word(), words) else {
                    changes.note(Verb::Dropped, asked.name());
                    return none;
                };
                let is_own = asked.word() == effort;
                changes.note(if is_own { Verb::Mapped } else { Verb::Clamped }, asked.name());
                let effort = SentEffort::Set(effort);
                if conversation().is_forced {
                    changes.note(Verb::Disabled, super::thinking::NAME);
                    return Self { effort, ..none };
                }
                Self { thinking: Some(adaptive(claude)), effort, left_out: SAMPLING, ..none }
            }
        }
    }

    /// What is sent to a fallback of a request that was written for another model of Messages: models of Claude are asked to
    /// reason in different ways, and refuse those of others.
    pub(super) fn of_fallback(
        request: &ChatRequest,
        model: &ModelEntry,
        limit: i64,
        messages: &[u8],
        changes: &mut Changes,
    ) -> Self {
        let claude = claude(model);
        let mut sent = Self::none(claude);
        let kind = member(request.named(super::thinking::NAME), "type");
        let effort = member(request.named("output_config"), EFFORT);
        match (claude.thinking, kind.as_deref()) {
            (Thinking::None, Some(kind)) if kind != "disabled" => {
                sent.replaces = true;
                changes.note(Verb::Dropped, super::thinking::NAME);
            }
            (Thinking::Budget, Some("adaptive")) => {
                let asked = Asked { effort: effort.clone().or(Some(USUAL.to_owned())), budget: None };
                let allowed = !unsigned::is_missing_in_turn(messages);
                sent.thinking = asked.budget(limit).filter(|_| allowed).map(with_budget);
                sent.replaces = true;
                let verb = if sent.thinking.is_some() { Verb::Mapped } else { Verb::Disabled };
                changes.note(verb, super::thinking::NAME);
            }
            (Thinking::Adaptive(_), Some("enabled")) if claude.fixed_sampling => {
                sent.thinking = Some(adaptive(claude));
                sent.replaces = true;
                changes.note(Verb::Mapped, super::thinking::NAME);
                if effort.is_none() {
                    let budget = number(request.named(super::thinking::NAME), "budget_tokens");
                    let word = budget.and_then(|budget| u64::try_from(budget).ok()).map(effort_of);
                    sent.effort = word.map_or(SentEffort::Own, SentEffort::Set);
                }
            }
            (Thinking::Unknown | Thinking::None | Thinking::Budget | Thinking::Adaptive(_), _) => {}
        }
        if let Some(effort) = effort {
            sent.fit_effort(&effort, claude, changes);
        }
        sent
    }

    /// Nothing but what the model refuses always.
    fn none(claude: Claude) -> Self {
        Self { left_out: if claude.fixed_sampling { SAMPLING } else { &[] }, ..Self::default() }
    }

    /// The caller's effort as one of the model's own.
    fn fit_effort(&mut self, effort: &str, claude: Claude, changes: &mut Changes) {
        self.effort = match claude.thinking {
            Thinking::Unknown => return,
            Thinking::Adaptive(words) => match clamped(effort, words) {
                Some(word) if word != effort => {
                    changes.note(Verb::Clamped, EFFORT);
                    SentEffort::Set(word)
                }
                Some(_) | None => return,
            },
            Thinking::Budget if claude.takes_effort => return,
            Thinking::Budget | Thinking::None => {
                // With a budget, it is in that.
                if self.thinking.is_none() {
                    changes.note(Verb::Dropped, EFFORT);
                }
                SentEffort::Removed
            }
        };
    }

    /// The `output_config` with its effort, in place of the caller's `config`; `None` if nothing is left of it.
    pub(super) fn output_config(&self, config: &[u8]) -> Option<String> {
        let own = std::str::from_utf8(config).ok().filter(|own| !own.is_empty());
        let draft = own.and_then(Draft::of);
        match (&self.effort, draft) {
            (SentEffort::Own, _) => own.map(str::to_owned),
            (SentEffort::Set(word), Some(mut config)) => {
                config.set(EFFORT, format!("\"{word}\""));
                config.written()
            }
            (SentEffort::Set(word), None) => Some(format!(r#"{{"effort":"{word}"}}"#)),
            (SentEffort::Removed, Some(mut config)) => {
                config.retain(|name, _| name != EFFORT, |_| {});
                config.written().filter(|written| written != "{}")
            }
            (SentEffort::Removed, None) => own.map(str::to_owned),
        }
    }
}

fn claude(model: &ModelEntry) -> Claude {
    Claude::of(&model.upstream_model, model.settings.capabilities.reasoning)
}

fn with_budget(budget: i64) -> String {
    format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)
}

fn adaptive(claude: Claude) -> String {
    let shown = if claude.omits_reasoning { r#","display":"summarized""# } else { "" };
    format!(r#"{{"type":"adaptive"{shown}}}"#)
}

/// A text member of an object.
fn member(object: &[u8], name: &str) -> Option<String> {
    Draft::of(std::str::from_utf8(object).ok()?)?.text(name)
}

/// A whole number of an object.
fn number(object: &[u8], name: &str) -> Option<i64> {
    serde_json::from_str(Draft::of(std::str::from_utf8(object).ok()?)?.get(name)?).ok()
}

/// The budget that a translation names in place of an effort, in tokens.
pub(super) fn budget(request: &ChatRequest) -> Option<i64> {
    Asked::of(request)?.budget
}

impl Asked {
    fn of(request: &ChatRequest) -> Option<Self> {
        let asked = request.named(NAME);
        let (effort, budget) = (member(asked, EFFORT), number(asked, "max_tokens"));
        (effort.is_some() || budget.is_some()).then_some(Self { effort, budget })
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
    member(request.named("tool_choice"), "type").is_some_and(|kind| matches!(kind.as_str(), "any" | "tool"))
}
