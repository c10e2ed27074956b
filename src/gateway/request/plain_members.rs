//! The members of a request that choose nothing of a provider's account: no credential, address, route, price, feature or
//! server. What a provider refuses of such a request is not about one of those.
//!
//! A member that is not listed may be any of them, for a proxy at least, as may one in another case.

use super::chat_request::{ChatRequest, is_own};
use super::features;
use super::labels::is_label;
use super::tools::{RunBy, run_by};
use crate::dialects::Dialect;
use crate::domain::operation::Operation;

/// Members of chat completions, sorted: the conversation and sampling. [`features`] has the others.
const OF_CHAT: [&str; 41] = [
    "add_generation_prompt",
    "best_of",
    "do_sample",
    "echo",
    "frequency_penalty",
    "function_call",
    "functions",
    "ignore_eos",
    "length_penalty",
    "logit_bias",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "min_p",
    "min_tokens",
    "mirostat",
    "model",
    "n",
    "num_beams",
    "parallel_tool_calls",
    "presence_penalty",
    "random_seed",
    "repeat_penalty",
    "repetition_penalty",
    "safe_prompt",
    "seed",
    "skip_special_tokens",
    "stop",
    "stop_token_ids",
    "stream",
    "stream_options",
    "temperature",
    "tfs",
    "tool_choice",
    "tools",
    "top_a",
    "top_k",
    "top_p",
    "typical_p",
    "use_beam_search",
    "verbosity",
];

/// Members of Messages, sorted.
const OF_MESSAGES: [&str; 12] = [
    "cache_control",
    "max_tokens",
    "messages",
    "model",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Members of Responses, sorted.
const OF_RESPONSES: [&str; 14] = [
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "model",
    "parallel_tool_calls",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
];

/// Members of translations for Gemini, sorted. Their tools are functions of the caller.
const OF_GEMINI: [&str; 6] =
    ["contents", "generationConfig", "model", "stream", "systemInstruction", "toolConfig"];

/// Members of translations for Converse, sorted. Their tools are functions of the caller.
const OF_CONVERSE: [&str; 7] =
    ["inferenceConfig", "messages", "model", "parallelToolCalls", "stream", "system", "toolConfig"];

/// Members of requests other than chats, sorted.
const OF_OPERATIONS: [&str; 32] = [
    "background",
    "best_of",
    "dimensions",
    "documents",
    "echo",
    "encoding_format",
    "file",
    "input",
    "input_type",
    "instructions",
    "language",
    "logprobs",
    "max_tokens",
    "model",
    "n",
    "prompt",
    "quality",
    "query",
    "response_format",
    "return_documents",
    "seed",
    "size",
    "speed",
    "stop",
    "stream",
    "style",
    "suffix",
    "task",
    "temperature",
    "top_n",
    "top_p",
    "voice",
];

impl ChatRequest {
    /// Whether no member chooses anything but the answer.
    pub(in crate::gateway) fn is_plain(&self) -> bool {
        if self.operation != Operation::Chat {
            let is_known = |name: &str| OF_OPERATIONS.binary_search(&name).is_ok();
            let is_plain = |name: &str| is_known(name) || is_own(self.dialect, name) || is_label(name);
            return self.parts.iter().all(|part| is_plain(&part.name) || self.value(part) == b"null");
        }
        let (known, features): (&[&str], &[&str]) = match self.dialect {
            Dialect::ChatCompletions => (&OF_CHAT, &features::OF_CHAT),
            Dialect::Messages => (&OF_MESSAGES, &features::OF_MESSAGES),
            Dialect::Responses => (&OF_RESPONSES, &features::OF_RESPONSES),
            Dialect::Gemini => (&OF_GEMINI, &features::OF_GEMINI),
            Dialect::Converse => (&OF_CONVERSE, &features::OF_CONVERSE),
        };
        let is_known = |name: &str| [known, features].iter().any(|list| list.binary_search(&name).is_ok());
        let is_plain = |name: &str| is_known(name) || is_own(self.dialect, name) || is_label(name);
        self.parts.iter().all(|part| match part.name.as_str() {
            "tools" => run_by(self.value(part)) == Some(RunBy::Caller),
            "service_tier" | "speed" => true,
            name => is_plain(name) || self.value(part) == b"null",
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;

    fn is_plain(dialect: Dialect, more: &Value) -> bool {
        let mut body =
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ChatRequest::parse_as(dialect, Bytes::from(body.to_string())).expect("a request").is_plain()
    }

    #[test]
    fn lists_are_sorted() {
        assert!(OF_CHAT.is_sorted() && OF_MESSAGES.is_sorted() && OF_RESPONSES.is_sorted());
        assert!(OF_GEMINI.is_sorted() && OF_CONVERSE.is_sorted() && OF_OPERATIONS.is_sorted());
    }

    #[test]
    fn what_shapes_the_answer_is_plain_and_what_may_choose_an_account_is_not() {
        let function = json!({"type": "function", "function": {"name": "f", "parameters": {"properties": {"headers": {}}}}});
        for plain in [
            json!({}),
            json!({"temperature": 1, "top_k": 4, "user": "u", "metadata": {"a": 1}, "max_fallbacks": 1}),
            json!({"tools": [function], "tool_choice": "auto", "reasoning_effort": "low", "api_key": null}),
        ] {
            assert!(is_plain(Dialect::ChatCompletions, &plain), "{plain}");
        }
        for other in [
            json!({"extra_body": {"api_key": "k"}}),
            json!({"Temperature": 1}),
            json!({"plugins": [{"id": "web"}]}),
            json!({"tools": [{"type": "mcp", "server_url": "https://x"}]}),
            json!({"tools": [{"type": "function", "function": {"name": "f"}, "headers": {}}]}),
            json!({"tools": "none"}),
        ] {
            assert!(!is_plain(Dialect::ChatCompletions, &other), "{other}");
        }
        let client = json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "system": "S", "speed": "fast"});
        assert!(is_plain(Dialect::Messages, &client));
        for other in [
            json!({"inference_geo": "us"}),
            json!({"mcp_servers": []}),
            json!({"betas": ["x"]}),
            json!({"fallbacks": "default"}),
            json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ] {
            assert!(!is_plain(Dialect::Messages, &other), "{other}");
        }
    }
}
