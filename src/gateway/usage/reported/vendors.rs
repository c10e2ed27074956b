//! Vendors' own forms of usage that proxies of their native APIs pass on: Gemini's names, and Anthropic's cache writes by
//! time.

use serde_json::value::RawValue;

use super::number::{Number, tokens};
use super::{Counts, Reading, Reported, Side, parse, read};
use crate::domain::amount::MOST_TOKENS;
use crate::gateway::usage::pricing::Tier;

impl Reading {
    /// Takes one of Gemini's fields. Returns whether it is one.
    pub(super) fn of_gemini(&mut self, name: &[u8], raw: &str) -> bool {
        if let Some(count) = count(name) {
            self.counts.names.gemini = true;
            self.take(count, raw);
            return true;
        }
        let side = side_of_list(name);
        if let Some(side) = side {
            self.gemini_details(side, raw);
        }
        side.is_some()
    }

    /// Anthropic's cache writes by how long they are kept, beside or in place of their sum. Those that are kept for an
    /// hour have a price of their own.
    pub(super) fn cache_creation(&mut self, side: Side, raw: &str) {
        let (mut short, mut long) = (Counts::default(), Counts::default());
        read(raw, |name, raw| {
            let kind = match name {
                "ephemeral_5m_input_tokens" => &mut short,
                "ephemeral_1h_input_tokens" => &mut long,
                _ => return,
            };
            if let Number::Whole(count) | Number::Near(count) = tokens(raw) {
                kind.cache_write = Some(count);
            }
        });
        if short.cache_write.is_some() || long.cache_write.is_some() {
            let hour = long.cache_write.unwrap_or(0);
            let sum = short.cache_write.unwrap_or(0).saturating_add(hour);
            self.counts.writes_by_time = true;
            // Among the details of a prompt, it is a part of the prompt.
            self.counts.names.cache |= side == Side::Whole;
            self.counts.cache_write_1h = self.counts.cache_write_1h.max(Some(hour));
            self.counts.cache_write = self.counts.cache_write.max(Some(sum));
        }
    }

    /// Bedrock's cache writes by how long they are kept, beside their sum.
    pub(super) fn cache_details(&mut self, raw: &str) {
        let details: Vec<CacheDetail> = serde_json::from_str(raw).unwrap_or_default();
        if details.is_empty() {
            return;
        }
        let of_an_hour = details.iter().filter(|detail| detail.ttl.as_deref() == Some("1h"));
        let hour = of_an_hour.filter_map(|detail| detail.input_tokens).fold(0, i64::saturating_add);
        self.counts.writes_by_time = true;
        self.counts.cache_write_1h = self.counts.cache_write_1h.max(Some(hour.clamp(0, MOST_TOKENS)));
    }

    /// Takes what gives an answer a price of its own: its tier, Anthropic's fast mode, the region where it was made.
    pub(super) fn priced_by(&mut self, name: &[u8], raw: &str) {
        let tier = if name == b"inference_geo" { Tier::of_region(raw) } else { Tier::read(raw) };
        self.tier = Tier::dearer(self.tier, tier);
    }

    /// Takes Anthropic's steps of an answer. Several are not all in the other counts, or another model answered: the cost is
    /// unknown, and the sums of the steps are a lower bound.
    pub(super) fn iterations(&mut self, raw: &str) {
        self.counts.extras |= raw.matches("\"input_tokens\"").count() > 1;
        let steps: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
        for step in steps.into_iter().take(MOST_STEPS) {
            let mut reading = Self::default();
            read(step.get(), |name, raw| {
                if name != "iterations" {
                    reading.member(name.as_bytes(), raw);
                }
            });
            self.counts.extras |= reading.counts.extras;
            self.steps.add(&reading.reported(true));
        }
    }

    /// Takes a count of something that no token price covers.
    pub(super) fn extra(&mut self, raw: &str) {
        // Other values are ignored: some vendors send an empty object.
        self.counts.extras |= !matches!(tokens(raw), Number::Whole(0) | Number::Near(0) | Number::None);
    }

    /// Takes counts of things that no token price covers, in an object or beside each other.
    pub(super) fn extras(&mut self, raw: &str, depth: u8) {
        match raw.as_bytes().first() {
            Some(b'{' | b'[') if depth > DEEPEST => {}
            Some(b'{') => {
                read(raw, |_, raw| self.extras(raw, depth + 1));
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
                items.into_iter().for_each(|item| self.extras(item.get(), depth + 1));
            }
            Some(_) | None => self.extra(raw),
        }
    }

    /// Takes a field that has no meaning of its own: vendors count searches and tools under many names, at any depth.
    pub(super) fn unknown(&mut self, name: &[u8], raw: &str, depth: u8) {
        if counts_tools(name) {
            self.extras(raw, 0);
        } else if raw.starts_with('{') && depth < DEEPEST {
            read(raw, |name, raw| self.unknown(name.as_bytes(), raw, depth + 1));
        }
    }

    /// Gemini's lists of counts by modality.
    fn gemini_details(&mut self, side: Side, raw: &str) {
        for (modality, count) in modalities(raw) {
            match (&*modality, side) {
                ("AUDIO", Side::Prompt) => self.take(|counts| &mut counts.audio_input, &count),
                ("AUDIO", Side::Answer) => self.take(|counts| &mut counts.audio_output, &count),
                ("IMAGE" | "VIDEO", Side::Answer) => self.extra(&count),
                (_, _) => {}
            }
        }
    }
}

