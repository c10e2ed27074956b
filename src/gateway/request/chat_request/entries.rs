//! The entries of a request's own list, read safely even if the list is far too long.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::MAX_LIST;

/// The first entries of a list, up to the limit, and the number of all entries.
pub(super) struct Entries<'a> {
    pub(super) first: Vec<&'a RawValue>,
    pub(super) count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Entries { first: Vec::new(), count: 0 };
                while let Some(entry) = list.next_element()? {
                    entries.count += 1;
                    if entries.count <= MAX_LIST {
                        entries.first.push(entry);
                    }
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(List)
    }
}
