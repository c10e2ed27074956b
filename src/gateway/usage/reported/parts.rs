//! Normalizes the ways in which vendors count: disjoint parts, and totals that include all of them.
//!
//! - Cached tokens may be included in the prompt's count or not.
//! - Reasoning tokens may be included in the answer's count, not included, or only in the total.
//!
//! The total decides. If nothing does, the larger reading is used. Pure.

use crate::domain::amount::MOST_TOKENS;
use crate::gateway::usage::pricing::{Flag, Reported};

/// The counts as the vendor reported them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) input: Option<i64>,
    pub(crate) output: Option<i64>,
    pub(crate) total: Option<i64>,
    pub(crate) cached: Option<i64>,
    pub(crate) cache_write: Option<i64>,
    /// Those of the written ones that are kept for an hour.
    pub(crate) cache_write_1h: Option<i64>,
    pub(crate) reasoning: Option<i64>,
    pub(crate) audio_input: Option<i64>,
    pub(crate) audio_output: Option<i64>,
    /// Prompt tokens of the results of tools, which the prompt's count does not include.
    pub(crate) tool_prompt: Option<i64>,
    /// Whether what was written to the cache is counted by the time for which it is kept.
    pub(crate) writes_by_time: bool,
    pub(crate) extras: bool,
    /// Whether searches and tools of the provider are counted, even none.
    pub(crate) counts_tools: bool,
    pub(crate) names: Names,
}

/// The names that occurred, which tell how a vendor counts if there is no total.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names {
    /// `prompt_tokens`, which includes cached tokens.
    pub(crate) chat: bool,
    /// `input_tokens`, as Anthropic names it.
    pub(crate) messages: bool,
    /// Anthropic's names of cached tokens, which `input_tokens` does not include.
    pub(crate) cache: bool,
    /// Gemini's names. Their count of the answer does not include reasoning.
    pub(crate) gemini: bool,
}

impl Names {
    fn are_of_messages(self) -> bool {
        self.messages && self.cache && !self.chat
    }
}

impl Counts {
    /// Whether neither prompt nor answer is counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_none() && self.output.is_none()
    }

    /// Computes the disjoint parts.
    pub(crate) fn parted(mut self) -> Reported {
        if self.names.gemini {
            // A prompt that is blocked, or an answer of nothing but thoughts, has no count of an answer.
            self.output = self.output.or(self.reasoning.map(|_| 0));
            self.input = match (self.input, self.tool_prompt) {
                (Some(input), Some(tools)) => Some(input.saturating_add(tools)),
                (input, tools) => input.or(tools),
            };
        }
        let part = |count: Option<i64>| count.unwrap_or(0);
        let (cached, cache_write, reasoning) =
            (part(self.cached), part(self.cache_write), part(self.reasoning));
        let way = self.way(cached, cache_write, reasoning);
        let with = |count: Option<i64>, beside: i64| {
            count.map(|count| count.saturating_add(beside).min(MOST_TOKENS))
        };
        Reported {
            input: with(self.input, way.prompt),
            output: with(self.output, way.answer.saturating_add(way.unnamed)),
            total: self.total.filter(|_| self.input.is_none() || self.output.is_none()),
            cached,
            cache_write,
            cache_write_1h: part(self.cache_write_1h),
            reasoning: reasoning.max(way.unnamed),
            audio_input: part(self.audio_input),
            audio_output: part(self.audio_output),
            writes_by_time: self.writes_by_time,
            extras: self.extras,
            counts_tools: self.counts_tools,
            flag: way.odd.then_some(Flag::Contradictory),
            ..Reported::default()
        }
    }

    fn way(&self, cached: i64, cache_write: i64, reasoning: i64) -> Way {
        let cache = cached.saturating_add(cache_write);
        // A part that is larger than its total cannot be included in it.
        let beside_prompt = self.input.is_some_and(|input| cache > input);
        let beside_answer = self.output.is_some_and(|output| reasoning > output);
        // Included parts must fit into their total.
        let inside = |part: i64| self.input.is_some_and(|input| part <= input);
        let prompts = [
            if beside_prompt { cache } else { 0 },
            cache,
            if inside(cached) { cache_write } else { cache },
            if inside(cache_write) { cached } else { cache },
        ];
        let answers = if beside_answer { [reasoning; 2] } else { [0, reasoning] };
        let likely = Way {
            prompt: if beside_prompt { cache } else { 0 },
            answer: if beside_answer { reasoning } else { 0 },
            ..Way::default()
        };
        let (Some(input), Some(output), Some(total)) = (self.input, self.output, self.total) else {
            let native = self.names.are_of_messages();
            let prompt = if native { cache } else { likely.prompt };
            if self.names.gemini {
                return Way { prompt, answer: reasoning, odd: beside_prompt, ..likely };
            }
            return Way { prompt, odd: (beside_prompt && !native) || beside_answer, ..likely };
        };
        let sum =
            |prompt: i64, answer: i64| [prompt, output, answer].into_iter().fold(input, i64::saturating_add);
        // The most common way first.
        let mut ways = prompts.into_iter().flat_map(|prompt| answers.map(|answer| (prompt, answer)));
        if let Some((prompt, answer)) = ways.find(|(prompt, answer)| sum(*prompt, *answer) == total) {
            return Way { prompt, answer, ..Way::default() };
        }
        match total.saturating_sub(sum(likely.prompt, likely.answer)) {
            // Unexplained tokens are reasoning, which is billed as output.
            unnamed @ 1.. => Way { unnamed, ..likely },
            _ => Way { odd: true, ..likely },
        }
    }
}

/// How a vendor counts.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Prompt tokens that the prompt's count does not include.
    prompt: i64,
    /// Reasoning tokens that the answer's count does not include.
    answer: i64,
    /// Tokens that only the total includes.
    unnamed: i64,
    /// Whether the counts contradict each other.
    odd: bool,
}
