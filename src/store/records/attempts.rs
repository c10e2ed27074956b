//! The attempts of a request, as JSON that is serialized once when it is recorded and parsed only where it is shown.
//!
//! Every request has a row, and names would be most of it, so an attempt is stored as a list of its values in the order
//! of `NAMES`, without the last ones if they are usual. It is an object again where it is shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::domain::attempt_report::AttemptReport;
use crate::store::records::value_list::value_list;

/// The members of an [`AttemptReport`], in the order in which they are stored. A new one comes last.
const NAMES: [&str; 11] = [
    "model",
    "provider",
    "status",
    "error_class",
    "matched_rule",
    "duration_ms",
    "passed_over",
    "adapted",
    "translated_to",
    "credential",
    "chosen",
];

/// A JSON array of attempts, in the stored form.
#[derive(Debug, Clone)]
pub enum Attempts {
    /// As serialized by the request that made them.
    Text(Box<RawValue>),
    /// As read from the database.
    Parsed(Value),
}

impl Attempts {
    /// Serializes the attempts. What cannot be serialized is `null`.
    #[must_use]
    pub fn of(attempts: &[AttemptReport]) -> Self {
        let stored: Vec<StoredAttempt<'_>> = attempts.iter().map(StoredAttempt).collect();
        serde_json::value::to_raw_value(&stored).map_or(Self::Parsed(Value::Null), Self::Text)
    }

    /// The attempts as objects with all members, as they are shown.
    #[must_use]
    pub fn into_value(self) -> Value {
        let mut attempts = self.into_stored();
        for attempt in attempts.as_array_mut().into_iter().flatten() {
            if let Value::Array(values) = attempt {
                *attempt = Value::Object(shown(std::mem::take(values)));
            }
        }
        attempts
    }

    /// The stored form as a value, parsed if it is not yet.
    #[must_use]
    pub fn into_stored(self) -> Value {
        match self {
            Self::Text(text) => serde_json::from_str(text.get()).unwrap_or_default(),
            Self::Parsed(value) => value,
        }
    }
}

/// An attempt in the stored form.
struct StoredAttempt<'a>(&'a AttemptReport);

impl Serialize for StoredAttempt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        value_list!(
            serializer,
            self.0,
            [
                model, provider, status, error_class, matched_rule, duration_ms;
                passed_over, adapted, translated_to, credential, chosen
            ]
        )
    }
}

/// The object of stored values.
fn shown(values: Vec<Value>) -> Map<String, Value> {
    let absent = || Value::Null;
    let usual = [
        absent(),
        absent(),
        absent(),
        absent(),
        absent(),
        json!(0),
        json!(false),
        json!([]),
        absent(),
        absent(),
        absent(),
    ];
    let missing = usual.into_iter().skip(values.len());
    let values: Vec<Value> = values.into_iter().chain(missing).collect();
    NAMES.iter().map(|name| (*name).to_owned()).zip(values).collect()
}

impl From<Value> for Attempts {
    fn from(value: Value) -> Self {
        Self::Parsed(value)
    }
}

/// Both forms of the same JSON are equal.
impl PartialEq for Attempts {
    fn eq(&self, other: &Self) -> bool {
        self.clone().into_value() == other.clone().into_value()
    }
}

impl Serialize for Attempts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Parsed(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Attempts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt_report::DeploymentReason;
    use crate::domain::failure::class::ErrorClass;

    fn report(status: Option<u16>, error_class: Option<ErrorClass>, adapted: &[&str]) -> AttemptReport {
        AttemptReport {
            model: "a".to_owned(),
            provider: "p".to_owned(),
            status,
            error_class,
            matched_rule: error_class.map(|_| "status:503"),
            duration_ms: 7,
            passed_over: status.is_none(),
            adapted: adapted.iter().map(|&change| change.to_owned()).collect(),
            translated_to: adapted.contains(&"dropped:top_k").then_some("chat_completions"),
            credential: None,
            chosen: None,
        }
    }

    #[test]
    fn the_stored_form_has_no_names() {
        let stored = Attempts::of(&[report(Some(200), None, &[])]).into_stored();
        assert_eq!(stored, json!([["a", "p", 200, null, null, 7]]));
    }

    #[test]
    fn the_stored_form_of_before_lacks_the_last_members() {
        let before = json!([["a", "p", 200, null, null, 7, false, ["dropped:top_k"]]]);
        let shown = Attempts::from(before).into_value();
        assert_eq!(
            (&shown[0]["adapted"][0], &shown[0]["translated_to"]),
            (&json!("dropped:top_k"), &Value::Null)
        );
    }

    #[test]
    fn an_attempt_with_one_of_several_credentials_says_which_and_why() {
        let sent = AttemptReport {
            credential: Some("reserved".into()),
            chosen: Some(DeploymentReason::Spill),
            ..report(Some(200), None, &[])
        };
        let shown = Attempts::of(&[sent]).into_value();
        assert_eq!((&shown[0]["credential"], &shown[0]["chosen"]), (&json!("reserved"), &json!("spill")));
    }

    #[test]
    fn all_members_are_shown_from_either_form() {
        let reports = [
            report(Some(200), None, &[]),
            report(Some(503), Some(ErrorClass::Unavailable), &["dropped:top_k"]),
            report(None, None, &[]),
        ];
        let shown = serde_json::to_value(&reports).unwrap();
        assert_eq!(Attempts::of(&reports).into_value(), shown);
        assert_eq!(Attempts::Parsed(shown.clone()).into_value(), shown);
        let read = Attempts::from(Attempts::of(&reports).into_stored());
        assert_eq!(read.into_value(), shown);
    }
}
