//! How many embeddings or completions a request asks for.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::domain::operation::Operation;
use crate::gateway::request::json_object::{RawObject, is_same_name};

/// The fields of a completion with its prompts, as texts, tokens or vectors.
const PROMPTS: [&str; 2] = ["prompt", "prompt_embeds"];

/// How many answers a request asks for: one for a text or a list of tokens, and one for each element of another list. `None` if
/// that is unknown, or if the operation has one answer.
pub(super) fn inputs(operation: Operation, members: &RawObject<'_>) -> Option<usize> {
    match operation {
        Operation::Embeddings => count(members.get("input")?.bytes()),
        Operation::Completions => {
            // Some servers ignore the case of names.
            let is_prompt = |name: &str| PROMPTS.iter().any(|known| is_same_name(known, name));
            let prompts = members.0.iter().filter(|member| is_prompt(&member.name));
            prompts.map(|member| prompts_in(member.value.bytes())).reduce(usize::saturating_add)
        }
        Operation::Chat
        | Operation::Moderations
        | Operation::Rerank
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Translations => None,
    }
}

fn count(input: &[u8]) -> Option<usize> {
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

/// The prompts of a completion: each element of a list is one, unless all of them are tokens of one prompt.
fn prompts_in(value: &[u8]) -> usize {
    if !value.starts_with(b"[") {
        return usize::from(value != b"null");
    }
    let is_of_tokens =
        !value.iter().skip(1).any(|byte| matches!(byte, b'"' | b'[' | b'{' | b'n' | b't' | b'f'));
    if is_of_tokens { 1 } else { length(value).unwrap_or(value.len()) }
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