/// Bedrock's count of what was written to the cache for a time.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetail {
    ttl: Option<String>,
    input_tokens: Option<i64>,
}

/// The counts of Bedrock's Converse, of which none includes another.
const OF_CONVERSE: [&str; 5] =
    ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails"];

/// Parses a usage of Bedrock's Converse, with the tier beside it. Its total is not read: whether that includes what the cache
/// held is not documented.
#[must_use]
pub fn of_converse(usage: &RawValue, tier: Option<&RawValue>) -> Reported {
    let mut counts = String::new();
    let is_object = read(usage.get(), |name, raw| {
        if OF_CONVERSE.contains(&name) {
            let comma = if counts.is_empty() { "" } else { "," };
            counts += &[comma, "\"", name, "\":", raw].concat();
        }
    });
    let reported = parse(&if is_object { format!("{{{counts}}}") } else { usage.get().to_owned() });
    Reported { tier: tier.and_then(|tier| Tier::read(tier.get())), ..reported }
}

/// Whether a value, or one inside it, counts something that no token price covers.
#[must_use]
pub fn counts_extras(raw: &str) -> bool {
    let mut reading = Reading::default();
    reading.extras(raw, 0);
    reading.counts.extras
}

/// How deep counts of searches and tools are looked for.
const DEEPEST: u8 = 4;

/// Whether a name is of searches or of tools that the provider ran. Tokens of them are in the other counts, their time and
/// size have no price, and calls are of the caller's own tools.
fn counts_tools(name: &[u8]) -> bool {
    // Most unknown fields are such, and the search for parts of names takes long.
    if name.ends_with(b"tokens") {
        return false;
    }
    let has = |stems: &[&str]| {
        let is_in = |stem: &&str| {
            let mut parts = name.windows(stem.len());
            parts.any(|part| part.eq_ignore_ascii_case(stem.as_bytes()))
        };
        stems.iter().any(is_in)
    };
    has(&TOOLS) && !has(&NOT_TOOLS)
}

/// What the names of searches and of the provider's tools have in them.
const TOOLS: [&str; 7] = ["search", "tool", "plugin", "connector", "grounding", "browse", "crawl"];
/// What names have in them that are about something else.
const NOT_TOOLS: [&str; 10] =
    ["token", "time", "latency", "duration", "second", "size", "_ms", "tool_call", "toolcall", "tool_choice"];

/// The most steps of an answer that are read.
const MOST_STEPS: usize = 64;

/// What the steps of an answer count together.
#[derive(Debug, Default)]
pub(super) struct Steps {
    input: i64,
    output: i64,
    cached: i64,
    cache_write: i64,
}

impl Steps {
    fn add(&mut self, step: &Reported) {
        let more = |sum: &mut i64, count: i64| *sum = sum.saturating_add(count).min(MOST_TOKENS);
        more(&mut self.input, step.input.unwrap_or(0));
        more(&mut self.output, step.output.unwrap_or(0));
        more(&mut self.cached, step.cached);
        more(&mut self.cache_write, step.cache_write);
    }

    /// The counts of an answer, at least as large as those of its steps.
    pub(super) fn within(&self, answer: Reported) -> Reported {
        let larger = |count: Option<i64>, sum: i64| count.max(Some(sum).filter(|sum| *sum > 0));
        Reported {
            input: larger(answer.input, self.input),
            output: larger(answer.output, self.output),
            cached: answer.cached.max(self.cached),
            cache_write: answer.cache_write.max(self.cache_write),
            ..answer
        }
    }
}

/// The count of a name.
fn count(name: &[u8]) -> Option<fn(&mut Counts) -> &mut Option<i64>> {
    match name {
        b"promptTokenCount" | b"prompt_token_count" => Some(|counts| &mut counts.input),
        b"candidatesTokenCount" | b"candidates_token_count" | b"responseTokenCount" => {
            Some(|counts| &mut counts.output)
        }
        b"thoughtsTokenCount" | b"thoughts_token_count" => Some(|counts| &mut counts.reasoning),
        b"toolUsePromptTokenCount" | b"tool_use_prompt_token_count" => Some(|counts| &mut counts.tool_prompt),
        b"cachedContentTokenCount" | b"cached_content_token_count" => Some(|counts| &mut counts.cached),
        b"totalTokenCount" | b"total_token_count" => Some(|counts| &mut counts.total),
        _ => None,
    }
}

/// The side of a list of counts by modality.
fn side_of_list(name: &[u8]) -> Option<Side> {
    match name {
        b"promptTokensDetails" => Some(Side::Prompt),
        b"candidatesTokensDetails" => Some(Side::Answer),
        _ => None,
    }
}

/// The modalities of a list, with their counts as raw JSON.
fn modalities(raw: &str) -> Vec<(String, String)> {
    let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
    let one = |item: &RawValue| {
        let (mut modality, mut count) = (String::new(), "0".to_owned());
        read(item.get(), |name, raw| match name {
            "modality" => raw.trim_matches('"').clone_into(&mut modality),
            "tokenCount" => raw.clone_into(&mut count),
            _ => {}
        });
        (modality, count)
    };
    items.into_iter().take(16).map(one).collect()
}
