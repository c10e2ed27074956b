//! Requests other than chats: they have OpenAI's form, and one endpoint for each operation.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::{ChatRequest, body};
use crate::dialects::Dialect;
use crate::domain::error::Result;
use crate::domain::operation::Operation;
use crate::gateway::request::json_object::RawObject;
use crate::limits::shares::Share;
use crate::store::snapshot::ModelEntry;

impl ChatRequest {
    /// Parses a body of OpenAI's form for an operation.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_as`].
    pub fn parse_operation(operation: Operation, body: Bytes) -> Result<Self> {
        body::read(body, |body, members| {
            Self::of_members((Dialect::ChatCompletions, operation), body, members)
        })
    }

    /// As [`ChatRequest::parse_operation`]; a large body is parsed off the event loop. `named` is the model in the path.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_for`].
    pub async fn read_operation(
        share: &Share,
        operation: Operation,
        named: Option<String>,
        body: Bytes,
    ) -> Result<Self> {
        Self::read_with(share, body, move |body| match named {
            Some(model) => Self::parse_for(operation, &model, body),
            None => Self::parse_operation(operation, body),
        })
        .await
    }
}

impl ChatRequest {
    /// The window that bounds its prompt, if the catalog knows it. Several prompts need not fit into it together.
    #[must_use]
    pub fn window_of(&self, model: &ModelEntry) -> Option<i64> {
        model.settings.context_window.filter(|_| !self.operation.takes_many_prompts())
    }
}

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
    impl<'de> serde::Deserialize<'de> for Length {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
            struct List;
            impl<'de> serde::de::Visitor<'de> for List {
                type Value = Length;

                fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str("a list")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut list: A,
                ) -> std::result::Result<Length, A::Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: &str) -> Option<usize> {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        ChatRequest::parse_operation(Operation::Embeddings, Bytes::from(body)).expect(input).inputs
    }

    #[test]
    fn the_inputs_are_those_that_get_a_vector_each() {
        for (input, expected) in [
            (r#""a text""#, Some(1)),
            (r#"["a", "b", "c"]"#, Some(3)),
            ("[1, 2, 3]", Some(1)),
            ("[ [1, 2], [3] ]", Some(2)),
            (r#"[{"text":"a"}]"#, Some(1)),
            ("[]", None),
            ("{}", None),
            ("7", None),
        ] {
            assert_eq!(parsed(input), expected, "{input}");
        }
    }

    #[test]
    fn what_only_chats_have_is_not_checked() {
        let body = Bytes::from_static(br#"{"model":"m","input":"a","n":0,"max_tokens":1.5,"stream":true}"#);
        let request = ChatRequest::parse_operation(Operation::Embeddings, body.clone()).expect("a request");
        assert!(!request.stream && !request.translates);
        assert!(ChatRequest::parse_operation(Operation::Completions, body).is_err());
    }
}
