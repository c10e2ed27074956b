//! Reads the events of a stream of which the bytes pass: which of them have content, end the answer, or report an error.

use super::event_error::{error_of, is_of_a_dialect};
use crate::domain::operation::Operation;
use crate::gateway::call::choices::{ChoicesSoFar, Texts, Verdict};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::endpoint::SecretSearch;
use crate::gateway::call::frame::{Identity, Inspected};
use crate::gateway::request::json_object::{RawObject, RawText};
use crate::gateway::usage::pricing::{Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::providers::{FinishReason, error_in_answer, error_of_event, is_empty_error};
use crate::upstream::sse::event_name;

/// Members that hold a piece of an answer, unless they are empty.
const PIECES: [&str; 4] = ["audio", "b64_json", "delta", "url"];

/// A summary of the events so far.
#[derive(Debug)]
pub(super) struct PassedSoFar {
    pub(super) operation: Operation,
    /// The usage that was reported.
    pub(super) reported: Reported,
    /// The size of the text that a completion has so far.
    pub(super) size: TextSize,
    /// Whether the text begins with the prompt, so that its size says nothing about the answer.
    echoes: bool,
    /// The choices so far.
    choices: ChoicesSoFar,
    /// The number of choices or images that the caller asked for.
    results: usize,
    /// The number of events without choices that have ended one of them.
    ended: usize,
    /// The first abnormal end of a choice before any content.
    bad: Option<FinishReason>,
    /// The identity of a completion.
    pub(super) identity: Option<Identity>,
    /// Finds the secrets of the provider in what is no content.
    pub(super) secrets: SecretSearch,
}

/// What an event is to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It has content, or the normal end of an answer.
    Content,
    /// It has none, but clients may know it.
    Silent,
    /// Clients cannot know it.
    Nothing,
}

impl PassedSoFar {
    /// The same for a text that begins with the prompt, or does not.
    pub(super) fn echoing(self, echoes: bool) -> Self {
        Self { echoes, ..self }
    }

    /// The same for a provider with these secrets.
    pub(super) fn searching(self, secrets: SecretSearch) -> Self {
        Self { secrets, ..self }
    }

    /// No events so far of a stream that is to have so many choices or images.
    pub(super) fn of(operation: Operation, results: usize) -> Self {
        Self {
            operation,
            reported: Reported::default(),
            size: TextSize::default(),
            echoes: false,
            choices: ChoicesSoFar::of(results),
            results,
            ended: 0,
            bad: None,
            identity: None,
            secrets: SecretSearch::default(),
        }
    }

    /// Whether events, or the ends of all choices, have ended the answer.
    pub(super) fn is_over(&self) -> bool {
        self.ended >= self.results || self.choices.is_over()
    }

    /// Whether they have ended it for good.
    pub(super) fn is_complete(&self) -> bool {
        self.ended >= self.results || self.choices.is_complete()
    }

    /// Whether a choice is missing at the `[DONE]` of the stream.
    pub(super) fn lacks_a_choice(&self) -> bool {
        self.choices.lack_one()
    }

    /// Notes that the stream is a failure that is served as it is.
    pub(super) fn excuse(&mut self) {
        self.choices.excuse();
    }

    /// Whether `[DONE]` ends the answer, as it does where there are choices. Others have an event of their own.
    pub(super) fn ends_with_done(&self) -> bool {
        self.operation == Operation::Completions || self.choices.have_begun()
    }

    /// Why every choice has ended before there was any content, or one of them if no other will come.
    pub(super) fn bad_end(&self, is_last: bool) -> Option<FinishReason> {
        self.bad.filter(|_| !self.choices.content && (is_last || self.is_over()))
    }

    /// Takes an event that is an object.
    ///
    /// # Errors
    /// It reports an error.
    pub(super) fn take(
        &mut self,
        event: &[u8],
        line: &[u8],
        members: &RawObject<'_>,
    ) -> Result<Worth, Fault> {
        if let Some(usage) = members.present("usage") {
            self.reported = self.reported.followed_by(parse(usage.get()));
        }
        if let Some(error) = members.present("error").filter(|error| !is_empty_error(error.get())) {
            return Err(Fault::Upstream(Box::new(error_in_answer(error.bytes()))));
        }
        match members.present("choices") {
            Some(choices) => self.take_choices(line, choices),
            None => self.take_other(event, line, members),
        }
    }

    fn take_choices(&mut self, line: &[u8], choices: RawText<'_>) -> Result<Worth, Fault> {
        let Texts { choices, far } = Texts::read(choices).unwrap_or_default();
        let may_fail = if choices.error || choices.broken_off {
            // As in a chat, the error of a choice passes if the caller has content of others, unless it shows a secret.
            !self.choices.survive(&choices) || choices.error && self.secrets.finds(line)
        } else {
            !choices.content
        };
        if may_fail && let Some(fault) = error_of(line) {
            return Err(fault);
        }
        if !self.echoes {
            self.size = self.size.then(choices.size);
        }
        let identity = || Inspected::new(line).unwrap_or_default().identity(line);
        self.identity.get_or_insert_with(identity);
        self.choices.take_far(&far);
        match self.choices.take(&choices) {
            Verdict::Usable | Verdict::Error => return Ok(Worth::Content),
            Verdict::Bad(ending) => self.bad = self.bad.or(Some(ending)),
            Verdict::Nothing => {}
        }
        Ok(Worth::Silent)
    }

