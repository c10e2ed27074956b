//! Counts the tokens of an answer: the provider's count, or an estimate of what was delivered.

use crate::domain::amount::MOST_TOKENS;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::asked::{Asked, asks_for_an_hour};
use crate::gateway::usage::calibration::TokenCalibration;
use crate::gateway::usage::pricing::{Flag, Reported, Tier, Usage};
use crate::gateway::usage::text_size::TextSize;

/// How many times larger the undoubted tokens of an answer must be than its count to contradict it, beside some tokens.
const FAR_BELOW: i64 = 4;
const SLACK: i64 = 16;
/// The same for a prompt, of which some vendors leave out a part, or do not count what they have cached.
const PROMPT_FAR_BELOW: i64 = 16;
const PROMPT_SLACK: i64 = 256;
/// Bytes of a body per token, which few bodies reach.
const LARGE_TOKEN: usize = 32;
/// Longer answers are not measured for calibration.
const SAMPLED: usize = 64 * 1024;

/// Whether a body is so long that its count of tokens may contradict it.
fn is_short_of(tokens: Option<i64>, body: usize) -> bool {
    let most = i64::try_from(body / LARGE_TOKEN).unwrap_or(i64::MAX);
    tokens.is_some_and(|tokens| most > tokens + SLACK)
}

/// Whether a provider's count of a prompt is far below the tokens that its text has for any tokenizer, as far as they fit into
/// the window.
#[must_use]
pub fn is_far_below(counted: i64, prompt: &TextSize, window: Option<i64>) -> bool {
    let undoubted = prompt.undoubted_tokens();
    let undoubted = window.map_or(undoubted, |window| undoubted.min(window));
    undoubted > PROMPT_FAR_BELOW.saturating_mul(counted) + PROMPT_SLACK
}

/// Counts the tokens of one answer.
#[derive(Debug)]
pub struct Meter {
    calibration: TokenCalibration,
    /// The model's context window, which bounds the prompt.
    window: Option<i64>,
    /// The size of the prompt, if it is needed.
    prompt: Option<TextSize>,
    /// What the provider was asked for that has another price.
    asked: Asked,
    /// Whether the caller asked for a cache that is kept for an hour, if that can matter.
    hour: bool,
    /// Whether its answers have no tokens, as those of embeddings.
    without_output: bool,
    /// The number of completions in an answer that no limit cuts.
    open_choices: Option<i64>,
    /// The name of the model at its provider.
    upstream_model: String,
}

/// What was delivered of an answer so far.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The usage that the provider reported.
    pub reported: Reported,
    /// The size of the content; empty if it was not measured, because the provider reported usage.
    pub size: &'a TextSize,
    /// Whether there was content or a `finish_reason`.
    pub anything: bool,
    /// Whether the reported usage is a lower bound: content followed it, or the answer has no end.
    pub early: bool,
    /// The size of the content that followed the reported usage.
    pub since_usage: TextSize,
    /// Whether there was something that no token price covers.
    pub extras: bool,
    /// The name of the model that the provider sent, as raw JSON.
    pub model: Option<&'a [u8]>,
}

impl<'a> Delivered<'a> {
    /// What was delivered with its usage at the end or beside it.
    #[must_use]
    pub fn whole(reported: Reported, size: &'a TextSize, anything: bool, extras: bool) -> Self {
        Self { reported, size, anything, early: false, since_usage: TextSize::default(), extras, model: None }
    }
}

impl Meter {
    /// Creates the meter for an answer to the call with this request. `asked` is what its body asks for.
    #[must_use]
    pub fn new(feedback: &CallFeedback, asked: Asked, request: &ChatRequest) -> Self {
        Self {
            calibration: feedback.calibration(),
            window: request.window_of(feedback.model()),
            prompt: None,
            asked,
            hour: false,
            without_output: request.operation.is_without_output(),
            open_choices: None,
            upstream_model: feedback.model().upstream_model.clone(),
        }
    }

