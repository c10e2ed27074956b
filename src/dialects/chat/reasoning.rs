//! Reasoning in the requests of chat completions: how much of it a caller asks for, and what comes back of Claude's.

use super::write_answer::FORMAT_OF_CLAUDE;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::strip;
use crate::dialects::gemini::history::NO_SIGNATURE;
use crate::dialects::gemini::signature::{Signer, read as signer_of};
use crate::dialects::members::Members;
use crate::dialects::messages::unsigned::{signature_of, signed_block};
use crate::dialects::turns::{Block, Signed};

/// The effort of a caller who wants reasoning and does not say how much.
const USUAL: &str = "medium";
/// The effort of a caller who lets Claude decide, which is Claude's own default.
pub(in crate::dialects) const DECIDED_BY_CLAUDE: &str = "high";
/// The effort that switches reasoning off.
pub(super) const OFF: &str = "none";

/// The effort and the budget that a caller asks for: OpenAI's `reasoning_effort`, OpenRouter's `reasoning` or Anthropic's
/// `thinking`, which its own chat completions take. The first of them counts; the others are named.
pub(super) fn asked(members: &Members<'_>, changes: &mut Changes) -> (Option<String>, Option<u64>) {
    let own = members.text("reasoning_effort");
    let thinking = members.object("thinking");
    if let Some(reasoning) = members.object("reasoning") {
        strip(&reasoning, &["effort", "enabled", "max_tokens"], changes);
        if thinking.is_some() {
            changes.note(Verb::Dropped, "thinking");
        }
        if own.is_some() && (reasoning.raw("effort").is_some() || reasoning.raw("enabled").is_some()) {
            changes.note(Verb::Dropped, "reasoning");
        }
        let enabled: Option<bool> = reasoning.value("enabled");
        let budget = reasoning.value("max_tokens").filter(|_| enabled != Some(false));
        let effort = match enabled {
            Some(false) => Some(OFF.to_owned()),
            Some(true) if budget.is_none() => reasoning.text("effort").or_else(|| Some(USUAL.to_owned())),
            Some(true) | None => reasoning.text("effort"),
        };
        return (own.or(effort), budget);
    }
    let Some(thinking) = thinking else { return (own, None) };
    strip(&thinking, &["type", "budget_tokens"], changes);
    match thinking.text("type").as_deref() {
        Some("enabled") => {
            let budget = thinking.value("budget_tokens");
            (own.or_else(|| budget.is_none().then(|| USUAL.to_owned())), budget)
        }
        Some("adaptive") => (own.or_else(|| Some(DECIDED_BY_CLAUDE.to_owned())), None),
        Some("disabled") => (own.or_else(|| Some(OFF.to_owned())), None),
        Some(_) | None => (own, None),
    }
}

/// The reasoning in an assistant's message besides its content: what Claude has signed, in order, and a mark for other
/// reasoning.
pub(super) fn returned<'a>(message: &Members<'_>) -> Vec<Block<'a>> {
    let objects = |name| message.list(name).unwrap_or_default().into_iter().filter_map(Members::of);
    let mut found = Found::default();
    objects("reasoning_details").for_each(|detail| found.detail(&detail));
    found.end_text();
    if found.signed.is_empty() {
        // As LiteLLM has them.
        found.signed.extend(objects("thinking_blocks").filter_map(|block| signed_block(&block)));
    }
    let other = found.other || found.signed.is_empty() && has_text(message);
    let signed = found.signed.into_iter().map(Block::Signed);
    other.then_some(Block::Reasoning).into_iter().chain(signed).collect()
}

/// Gemini's signature of a call, with the mark of the endpoint that made it. One without a mark is of AI Studio: its own chat
/// completions have it there.
pub(super) fn call_signature(call: &Members<'_>) -> Option<String> {
    let google = call.object("extra_content")?.object("google")?;
    let signature = google.text("thought_signature").filter(|signature| !signature.is_empty())?;
    if signature == NO_SIGNATURE {
        return None;
    }
    let is_marked = signer_of(&signature).is_some();
    Some(if is_marked { signature } else { Signer::Studio.marked(&signature) })
}

fn has_text(message: &Members<'_>) -> bool {
    super::read_answer::reasoning_of(message).is_some_and(|text| !text.is_empty())
}

/// What was found in a list of details. Callers that keep the pieces of a stream return a text in several of them, the last
/// one with its signature.
#[derive(Default)]
struct Found {
    signed: Vec<Signed>,
    /// A text without its signature so far, and its index.
    text: String,
    index: Option<u64>,
    /// Whether there is reasoning that Claude has not signed.
    other: bool,
}

impl Found {
    fn detail(&mut self, detail: &Members<'_>) {
        let is_of_claude = detail.text("format").is_none_or(|format| format == FORMAT_OF_CLAUDE);
        match detail.text("type").as_deref() {
            Some("reasoning.text") if is_of_claude => {
                let index = detail.value("index");
                if index != self.index {
                    self.end_text();
                }
                self.index = index;
                self.text += &detail.text("text").unwrap_or_default();
                if let Some(signature) = signature_of(detail) {
                    self.signed.push(Signed::Text { text: std::mem::take(&mut self.text), signature });
                }
            }
            Some("reasoning.encrypted") if is_of_claude && detail.raw("format").is_some() => {
                self.end_text();
                self.signed.extend(detail.text("data").map(Signed::Redacted));
            }
            Some(_) | None => {
                self.end_text();
                self.other = true;
            }
        }
    }