    /// Takes an event without choices, which has a type in most dialects.
    fn take_other(&mut self, event: &[u8], line: &[u8], members: &RawObject<'_>) -> Result<Worth, Fault> {
        let kind = members.present("type").map(|kind| kind.get().trim_matches('"'));
        let kind = kind.or_else(|| event_name(event));
        if kind.is_some_and(|kind| kind.ends_with("error") || kind.ends_with(".failed")) {
            let error = || Fault::Upstream(Box::new(error_of_event(line)));
            return Err(error_of(line).unwrap_or_else(error));
        }
        let is_filled = |name: &&str| members.present(name).is_some_and(|value| value.get() != "\"\"");
        // A recording without speech has an empty text. A completion has no content but in its choices.
        let said = self.operation != Operation::Completions
            && (PIECES.iter().any(is_filled) || members.present("text").is_some());
        let is_known = said && kind.is_some() || is_of_a_dialect(event, line)?;
        let ends = kind.is_some_and(|kind| kind.ends_with(".completed") || kind.ends_with(".done"));
        // The last event of an image has the image.
        self.ended += usize::from(ends && (said || self.operation != Operation::Images));
        self.choices.content |= said;
        let may_be_known = is_known || self.operation == Operation::Completions;
        Ok(match said {
            true => Worth::Content,
            false if may_be_known && !self.secrets.finds(event) => Worth::Silent,
            false => Worth::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::FinishMeaning;

    /// What the events are worth, up to the first one with an error.
    fn worth(operation: Operation, events: &[&str]) -> (Vec<Worth>, bool, PassedSoFar) {
        let mut seen = PassedSoFar::of(operation, 1);
        let mut worth = Vec::new();
        for line in events {
            let members = RawObject::parse(line.as_bytes()).expect("an object");
            match seen.take(b"", line.as_bytes(), &members) {
                Ok(found) => worth.push(found),
                Err(_) => return (worth, true, seen),
            }
        }
        (worth, false, seen)
    }

    #[test]
    fn a_completion_has_text_and_ends_when_all_choices_have() {
        let [one, two] = [0, 1].map(|index| format!(r#"{{"choices":[{{"index":{index},"text":"a"}}]}}"#));
        let end = r#"{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}"#;
        let (found, failed, seen) = worth(Operation::Completions, &[&one, &two, end]);
        assert_eq!((found, failed), (vec![Worth::Content; 3], false));
        assert!(!seen.is_over() && seen.ends_with_done());
        assert!(worth(Operation::Completions, &[&one, end]).2.is_over());
        let (found, _, seen) = worth(Operation::Completions, &[end]);
        assert!(found == [Worth::Content] && seen.is_over() && seen.bad_end(false).is_none());
        for (reason, meaning) in
            [("content_filter", FinishMeaning::Filtered), ("abort", FinishMeaning::Broken)]
        {
            let end = format!(r#"{{"choices":[{{"index":0,"text":"","finish_reason":"{reason}"}}]}}"#);
            let (found, _, seen) = worth(Operation::Completions, &[&end]);
            assert_eq!(found, [Worth::Silent]);
            assert_eq!(seen.bad_end(false).map(|end| end.finish), Some(meaning));
            assert!(worth(Operation::Completions, &[&one, &end]).2.bad_end(true).is_none());
        }
        let broken = r#"{"choices":[{"index":0,"text":"b","finish_reason":"error"}]}"#;
        assert!(worth(Operation::Completions, &[&one, broken]).1);
    }

    #[test]
    fn as_many_results_as_were_asked_for_must_come_and_end() {
        let seen = |operation: Operation, events: &[String]| {
            let mut seen = PassedSoFar::of(operation, 2);
            for line in events {
                let members = RawObject::parse(line.as_bytes()).expect("an object");
                seen.take(b"", line.as_bytes(), &members).expect(line);
            }
            (seen.is_over(), seen.lacks_a_choice())
        };
        let piece = |index: u8, end: &str| {
            format!(r#"{{"choices":[{{"index":{index},"text":"a","finish_reason":{end}}}]}}"#)
        };
        let (one, two) = (piece(0, "\"stop\""), piece(1, "\"stop\""));
        assert_eq!(seen(Operation::Completions, std::slice::from_ref(&one)), (false, true));
        assert_eq!(seen(Operation::Completions, &[one.clone(), piece(1, "null")]), (false, true));
        assert_eq!(seen(Operation::Completions, &[piece(0, "null"), piece(1, "null")]), (false, false));
        assert_eq!(seen(Operation::Completions, &[one, two]), (true, false));
        let image = r#"{"type":"image_generation.completed","b64_json":"aGk="}"#.to_owned();
        let none = r#"{"type":"image_generation.completed"}"#.to_owned();
        assert!(!seen(Operation::Images, &[image.clone(), none]).0);
        assert!(seen(Operation::Images, &[image.clone(), image]).0);
    }

    #[test]
    fn other_answers_end_with_an_event_of_their_own() {
        let partial = r#"{"type":"image_generation.partial_image","b64_json":"aGk="}"#;
        let (found, failed, seen) = worth(Operation::Images, &[r#"{"type":"ping"}"#, partial, r#"{"a":1}"#]);
        assert_eq!((found, failed), (vec![Worth::Silent, Worth::Content, Worth::Nothing], false));
        assert!(!seen.is_over() && !seen.ends_with_done());
        for (operation, event, content) in [
            (Operation::Images, r#"{"type":"image_generation.completed","b64_json":"aGk="}"#, true),
            (Operation::Speech, r#"{"type":"speech.audio.done","usage":{"total_tokens":3}}"#, false),
            (Operation::Transcriptions, r#"{"type":"transcript.text.done","text":""}"#, true),
        ] {
            let (found, _, seen) = worth(operation, &[event]);
            assert_eq!((found[0] == Worth::Content, seen.is_over()), (content, true), "{event}");
        }
        for failed in [r#"{"type":"image_generation.failed"}"#, r#"{"type":"error"}"#, r#"{"detail":"no"}"#] {
            assert!(worth(Operation::Images, &[failed]).1, "{failed}");
        }
    }
}
