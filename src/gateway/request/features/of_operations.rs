//! What a request other than a chat uses besides plain texts. A field that its API does not have in every case may be one of a
//! vendor, with a plan, a permission or a limit of its own.

use serde_json::Value;

use super::super::chat_request::{ChatRequest, OWN_MEMBERS};
use crate::domain::operation::Operation;

/// The longest input in bytes that is read. A longer one may hold anything.
const LONGEST: usize = 512 * 1024;

/// The fields that every server of an operation knows, beside the model and `stream`.
const fn plain(operation: Operation) -> &'static [&'static str] {
    match operation {
        // Those of a completion are many, and its features are in the lists of a chat.
        Operation::Chat | Operation::Completions | Operation::Embeddings => &[],
        Operation::Moderations => &["input"],
        Operation::Rerank => &["documents", "query", "return_documents", "top_n"],
        Operation::Images => &["n", "prompt", "response_format", "user"],
        Operation::Speech => &["input", "response_format", "speed", "voice"],
        Operation::Transcriptions | Operation::Translations => {
            &["file", "language", "prompt", "response_format", "temperature"]
        }
    }
}

impl ChatRequest {
    /// Whether a request other than a chat uses more than the fields that every server knows, with texts.
    pub(super) fn uses_features_of_its_operation(&self) -> bool {
        let plain = plain(self.operation);
        !plain.is_empty()
            && self.parts.iter().any(|part| {
                let name = part.name.as_str();
                let is_known = plain.contains(&name) || matches!(name, "model" | "stream");
                match name {
                    name if OWN_MEMBERS.contains(&name) => false,
                    "input" | "query" | "documents" => !is_of_texts(self.value(part)),
                    _ => !is_known && self.value(part) != b"null",
                }
            })
    }

    /// Whether a request other than a chat has an input that its provider decodes or fetches: anything but texts.
    pub(super) fn brings_media_of_its_operation(&self) -> bool {
        let is_input = |name: &str| match self.operation {
            Operation::Moderations => name == "input",
            Operation::Rerank => matches!(name, "query" | "documents"),
            // A recording is always decoded.
            Operation::Transcriptions | Operation::Translations => matches!(name, "file" | "url"),
            Operation::Chat
            | Operation::Completions
            | Operation::Embeddings
            | Operation::Images
            | Operation::Speech => false,
        };
        self.parts.iter().any(|part| is_input(&part.name) && !is_of_texts(self.value(part)))
    }
}

/// Whether an input is a text, a list of them, or a list of objects with a `text` alone.
fn is_of_texts(input: &[u8]) -> bool {
    let is_text = |value: &Value| match value {
        Value::String(_) => true,
        Value::Object(members) => members.len() == 1 && members.get("text").is_some_and(Value::is_string),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    };
    if input.len() > LONGEST {
        return false;
    }
    match serde_json::from_slice(input) {
        Ok(Value::Array(items)) => items.iter().all(is_text),
        Ok(value) => value.is_null() || value.is_string(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_requests_use_no_feature_and_bring_no_media() {
        let image = json!([{"type": "image_url", "image_url": {"url": "https://a.test/a.png"}}]);
        for (operation, body, features, media) in [
            (Operation::Moderations, json!({"input": ["a", "b"], "models": ["n"]}), false, false),
            (Operation::Moderations, json!({"input": image}), true, true),
            (
                Operation::Rerank,
                json!({"query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}),
                false,
                false,
            ),
            (Operation::Rerank, json!({"query": "q", "documents": [{"image": "x"}]}), true, true),
            (Operation::Rerank, json!({"query": {"image": "x"}, "documents": ["a"]}), true, true),
            (
                Operation::Rerank,
                json!({"query": "q", "documents": ["a"], "max_tokens_per_doc": 9}),
                true,
                false,
            ),
            (Operation::Images, json!({"prompt": "a", "n": 1}), false, false),
            (Operation::Images, json!({"prompt": "a", "quality": "hd"}), true, false),
            (Operation::Speech, json!({"input": "a", "voice": "v"}), false, false),
            (Operation::Speech, json!({"input": "a", "voice": "v", "instructions": "slowly"}), true, false),
            (Operation::Completions, json!({"prompt": "a", "best_of": 2}), false, false),
        ] {
            let mut whole = json!({"model": "m"});
            whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
            let request =
                ChatRequest::parse_operation(operation, Bytes::from(whole.to_string())).expect("a request");
            assert_eq!((request.uses_features(), request.brings_media()), (features, media), "{body}");
        }
    }
}
