//! One row per vendor: the parameters that it refuses, and the message format that it requires.
//!
//! A vendor without a row gets the request as the caller wrote it, apart from OpenAI's own extensions.

use super::effort::{self, Effort};
use super::members::{CALL, FOREIGN, FOREIGN_BUT_REASONING};
use super::tool_ids::ToolIds;
use super::{AllowedMembers, ReasoningParts, SchemaSupport};

/// What is known about one vendor.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) preset: &'static str,
    /// Optional parameters that cause an error.
    pub(super) refuses: &'static [&'static str],
    pub(super) effort: fn(&str, Option<bool>, bool) -> Effort,
    /// Whether it accepts the role `developer`.
    pub(super) developer: bool,
    /// Accepted members of messages, by role; the empty role matches every other role.
    pub(super) members: &'static [(&'static str, AllowedMembers)],
    pub(super) call_members: AllowedMembers,
    pub(super) cache_marks: bool,
    pub(super) plain_text: bool,
    pub(super) reasoning_parts: ReasoningParts,
    /// Whether `tool_choice` may be `{"type": "allowed_tools", ...}`.
    pub(super) allowed_tools: bool,
    pub(super) tool_ids: ToolIds,
    pub(super) schemas: SchemaSupport,
    /// Whether a tool definition may contain `strict`.
    pub(super) strict_tools: bool,
    /// Whether it accepts the deprecated `functions` and messages with the role `function`.
    pub(super) functions: bool,
    /// Whether it knows `max_completion_tokens`, and refuses `max_tokens` for some models.
    pub(super) newer_limit: bool,
    /// Whether `n` must be 1.
    pub(super) one_choice: bool,
    /// The highest temperature that it accepts.
    pub(super) hottest: Option<f64>,
}

/// A vendor about which nothing is known.
pub(super) static UNKNOWN: Vendor = UNKNOWN_ROW;

