//! Usage inside the choices: Moonshot reports it in the last chunk of each choice, not beside them, and some proxies in
//! the delta.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Reported, parse};
use crate::domain::amount::MOST_TOKENS;
use crate::gateway::request::json_object::{RawObject, at};

/// The usage that choices report, with their indices.
#[derive(Debug, Clone, Default)]
pub struct ChoiceUsage(BTreeMap<usize, Reported>);

impl ChoiceUsage {
    /// Reads the usage of each choice of an answer or chunk.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let choices = at(text, &["choices"]).map_or("[]", |choices| choices.get());
        let choices: Vec<&RawValue> = serde_json::from_str(choices).unwrap_or_default();
        let mut found = Self::default();
        for (position, choice) in choices.into_iter().enumerate() {
            let Ok(choice) = RawObject::parse(choice.get().as_bytes()) else { continue };
            let inside = |name: &str| RawObject::parse(choice.present(name)?.bytes()).ok()?.present("usage");
            let usage = choice.present("usage").or_else(|| inside("delta")).or_else(|| inside("message"));
            let Some(usage) = usage else { continue };
            let index = choice.get("index").and_then(|index| index.get().parse().ok());
            found.add(index.unwrap_or(position), parse(usage.get()));
        }
        found
    }

    /// Whether no choice reports any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the usage of a later chunk. It is flagged if the chunk is `of_another_model`.
    pub fn extend(&mut self, later: &Self, of_another_model: bool) {
        for (index, usage) in &later.0 {
            self.add(*index, if of_another_model { usage.of_another_model() } else { *usage });
        }
    }

    /// The usage of the whole answer, which counts only if it has counts, or else the sum of the choices.
    #[must_use]
    pub fn instead_of(&self, whole: Reported) -> Reported {
        let counted = whole.input.is_some() || whole.output.is_some() || whole.total.is_some();
        let mut parts = self.0.values().copied();
        match parts.next().filter(|_| !counted) {
            None => whole,
            Some(first) => {
                let sum = parts.fold(first, Reported::beside);
                Reported { billed: whole.billed.or(sum.billed), tier: whole.tier.or(sum.tier), ..sum }
            }
        }
    }

    fn add(&mut self, index: usize, usage: Reported) {
        let later = |known: &mut Reported| *known = known.followed_by(usage);
        self.0.entry(index).and_modify(later).or_insert(usage);
    }
}

impl Reported {
    /// Whether it counts any token or has a cost.
    #[must_use]
    pub fn counts_any(&self) -> bool {
        [self.input, self.output, self.total, self.billed].into_iter().flatten().any(|count| count > 0)
    }

    /// Combines the usages of two choices, which share their prompt.
    fn beside(self, other: Self) -> Self {
        let sum = |one: i64, two: i64| one.saturating_add(two).min(MOST_TOKENS);
        let both = |one: Option<i64>, two: Option<i64>| match (one, two) {
            (Some(one), Some(two)) => Some(sum(one, two)),
            (one, two) => one.or(two),
        };
        Self {
            output: both(self.output, other.output),
            reasoning: sum(self.reasoning, other.reasoning),
            audio_output: sum(self.audio_output, other.audio_output),
            billed: self
                .billed
                .zip(other.billed)
                .map_or(self.billed.or(other.billed), |(one, two)| Some(one.saturating_add(two))),
            // The rest is about the prompt.
            ..Self { output: None, ..self }.followed_by(Self { output: None, ..other })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> (Option<i64>, Option<i64>, i64) {
        let usage = ChoiceUsage::read(text.as_bytes()).instead_of(Reported::default());
        (usage.input, usage.output, usage.cached)
    }

    #[test]
    fn each_choice_has_its_own_answer_and_all_have_one_prompt() {
        let one = r#"{"prompt_tokens":1336,"completion_tokens":31,"total_tokens":1367,"cached_tokens":1280}"#;
        let two = r#"{"prompt_tokens":1336,"completion_tokens":9,"total_tokens":1345,"cached_tokens":1280}"#;
        let choices = |choices: &str| format!(r#"{{"choices":[{choices}]}}"#);
        let first = format!(r#"{{"index":0,"usage":{one}}}"#);
        assert_eq!(counts(&choices(&first)), (Some(1_336), Some(31), 1_280));
        let both = format!(r#"{first},{{"index":1,"usage":{two}}}"#);
        assert_eq!(counts(&choices(&both)), (Some(1_336), Some(40), 1_280));
        // The same choice twice is one count, which grows.
        let twice = format!(r#"{first},{{"index":0,"usage":{one}}}"#);
        assert_eq!(counts(&choices(&twice)), (Some(1_336), Some(31), 1_280));
        for inside in ["delta", "message"] {
            let inside = format!(r#"{{"index":0,"{inside}":{{"content":"x","usage":{one}}}}}"#);
            assert_eq!(counts(&choices(&inside)), (Some(1_336), Some(31), 1_280), "{inside}");
        }
        for none in [r#"{"usage":null}"#, "5", r#"{"index":0}"#] {
            assert!(ChoiceUsage::read(choices(none).as_bytes()).is_empty(), "{none}");
        }
        assert!(ChoiceUsage::read(br#"{"choices":5}"#).is_empty());
    }

    #[test]
    fn what_the_whole_answer_reports_comes_first() {
        let choices =
            ChoiceUsage::read(br#"{"choices":[{"usage":{"prompt_tokens":3,"completion_tokens":2}}]}"#);
        let whole = parse(r#"{"prompt_tokens":7,"completion_tokens":5}"#);
        assert_eq!(choices.instead_of(whole), whole);
        assert_eq!(choices.instead_of(parse("{}")).output, Some(2));
        assert_eq!(ChoiceUsage::default().instead_of(whole), whole);
    }
}
