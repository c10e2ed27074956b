//! What was changed in a request for a candidate's sake, in a closed vocabulary: a verb, and what it was done to. The
//! table is in `docs/FALLBACK.md`.

use std::fmt;

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A parameter was left out.
    Dropped,
    /// A parameter got another name.
    Renamed,
    /// A value was brought into the range that is taken.
    Clamped,
    /// Something was said in another way.
    Mapped,
    /// An id was replaced, on a call and on its result.
    Aliased,
    /// A member of messages or tools was left out.
    Stripped,
    /// Parts were joined to one text.
    Flattened,
    /// Something that must be there was put there.
    Placeholder,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Dropped,
        Self::Renamed,
        Self::Clamped,
        Self::Mapped,
        Self::Aliased,
        Self::Stripped,
        Self::Flattened,
        Self::Placeholder,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dropped => "dropped",
            Self::Renamed => "renamed",
            Self::Clamped => "clamped",
            Self::Mapped => "mapped",
            Self::Aliased => "aliased",
            Self::Stripped => "stripped",
            Self::Flattened => "flattened",
            Self::Placeholder => "placeholder",
        })
    }
}

/// What of messages and tools is named when it is left out; anything else is a `member`.
pub const STRIPPED: &[&str] = &[
    "annotations",
    "audio",
    "cache_control",
    "citations",
    "extra_content",
    "function_call",
    "images",
    "index",
    "metadata",
    "name",
    "prefix",
    "provider_specific_fields",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
    "strict",
    "thinking",
    "thinking_blocks",
    "tool_calls",
];

/// The changes of one request, each named once.
#[derive(Debug, Default)]
pub struct Changes(Vec<String>);

impl Changes {
    /// Notes one.
    pub fn note(&mut self, verb: Verb, what: &str) {
        let change = format!("{verb}:{what}");
        if !self.0.contains(&change) {
            self.0.push(change);
        }
    }

    /// Notes a member of a message that was left out. A name that its caller made up is not repeated.
    pub fn stripped(&mut self, name: &str) {
        let known = STRIPPED.iter().find(|known| **known == name);
        self.note(Verb::Stripped, known.copied().unwrap_or("member"));
    }

    /// Their names, in the order in which they were made.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.0
    }
}
