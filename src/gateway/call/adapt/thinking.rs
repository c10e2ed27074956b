//! Keeps the budget of a request's reasoning below the limit of its answer, where a model's own limit is lower than the
//! caller's. Anthropic refuses any other.

use std::borrow::Cow;

use super::draft::{Draft, each};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::chat_request::ChatRequest;
use crate::store::snapshot::ModelEntry;

/// The field that this is about.
pub(super) const NAME: &str = "thinking";

/// The field with edits of the conversation, of which some clear reasoning.
pub(super) const MANAGEMENT: &str = "context_management";

/// The least budget that Anthropic accepts, in tokens.
const LEAST: f64 = 1_024.0;

/// The `thinking` of a request for a fallback. `None` means that it is left out, because no budget fits.
pub(super) fn fitting<'a>(
    request: &ChatRequest,
    model: &ModelEntry,
    thinking: &'a [u8],
    changes: &mut Changes,
) -> Option<Cow<'a, [u8]>> {
    let limits = ["max_tokens", "max_completion_tokens"];
    let part = request.parts.iter().find(|part| limits.contains(&part.name.as_str()));
    let asked = part.and_then(|part| serde_json::from_slice(request.value(part)).ok());
    let most = model.settings.max_output_tokens.filter(|_| model.parameter_rules().clamp_output);
    let (Some(asked), Some(most)) = (asked, most.map(|most| most as f64)) else {
        return Some(thinking.into());
    };
    match fit(thinking, asked, most) {
        Fit::AsItIs => Some(thinking.into()),
        Fit::Lowered(lowered) => {
            changes.note(Verb::Clamped, NAME);
            Some(lowered.into_bytes().into())
        }
        Fit::Disabled => {
            changes.note(Verb::Disabled, NAME);
            None
        }
    }
}

/// Whether a `thinking` has a budget. Models that decide by themselves how much they reason may also begin to in the middle of
/// a turn.
pub(super) fn has_budget(thinking: &[u8]) -> bool {
    let thinking = std::str::from_utf8(thinking).ok().and_then(Draft::of);
    thinking.and_then(|thinking| thinking.text("type")).is_some_and(|kind| kind == "enabled")
}

/// The `context_management` of a request without reasoning: Anthropic refuses edits that clear reasoning there. `None` means
/// that nothing of it is left.
pub(super) fn without_clearing<'a>(management: &'a [u8], changes: &mut Changes) -> Option<Cow<'a, [u8]>> {
    let Some(mut draft) = std::str::from_utf8(management).ok().and_then(Draft::of) else {
        return Some(management.into());
    };
    let (mut kept, mut clears) = (Vec::new(), false);
    let is_clearing = |edit: &str| {
        let kind = Draft::of(edit).and_then(|edit| edit.text("type"));
        kind.is_some_and(|kind| kind.starts_with("clear_thinking"))
    };
    each(draft.get("edits").unwrap_or_default(), |edit| {
        if is_clearing(edit) {
            clears = true
        } else {
            kept.push(edit.to_owned())
        }
        None
    });
    if !clears {
        return Some(management.into());
    }
    changes.note(Verb::Dropped, MANAGEMENT);
    if kept.is_empty() {
        return None;
    }
    draft.set("edits", format!("[{}]", kept.join(",")));
    draft.written().map(|written| written.into_bytes().into())
}

/// How a `thinking` fits a lowered limit.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    AsItIs,
    Lowered(String),
    Disabled,
}

/// `asked` is the caller's limit of the answer, and `most` the model's.
fn fit(thinking: &[u8], asked: f64, most: f64) -> Fit {
    let Some(mut thinking) = std::str::from_utf8(thinking).ok().and_then(Draft::of) else {
        return Fit::AsItIs;
    };
    let budget: Option<f64> =
        thinking.get("budget_tokens").and_then(|budget| serde_json::from_str(budget).ok());
    // A budget above the caller's own limit is that of thinking between calls of tools, which may exceed it.
    let Some(budget) = budget.filter(|budget| most < asked && *budget < asked && *budget >= most) else {
        return Fit::AsItIs;
    };
    if most <= LEAST {
        return Fit::Disabled;
    }
    // The same part of the answer.
    let lowered = (most * budget / asked).floor().max(LEAST);
    thinking.set("budget_tokens", lowered.to_string());
    thinking.written().map_or(Fit::AsItIs, Fit::Lowered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_keeps_its_part_of_the_answer() {
        for (thinking, asked, most, expected) in [
            (
                r#"{"type":"enabled","budget_tokens":32000}"#,
                64_000.0,
                8_192.0,
                Some(r#"{"type":"enabled","budget_tokens":4096}"#),
            ),
            (
                r#"{"budget_tokens":9000,"display":"omitted"}"#,
                64_000.0,
                8_192.0,
                Some(r#"{"budget_tokens":1152,"display":"omitted"}"#),
            ),
            (r#"{"budget_tokens":2000}"#, 64_000.0, 1_025.0, Some(r#"{"budget_tokens":1024}"#)),
            (r#"{"budget_tokens":2000}"#, 64_000.0, 1_024.0, None),
        ] {
            let expected = expected.map_or(Fit::Disabled, |text| Fit::Lowered(text.to_owned()));
            assert_eq!(fit(thinking.as_bytes(), asked, most), expected, "{thinking}");
        }
    }

    #[test]
    fn what_is_valid_or_unknown_stays() {
        for (thinking, asked, most) in [
            (r#"{"type":"enabled","budget_tokens":8191}"#, 64_000.0, 8_192.0),
            (r#"{"type":"adaptive"}"#, 64_000.0, 8_192.0),
            // The limit is not lowered.
            (r#"{"type":"enabled","budget_tokens":32000}"#, 4_096.0, 8_192.0),
            // Of thinking between calls of tools.
            (r#"{"type":"enabled","budget_tokens":100000}"#, 64_000.0, 8_192.0),
            (r#"{"budget_tokens":"many"}"#, 64_000.0, 8_192.0),
            ("true", 64_000.0, 8_192.0),
        ] {
            assert_eq!(fit(thinking.as_bytes(), asked, most), Fit::AsItIs, "{thinking}");
        }
    }

    #[test]
    fn edits_that_clear_reasoning_need_it() {
        let clearing = r#"{"type":"clear_thinking_20251015","keep":"all"}"#;
        let other = r#"{"type":"clear_tool_uses_20250919"}"#;
        for (edits, left, noted) in [
            (other.to_owned(), Some(format!(r#"{{"edits":[{other}]}}"#)), false),
            (format!("{clearing},{other}"), Some(format!(r#"{{"edits":[{other}]}}"#)), true),
            (clearing.to_owned(), None, true),
        ] {
            let (mut changes, management) = (Changes::default(), format!(r#"{{"edits":[{edits}]}}"#));
            let found = without_clearing(management.as_bytes(), &mut changes);
            assert_eq!(found.as_deref(), left.as_deref().map(str::as_bytes), "{edits}");
            assert_eq!(!changes.into_names().is_empty(), noted, "{edits}");
        }
        assert!(without_clearing(b"true", &mut Changes::default()).is_some());
    }
}
