//! How many inputs a request has, and what is special about embeddings of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::{ChatRequest, Part, numbers};
use crate::dialects::Dialect;
use crate::domain::operation::Operation;
use crate::gateway::request::json_object::{RawObject, is_same_name};

/// The fields of a completion with its prompts, as texts, tokens or vectors.
const PROMPTS: [&str; 2] = ["prompt", "prompt_embeds"];

/// Members that ask for embeddings in a form that a model may lack.
const FORMS: [&str; 15] = [
    "dimensions",
    "embedding_type",
    "embedding_types",
    "input_type",
    "late_chunking",
    "normalized",
    "output_dimension",
    "output_dimensionality",
    "output_dtype",
    "prompt_name",
    "task",
    "task_type",
    "truncate",
    "truncate_prompt_tokens",
    "truncation",
];

/// The longest input in bytes that is read. A longer one may hold anything.
const LONGEST: usize = 512 * 1024;

impl ChatRequest {
    /// How many choices its answer has: as many as it asks for, for each prompt of a completion. `asks_for_several` says
    /// whether its provider gets the member that asks for several.
    #[must_use]
    pub fn choices(&self, asks_for_several: bool) -> usize {
        let for_each = || {
            let n = self.parts.iter().find(|part| part.name == "n" && asks_for_several);
            n.map_or(1, |n| numbers::choices(self.value(n)))
        };
        match (self.operation, self.dialect) {
            (Operation::Chat, Dialect::ChatCompletions) => for_each(),
            (Operation::Completions, _) => self.inputs.unwrap_or(1).max(1).saturating_mul(for_each()),
            (
                Operation::Chat
                | Operation::Embeddings
                | Operation::Moderations
                | Operation::Rerank
                | Operation::Images
                | Operation::Speech
                | Operation::Transcriptions
                | Operation::Translations,
                _,
            ) => 1,
        }
    }

    /// Whether it asks for embeddings in a form of its own, or of another input than texts: what fails then says little of the
    /// model. Clients of OpenAI ask for Base64 by default, so that is none.
    pub(in crate::gateway) fn asks_for_own_embeddings(&self) -> bool {
        let is_own = |name: &str, value: &[u8]| match name {
            "input" => !is_of_texts(value),
            "encoding_format" => !matches!(value, b"null" | b"\"float\"" | b"\"base64\""),
            name => FORMS.contains(&name) && value != b"null",
        };
        self.operation == Operation::Embeddings
            && (!self.parts.iter().any(|part| part.name == "input")
                || self.parts.iter().any(|part| is_own(&part.name, self.value(part))))
    }

    /// Whether nothing is a right answer, because nothing was asked for: no input, no document, a blank text to make an image of.
    pub(in crate::gateway) fn asks_for_nothing(&self) -> bool {
        let is_zero =
            |name: &str| self.parts.iter().any(|part| part.name == name && self.value(part) == b"0");
        match self.operation {
            Operation::Embeddings => self.is_without("input", is_none),
            Operation::Moderations => self.is_without("input", is_blank),
            Operation::Completions => self.is_without("prompt", is_none),
            Operation::Rerank => self.is_without("documents", is_none) || is_zero("top_n"),
            Operation::Images => self.is_without("prompt", is_blank) || is_zero("n"),
            Operation::Chat | Operation::Speech | Operation::Transcriptions | Operation::Translations => {
                false
            }
        }
    }

    /// Whether the request has nothing to work on, or a blank text: servers break over that, or answer nothing.
    pub(in crate::gateway) fn has_blank_input(&self) -> bool {
        let names: &[&str] = match self.operation {
            Operation::Embeddings | Operation::Moderations | Operation::Speech => &["input"],
            Operation::Completions | Operation::Images => &["prompt"],
            Operation::Rerank => &["query", "documents"],
            Operation::Chat | Operation::Transcriptions | Operation::Translations => return false,
        };
        names.iter().any(|name| self.is_without(name, has_blank)) || self.asks_for_nothing()
    }

