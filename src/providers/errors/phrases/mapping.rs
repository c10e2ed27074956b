//! An organization's own mappings: messages of its providers that no built-in rule knows, and what they mean.
//!
//! A mapping applies only to the organization that made it. It is matched like the rows of the built-in table. The
//! rule name that it leaves on an event is one per class, so there are few of them.

use serde::{Deserialize, Serialize};

use super::{Meaning, fits, normalized};

/// A shorter part would match too much.
pub const SHORTEST_PART: usize = 6;
/// The longest part, in characters.
pub const LONGEST_PART: usize = 500;
/// The most parts of one mapping.
pub const MOST_PARTS: usize = 8;

/// The classes that a mapping can assign. Rate limits are not among them, because a message never turns a bad request
/// into a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentenceClass {
    /// The prompt does not fit the model's window.
    ContextWindowExceeded,
    /// The provider's policy forbids the prompt or the answer.
    ContentPolicy,
    /// The provider's account has no credit or quota left.
    QuotaExhausted,
    /// The provider does not accept our credential.
    Authentication,
    /// The provider does not have this model.
    ModelNotFound,
    /// The request itself is invalid.
    InvalidRequest,
}

impl SentenceClass {
    /// Every class, in display order.
    pub const ALL: [Self; 6] = [
        Self::ContextWindowExceeded,
        Self::ContentPolicy,
        Self::QuotaExhausted,
        Self::Authentication,
        Self::ModelNotFound,
        Self::InvalidRequest,
    ];

    /// The name in files, in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContextWindowExceeded => "context_window_exceeded",
            Self::ContentPolicy => "content_policy",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Authentication => "authentication",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequest => "invalid_request",
        }
    }

    /// Parses the name in files, in the database and in JSON.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    fn rule(self) -> &'static str {
        match self {
            Self::ContextWindowExceeded => "mapping:context_window_exceeded",
            Self::ContentPolicy => "mapping:content_policy",
            Self::QuotaExhausted => "mapping:quota_exhausted",
            Self::Authentication => "mapping:authentication",
            Self::ModelNotFound => "mapping:model_not_found",
            Self::InvalidRequest => "mapping:invalid_request",
        }
    }
}

impl From<SentenceClass> for Meaning {
    fn from(class: SentenceClass) -> Self {
        match class {
            SentenceClass::ContextWindowExceeded => Self::ContextWindow,
            SentenceClass::ContentPolicy => Self::ContentPolicy,
            SentenceClass::QuotaExhausted => Self::QuotaExhausted,
            SentenceClass::Authentication => Self::Authentication,
            SentenceClass::ModelNotFound => Self::ModelNotFound,
            SentenceClass::InvalidRequest => Self::InvalidRequest,
        }
    }
}

/// What a mapping says about the messages that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingMeaning {
    /// They belong to this class.
    Class(SentenceClass),
    /// They are about the request and not about the model, whatever their class.
    Request,
}

/// Which messages it matches, and what they mean. The parts are normalized and within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    means: MappingMeaning,
    status: Option<u16>,
    parts: Vec<String>,
}

/// Why a mapping is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableMapping {
    /// The field at fault: `contains` or `status`.
    pub field: &'static str,
    /// The index of the part at fault, if it is one.
    pub part: Option<usize>,
    /// What is expected, to be read after the field's name: "must be ...".
    pub expected: String,
}

impl Mapping {
    /// A mapping for messages that contain these parts, in this order.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn new(
        means: MappingMeaning,
        status: Option<u16>,
        contains: &[String],
    ) -> Result<Self, UnusableMapping> {
        let refused = |field, part, expected| Err(UnusableMapping { field, part, expected });
        if contains.is_empty() || contains.len() > MOST_PARTS {
            let expected = format!("must hold 1 to {MOST_PARTS} parts of the sentence");
            return refused("contains", None, expected);
        }
        let mut parts = Vec::with_capacity(contains.len());
        for (place, part) in contains.iter().enumerate() {
            match Self::part(part) {
                Ok(part) => parts.push(part),
                Err(expected) => return refused("contains", Some(place), expected),
            }
        }
        let (fits, expected) = match means {
            MappingMeaning::Class(_) => (
                status.is_none_or(|status| matches!(status, 400 | 413 | 422)),
                "must be 400, 413 or 422: a class applies to no other status",
            ),
            MappingMeaning::Request => (
                status.is_none_or(|status| (400..600).contains(&status)),
                "must be from 400 to 599: no other status is a failure",
            ),
        };
        if !fits {
            return refused("status", None, expected.to_owned());
        }
        Ok(Self { means, status, parts })
    }

    /// One part of a message, normalized.
    ///
    /// # Errors
    /// What is expected, to be read after the name of the part: "must be ...".
    pub fn part(text: &str) -> Result<String, String> {
        let part = normalized(text);
        let length = part.chars().count();
        if !(SHORTEST_PART..=LONGEST_PART).contains(&length) {
            return Err(format!(
                "must be {SHORTEST_PART} to {LONGEST_PART} characters long; this one has {length}"
            ));
        }
        if part.chars().any(char::is_control) {
            return Err("must not hold control characters".to_owned());
        }
        Ok(part)
    }

    /// What matching messages mean.
    #[must_use]
    pub fn means(&self) -> MappingMeaning {
        self.means
    }

    /// The only status that it applies to. `None`: every status for which messages are read.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The normalized parts that a message must contain, in this order.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    fn fits(&self, status: u16, normalized: &str) -> bool {
        self.status.is_none_or(|only| only == status) && fits(&self.parts, normalized)
    }
}

