//! The body of a response for a provider of the dialect: the caller's, with the provider's name of the model and without the
//! gateway's fields.
//!
//! The provider gets its own ids of what it stores, without our marks. Reasoning that was translated is left out, and so is what another
//! provider encrypted, as the mark of its id says. For a fallback, so is all other reasoning without such a mark, and the organization's
//! rules of its model apply.

use std::borrow::Cow;
use std::ops::Range;

use super::body::{Adapted, Out, member};
use super::draft::{Draft, each};
use super::parameters::at_most;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::responses::foreign::{LeftOut, without};
use crate::dialects::responses::stored::{MARK_LENGTH, marked, provider_of};
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::gateway::request::json_object::{quoted, span};
use crate::store::snapshot::ModelEntry;

/// Items of an answer that a provider may keep with the reasoning before them, under an id that they need not have.
const BESIDE_REASONING: [&str; 3] = ["custom_tool_call", "function_call", "message"];

/// Writes the body of a response for `model`. `primary` says that the caller wrote the request for this model. `bare`: without any
/// reasoning in the input, which the provider refused.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, primary: bool, bare: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len() + 64);
    let mut changes = Changes::default();
    let rules = (!primary).then(|| model.parameter_rules());
    let most = model.settings.max_output_tokens.map(|most| most as f64);
    let provider = model.provider.id.0;
    let left_out = match (bare, primary) {
        (true, _) => LeftOut::All,
        (false, true) => LeftOut::OfOthers(provider),
        (false, false) => LeftOut::AllBut(provider),
    };
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        if name == "model" || is_own(request.dialect, name) {
            continue;
        }
        let value = request.value(part);
        if name == "input"
            && let Some(input) = without(value, left_out)
        {
            changes.stripped("thinking");
            let alone = if bare { without_ids(&input) } else { None };
            let input = alone.as_deref().unwrap_or(&input);
            member(&mut out, name, &without_marks(name, input.as_bytes()));
            continue;
        }
        let value = &*without_marks(name, value);
        match rules {
            Some(rules) if rules.drop.iter().any(|dropped| dropped == name) => {
                changes.note(Verb::Dropped, name);
            }
            Some(rules) if rules.clamp_output && name == "max_output_tokens" => {
                member(&mut out, name, &at_most(most, name, value, &mut changes));
            }
            Some(_) | None => member(&mut out, name, value),
        }
    }
    member(&mut out, "model", quoted(&model.upstream_model).as_bytes());
    out.text.push(b'}');
    out.into_body(changes)
}

/// The input without the ids of answers and calls, which a provider refuses without the reasoning that it keeps beside them. `None`
/// if nothing changes.
fn without_ids(input: &str) -> Option<String> {
    each(input, |item| {
        let mut draft = Draft::of(item)?;
        let kind = draft.text("type");
        if !kind.is_some_and(|kind| BESIDE_REASONING.contains(&kind.as_str())) {
            return None;
        }
        draft.retain(|name, _| name != "id", |_| {});
        draft.written()
    })
}

/// The value of a member with the provider's own ids of what it stores.
fn without_marks<'a>(name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
    let mut ids: Vec<(Range<usize>, String)> = match name {
        "previous_response_id" => own_id(value).map(|own| (0..value.len(), own)).into_iter().collect(),
        "input" => marked(value)
            .into_iter()
            .map(|id| id.get().as_bytes())
            .filter_map(|id| Some((span(value, id), own_id(id)?)))
            .collect(),
        _ => Vec::new(),
    };
    if ids.is_empty() {
        return Cow::Borrowed(value);
    }
    ids.sort_unstable_by_key(|(place, _)| place.start);
    let mut out = Vec::with_capacity(value.len());
    let mut from = 0;
    for (place, own) in ids {
        out.extend_from_slice(value.get(from..place.start).unwrap_or_default());
        out.extend_from_slice(own.as_bytes());
        from = place.end;
    }
    out.extend_from_slice(value.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The provider's own id as a JSON string; `None` if the id has no mark. Escapes may be anywhere in it, also in the mark.
fn own_id(json: &[u8]) -> Option<String> {
    let id: String = serde_json::from_slice(json).ok()?;
    provider_of(&id)?;
    Some(quoted(id.get(..id.len().checked_sub(MARK_LENGTH)?)?))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::dialects::responses::stored::mark;

    #[test]
    fn answers_and_calls_lose_their_ids_with_their_reasoning() {
        let said = r#"{"role":"user","id":"x","content":"Hi"}"#;
        let kept = r#"{"type":"web_search_call","id":"ws_1"}"#;
        let call = r#"{"type":"function_call","id":"fc_1","call_id":"c"}"#;
        let found = without_ids(&format!("[{said},{call},{kept}]"));
        assert_eq!(found, Some(format!(r#"[{said},{{"type":"function_call","call_id":"c"}},{kept}]"#)));
        assert_eq!(without_ids(&format!("[{said},{kept}]")), None);
    }

    #[test]
    fn providers_get_their_own_ids() {
        let (mark, other) = (mark(Uuid::from_u128(1)), mark(Uuid::from_u128(2)));
        for (name, value, expected) in [
            ("previous_response_id", format!("\"resp_1{mark}\""), "\"resp_1\"".to_owned()),
            ("previous_response_id", "null".to_owned(), "null".to_owned()),
            (
                "previous_response_id",
                format!("\"resp_1{}\"", mark.replace('_', r"\u005f")),
                "\"resp_1\"".to_owned(),
            ),
            (
                "previous_response_id",
                format!(r#""\u0072esp\"1{}\u0031""#, mark.trim_end_matches('1')),
                r#""resp\"1""#.to_owned(),
            ),
            (
                "input",
                format!(r#"[{{"id":"msg_1{}"}}]"#, mark.replace('_', r"\u005f")),
                r#"[{"id":"msg_1"}]"#.to_owned(),
            ),
            // The provider may be a gateway, too.
            ("previous_response_id", format!("\"resp_1{other}{mark}\""), format!("\"resp_1{other}\"")),
            (
                "input",
                format!(
                    r#"[ {{"type":"message","id":"msg_1{mark}"}}, {{"id":"rs_1{other}","type":"reasoning"}},7]"#
                ),
                r#"[ {"type":"message","id":"msg_1"}, {"id":"rs_1","type":"reasoning"},7]"#.to_owned(),
            ),
            ("input", format!("\"resp_1{mark}\""), format!("\"resp_1{mark}\"")),
            ("instructions", format!("\"resp_1{mark}\""), format!("\"resp_1{mark}\"")),
        ] {
            let written = without_marks(name, value.as_bytes()).into_owned();
            assert_eq!(String::from_utf8(written).expect("UTF-8"), expected, "{name}: {value}");
        }
    }
}
