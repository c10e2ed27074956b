//! The members of a request that choose nothing of a provider's account: no credential, address, route, price, feature or
//! server. What a provider refuses of such a request is not about one of those.
//!
//! A member that is not listed may be any of them, for a proxy at least, as may one in another case.

use super::chat_request::{ChatRequest, is_own};
use super::labels::is_label;
use super::tools::{RunBy, run_by};
use crate::dialects::Dialect;

/// Members of chat completions, sorted: the conversation, the form of the answer, and sampling.
const OF_CHAT: [&str; 62] = [
    "add_generation_prompt",
    "best_of",
    "chat_template_kwargs",
    "do_sample",
    "echo",
    "enable_thinking",
    "frequency_penalty",
    "function_call",
    "functions",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "ignore_eos",
    "include_reasoning",
    "length_penalty",
    "logit_bias",
    "logprobs",
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
    "prediction",
    "presence_penalty",
    "prompt_cache_retention",
    "prompt_logprobs",
    "prompt_mode",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "reasoning_split",
    "repeat_penalty",
    "repetition_penalty",
    "response_format",
    "safe_prompt",
    "seed",
    "skip_special_tokens",
    "stop",
    "stop_token_ids",
    "stream",
    "stream_options",
    "strict",
    "temperature",
    "tfs",
    "thinking",
    "thinking_budget",
    "tool_choice",
    "tools",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "typical_p",
    "use_beam_search",
    "verbosity",
];

/// Members of Messages, sorted.
const OF_MESSAGES: [&str; 15] = [
    "cache_control",
    "max_tokens",
    "messages",
    "model",
    "output_config",
    "output_format",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

impl ChatRequest {
    /// Whether no member chooses anything but the answer.
    pub(in crate::gateway) fn is_plain(&self) -> bool {
        let known: &[&str] = match self.dialect {
            Dialect::ChatCompletions => &OF_CHAT,
            Dialect::Messages => &OF_MESSAGES,
        };
        let is_plain =
            |name: &str| known.binary_search(&name).is_ok() || is_own(self.dialect, name) || is_label(name);
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
        assert!(OF_CHAT.is_sorted() && OF_MESSAGES.is_sorted());
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