    /// Adds what the usage of a stream may lack, because the request is gone when it comes: the size of the prompt, and how
    /// long a cache is kept.
    #[must_use]
    pub fn for_stream(self, request: &ChatRequest) -> Self {
        Self {
            hour: asks_for_an_hour(request),
            open_choices: AnswerLimit::open_choices(request),
            ..self.measured(request)
        }
    }

    /// Adds what the usage of a whole answer lacks: the size of the prompt, if it is incomplete or the calibration needs that,
    /// and how long a cache is kept, if it was written and the usage does not say.
    #[must_use]
    pub fn for_whole(self, request: &ChatRequest, reported: &Reported) -> Self {
        let hour = leaves_hours_open(reported) && asks_for_an_hour(request);
        let counted = self.without_output && reported.counts_prompt();
        let skips = !is_short_of(reported.input, request.body.len())
            && (counted || reported.is_sound() && !self.calibration.samples_prompt());
        let meter = if skips { self } else { self.measured(request) };
        Self { hour, open_choices: AnswerLimit::open_choices(request), ..meter }
    }

    fn measured(self, request: &ChatRequest) -> Self {
        Self { prompt: Some(request.size().searching(self.asked.searches)), ..self }
    }

    /// Whether a whole answer with this usage is to be measured: to calibrate the model, or because its body is far larger
    /// than the count says.
    #[must_use]
    pub fn samples(&self, reported: &Reported, body: usize) -> bool {
        reported.is_sound()
            && (is_short_of(reported.output, body) || body <= SAMPLED && self.calibration.samples_answer())
    }

    /// The tokens delivered so far. Without content, nothing is billed.
    #[must_use]
    pub fn usage(&self, delivered: Delivered<'_>) -> Usage {
        self.judged(&delivered).0
    }

    /// The tokens delivered so far, and whether the content contradicts their count.
    fn judged(&self, delivered: &Delivered<'_>) -> (Usage, bool) {
        if !delivered.anything {
            return (Usage::default(), false);
        }
        self.calibration.reported_cost(delivered.reported.billed);
        let answer = || if self.without_output { 0 } else { self.calibration.answer(delivered.size) };
        let usage = Usage::settle(&delivered.reported, || Usage::estimate(self.estimated_prompt(), answer()));
        let most_input = self.most_input(&delivered.reported);
        let extras = usage.extras || delivered.extras || most_input > 0 || self.has_asked_extras(delivered);
        // An answer without a service tier counts as served at the requested tier.
        let tier = if self.asked.region { Some(Tier::Special) } else { usage.tier.or(self.asked.tier) };
        let usage = Usage { tier, extras, most_input, partial: delivered.early, ..usage };
        let contradicted = contradicts(delivered);
        (self.with_whole_answer(self.with_whole_prompt(usage), delivered, contradicted), contradicted)
    }

    /// Whether the provider was asked for something with a price of its own, of which the answer does not say what was used.
    fn has_asked_extras(&self, delivered: &Delivered<'_>) -> bool {
        let Asked { sources, tools, other_models, .. } = self.asked;
        let reported = &delivered.reported;
        sources
            || tools && !reported.counts_tools
            || self.hour && leaves_hours_open(reported)
            || other_models && delivered.model.is_some_and(|model| !is_name_of(&self.upstream_model, model))
    }

    fn estimated_prompt(&self) -> i64 {
        let prompt = self.calibration.prompt(&self.prompt.unwrap_or_default());
        self.window.map_or(prompt, |window| prompt.min(window))
    }

    /// The estimate of the prompt in place of a count that its text contradicts.
    fn with_whole_prompt(&self, usage: Usage) -> Usage {
        if !self.prompt.as_ref().is_some_and(|prompt| is_far_below(usage.input, prompt, self.window)) {
            return usage;
        }
        let input = self.estimated_prompt().min(MOST_TOKENS);
        Usage { input, estimated: true, flag: usage.flag.max(Some(Flag::Contradictory)), ..usage }
    }

