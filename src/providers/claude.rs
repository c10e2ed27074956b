//! How models of Claude reason, by their names on any platform: `claude-sonnet-4-5-20250929`, `claude-opus-4-1@20250805`,
//! `us.anthropic.claude-opus-4-6-v1:0`.
//!
//! V platform.claude.com/docs: extended thinking, adaptive thinking, effort. All were read in November 2026.

use crate::dialects::converse::cache_points::Taken;

/// How a model is asked to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Nothing is known of it.
    Unknown,
    /// Not at all: `thinking` is refused.
    None,
    /// With the most tokens that it may use (`thinking.budget_tokens`).
    Budget,
    /// With one of these efforts (`output_config.effort`); it decides by itself how much. Budgets are refused or deprecated.
    Adaptive(&'static [&'static str]),
}

/// What a model accepts of a request that was written in another dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claude {
    /// How it is asked to reason.
    pub thinking: Thinking,
    /// Whether it refuses `temperature` and `top_p`: "`temperature` is deprecated for this model".
    pub fixed_sampling: bool,
    /// Whether it shows its reasoning only if it is asked to.
    pub omits_reasoning: bool,
    /// Whether `output_config.effort` is not refused.
    pub takes_effort: bool,
}

/// The efforts of the first models that take them.
const EFFORTS: &[&str] = &["low", "medium", "high", "max"];
/// The efforts of the models from Opus 4.7 on.
const MORE_EFFORTS: &[&str] = &["low", "medium", "high", "xhigh", "max"];

impl Claude {
    /// What a model accepts, by its provider's name for it and by the catalog's capability `reasoning`. Models of other vendors
    /// that speak Messages take a budget if they are known to reason.
    #[must_use]
    pub fn of(upstream_model: &str, reasons: Option<bool>) -> Self {
        let model = upstream_model.to_ascii_lowercase();
        let version = version(&model);
        let newest = version.is_some_and(|version| version >= (4, 7));
        let thinking = match (version, reasons) {
            (_, Some(false)) => Thinking::None,
            (Some((4, 7..) | (5.., _)), _) => Thinking::Adaptive(MORE_EFFORTS),
            (Some((4, 6)), _) => Thinking::Adaptive(EFFORTS),
            (Some((3, 7..) | (4, _)), _) | (None, Some(true)) => Thinking::Budget,
            (Some(_), _) => Thinking::None,
            (None, _) => Thinking::Unknown,
        };
        // Opus 4.5 has it as a beta feature.
        let takes_effort = match thinking {
            Thinking::Adaptive(_) | Thinking::Unknown => true,
            Thinking::Budget => version.is_none() || version == Some((4, 5)) && model.contains("opus"),
            Thinking::None => false,
        };
        Self { thinking, fixed_sampling: newest, omits_reasoning: newest, takes_effort }
    }
}

/// What a model takes in Converse besides what all models of Amazon Bedrock do. A name that does not say which model it is of, as that
/// of an inference profile of the customer's own, is of none that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnBedrock {
    /// The marks for the cache. V docs.aws.amazon.com/bedrock, "prompt caching". Amazon's own models cache without them, and refuse
    /// them in tools and after the results of tools (R NousResearch/hermes-agent#97281, earendil-works/pi#2053).
    pub marks: Taken,
    /// Whether it takes Anthropic's `tool_choice` beside its own choice, for calls one at a time (R BerriAI/litellm#34347; with a
    /// `type` that its own choice has as well, the request is refused, R BerriAI/litellm#36536).
    pub takes_tool_choice: bool,
}

impl OnBedrock {
    /// What a model takes, by its provider's name for it.
    #[must_use]
    pub fn of(upstream_model: &str) -> Self {
        let model = upstream_model.to_ascii_lowercase();
        let newer = Self { marks: Taken::Hour, takes_tool_choice: true };
        let older = |marks| Self { marks, takes_tool_choice: false };
        match version(&model) {
            Some((4, 5..) | (5.., _)) => newer,
            Some((3, 7..) | (4, _)) => older(Taken::Usual),
            Some((3, 5)) if model.contains("haiku") => older(Taken::Usual),
            Some(_) | None => older(Taken::None),
        }
    }
}

/// The version in the name of a model of Claude: the first number behind `claude` and the one after it, if there is one. Longer
/// numbers are dates.
fn version(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.rsplit_once("claude-")?;
    let mut parts = name.split(['-', '.', '@', ':', '/']).skip_while(|part| number(part).is_none());
    let major = number(parts.next()?)?;
    Some((major, parts.next().and_then(number).unwrap_or(0)))
}

fn number(part: &str) -> Option<u32> {
    part.parse().ok().filter(|_| part.len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_their_names_on_every_platform() {
        for (model, version) in [
            ("claude-3-haiku-20240307", Some((3, 0))),
            ("claude-3-7-sonnet-20250219", Some((3, 7))),
            ("claude-opus-4-20250514", Some((4, 0))),
            ("claude-opus-4-1@20250805", Some((4, 1))),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some((4, 5))),
            ("anthropic/claude-opus-4.6", Some((4, 6))),
            ("claude-sonnet-5", Some((5, 0))),
            ("claude-sonnet-latest", None),
            ("claude-upstream", None),
            ("deepseek-v4", None),
        ] {
            assert_eq!(super::version(model), version, "{model}");
        }
    }

    #[test]
    fn newer_models_on_bedrock_take_more() {
        for (model, marks, takes_tool_choice) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", Taken::None, false),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", Taken::None, false),
            ("us.anthropic.claude-3-5-haiku-20241022-v1:0", Taken::Usual, false),
            ("eu.anthropic.claude-3-7-sonnet-20250219-v1:0", Taken::Usual, false),
            ("anthropic.claude-opus-4-1-20250805-v1:0", Taken::Usual, false),
            ("global.anthropic.claude-haiku-4-5-20251001-v1:0", Taken::Hour, true),
            ("eu.anthropic.claude-opus-5", Taken::Hour, true),
            ("amazon.nova-pro-v1:0", Taken::None, false),
            ("arn:aws:bedrock:eu-central-1:1:application-inference-profile/x", Taken::None, false),
        ] {
            assert_eq!(OnBedrock::of(model), OnBedrock { marks, takes_tool_choice }, "{model}");
        }
    }

    #[test]
    fn a_model_takes_a_budget_or_an_effort() {
        for (model, reasons, thinking, newest, takes_effort) in [
            ("claude-3-5-sonnet-20241022", None, Thinking::None, false, false),
            ("claude-3-7-sonnet-20250219", None, Thinking::Budget, false, false),
            ("claude-opus-4-0", None, Thinking::Budget, false, false),
            ("claude-haiku-4-5-20251001", Some(true), Thinking::Budget, false, false),
            ("claude-opus-4-5", None, Thinking::Budget, false, true),
            ("claude-opus-4-6", None, Thinking::Adaptive(EFFORTS), false, true),
            ("claude-opus-4-8", None, Thinking::Adaptive(MORE_EFFORTS), true, true),
            ("Claude-Fable-5", None, Thinking::Adaptive(MORE_EFFORTS), true, true),
            ("claude-opus-4-6", Some(false), Thinking::None, false, false),
            ("kimi-k3", None, Thinking::Unknown, false, true),
            ("kimi-k3", Some(true), Thinking::Budget, false, true),
        ] {
            let expected = Claude { thinking, fixed_sampling: newest, omits_reasoning: newest, takes_effort };
            assert_eq!(Claude::of(model, reasons), expected, "{model}");
        }
    }
}
