//! How many embeddings a request asks for.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::domain::operation::Operation;
use crate::gateway::request::json_object::RawObject;

/// How many embeddings a request asks for: one for a text or a list of tokens, and one for each element of another list.
pub(super) fn inputs(operation: Operation, members: &RawObject<'_>) -> Option<usize> {
    let input = members.get("input").filter(|_| operation == Operation::Embeddings)?.bytes();
    match input.first()? {
        b'"' => Some(1),
        b'[' => match input.get(1..)?.trim_ascii_start().first()? {
            b'"' | b'[' | b'{' => length(input),
            b'0'..=b'9' => Some(1),
            _ => None,
        },
        _ => None,
    }
}

/// The number of elements of a list, which are not kept.
fn length(list: &[u8]) -> Option<usize> {
    struct Length(usize);
    impl<'de> Deserialize<'de> for Length {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct List;
            impl<'de> Visitor<'de> for List {
                type Value = Length;

                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("a list")
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Length, A::Error> {
                    let mut length = 0;
                    while list.next_element::<IgnoredAny>()?.is_some() {
                        length += 1;
                    }
                    Ok(Length(length))
                }
            }
            deserializer.deserialize_seq(List)
        }
    }
    serde_json::from_slice::<Length>(list).ok().map(|length| length.0)
}
