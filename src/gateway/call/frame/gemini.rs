//! Inspects a whole answer of Gemini, or a piece of its stream, which has the same form.

use serde_json::value::RawValue;

use super::{Inspected, NoAnswer};
use crate::dialects::gemini::answer::{Answer, Candidate, Kind};
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::request::json_object::span;
use crate::gateway::usage::pricing::parse;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::finish_reasons::finish;
use crate::providers::{FinishMeaning, error_of_event, is_empty_error};

impl Inspected {
    /// Inspects a whole answer, without the size of its content.
    pub(super) fn of_generated(text: &[u8]) -> Result<Self, NoAnswer> {
        let mut seen = Self::generated::<false>(text)?;
        // One that ends normally without a part is a known failure of the model.
        if !seen.choices.content && seen.choices.finished && is_silent(text) {
            let part = Part { extras: seen.choices.extras, ..Part::default() };
            seen.choices = Choices::of_message(part);
        }
        Ok(seen)
    }

    /// The size of what the model wrote in a whole answer.
    pub(super) fn size_of_generated(text: &[u8]) -> TextSize {
        let candidate = Answer::read(text).and_then(|answer| answer.candidate);
        candidate.as_ref().map(size_of).unwrap_or_default()
    }

    /// Inspects a piece of a stream, with the size of its content.
    pub(in crate::gateway::call) fn of_generated_piece(text: &[u8]) -> Result<Self, NoAnswer> {
        Self::generated::<true>(text)
    }

    fn generated<const MEASURED: bool>(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Answer::read(text).ok_or(NoAnswer::Broken)?;
        if answer.error.is_some_and(|error| !is_empty_error(error.get())) {
            return Err(NoAnswer::Error(Box::new(error_of_event(text))));
        }
        if answer.blocked && answer.candidate.is_none() {
            return Err(NoAnswer::Blocked);
        }
        let choices = answer.candidate.as_ref().map(choices::<MEASURED>).unwrap_or_default();
        Ok(Self {
            choices,
            chosen: choices.any,
            usage: answer.usage.map(|usage| parse(usage.get())).unwrap_or_default(),
            // The field belongs to completions.
            fingerprint: true,
            members: 1,
            model: answer.model.map(|model| span(text, model.get().as_bytes())),
            ..Self::default()
        })
    }
}

/// The one choice. What precedes an end by a failure broke off: a call is missing after it.
fn choices<const MEASURED: bool>(candidate: &Candidate<'_>) -> Choices {
    let end = candidate.end.as_deref();
    let broken = end.and_then(finish).is_some_and(|end| end.finish == FinishMeaning::Broken);
    let has = |wanted: fn(&Kind<'_>) -> bool| candidate.parts().iter().any(|part| wanted(&part.kind));
    let content = has(|kind| match kind {
        Kind::Text(_) | Kind::Thought(_) | Kind::Media(_) => true,
        Kind::Call(call) => call.name.is_some(),
        Kind::Other => false,
    });
    let unnamed = has(|kind| matches!(kind, Kind::Call(call) if call.name.is_none()));
    let extras = candidate.grounded || has(|kind| matches!(kind, Kind::Media(_)));
    let size = if MEASURED { size_of(candidate) } else { TextSize::default() };
    Choices::of_message(Part { content: content && !broken, unnamed, extras, size, end })
}

/// Whether an answer ended as if it was complete, but has no part, not even an empty text.
pub(in crate::gateway::call) fn is_silent(text: &[u8]) -> bool {
    let candidate = Answer::read(text).and_then(|answer| answer.candidate);
    candidate.is_some_and(|candidate| {
        candidate.parts.is_none()
            && candidate
                .end
                .is_some_and(|end| finish(&end).is_some_and(|end| end.rule == "finish_reason:stop"))
    })
}

fn size_of(candidate: &Candidate<'_>) -> TextSize {
    let of_json = |json: &RawValue| TextSize::of_json(json.get());
    let sizes = candidate.parts().iter().map(|part| match &part.kind {
        Kind::Text(json) | Kind::Thought(json) => of_json(json),
        Kind::Call(call) => of_json(call.json),
        Kind::Media(_) | Kind::Other => TextSize::default(),
    });
    sizes.fold(TextSize::default(), TextSize::then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::call::choices::Verdict;

    fn verdict(candidate: &str) -> Verdict {
        let text = format!(r#"{{"candidates":[{candidate}],"usageMetadata":{{"promptTokenCount":1}}}}"#);
        Inspected::of_generated(text.as_bytes()).expect("an answer").choices.verdict()
    }

    #[test]
    fn an_answer_is_judged_by_its_candidate() {
        let parts =
            |parts: &str, end: &str| format!(r#"{{"content":{{"parts":[{parts}]}},"finishReason":"{end}"}}"#);
        for usable in [
            parts(r#"{"text":"Hi"}"#, "STOP"),
            parts(r#"{"text":"Hi"}"#, "SAFETY"),
            parts(r#"{"text":""}"#, "STOP"),
            parts(r#"{"functionCall":{"name":"f"}}"#, "STOP"),
            r#"{"finishReason":"MAX_TOKENS"}"#.to_owned(),
        ] {
            assert_eq!(verdict(&usable), Verdict::Usable, "{usable}");
        }
        for (bad, rule) in [
            (r#"{"finishReason":"SAFETY"}"#.to_owned(), "finish_reason:safety"),
            (r#"{"finishReason":"PROHIBITED_CONTENT"}"#.to_owned(), "finish_reason:prohibited_content"),
            (
                r#"{"finishReason":"MALFORMED_FUNCTION_CALL"}"#.to_owned(),
                "finish_reason:malformed_function_call",
            ),
            (
                parts(r#"{"text":"I call"}"#, "MALFORMED_FUNCTION_CALL"),
                "finish_reason:malformed_function_call",
            ),
        ] {
            let Verdict::Bad(ending) = verdict(&bad) else { panic!("{bad}") };
            assert_eq!(ending.rule, rule, "{bad}");
        }
        for nothing in
            [r#"{"finishReason":"STOP"}"#, r#"{"content":{"role":"model"},"finishReason":"STOP"}"#, "{}"]
        {
            assert_eq!(verdict(nothing), Verdict::Nothing, "{nothing}");
        }
    }

    #[test]
    fn errors_and_blocked_prompts_are_no_answers() {
        let inspect = |text: &str| Inspected::of_generated(text.as_bytes());
        assert!(matches!(
            inspect(r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#),
            Err(NoAnswer::Error(error)) if error.status == 503
        ));
        assert!(matches!(inspect(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#), Err(NoAnswer::Blocked)));
        assert!(matches!(inspect("[]"), Err(NoAnswer::Broken)));
    }
}
