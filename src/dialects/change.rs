//! The changes that adapting or translating a request for a candidate made, in a closed vocabulary of verbs and targets such
//! as `dropped:temperature`. The documented table is in `docs/FALLBACK.md`.

use std::fmt;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A parameter was removed.
    Dropped,
    /// A parameter was renamed.
    Renamed,
    /// A value was moved into the range that the provider accepts.
    Clamped,
    /// A field was translated to an equivalent one.
    Mapped,
    /// A tool call id was replaced, in the call and in its result.
    Aliased,
    /// A field of a message or a tool was removed.
    Stripped,
    /// A part was put at another place.
    Moved,
    /// Content parts were joined to one text.
    Flattened,
    /// A required field was added.
    Placeholder,
    /// A feature was turned off.
    Disabled,
    /// Something was put into another form, from which the answer takes it out again.
    Wrapped,
}

impl Verb {
    /// Every verb, for the documentation's table.
    pub const ALL: [Self; 11] = [
        Self::Dropped,
        Self::Renamed,
        Self::Clamped,
        Self::Mapped,
        Self::Aliased,
        Self::Stripped,
        Self::Moved,
        Self::Flattened,
        Self::Placeholder,
        Self::Disabled,
        Self::Wrapped,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dropped => "dropped",
            Self::Renamed => "renamed",
            Self::Clamped => "clamped",
            Self::Mapped => "mapped",
            Self::Aliased => "aliased",
            Self::Stripped => "stripped",
            Self::Moved => "moved",
            Self::Flattened => "flattened",
            Self::Placeholder => "placeholder",
            Self::Disabled => "disabled",
            Self::Wrapped => "wrapped",
        })
    }
}

/// Fields inside of messages, tools and settings that are reported by name when they are removed; any other is reported as
/// `member`.
pub const STRIPPED: &[&str] = &[
    "allowed_callers",
    "annotations",
    "audio",
    "cache_control",
    "caller",
    "citations",
    "content",
    "context",
    "defer_loading",
    "description",
    "detail",
    "display",
    "eager_input_streaming",
    "exclude",
    "extra_content",
    "function_call",
    "images",
    "index",
    "input_examples",
    "logprobs",
    "member",
    "metadata",
    "name",
    "output_schema",
    "parsed",
    "parsed_arguments",
    "phase",
    "prefix",
    "provider_specific_fields",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
    "stream_options",
    "strict",
    "summary",
    "task_budget",
    "thinking",
    "thinking_blocks",
    "title",
    "tool_calls",
    "tool_search",
    "web_search",
];

/// What each verb is said of. An organization's own parameter rules may drop, rename and clamp parameters of other names, and
/// a parameter that a provider refuses is dropped by its name.
pub const TARGETS: [(Verb, &[&str]); 11] = [
    (
        Verb::Dropped,
        &[
            "anthropic_beta",
            "cache_control",
            "client_metadata",
            "context_management",
            "diagnostics",
            "effort",
            "fallback_credit_token",
            "frequency_penalty",
            "function_call",
            "functions",
            "include",
            "inference_geo",
            "logit_bias",
            "max_tool_calls",
            "member",
            "metadata",
            "moderation",
            "n",
            "output_config",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "service_tier",
            "speed",
            "stop",
            "store",
            "stream_options",
            "temperature",
            "text",
            "thinking",
            "thread",
            "tool_choice",
            "tool_search",
            "tools",
            "top_k",
            "top_p",
            "truncation",
            "user",
            "user_id",
            "verbosity",
            "web_search",
        ],
    ),
    (Verb::Renamed, &["anthropic_beta", "max_completion_tokens", "max_tokens", "user", "user_id"]),
    (
        Verb::Clamped,
        &[
            "cache_control",
            "effort",
            "max_completion_tokens",
            "max_output_tokens",
            "max_tokens",
            "reasoning",
            "reasoning_effort",
            "temperature",
            "thinking",
        ],
    ),
    (
        Verb::Mapped,
        &[
            "developer_role",
            "document",
            "function_call",
            "function_role",
            "functions",
            "reasoning",
            "reasoning_effort",
            "refusal",
            "response_format",
            "schema",
            "system",
            "thinking",
            "tool_arguments",
            "tool_choice",
            "tool_error",
            "tool_schema",
            "tools",
        ],
    ),
    (Verb::Aliased, &["tool_id"]),
    (Verb::Stripped, STRIPPED),
    (Verb::Moved, &["document", "image"]),
    (Verb::Flattened, &["content", "tool_history"]),
    (
        Verb::Placeholder,
        &[
            "answer",
            "max_tokens",
            "reasoning_content",
            "reasoning_effort",
            "signature",
            "text",
            "tool_type",
            "tools",
            "user_message",
        ],
    ),
    (Verb::Disabled, &["thinking"]),
    (Verb::Wrapped, &["custom_tool", "namespace"]),
];

/// Every change of the vocabulary, as attempts have it.
#[must_use]
pub fn vocabulary() -> Vec<String> {
    let words = |(verb, targets): &(Verb, &[&str])| {
        targets.iter().map(|target| format!("{verb}:{target}")).collect::<Vec<_>>()
    };
    TARGETS.iter().flat_map(words).collect()
}

/// The changes to one request, without duplicates.
#[derive(Debug, Default)]
pub struct Changes(Vec<String>);

impl Changes {
    /// The changes that were made before.
    #[must_use]
    pub fn after(earlier: &[String]) -> Self {
        Self(earlier.to_vec())
    }

    /// Adds a change, unless it is there already.
    pub fn note(&mut self, verb: Verb, what: &str) {
        let change = format!("{verb}:{what}");
        if !self.0.contains(&change) {
            self.0.push(change);
        }
    }

    /// Adds changes that were noted apart.
    pub fn add(&mut self, others: Self) {
        let new: Vec<String> = others.0.into_iter().filter(|change| !self.0.contains(change)).collect();
        self.0.extend(new);
    }

    /// Adds a removed field. Names that are not in [`STRIPPED`] come from the caller and are not repeated.
    pub fn stripped(&mut self, name: &str) {
        let known = STRIPPED.iter().find(|known| **known == name);
        self.note(Verb::Stripped, known.copied().unwrap_or("member"));
    }

    /// The changes as `verb:target`, in the order in which they were made.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.0
    }
}
