//! The body of a request for Gemini: a translation without what only its address says, and with what its model takes of the
//! reasoning that the caller asks for.
//!
//! Gemini refuses fields that it does not know. The organization's rules of a model have the names of chat completions, or
//! Gemini's own.

use super::body::{Adapted, Out, member};
use super::draft::Draft;
use super::messages_body::limit_of;
use super::parameters::at_most;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::gemini::history::{Taken, fitted};
use crate::dialects::messages::read_request::effort_of;
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::providers::compatibility::clamped;
use crate::providers::gemini::{Budget, Gemini, Thinking};
use crate::store::snapshot::ModelEntry;

/// Fields of a translation that are for this module.
const OURS: [&str; 3] = ["model", "reasoning", "stream"];
/// The field with the settings of the answer.
const CONFIG: &str = "generationConfig";
/// The settings by their names in chat completions.
const SETTINGS: [(&str, &str); 7] = [
    ("max_completion_tokens", "maxOutputTokens"),
    ("max_tokens", "maxOutputTokens"),
    ("seed", "seed"),
    ("stop", "stopSequences"),
    ("temperature", "temperature"),
    ("top_k", "topK"),
    ("top_p", "topP"),
];

/// Writes the body of a translation for `model`. `bare`: without any signature in the history, which the provider refused, or
/// missed.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, bare: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + 64);
    let mut changes = Changes::after(request.translated_with.as_deref().unwrap_or_default());
    let gemini = Gemini::of(&model.upstream_model, model.settings.capabilities.reasoning);
    let signer = Some(model.provider.preset.signer()).filter(|_| !bare);
    let taken = Taken { signer, required: gemini.signed_calls || bare };
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = request.value(part);
        if OURS.contains(&name) || is_own(request.dialect, name) {
            continue;
        }
        match name {
            "contents" => match fitted(value, taken, &mut changes) {
                Some(contents) => member(&mut out, name, contents.as_bytes()),
                None => member(&mut out, name, value),
            },
            CONFIG => {
                let config = config(request, model, gemini, value, &mut changes);
                member(&mut out, name, config.as_bytes());
            }
            _ => member(&mut out, name, value),
        }
    }
    out.text.push(b'}');
    out.into_body(changes)
}

/// The settings for a model.
fn config(
    request: &ChatRequest,
    model: &ModelEntry,
    gemini: Gemini,
    config: &[u8],
    changes: &mut Changes,
) -> String {
    let own = String::from_utf8_lossy(config).into_owned();
    let Some(mut draft) = Draft::of(&own) else { return own };
    let rules = model.parameter_rules();
    let is_dropped = |setting: &str| {
        let is = |dropped: &String| {
            dropped == setting || SETTINGS.iter().any(|(chat, own)| dropped == chat && *own == setting)
        };
        rules.drop.iter().any(is)
    };
    draft.retain(|setting, _| !is_dropped(setting), |setting| changes.note(Verb::Dropped, known(setting)));
    let most = model.settings.max_output_tokens.map(|most| most as f64);
    if let Some(limit) = draft.get("maxOutputTokens").map(str::to_owned) {
        let fitting = at_most(most, "max_tokens", limit.as_bytes(), changes);
        draft.set("maxOutputTokens", String::from_utf8_lossy(&fitting).into_owned());
    }
    // Thoughts count against it.
    let limit = match draft.get("maxOutputTokens") {
        Some(limit) => Some(limit_of(request, model, limit.as_bytes())),
        None => model.settings.max_output_tokens,
    };
    let limit = limit.map(|limit| u64::try_from(limit).unwrap_or_default());
    let asked = Asked::of(request);
    if let Some(thinking) = asked.and_then(|asked| asked.config(gemini.thinking, limit, changes)) {
        draft.set("thinkingConfig", thinking);
    }
    draft.written().unwrap_or_else(|| own.clone())
}

/// The name of a setting in chat completions, which changes are named after.
fn known(setting: &str) -> &'static str {
    SETTINGS.iter().rev().find(|(_, own)| *own == setting).map_or("member", |(chat, _)| *chat)
}

