//! The values of `reasoning_effort`, and the nearest one that another model accepts.

use crate::providers::gemini::LEVELS_OF_PRO;

/// The values that a model accepts for `reasoning_effort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Any value, or unknown ones are ignored.
    Any,
    /// None: the parameter is an error.
    Refused,
    /// One of the listed values.
    Words(&'static [&'static str]),
    /// One of these, and it is an error to omit the parameter; the first one is then sent.
    Required(&'static [&'static str]),
}

/// The values in ascending order, as ranks. Two vendors have a value for the default.
const RANKS: &[(&str, u8)] = &[
    ("none", 0),
    ("minimal", 1),
    ("low", 2),
    ("medium", 3),
    ("default", 3),
    ("high", 4),
    ("xhigh", 5),
    ("max", 6),
];

fn rank(word: &str) -> Option<u8> {
    RANKS.iter().find(|(known, _)| *known == word).map(|(_, rank)| *rank)
}

/// The value in `words` nearest to `asked`; of two that are equally near, the one that is listed first. Reasoning is not switched off
/// unless that was requested or the model accepts nothing else. `None` if `asked` is unknown.
#[must_use]
pub fn clamped(asked: &str, words: &[&'static str]) -> Option<&'static str> {
    if let Some(word) = words.iter().find(|word| **word == asked) {
        return Some(word);
    }
    let asked = rank(asked)?;
    let distance = |word: &&&'static str| rank(word).map_or(u8::MAX, |rank| rank.abs_diff(asked));
    let thinking = words.iter().filter(|word| **word != "none").min_by_key(distance);
    thinking.or_else(|| words.first()).copied()
}

const LOW_TO_HIGH: Effort = Effort::Words(&["low", "medium", "high"]);

/// V developers.openai.com/api/docs/guides/reasoning, "model-dependent"; R anomalyco/models.dev#2351. A model that
/// does not reason answers "Unrecognized request argument supplied: reasoning_effort" (R umputun/tg-spam#304). With
/// tools, gpt-5.4 and later accept only `none` on this endpoint, and gpt-5.6 requires it ("Function tools with
/// reasoning_effort are not supported", R openai/openai-openapi#541, BerriAI/litellm#34569).
pub(super) fn openai(model: &str, reasons: Option<bool>, tools: bool) -> Effort {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    if is(&["gpt-3", "gpt-4", "chatgpt-4", "gpt-5-chat", "o1-mini", "o1-preview"]) {
        return Effort::Refused;
    }
    if is(&["gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat"]) {
        return Effort::Words(&["medium"]);
    }
    if is(&["gpt-5-pro"]) {
        return Effort::Words(&["high"]);
    }
    if is(&["gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro"]) {
        return Effort::Words(&["medium", "high", "xhigh"]);
    }
    if tools && is(&["gpt-5.6", "gpt-5.7", "gpt-5.8", "gpt-5.9"]) {
        return Effort::Required(&["none"]);
    }
    if tools && is(&["gpt-5.4", "gpt-5.5"]) {
        return Effort::Words(&["none"]);
    }
    if is(&["gpt-5-codex", "gpt-5.1-codex", "o1", "o3", "o4", "codex-mini"]) {
        return LOW_TO_HIGH;
    }
    if is(&["gpt-5.2-codex", "gpt-5.3-codex"]) {
        return Effort::Words(&["low", "medium", "high", "xhigh"]);
    }
    if is(&["gpt-5.1"]) {
        return Effort::Words(&["none", "low", "medium", "high"]);
    }
    if is(&["gpt-5."]) {
        return Effort::Words(&["none", "low", "medium", "high", "xhigh"]);
    }
    if is(&["gpt-5"]) {
        return Effort::Words(&["minimal", "low", "medium", "high"]);
    }
    match reasons {
        Some(false) => Effort::Refused,
        // What all of OpenAI's reasoning models have in common.
        Some(true) => LOW_TO_HIGH,
        None => Effort::Any,
    }
}

/// V ai.google.dev/gemini-api/docs/openai: minimal to high; only some models of the second generation accept `none`.
/// Models before 2.5 do not reason ("thinking_config is not supported", R Veloera/Veloera#41). "Thinking level MEDIUM is not
/// supported for this model" (R heyhuynhgiabuu/proxypal#170).
pub(super) fn gemini(model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    let before = ["gemini-1", "gemini-2.0", "gemma-2", "gemma-3"].iter().any(|old| model.starts_with(old));
    if reasons == Some(false) || before {
        return Effort::Refused;
    }
    if model.starts_with("gemini-2.5-flash") {
        return Effort::Words(&["none", "minimal", "low", "medium", "high"]);
    }
    if model.starts_with("gemini-3-pro") {
        return Effort::Words(LEVELS_OF_PRO);
    }
    Effort::Words(&["minimal", "low", "medium", "high"])
}

/// "`reasoning_effort` must be one of `none` or `default`" for Qwen (R earendil-works/pi#1745), "property
/// 'reasoning_effort' is unsupported" for models that do not reason (R CherryHQ/cherry-studio#1099).
pub(super) fn groq(model: &str, _reasons: Option<bool>, _tools: bool) -> Effort {
    if model.contains("gpt-oss") {
        LOW_TO_HIGH
    } else if model.contains("qwen3") {
        Effort::Words(&["none", "default"])
    } else {
        Effort::Refused
    }
}

/// V docs.mistral.ai/capabilities/reasoning: `none` or `high`, for models with adjustable reasoning. Magistral always
/// reasons and does not accept the parameter.
pub(super) fn mistral(model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    if reasons == Some(true) && !model.starts_with("magistral") {
        Effort::Words(&["none", "high"])
    } else {
        Effort::Refused
    }
}

/// "Model grok-4.20-0309-non-reasoning does not support parameter reasoningEffort." (R neavo/LinguaGacha#771). The
/// models that do are listed in NousResearch/hermes-agent#23435 and in @ai-sdk/xai 4.0 (grok-4.3).
pub(super) fn xai(model: &str, _reasons: Option<bool>, _tools: bool) -> Effort {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    if is(&["grok-3-mini"]) {
        Effort::Words(&["low", "high"])
    } else if is(&["grok-4.20-multi-agent"]) {
        Effort::Words(&["low", "medium", "high", "xhigh"])
    } else if is(&["grok-4.20"]) || model.contains("non-reasoning") {
        Effort::Refused
    } else if is(&["grok-4.", "grok-5", "grok-latest"]) {
        Effort::Words(&["none", "low", "medium", "high"])
    } else {
        Effort::Refused
    }
}

/// V api-docs.deepseek.com/guides/thinking_mode: every value but `none` is mapped to low, high or max.
pub(super) fn deepseek(_model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    match reasons {
        Some(false) => Effort::Refused,
        Some(true) | None => Effort::Words(&["minimal", "low", "medium", "high", "xhigh", "max"]),
    }
}

/// V docs.fireworks.ai/guides/reasoning, docs.together.ai/docs/inference/chat/reasoning: low, medium, high.
pub(super) fn hosted(_model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    if reasons == Some(false) { Effort::Refused } else { LOW_TO_HIGH }
}

/// "think value \"medium\" is not supported for this model" (R ollama/ollama#12561), and a 400 for `minimal` and
/// `xhigh` (R ollama/ollama#18121): effort is only sent to models that are known to reason.
pub(super) fn ollama(model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    let thinks = ["gpt-oss", "qwen3", "deepseek-r1", "deepseek-v3", "magistral", "thinking"];
    if reasons.unwrap_or_else(|| thinks.iter().any(|family| model.contains(family))) {
        Effort::Words(&["none", "low", "medium", "high"])
    } else {
        Effort::Refused
    }
}

/// "Input should be 'low', 'medium' or 'high'" (R router-for-me/CLIProxyAPI#1572); `none` came with vLLM 0.12.
pub(super) fn vllm(_model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    if reasons == Some(false) { Effort::Refused } else { Effort::Words(&["none", "low", "medium", "high"]) }
}

/// A vendor that ignores unknown parameters, or about which nothing is known.
pub(super) fn any(_model: &str, reasons: Option<bool>, _tools: bool) -> Effort {
    if reasons == Some(false) { Effort::Refused } else { Effort::Any }
}
