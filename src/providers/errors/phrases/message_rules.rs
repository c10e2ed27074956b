//! Interprets the message of one failure: by the organization's mappings, then the operator's file, then the built-in
//! table.

use super::mapping::NONE;
use super::{Mappings, Meaning, SentenceScope, Sentences};

/// The sources to consult, for as long as one failure is handled.
#[derive(Debug, Clone, Copy)]
pub struct MessageRules<'a> {
    own: &'a Mappings,
    installation: &'a Sentences,
}

impl<'a> MessageRules<'a> {
    /// The organization's mappings first, then the installation's sentences.
    #[must_use]
    pub fn new(own: &'a Mappings, installation: &'a Sentences) -> Self {
        Self { own, installation }
    }

    /// The meaning of the message and the rule that matched. `status` is that of the response, or 200 for an error
    /// inside a successful response.
    #[must_use]
    pub fn meaning(self, status: u16, message: &str) -> Option<(Meaning, &'static str)> {
        self.own.meaning(status, message).or_else(|| self.installation.meaning(status, message))
    }

    /// Whether the message is about the request or about the model, whatever its class; `None` if it does not say.
    #[must_use]
    pub fn sentence_scope(self, status: u16, message: &str) -> Option<SentenceScope> {
        if self.own.are_about_the_request(status, message) {
            return Some(SentenceScope::Request);
        }
        self.installation.sentence_scope(status, message)
    }
}

/// Uses the installation's sentences alone.
impl<'a> From<&'a Sentences> for MessageRules<'a> {
    fn from(installation: &'a Sentences) -> Self {
        Self { own: &NONE, installation }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Mapping, MappingMeaning, SentenceClass};
    use super::*;

    #[test]
    fn an_organizations_own_word_comes_first() {
        let file = "dated = 2026-11-29\n[[sentence]]\nname = \"acme\"\nclass = \"content_policy\"\ncontains = [\"acme window\"]\n";
        let sentences = Sentences::parse(file).expect("a file");
        let parts = ["acme window".to_owned()];
        let class = MappingMeaning::Class(SentenceClass::ContextWindowExceeded);
        let own: Mappings = Mapping::new(class, None, &parts).into_iter().collect();
        let said = "Beyond the ACME window";
        let without = MessageRules::from(&sentences);
        assert_eq!(without.meaning(400, said), Some((Meaning::ContentPolicy, "phrase:acme")));
        let with = MessageRules::new(&own, &sentences);
        assert_eq!(
            with.meaning(400, said),
            Some((Meaning::ContextWindow, "mapping:context_window_exceeded"))
        );
        let built_in = with.meaning(400, "prompt is too long");
        assert_eq!(built_in.map(|found| found.1), Some("phrase:anthropic_prompt_too_long"));
    }
}