    /// The estimate of what was delivered in place of a lower count that is early, or that the content contradicts.
    fn with_whole_answer(&self, usage: Usage, delivered: &Delivered<'_>, contradicted: bool) -> Usage {
        let flag = (contradicted && !delivered.early).then_some(Flag::Contradictory);
        let usage = Usage { flag: usage.flag.max(flag), ..usage };
        let measured = if delivered.early {
            self.delivered_answer(delivered)
        } else if contradicted {
            self.measured_answer(delivered)
        } else {
            None
        };
        match measured {
            Some(measured) if measured > usage.output => Usage { output: measured, estimated: true, ..usage },
            Some(_) | None => usage,
        }
    }

    /// The most tokens of a prompt that its provider did not count and that is of unknown size; 0 for any other.
    fn most_input(&self, reported: &Reported) -> i64 {
        let counted = reported.input.or(reported.total).is_some_and(|count| count > 0);
        let open_ended = self.prompt.as_ref().filter(|prompt| prompt.open_ended && !counted);
        open_ended.map_or(0, |prompt| self.calibration.most_of_prompt(prompt, self.window))
    }

    /// The tokens of the delivered content, if it is text and was measured.
    fn measured_answer(&self, delivered: &Delivered<'_>) -> Option<i64> {
        is_measured_text(delivered).then(|| self.calibration.answer(delivered.size).min(MOST_TOKENS))
    }

    /// The tokens of what was delivered in all: those that were reported may include some that were not sent, such as
    /// reasoning, so the content after them counts in addition.
    fn delivered_answer(&self, delivered: &Delivered<'_>) -> Option<i64> {
        let all = self.measured_answer(delivered)?;
        let since = self.calibration.answer(&delivered.since_usage);
        let reported = delivered.reported.output.unwrap_or(0);
        Some(all.max(reported.saturating_add(since)).min(MOST_TOKENS))
    }

    /// The tokens of a complete answer, which also calibrates the model.
    #[must_use]
    pub fn whole(&self, delivered: Delivered<'_>) -> Usage {
        let (usage, contradicted) = self.judged(&delivered);
        if contradicted {
            return Usage { flag: usage.flag.max(Some(Flag::Contradictory)), ..usage };
        }
        if delivered.anything && delivered.reported.is_sound() && !delivered.early && !usage.estimated {
            self.calibrate(&usage, delivered.size);
        }
        usage
    }

    /// Learns from a reported count, as far as it counts nothing but text.
    fn calibrate(&self, usage: &Usage, answer: &TextSize) {
        let prompt = self.prompt.as_ref().filter(|prompt| !prompt.mixed && usage.audio_input == 0);
        // Reasoning tokens are counted without being in the text.
        let heard = usage.reasoning == 0 && usage.audio_output == 0 && answer.bytes > 0;
        let answer = heard.then_some(answer);
        if let Some(choices) = self.open_choices {
            self.calibration.completion_counted(usage.output.saturating_add(choices - 1) / choices.max(1));
        }
        if usage.extras {
            return;
        }
        if let Some(prompt) = prompt {
            self.calibration.prompt_counted(prompt, usage.input);
        }
        if let Some(answer) = answer {
            self.calibration.answer_counted(answer, usage.output);
        }
    }
}

/// Whether tokens were written into a cache, and the usage does not say for how long they are kept.
fn leaves_hours_open(reported: &Reported) -> bool {
    reported.cache_write > 0 && !reported.writes_by_time
}

/// Whether the delivered content is text and was measured.
fn is_measured_text(delivered: &Delivered<'_>) -> bool {
    delivered.size.bytes > 0 && !delivered.extras && delivered.reported.audio_output == 0
}

/// Whether the content is far larger than the count of the answer.
fn contradicts(delivered: &Delivered<'_>) -> bool {
    let counted = delivered.reported.output.filter(|count| *count > 0 && !delivered.reported.extras);
    let most = counted.map(|count| FAR_BELOW.saturating_mul(count) + SLACK);
    most.is_some_and(|most| delivered.size.undoubted_tokens() > most) && is_measured_text(delivered)
}

/// Whether an answer's name of a model, as raw JSON, is that of the called one: with or without its date or its vendor.
fn is_name_of(called: &str, answered: &[u8]) -> bool {
    let answered = String::from_utf8_lossy(answered);
    let answered = answered.trim_matches('"');
    called.contains(answered) || answered.contains(called)
}
