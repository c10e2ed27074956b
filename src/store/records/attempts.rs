//! The attempts of a request, as JSON that is serialized once when it is recorded and parsed only where it is shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON array of attempts.
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
    pub fn of(attempts: &(impl Serialize + ?Sized)) -> Self {
        serde_json::value::to_raw_value(attempts).map_or(Self::Parsed(Value::Null), Self::Text)
    }

    /// The JSON as a value, parsed if it is not yet.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(text) => serde_json::from_str(text.get()).unwrap_or_default(),
            Self::Parsed(value) => value,
        }
    }
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
