//! The choices of completions as there were before chats: each has its text in place of a message.

use super::{Choices, Indices};
use crate::gateway::request::json_object::{RawObject, RawText};
use crate::providers::is_empty_error;

/// A summary of the choices of a completion, or of a chunk of its stream.
#[derive(Debug, Default)]
pub(in crate::gateway::call) struct Texts {
    /// What a caller can use of them.
    pub(in crate::gateway::call) choices: Choices,
    /// The indices that a set does not tell from others, and whether those choices have ended.
    pub(in crate::gateway::call) far: Vec<(usize, bool)>,
}

impl Texts {
    /// Reads a list of choices. `None` if it is not a list of objects.
    pub(in crate::gateway::call) fn read(list: RawText<'_>) -> Option<Self> {
        let list: Vec<RawObject<'_>> = serde_json::from_slice(list.bytes()).ok()?;
        let mut texts = Self::default();
        for (position, choice) in list.iter().enumerate() {
            texts.add(choice, position);
        }
        Some(texts)
    }

    /// Adds a choice, of which only a string is a text. `position` is its index if it has none.
    fn add(&mut self, choice: &RawObject<'_>, position: usize) {
        let mut seen = Choices::default();
        if let Some(text) = choice.present("text").filter(|text| text.get().starts_with('"')) {
            let mut said = Choices::default();
            said.said::<true>(text.get());
            seen.add_parts(said, true);
        }
        seen.error = choice.present("error").is_some_and(|error| !is_empty_error(error.get()));
        let word = |name: &str| {
            let word = choice.present(name)?;
            serde_json::from_str::<String>(word.get()).ok()
        };
        let (reason, native) = (word("finish_reason"), word("native_finish_reason"));
        let closed = seen.closed(reason.as_deref(), native.as_deref());
        let index = choice.get("index").and_then(|index| index.get().parse().ok());
        let place = index.unwrap_or(position);
        if place >= Indices::LAST {
            self.far.push((place, closed.finished || closed.error));
        }
        self.choices.choice(closed, index, position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::call::choices::{ChoicesSoFar, Verdict};
    use crate::providers::FinishMeaning;

    fn texts(list: &str) -> Texts {
        let body = format!(r#"{{"choices":{list}}}"#);
        let members = RawObject::parse(body.as_bytes()).expect(list);
        Texts::read(members.get("choices").expect(list)).expect(list)
    }

    #[test]
    fn a_text_is_the_content_of_a_completion() {
        for (list, verdict) in [
            (r#"[{"text":"a"}]"#, Verdict::Usable),
            (r#"[{"text":"","finish_reason":"stop"}]"#, Verdict::Usable),
            (r#"[{"text":""},{"text":"b"}]"#, Verdict::Usable),
            (r#"[{"text":""}]"#, Verdict::Nothing),
            (r#"[{"text":null,"finish_reason":"stop"}]"#, Verdict::Nothing),
            (r#"[{"text":5,"finish_reason":"stop"}]"#, Verdict::Nothing),
            (r#"[{"message":{"content":"a"},"finish_reason":"stop"}]"#, Verdict::Nothing),
            (r#"[{"text":"half","error":{"message":"no"}}]"#, Verdict::Error),
            ("[]", Verdict::Nothing),
        ] {
            assert_eq!(texts(list).choices.verdict(), verdict, "{list}");
        }
        for (list, meaning) in [
            (r#"[{"text":"","finish_reason":"content_filter"}]"#, FinishMeaning::Filtered),
            (
                r#"[{"text":"","finish_reason":"stop","native_finish_reason":"SAFETY"}]"#,
                FinishMeaning::Filtered,
            ),
            (r#"[{"text":"half","finish_reason":"error"}]"#, FinishMeaning::Error),
        ] {
            let verdict = texts(list).choices.verdict();
            assert!(matches!(verdict, Verdict::Bad(end) if end.finish == meaning), "{list}: {verdict:?}");
        }
        assert_eq!(texts(r#"[{"text":"a"},{"text":"b"}]"#).choices.size.pieces, 2);
    }

    #[test]
    fn each_of_many_choices_is_known() {
        let mut so_far = ChoicesSoFar::of(200);
        let take = |so_far: &mut ChoicesSoFar, index: usize, end: &str| {
            let texts = texts(&format!(r#"[{{"index":{index},"text":"a","finish_reason":{end}}}]"#));
            so_far.take(&texts.choices);
            so_far.take_far(&texts.far);
        };
        for index in (0..200).filter(|index| *index != 150) {
            take(&mut so_far, index, "\"stop\"");
        }
        assert!(so_far.lack_one() && !so_far.is_over());
        take(&mut so_far, 150, "null");
        assert!(so_far.lack_one() && !so_far.is_over());
        take(&mut so_far, 150, "\"stop\"");
        assert!(so_far.is_over() && !so_far.lack_one());
    }
}