    /// A text that ends without a signature is not Claude's.
    fn end_text(&mut self) {
        self.other |= !std::mem::take(&mut self.text).is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::messages::unsigned::MARK;

    fn members(json: &str) -> Members<'_> {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn each_way_to_ask_for_reasoning_is_an_effort_or_a_budget() {
        for (body, effort, budget) in [
            (r#"{"reasoning_effort":"low"}"#, Some("low"), None),
            (r#"{"reasoning":{"effort":"high"}}"#, Some("high"), None),
            (r#"{"reasoning":{"max_tokens":2000}}"#, None, Some(2_000)),
            (r#"{"reasoning":{"enabled":true}}"#, Some("medium"), None),
            (r#"{"reasoning":{"enabled":true,"max_tokens":2000}}"#, None, Some(2_000)),
            (r#"{"reasoning":{"enabled":false,"max_tokens":2000}}"#, Some("none"), None),
            (r#"{"reasoning":{"exclude":true}}"#, None, None),
            (r#"{"reasoning_effort":"low","reasoning":{"effort":"high"}}"#, Some("low"), None),
            (r#"{"thinking":{"type":"enabled","budget_tokens":3000}}"#, None, Some(3_000)),
            (r#"{"thinking":{"type":"enabled"}}"#, Some("medium"), None),
            (r#"{"thinking":{"type":"adaptive"}}"#, Some("high"), None),
            (r#"{"thinking":{"type":"disabled"}}"#, Some("none"), None),
            ("{}", None, None),
        ] {
            let mut changes = Changes::default();
            let asked = asked(&members(body), &mut changes);
            assert_eq!(asked, (effort.map(str::to_owned), budget), "{body}");
        }
    }

    #[test]
    fn a_wish_that_does_not_count_is_named() {
        for (body, expected) in [
            (r#"{"reasoning":{"effort":"high"}}"#, vec![]),
            (r#"{"reasoning":{"effort":"high","exclude":true}}"#, vec!["stripped:exclude"]),
            (r#"{"reasoning_effort":"low","reasoning":{"effort":"high"}}"#, vec!["dropped:reasoning"]),
            (
                r#"{"reasoning":{"max_tokens":9},"thinking":{"type":"enabled","budget_tokens":9}}"#,
                vec!["dropped:thinking"],
            ),
            (r#"{"thinking":{"type":"adaptive","display":"summarized"}}"#, vec!["stripped:display"]),
        ] {
            let mut changes = Changes::default();
            asked(&members(body), &mut changes);
            assert_eq!(changes.into_names(), expected, "{body}");
        }
    }

    #[test]
    fn a_call_has_the_signature_of_google_where_its_own_completions_have_it() {
        let (studio, vertex) = (Signer::Studio.marked("c2ln"), Signer::Vertex.marked("c2ln"));
        for (sent, expected) in [
            ("c2ln", Some(&studio)),
            (studio.as_str(), Some(&studio)),
            (vertex.as_str(), Some(&vertex)),
            (NO_SIGNATURE, None),
            ("", None),
        ] {
            let call = format!(r#"{{"extra_content":{{"google":{{"thought_signature":"{sent}"}}}}}}"#);
            assert_eq!(call_signature(&members(&call)).as_ref(), expected, "{sent}");
        }
        assert_eq!(call_signature(&members("{}")), None);
    }

    /// The blocks, each as one line.
    fn lines(message: &str) -> Vec<String> {
        returned(&members(message)).iter().map(|block| format!("{block:?}")).collect()
    }

    #[test]
    fn what_claude_has_signed_comes_back_in_each_form() {
        let text = |text: &str| format!("Signed(Text {{ text: {text:?}, signature: \"c2ln\" }})");
        let redacted = "Signed(Redacted(\"eA==\"))".to_owned();
        for (message, expected) in [
            (
                r#"{"reasoning_content":"T","reasoning_details":[{"type":"reasoning.text","text":"T","signature":"c2ln","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"eA==","format":"anthropic-claude-v1","index":1}]}"#,
                vec![text("T"), redacted.clone()],
            ),
            // The pieces of a stream of OpenRouter.
            (
                r#"{"reasoning":"TU","reasoning_details":[{"type":"reasoning.text","text":"T","format":"anthropic-claude-v1","index":0},{"type":"reasoning.text","text":"U","format":"anthropic-claude-v1","index":0},{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1","index":0}]}"#,
                vec![text("TU")],
            ),
            (
                r#"{"thinking_blocks":[{"type":"thinking","thinking":"T","signature":"c2ln"},{"type":"redacted_thinking","data":"eA=="}]}"#,
                vec![text("T"), redacted],
            ),
        ] {
            assert_eq!(lines(message), expected, "{message}");
        }
    }

    #[test]
    fn other_reasoning_is_only_marked() {
        let mark = format!(
            r#"{{"reasoning_details":[{{"type":"reasoning.text","text":"T","signature":"{MARK}"}}]}}"#
        );
        for message in [
            r#"{"reasoning_content":"T"}"#,
            r#"{"reasoning_details":[{"type":"reasoning.text","text":"T","signature":"x","format":"google-gemini-v1"}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"S"}]}"#,
            r#"{"reasoning":"T","thinking_blocks":[{"type":"thinking","thinking":"T","signature":""}]}"#,
            &mark,
        ] {
            assert_eq!(lines(message), ["Reasoning"], "{message}");
        }
        assert!(lines(r#"{"content":"Hi","reasoning_content":""}"#).is_empty());
    }
}
