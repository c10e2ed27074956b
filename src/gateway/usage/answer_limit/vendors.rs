//! The fields in which vendors take the limits of an answer, by name. All of them pass to providers.

use serde_json::value::RawValue;

use super::number;
use crate::gateway::request::chat_request::numbers::{CHOICES, LIMITS, MOST_CHOICES};
use crate::gateway::request::json_object::{RawObject, is_same_name};

/// Vendors' own limits for the tokens of a choice.
const VENDORS_LIMITS: [&str; 9] = [
    "max_new_tokens",
    "max_tokens_to_sample",
    "max_gen_len",
    "max_length",
    "max_decode_steps",
    "n_predict",
    "num_predict",
    "maxOutputTokens",
    "maxTokens",
];

/// The tokens that a choice has at least, whatever its limit.
const LEAST: [&str; 3] = ["min_tokens", "min_new_tokens", "min_length"];

/// Vendors' own numbers of choices, and of those that are written to find the best.
const VENDORS_CHOICES: [&str; 9] = [
    "num_return_sequences",
    "num_generations",
    "candidate_count",
    "candidateCount",
    "num_completions",
    "num_beams",
    "beam_width",
    "beam_size",
    "numResults",
];

/// Limits for the tokens of reasoning.
const REASONING: [&str; 9] = [
    "thinking_budget",
    "thinkingBudget",
    "budget_tokens",
    "thinking_budget_tokens",
    "thinking_token_budget",
    "reasoning_budget",
    "max_thinking_tokens",
    "max_reasoning_tokens",
    "reasoning_max_tokens",
];

/// Objects with what the caller wrote or numbered, in which no vendor takes such fields. Any other object may be one in which
/// a vendor does.
const OF_THE_CALLER: [&str; 13] = [
    "audio",
    "cache_control",
    "function_call",
    "guided_json",
    "litellm_metadata",
    "logit_bias",
    "metadata",
    "prediction",
    "response_format",
    "output_format",
    "stream_options",
    "tool_choice",
    "web_search_options",
];

/// Parts of the names of limits for the tokens of an answer, in lowercase, beside `token`.
const OF_LIMITS: [&str; 6] = ["max", "gen", "new", "predict", "limit", "length"];

/// Parts of names that have those parts and limit something else.
const OF_OTHERS: [&str; 6] = ["min", "prompt", "input", "context", "cache", "special"];

/// Objects that limit the reasoning by a field for the tokens of an answer.
const REASONING_GROUPS: [&str; 2] = ["thinking", "reasoning"];

/// How deep such objects are nested.
const DEEPEST: u8 = 4;

/// The limits that a request states.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The largest limit for the tokens of a choice.
    pub(super) tokens: Option<i64>,
    /// The tokens that a choice has at least.
    pub(super) least: i64,
    /// The largest limit for the tokens of reasoning.
    pub(super) reasoning: i64,
    /// The largest number of choices.
    pub(super) choices: Option<i64>,
    /// Whether a limit is invalid. Providers may read it as no limit, so it overrides the others.
    pub(super) unlimited: bool,
    /// Whether there is a limit for the tokens of a choice, be it null or invalid: vendors may read it in place of their default.
    pub(super) limited: bool,
}

impl Found {
    /// Reads one field of a body.
    pub(super) fn read(&mut self, name: &str, value: &[u8]) {
        self.field(name, value, false, 0);
    }

    /// Reads Anthropic's own `fallbacks`: models that it calls itself, each with fields in place of those of the body.
    pub(super) fn read_fallbacks(&mut self, value: &[u8]) {
        let fallbacks: Vec<&RawValue> = serde_json::from_slice(value).unwrap_or_default();
        for fallback in fallbacks.iter().filter_map(|one| RawObject::parse(one.get().as_bytes()).ok()) {
            for member in &fallback.0 {
                self.read(&member.name, member.value.bytes());
            }
        }
    }

    fn field(&mut self, name: &str, value: &[u8], of_reasoning: bool, depth: u8) {
        // Some servers ignore the case of names.
        let is_in = |names: &[&str]| names.iter().any(|known| is_same_name(known, name));
        let limits = is_in(&LIMITS) || is_in(&VENDORS_LIMITS) || !is_in(&LEAST) && is_called_a_limit(name);
        self.limited |= limits;
        if value == b"null" {
            return;
        }
        if is_in(&REASONING) || limits && of_reasoning {
            match number(value) {
                Some(tokens) => self.reasoning = self.reasoning.max(tokens),
                None => self.unlimited = true,
            }
        } else if limits {
            match number(value).filter(|tokens| *tokens > 0) {
                Some(tokens) => self.tokens = self.tokens.max(Some(tokens)),
                None => self.unlimited = true,
            }
        } else if is_in(&LEAST) {
            self.least = self.least.max(number(value).unwrap_or_default());
        } else if is_in(&CHOICES) || is_in(&VENDORS_CHOICES) {
            let choices = number(value).filter(|choices| *choices > 0).unwrap_or(MOST_CHOICES);
            self.choices = self.choices.max(Some(choices));
        } else if depth < DEEPEST && !is_in(&OF_THE_CALLER) && value.starts_with(b"{") {
            // What cannot be read may hold any limit.
            let Ok(group) = RawObject::parse(value) else {
                (self.tokens, self.limited) = (Some(i64::MAX), true);
                return;
            };
            let of_reasoning = of_reasoning || is_in(&REASONING_GROUPS);
            for member in &group.0 {
                self.field(&member.name, member.value.bytes(), of_reasoning, depth + 1);
            }
        }
    }
}

/// Whether a name that is in no list is one of a limit for the tokens of an answer.
fn is_called_a_limit(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    name.contains("token") && has(&OF_LIMITS) && !has(&OF_OTHERS)
}
