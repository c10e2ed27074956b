//! Reads a whole message.

use crate::dialects::answers::{Answer, Part, Stop};
use crate::dialects::ids;
use crate::dialects::members::Members;
use crate::dialects::messages::unsigned::MARK;
use crate::dialects::turns::{Call, Input, Signed};

/// Reads a message. Blocks of other kinds than text, reasoning and calls are left out. `None` if it has no content, or a call
/// has no valid input.
#[must_use]
pub fn read(body: &[u8]) -> Option<Answer<'_>> {
    let body: Members<'_> = serde_json::from_slice(body).ok()?;
    let (mut parts, mut ids) = (Vec::new(), ids::OfAnswer::default());
    for block in body.list("content")?.into_iter().filter_map(Members::of) {
        let part = match block.text("type").as_deref() {
            Some("text") => block.text("text").map(Part::Text),
            Some("thinking") => reasoning(&block),
            Some("redacted_thinking") => block.text("data").map(|data| Part::Signed(Signed::Redacted(data))),
            Some("tool_use") => Some(Part::Call(call(&block, &mut ids)?)),
            Some(_) | None => None,
        };
        parts.extend(part);
    }
    let calls = parts.iter().any(|part| matches!(part, Part::Call(_)));
    let stop = stop(&body.text("stop_reason").unwrap_or_default()).of_answer(calls);
    let stop_sequence = body.text("stop_sequence");
    Some(Answer { id: body.text("id").unwrap_or_default(), parts, stop, stop_sequence, cut: false })
}

/// Why a message ended. A `pause_turn` is an end for callers who cannot resume it.
pub(super) fn stop(reason: &str) -> Stop {
    match reason {
        "stop_sequence" => Stop::Sequence,
        "tool_use" => Stop::Calls,
        "max_tokens" => Stop::Length,
        "model_context_window_exceeded" => Stop::Window,
        "refusal" => Stop::Refused,
        _ => Stop::End,
    }
}

/// Reasoning with its signature. Other vendors that speak Messages may have none.
fn reasoning<'a>(block: &Members<'_>) -> Option<Part<'a>> {
    let text = block.text("thinking")?;
    Some(match signature(block) {
        Some(signature) => Part::Signed(Signed::Text { text, signature }),
        None => Part::Reasoning(text),
    })
}

/// The signature of a block or a delta, if it has one.
pub(super) fn signature(block: &Members<'_>) -> Option<String> {
    block.text("signature").filter(|signature| !signature.is_empty() && signature != MARK)
}

fn call<'a>(block: &Members<'a>, ids: &mut ids::OfAnswer) -> Option<Call<'a>> {
    let input = block.raw("input").filter(|input| input.get().starts_with('{'))?;
    let text = |name: &str| block.text(name).filter(|text| !text.is_empty());
    let (id, name) = (text("id")?, text("name")?);
    Some(Call { id: ids.give(Some(id)), name, input: Input::Borrowed(input) })
}