/// Parameters that OpenAI refuses ("Unrecognized request argument supplied: thinking", R nashsu/llm_wiki#336;
/// "Unknown parameter: 'reasoning'", R musistudio/claude-code-router#1374; for sampling parameters R
/// open-webui/open-webui#14520).
const NOT_OPENAIS: &[&str] = &[
    "cache_control",
    "chat_template_kwargs",
    "enable_thinking",
    "extra_body",
    "include_reasoning",
    "min_p",
    "prompt_mode",
    "random_seed",
    "reasoning",
    "reasoning_format",
    "reasoning_split",
    "repetition_penalty",
    "safe_prompt",
    "search_parameters",
    "thinking",
    "thinking_budget",
    "top_a",
    "top_k",
];
pub(super) static VENDORS: &[Vendor] = &[
    Vendor { preset: "openai", ..OPENAI },
    Vendor { preset: "azure", ..OPENAI },
    Vendor { preset: "azure-deployments", ..OPENAI },
    // V platform.claude.com/docs/en/api/openai-sdk: unknown fields are ignored, `developer` is accepted, `n` must be
    // exactly 1, `response_format` is ignored.
    Vendor {
        preset: "anthropic",
        developer: true,
        tool_ids: ToolIds::Word,
        schemas: SchemaSupport::Ignored,
        one_choice: true,
        ..UNKNOWN_ROW
    },
    // "Invalid JSON payload received. Unknown name \"store\": Cannot find field." (R jackmpcollins/magentic#382,
    // liliMozi/openhanako#394, sipeed/picoclaw#1196), in messages as well. A schema together with tools: "Function
    // calling with a response mime type: 'application/json' is unsupported" before the third generation (R
    // openai/openai-agents-python#656). "Unknown name \"strict\" at 'request.tools[0].function_declarations[0]'" (R
    // router-for-me/CLIProxyAPI#102).
    Vendor {
        preset: "gemini",
        refuses: &[
            "audio",
            "cache_control",
            "chat_template_kwargs",
            "enable_thinking",
            "include_reasoning",
            "logprobs",
            "metadata",
            "min_p",
            "modalities",
            "parallel_tool_calls",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_mode",
            "random_seed",
            "reasoning",
            "reasoning_format",
            "reasoning_split",
            "repetition_penalty",
            "safe_prompt",
            "safety_identifier",
            "search_parameters",
            "service_tier",
            "store",
            "thinking",
            "thinking_budget",
            "top_a",
            "top_k",
            "top_logprobs",
            "user",
            "verbosity",
            "web_search_options",
        ],
        effort: effort::gemini,
        members: &[(
            "",
            AllowedMembers::Only(&["role", "content", "name", "tool_calls", "tool_call_id", "extra_content"]),
        )],
        call_members: AllowedMembers::Only(&["id", "type", "function", "extra_content"]),
        cache_marks: false,
        reasoning_parts: ReasoningParts::None,
        schemas: SchemaSupport::WithoutTools,
        strict_tools: false,
        ..UNKNOWN_ROW
    },
    // Passes each model the parameters that it accepts (V openrouter.ai/docs/api/reference/parameters).
    Vendor { preset: "openrouter", developer: true, ..UNKNOWN_ROW },
    // V console.groq.com/docs/openai: `logprobs`, `logit_bias`, `top_logprobs`, `messages[].name` and more than one
    // choice cause a 400. "property 'store' is unsupported" (R fanenr/chatbot#21), `metadata` (R
    // skye-harris/hass_local_openai_llm#59), `prompt_cache_key` (R sipeed/picoclaw#1196); for messages "property
    // 'reasoning_content' is unsupported" (R janhq/jan#8136). "json mode cannot be combined with tool/function
    // calling" (R vercel/ai#16540).
    Vendor {
        preset: "groq",
        refuses: &[
            "audio",
            "cache_control",
            "chat_template_kwargs",
            "enable_thinking",
            "extra_body",
            "metadata",
            "min_p",
            "modalities",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_mode",
            "random_seed",
            "reasoning",
            "reasoning_split",
            "repetition_penalty",
            "safe_prompt",
            "safety_identifier",
            "service_tier",
            "store",
            "thinking",
            "thinking_budget",
            "top_a",
            "top_k",
            "verbosity",
            "web_search_options",
        ],
        effort: effort::groq,
        members: &[
            ("assistant", AllowedMembers::Only(&["role", "content", "tool_calls", "function_call"])),
            ("tool", AllowedMembers::Only(&["role", "content", "tool_call_id"])),
            ("", AllowedMembers::Only(&["role", "content"])),
        ],
        call_members: AllowedMembers::Only(&["id", "type", "function"]),
        cache_marks: false,
        plain_text: true,
        reasoning_parts: ReasoningParts::None,
        schemas: SchemaSupport::WithoutTools,
        one_choice: true,
        ..UNKNOWN_ROW
    },
    // "Extra inputs are not permitted", for the body and for messages (R mistralai/platform-docs-public#7,
    // BerriAI/litellm#30835, charmbracelet/crush#1590). Accepted members: V github.com/mistralai/client-python,
    // docs/models/{chatcompletionrequest,assistantmessage,usermessage,toolmessage}.md.
    Vendor {
        preset: "mistral",
        refuses: &[
            "audio",
            "cache_control",
            "chat_template_kwargs",
            "enable_thinking",
            "extra_body",
            "include_reasoning",
            "logit_bias",
            "logprobs",
            "min_p",
            "modalities",
            "prompt_cache_key",
            "prompt_cache_retention",
            "reasoning",
            "reasoning_format",
            "reasoning_split",
            "repetition_penalty",
            "safety_identifier",
            "search_parameters",
            "seed",
            "service_tier",
            "store",
            "thinking",
            "thinking_budget",
            "top_a",
            "top_k",
            "top_logprobs",
            "user",
            "verbosity",
            "web_search_options",
        ],
        effort: effort::mistral,
        members: &[
            ("assistant", AllowedMembers::Only(&["role", "content", "tool_calls", "prefix"])),
            ("tool", AllowedMembers::Only(&["role", "content", "tool_call_id", "name"])),
            ("", AllowedMembers::Only(&["role", "content"])),
        ],
        call_members: AllowedMembers::Only(&["id", "type", "function"]),
        cache_marks: false,
        // V docs.mistral.ai/capabilities/reasoning: `thinking` is a list of chunks, and nothing is signed.
        reasoning_parts: ReasoningParts::Lists,
        tool_ids: ToolIds::Nine,
        hottest: Some(1.5),
        ..UNKNOWN_ROW
    },
    // Unknown fields are ignored; `store` is not documented (V docs.together.ai/reference/chat-completions-1).
    Vendor {
        preset: "together",
        refuses: &["store"],
        effort: effort::hosted,
        reasoning_parts: ReasoningParts::None,
        ..UNKNOWN_ROW
    },
    // "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`" (R
    // earendil-works/pi#1048). V api-docs.deepseek.com: `response_format` is `text` or `json_object`; in thinking mode
    // "the `reasoning_content` in the thinking mode must be passed back to the API" (R qwersyk/Newelle#404).
    Vendor {
        preset: "deepseek",
        effort: effort::deepseek,
        plain_text: true,
        reasoning_parts: ReasoningParts::None,
        schemas: SchemaSupport::JsonObject,
        ..UNKNOWN_ROW
    },
    // "Model grok-4 does not support parameter presencePenalty." "Argument not supported: metadata" (R
    // router-for-me/CLIProxyAPI#5648). No `strict` in tools (R pydantic/pydantic-ai#1846).
    Vendor {
        preset: "xai",
        refuses: &[
            "audio",
            "enable_thinking",
            "include_reasoning",
            "metadata",
            "modalities",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "reasoning",
            "reasoning_format",
            "safety_identifier",
            "service_tier",
            "store",
            "thinking",
            "thinking_budget",
            "verbosity",
        ],
        effort: effort::xai,
        members: &[("assistant", FOREIGN_BUT_REASONING)],
        call_members: CALL,
        cache_marks: false,
        reasoning_parts: ReasoningParts::None,
        strict_tools: false,
        ..UNKNOWN_ROW
    },
    // "Extra inputs are not permitted, field: 'messages[2].cache_control'", in tools as well (R
    // anomalyco/opencode#24696). Accepted members: V docs.fireworks.ai/api-reference/post-chatcompletions.
    Vendor {
        preset: "fireworks",
        refuses: &[
            "audio",
            "cache_control",
            "enable_thinking",
            "extra_body",
            "include_reasoning",
            "modalities",
            "prompt_cache_retention",
            "prompt_mode",
            "random_seed",
            "reasoning",
            "reasoning_format",
            "reasoning_split",
            "safe_prompt",
            "safety_identifier",
            "search_parameters",
            "store",
            "verbosity",
            "web_search_options",
        ],
        effort: effort::hosted,
        members: &[("assistant", FOREIGN_BUT_REASONING)],
        call_members: CALL,
        cache_marks: false,
        reasoning_parts: ReasoningParts::None,
        strict_tools: false,
        ..UNKNOWN_ROW
    },
    // "invalid message format" for parts other than text and images (V github.com/ollama/ollama, openai/openai.go).
    Vendor { preset: "ollama", effort: effort::ollama, reasoning_parts: ReasoningParts::None, ..UNKNOWN_ROW },
    // Chat templates: "Unexpected message role." for `developer` (R 1CatAI/1Cat-vLLM#493).
    Vendor { preset: "vllm", effort: effort::vllm, reasoning_parts: ReasoningParts::None, ..UNKNOWN_ROW },
    Vendor { preset: "custom", ..UNKNOWN_ROW },
    // They serve no chat completions, so nothing is translated for them.
    Vendor { preset: "foundry", ..UNKNOWN_ROW },
    Vendor { preset: "gemini-native", ..UNKNOWN_ROW },
    Vendor { preset: "vertex-gemini", ..UNKNOWN_ROW },
    Vendor { preset: "bedrock-messages", ..UNKNOWN_ROW },
    Vendor { preset: "bedrock", ..UNKNOWN_ROW },
    Vendor { preset: "vertex-messages", ..UNKNOWN_ROW },
    Vendor { preset: "custom-messages", ..UNKNOWN_ROW },
    Vendor { preset: "simulated", developer: true, ..UNKNOWN_ROW },
];

/// Nothing is known: only what is specific to OpenAI is translated, namely the role `developer`, the choice among
/// allowed tools, and the deprecated functions and their role (V developers.openai.com/api/reference/chat, R earendil-works/pi#1048).
const UNKNOWN_ROW: Vendor = Vendor {
    preset: "",
    refuses: &[],
    effort: effort::any,
    developer: false,
    members: &[],
    call_members: AllowedMembers::All,
    cache_marks: true,
    plain_text: false,
    reasoning_parts: ReasoningParts::Any,
    allowed_tools: false,
    tool_ids: ToolIds::Any,
    schemas: SchemaSupport::Taken,
    strict_tools: true,
    functions: false,
    newer_limit: false,
    one_choice: false,
    hottest: None,
};

const OPENAI: Vendor = Vendor {
    refuses: NOT_OPENAIS,
    effort: effort::openai,
    developer: true,
    members: &[("assistant", FOREIGN), ("", AllowedMembers::Without(&["cache_control"]))],
    call_members: CALL,
    cache_marks: false,
    reasoning_parts: ReasoningParts::None,
    tool_ids: ToolIds::AtMost40,
    functions: true,
    newer_limit: true,
    allowed_tools: true,
    ..UNKNOWN_ROW
};
