//! Optional parameters, which a request can omit.

/// Parameters that a request can omit without changing its meaning much. Parameters that determine the answer's
/// format, its tools or its end are not included. `max_tokens` is, because it is renamed instead of omitted. So are
/// [`STRICT`], which is a member of tools and schemas, [`STREAM_MEMBERS`], and members of messages, which begin with
/// [`OF_MESSAGES`].
pub static OPTIONAL: &[&str] = &[
    "audio",
    "cache_control",
    "chat_template_kwargs",
    "enable_thinking",
    "extra_body",
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "messages.annotations",
    "messages.audio",
    "messages.cache_control",
    "messages.citations",
    "messages.extra_content",
    "messages.images",
    "messages.index",
    "messages.parsed",
    "messages.parsed_arguments",
    "messages.prefix",
    "messages.provider_specific_fields",
    "messages.reasoning",
    "messages.reasoning_content",
    "messages.reasoning_details",
    "messages.refusal",
    "messages.thinking",
    "messages.thinking_blocks",
    "metadata",
    "min_p",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_mode",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "reasoning_split",
    "repetition_penalty",
    "safe_prompt",
    "safety_identifier",
    "search_parameters",
    "seed",
    "service_tier",
    "store",
    "stream_options",
    STREAM_MEMBERS,
    "strict",
    "temperature",
    "thinking",
    "thinking_budget",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// A subset of [`OPTIONAL`], one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters(u64);

impl Parameters {
    /// All reasoning in the history of a request, which is no parameter, but is left out in the same way. It is never
    /// learned.
    pub const REASONING: Self = Self(1 << 63);

    /// Whether the reasoning in the history is in the set.
    #[must_use]
    pub fn has_reasoning(self) -> bool {
        self.0 & Self::REASONING.0 != 0
    }

    /// The members of messages among these names.
    #[must_use]
    pub fn of_messages<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(bit_of_messages).fold(0, |all, bit| all | bit))
    }

    /// Whether the set contains a member of messages.
    #[must_use]
    pub fn has_of_messages(self, name: &str) -> bool {
        self.0 != 0 && bit_of_messages(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// The members of messages in the set.
    #[must_use]
    pub fn in_messages(self) -> Self {
        if self.0 == 0 { self } else { self.common(Self::of_messages(names_of_messages())) }
    }

    /// The optional parameters among these names.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(bit).fold(0, |all, bit| all | bit))
    }

    /// Whether the set contains a parameter.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.0 != 0 && bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The union of two sets.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The intersection of two sets.
    #[must_use]
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// The difference of two sets.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

fn bit(name: &str) -> Option<u64> {
    bit_at(OPTIONAL.iter().position(|optional| *optional == name)?)
}

fn bit_of_messages(name: &str) -> Option<u64> {
    bit_at(OPTIONAL.iter().position(|optional| optional.strip_prefix(OF_MESSAGES) == Some(name))?)
}

fn bit_at(index: usize) -> Option<u64> {
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index))
}

/// The beginning of the names of members of messages, of calls of tools and of parts of a content. Other vendors, their proxies
/// and SDKs add them to answers, which come back in the history.
pub const OF_MESSAGES: &str = "messages.";

/// The names of the optional members of messages, as they are in a message.
pub(super) fn names_of_messages() -> impl Iterator<Item = &'static str> {
    OPTIONAL.iter().filter_map(|name| name.strip_prefix(OF_MESSAGES))
}

/// Requires tool calls, or the answer, to follow their schema exactly. A member of tool definitions and schemas.
pub const STRICT: &str = "strict";

/// The members of `stream_options` other than `include_usage`.
pub const STREAM_MEMBERS: &str = "stream_options.*";

/// The name of `max_tokens` for models that reason.
pub const NEWER_LIMIT: &str = "max_completion_tokens";