/// What the caller asks of the reasoning.
struct Asked {
    effort: Option<String>,
    budget: Option<u64>,
}

impl Asked {
    fn of(request: &ChatRequest) -> Option<Self> {
        let asked = Draft::of(std::str::from_utf8(request.named("reasoning")).ok()?)?;
        let budget = asked.get("max_tokens").and_then(|budget| serde_json::from_str(budget).ok());
        Some(Self { effort: asked.text("effort"), budget })
    }

    /// The field of the caller that the change is named after.
    const fn name(&self) -> &'static str {
        if self.budget.is_some() { "reasoning" } else { "reasoning_effort" }
    }

    /// The configuration of a model's reasoning, below the limit of the answer; `None` if it takes none.
    fn config(&self, thinking: Thinking, limit: Option<u64>, changes: &mut Changes) -> Option<String> {
        let sent = match thinking {
            Thinking::None => None,
            Thinking::Budget(budget) => self.budget(budget, limit),
            Thinking::Level(words) => self.level(words),
        };
        match &sent {
            None => changes.note(Verb::Dropped, self.name()),
            Some((_, Verb::Disabled)) => changes.note(Verb::Disabled, super::thinking::NAME),
            Some((_, verb)) => changes.note(*verb, self.name()),
        }
        sent.map(|(config, _)| config)
    }

    /// The word for the effort.
    fn word(&self) -> Option<&str> {
        self.effort.as_deref().or_else(|| self.budget.map(effort_of))
    }

    fn is_off(&self) -> bool {
        self.effort.as_deref() == Some("none") || self.budget == Some(0)
    }

    /// A budget below the limit of the answer, and what that is to the one that was asked for.
    fn budget(&self, taken: Budget, limit: Option<u64>) -> Option<(String, Verb)> {
        if self.is_off() {
            let tokens = if taken.off { 0 } else { taken.least };
            return Some((quiet(tokens), changed(!taken.off)));
        }
        // An effort leaves room for the answer, as with Claude.
        let (asked, room) = match self.budget {
            Some(budget) => (budget, limit.map(|limit| limit.saturating_sub(1))),
            None => {
                // As Google's own chat completions have them.
                let (tokens, hundredths) = match self.effort.as_deref()? {
                    "minimal" => (1_024, 10),
                    "low" => (1_024, 20),
                    "medium" => (8_192, 50),
                    "high" => (24_576, 80),
                    "xhigh" | "max" => (taken.most, 95),
                    _ => return None,
                };
                (tokens, limit.map(|limit| limit.saturating_mul(hundredths) / 100))
            }
        };
        let most = room.map_or(taken.most, |room| room.min(taken.most));
        if most < taken.least {
            // The least one alone may use up such a limit.
            return Some((quiet(if taken.off { 0 } else { taken.least }), Verb::Disabled));
        }
        let tokens = asked.clamp(taken.least, most);
        let config = format!(r#"{{"includeThoughts":true,"thinkingBudget":{tokens}}}"#);
        Some((config, changed(tokens != asked)))
    }

    /// A level, and what it is to the one that was asked for.
    fn level(&self, words: &[&'static str]) -> Option<(String, Verb)> {
        let asked = if self.is_off() { "none" } else { self.word()? };
        let word = clamped(asked, words)?;
        let shown = if self.is_off() { "" } else { r#""includeThoughts":true,"# };
        let level = word.to_ascii_uppercase();
        Some((format!(r#"{{{shown}"thinkingLevel":"{level}"}}"#), changed(word != asked)))
    }
}

/// The configuration with a budget that shows no reasoning.
fn quiet(tokens: u64) -> String {
    format!(r#"{{"thinkingBudget":{tokens}}}"#)
}

/// The change to what is sent: whether it is another value than asked for.
const fn changed(differs: bool) -> Verb {
    if differs { Verb::Clamped } else { Verb::Mapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_or_a_budget_is_what_the_model_takes() {
        let flash = Gemini::of("gemini-2.5-flash", None).thinking;
        let pro = Gemini::of("gemini-2.5-pro", None).thinking;
        let third = Gemini::of("gemini-3-flash", None).thinking;
        let third_pro = Gemini::of("gemini-3-pro", None).thinking;
        let shown = |inside: &str| Some(format!(r#"{{"includeThoughts":true,{inside}}}"#));
        let quiet = |inside: &str| Some(format!("{{{inside}}}"));
        for (effort, budget, thinking, expected, change) in [
            (Some("low"), None, flash, shown(r#""thinkingBudget":1024"#), "mapped:reasoning_effort"),
            (Some("max"), None, pro, shown(r#""thinkingBudget":32768"#), "mapped:reasoning_effort"),
            (Some("none"), None, flash, quiet(r#""thinkingBudget":0"#), "mapped:reasoning_effort"),
            (Some("none"), None, pro, quiet(r#""thinkingBudget":128"#), "clamped:reasoning_effort"),
            (None, Some(50_000), flash, shown(r#""thinkingBudget":24576"#), "clamped:reasoning"),
            (Some("medium"), None, third, shown(r#""thinkingLevel":"MEDIUM""#), "mapped:reasoning_effort"),
            (Some("medium"), None, third_pro, shown(r#""thinkingLevel":"HIGH""#), "clamped:reasoning_effort"),
            (Some("minimal"), None, third_pro, shown(r#""thinkingLevel":"LOW""#), "clamped:reasoning_effort"),
            (None, Some(4_000), third_pro, shown(r#""thinkingLevel":"HIGH""#), "clamped:reasoning"),
            (Some("xhigh"), None, third, shown(r#""thinkingLevel":"HIGH""#), "clamped:reasoning_effort"),
            (Some("none"), None, third_pro, quiet(r#""thinkingLevel":"LOW""#), "clamped:reasoning_effort"),
            (None, Some(1_000), third, shown(r#""thinkingLevel":"LOW""#), "mapped:reasoning"),
            (Some("low"), None, Thinking::None, None, "dropped:reasoning_effort"),
            (Some("odd"), None, third, None, "dropped:reasoning_effort"),
        ] {
            let mut changes = Changes::default();
            let asked = Asked { effort: effort.map(str::to_owned), budget };
            assert_eq!(asked.config(thinking, None, &mut changes), expected, "{effort:?} {budget:?}");
            assert_eq!(changes.into_names(), [change]);
        }
    }

    #[test]
    fn a_budget_leaves_room_below_the_limit_of_the_answer() {
        for (model, effort, budget, limit, tokens, change) in [
            ("gemini-2.5-flash", Some("high"), None, 300, 240, "clamped:reasoning_effort"),
            ("gemini-2.5-flash", Some("low"), None, 64_000, 1_024, "mapped:reasoning_effort"),
            ("gemini-2.5-flash", None, Some(10_000), 20_000, 10_000, "mapped:reasoning"),
            ("gemini-2.5-flash", None, Some(2_000), 5_000, 2_000, "mapped:reasoning"),
            ("gemini-2.5-flash", None, Some(6_000), 5_000, 4_999, "clamped:reasoning"),
            // Less than the least budget of the model is left.
            ("gemini-2.5-flash-lite", Some("high"), None, 300, 0, "disabled:thinking"),
            ("gemini-2.5-pro", Some("low"), None, 300, 128, "disabled:thinking"),
            ("gemini-2.5-flash", None, Some(6_000), 1, 0, "disabled:thinking"),
        ] {
            let mut changes = Changes::default();
            let asked = Asked { effort: effort.map(str::to_owned), budget };
            let sent = asked.config(Gemini::of(model, None).thinking, Some(limit), &mut changes);
            let sent = sent.expect("a configuration");
            assert!(sent.ends_with(&format!("\"thinkingBudget\":{tokens}}}")), "{model} {limit}: {sent}");
            assert_eq!(sent.contains("includeThoughts"), change != "disabled:thinking", "{sent}");
            assert_eq!(changes.into_names(), [change], "{model} {limit}");
        }
    }
}