    /// Whether a field is absent, or has such a value.
    fn is_without(&self, name: &str, is_such: fn(&[u8]) -> bool) -> bool {
        let part = self.parts.iter().find(|part| part.name == name);
        part.is_none_or(|part| is_such(self.value(part)))
    }

    /// Whether other results than asked for may be an answer to this request alone: fewer than its inputs, or vectors in another
    /// form. Servers differ in how they encode numbers, too.
    pub(in crate::gateway) fn may_get_other_results(&self) -> bool {
        if self.has_blank_input() {
            return true;
        }
        let is_packed = |part: &Part| part.name == "encoding_format" && self.value(part) == b"\"base64\"";
        match self.operation {
            Operation::Embeddings => self.asks_for_own_embeddings() || self.parts.iter().any(is_packed),
            Operation::Completions | Operation::Moderations | Operation::Images => {
                self.inputs.is_some_and(|inputs| inputs > 1)
            }
            Operation::Chat
            | Operation::Rerank
            | Operation::Speech
            | Operation::Transcriptions
            | Operation::Translations => false,
        }
    }
}

/// Whether a value is null or a list without elements.
fn is_none(value: &[u8]) -> bool {
    let inside = value.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    value == b"null" || inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// Whether a value is none, or a blank text.
fn is_blank(value: &[u8]) -> bool {
    let is_blank_text = || serde_json::from_slice::<String>(value).is_ok_and(|text| text.trim().is_empty());
    is_none(value) || value.len() <= LONGEST && value.starts_with(b"\"") && is_blank_text()
}

/// Whether a value is blank, or a list with a blank text in it.
fn has_blank(value: &[u8]) -> bool {
    let of_list = || serde_json::from_slice::<Vec<serde_json::Value>>(value).unwrap_or_default();
    let is_blank_text = |item: &serde_json::Value| item.as_str().is_some_and(|text| text.trim().is_empty());
    is_blank(value)
        || value.len() <= LONGEST && value.starts_with(b"[") && of_list().iter().any(is_blank_text)
}

/// Whether an input is a text or a list of texts, none of them blank.
fn is_of_texts(input: &[u8]) -> bool {
    let is_text = |text: &String| !text.trim().is_empty();
    if input.len() > LONGEST {
        return false;
    }
    if input.starts_with(b"\"") {
        return serde_json::from_slice::<String>(input).is_ok_and(|text| is_text(&text));
    }
    let texts = serde_json::from_slice::<Vec<String>>(input).unwrap_or_default();
    !texts.is_empty() && texts.iter().all(is_text)
}

/// How many answers a request asks for: one for a text or a list of tokens, and one for each element of another list; of rerank, how
/// many documents there are. `None` if that is unknown, or if the operation has one answer.
pub(super) fn inputs(operation: Operation, members: &RawObject<'_>) -> Option<usize> {
    match operation {
        Operation::Embeddings => count(members.get("input")?.bytes()),
        Operation::Completions => {
            // Some servers ignore the case of names.
            let is_prompt = |name: &str| PROMPTS.iter().any(|known| is_same_name(known, name));
            let prompts = members.0.iter().filter(|member| is_prompt(&member.name));
            prompts.map(|member| prompts_in(member.value.bytes())).reduce(usize::saturating_add)
        }
        // A list of parts is one input, in whatever form its vendor judges it.
        Operation::Moderations => {
            let input = members.get("input")?.bytes();
            let begins_with_text = input.get(1..)?.trim_ascii_start().starts_with(b"\"");
            if input.starts_with(b"[") && !begins_with_text { None } else { count(input) }
        }
        Operation::Rerank => length(members.get("documents")?.bytes()),
        Operation::Images => members.get("n")?.get().parse().ok(),
        Operation::Chat | Operation::Speech | Operation::Transcriptions | Operation::Translations => None,
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