/// The mappings for one provider of one organization. The first match counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings(Vec<Mapping>);

/// For an organization without mappings.
pub(super) static NONE: Mappings = Mappings(Vec::new());

impl Mappings {
    /// The first mapping that matches the message.
    #[must_use]
    pub fn find(&self, status: u16, message: &str) -> Option<&Mapping> {
        self.first(status, message, |_| true)
    }

    /// The meaning of the message and the rule that matched.
    pub(super) fn meaning(&self, status: u16, message: &str) -> Option<(Meaning, &'static str)> {
        let found = self.first(status, message, |means| matches!(means, MappingMeaning::Class(_)))?;
        match found.means {
            MappingMeaning::Class(class) => Some((class.into(), class.rule())),
            MappingMeaning::Request => None,
        }
    }

    /// Whether a mapping says that the message is about the request.
    pub(super) fn are_about_the_request(&self, status: u16, message: &str) -> bool {
        self.first(status, message, |means| means == MappingMeaning::Request).is_some()
    }

    fn first(&self, status: u16, message: &str, which: impl Fn(MappingMeaning) -> bool) -> Option<&Mapping> {
        if self.0.is_empty() {
            return None;
        }
        let message = normalized(message);
        self.0.iter().filter(|mapping| which(mapping.means)).find(|mapping| mapping.fits(status, &message))
    }
}

impl FromIterator<Mapping> for Mappings {
    fn from_iter<T: IntoIterator<Item = Mapping>>(mappings: T) -> Self {
        Self(mappings.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(
        means: MappingMeaning,
        status: Option<u16>,
        parts: &[&str],
    ) -> Result<Mapping, UnusableMapping> {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        Mapping::new(means, status, &parts)
    }

    #[test]
    fn parts_are_normalized_and_compared_in_order() {
        let class = MappingMeaning::Class(SentenceClass::ContentPolicy);
        let made = mapping(class, Some(422), &["Beyond  the", "MODEL\u{2019}s window"]).expect("a mapping");
        assert_eq!(made.parts(), ["beyond the", "model's window"]);
        let mappings = Mappings::from_iter([made]);
        let found = mappings.meaning(422, "It is BEYOND the 7 model's window");
        assert_eq!(found, Some((Meaning::ContentPolicy, "mapping:content_policy")));
        assert_eq!(mappings.meaning(400, "It is beyond the model's window"), None);
        assert_eq!(mappings.meaning(422, "the model's window is beyond the"), None);
    }

    #[test]
    fn a_scope_names_no_class_and_a_class_no_scope() {
        let scope = mapping(MappingMeaning::Request, Some(403), &["acme shield"]).expect("a mapping");
        let class = MappingMeaning::Class(SentenceClass::ModelNotFound);
        let class = mapping(class, None, &["acme has none"]).expect("a mapping");
        let mappings = Mappings::from_iter([scope, class]);
        assert!(mappings.are_about_the_request(403, "Acme Shield: no"));
        assert!(!mappings.are_about_the_request(404, "Acme Shield: no"));
        assert_eq!(mappings.meaning(403, "Acme Shield: no"), None);
        assert!(!mappings.are_about_the_request(400, "Acme has none"));
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        let class = MappingMeaning::Class(SentenceClass::QuotaExhausted);
        let long = "x".repeat(LONGEST_PART + 1);
        let many = vec!["long enough"; MOST_PARTS + 1];
        for (means, status, parts, field, part) in [
            (class, None, vec![], "contains", None),
            (class, None, many, "contains", None),
            (class, None, vec!["long enough", " short "], "contains", Some(1)),
            (class, None, vec![long.as_str()], "contains", Some(0)),
            (class, None, vec!["long\u{0}enough"], "contains", Some(0)),
            (class, Some(429), vec!["long enough"], "status", None),
            (MappingMeaning::Request, Some(200), vec!["long enough"], "status", None),
        ] {
            let refused = mapping(means, status, &parts).expect_err(field);
            assert_eq!((refused.field, refused.part), (field, part));
        }
        assert!(mapping(MappingMeaning::Request, Some(429), &["long enough"]).is_ok());
        assert!(mapping(class, None, &[&"\u{e4}".repeat(LONGEST_PART)]).is_ok());
    }
}
