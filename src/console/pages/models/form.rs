//! The fields of the model form: values, parsing and validation.

use std::collections::BTreeMap;

use crate::console::components::edit_conflict::state;
use crate::console::components::number_input::{plain, scaled, whole};
use crate::console::components::time_range::Choice;
use crate::console::http::forms::{Fields, Problems};
use crate::providers::{Capabilities, LongPrompt, ParameterRules};
use crate::store::{FilledModel, ModelChange, ModelFields, ModelRow, PriceFields};
use crate::validation;
use crate::validation::ViolationReason;
use crate::validation::bounds::{LONGEST_UPSTREAM_NAME, PRICE, RETRIES, TIMEOUT_MS, TOKENS};

/// Decimals of a dollar: prices are micro-dollars.
const DOLLAR: usize = 6;
/// Decimals of a second: timeouts are milliseconds.
const SECOND: usize = 3;

/// Names of fields that can have problems, in form order.
const ORDER: &[&str] = &[
    "name",
    "provider_id",
    "upstream_model",
    "context_window",
    "max_output_tokens",
    "input",
    "output",
    "cache_read",
    "cache_write",
    "audio_input",
    "audio_output",
    "long_above",
    "long_input",
    "long_output",
    "long_cache_read",
    "long_cache_write",
    "first_frame_timeout",
    "answer_timeout",
    "num_retries",
    "rename",
    "drop",
];

/// The values of the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormValues {
    /// The state that the form was rendered for.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) provider_id: String,
    pub(crate) upstream_model: String,
    pub(crate) context_window: String,
    pub(crate) max_output_tokens: String,
    pub(crate) tools: String,
    pub(crate) vision: String,
    pub(crate) structured_output: String,
    pub(crate) reasoning: String,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) cache_read: String,
    pub(crate) cache_write: String,
    pub(crate) audio_input: String,
    pub(crate) audio_output: String,
    /// Number of tokens; empty if the price does not depend on the length.
    pub(crate) long_above: String,
    pub(crate) long_input: String,
    pub(crate) long_output: String,
    pub(crate) long_cache_read: String,
    pub(crate) long_cache_write: String,
    /// `own`, or empty for the built-in rules.
    pub(crate) rules: String,
    pub(crate) rename: String,
    pub(crate) drop: String,
    pub(crate) clamp: bool,
    pub(crate) first_frame_timeout: String,
    pub(crate) answer_timeout: String,
    pub(crate) num_retries: String,
    pub(crate) enabled: bool,
}

impl FormValues {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            seen: text("seen"),
            name: text("name"),
            provider_id: text("provider_id"),
            upstream_model: text("upstream_model"),
            context_window: text("context_window"),
            max_output_tokens: text("max_output_tokens"),
            tools: text("tools"),
            vision: text("vision"),
            structured_output: text("structured_output"),
            reasoning: text("reasoning"),
            input: text("input"),
            output: text("output"),
            cache_read: text("cache_read"),
            cache_write: text("cache_write"),
            audio_input: text("audio_input"),
            audio_output: text("audio_output"),
            long_above: text("long_above"),
            long_input: text("long_input"),
            long_output: text("long_output"),
            long_cache_read: text("long_cache_read"),
            long_cache_write: text("long_cache_write"),
            rules: text("rules"),
            rename: text("rename"),
            drop: text("drop"),
            clamp: fields.flag("clamp"),
            first_frame_timeout: text("first_frame_timeout"),
            answer_timeout: text("answer_timeout"),
            num_retries: text("num_retries"),
            enabled: fields.flag("enabled"),
        }
    }

    pub(crate) fn of_row(row: &ModelRow) -> Self {
        let number = |number: Option<i64>, digits| number.map(|it| plain(it, digits)).unwrap_or_default();
        let price = row.price.unwrap_or_default();
        let long = price.long_prompt.unwrap_or_default();
        let rules = row.parameter_rules.clone();
        let own = rules.is_some();
        let rules = rules.unwrap_or_default();
        let renamed = rules.rename.iter().map(|(from, to)| format!("{from} = {to}"));
        Self {
            seen: state(row.updated_at),
            name: row.name.clone(),
            provider_id: row.provider_id.to_string(),
            upstream_model: row.upstream_model.clone(),
            context_window: number(row.context_window, 0),
            max_output_tokens: number(row.max_output_tokens, 0),
            tools: option_value(row.capabilities.tools),
            vision: option_value(row.capabilities.vision),
            structured_output: option_value(row.capabilities.structured_output),
            reasoning: option_value(row.capabilities.reasoning),
            input: number(price.input, DOLLAR),
            output: number(price.output, DOLLAR),
            cache_read: number(price.cache_read, DOLLAR),
            cache_write: number(price.cache_write, DOLLAR),
            audio_input: number(price.audio_input, DOLLAR),
            audio_output: number(price.audio_output, DOLLAR),
            long_above: number(price.long_prompt.map(|long| long.above), 0),
            long_input: number(long.input, DOLLAR),
            long_output: number(long.output, DOLLAR),
            long_cache_read: number(long.cache_read, DOLLAR),
            long_cache_write: number(long.cache_write, DOLLAR),
            rules: if own { "own" } else { "" }.to_owned(),
            rename: renamed.collect::<Vec<_>>().join("\n"),
            drop: rules.drop.join(", "),
            clamp: rules.clamp_output,
            first_frame_timeout: number(row.first_frame_timeout_ms, SECOND),
            answer_timeout: number(row.answer_timeout_ms, SECOND),
            num_retries: row.num_retries.map(|number| number.to_string()).unwrap_or_default(),
            enabled: row.enabled,
        }
    }

    /// Parses the fields of a model.
    pub(crate) fn read(&self) -> Result<ModelFields, Problems> {
        let mut problems = Problems::default();
        let says = |what: &str, reason: ViolationReason| format!("The {what} {}", reason.message);
        let name = problems.check("name", validation::model_name(&self.name).map_err(|it| says("name", it)));
        let nobody = |_| "Choose a provider. A provider must be added before its models.".to_owned();
        let provider_id = problems.check("provider_id", self.provider_id.parse().map_err(nobody));
        let upstream = if self.upstream_model.is_empty() { &self.name } else { &self.upstream_model };
        let upstream = validation::printable(upstream, LONGEST_UPSTREAM_NAME).map_err(|it| says("name", it));
        // If it is empty, it equals the name, which is validated separately.
        let upstream = if self.upstream_model.is_empty() {
            upstream.ok()
        } else {
            problems.check("upstream_model", upstream)
        };
        let num_retries = number(&mut problems, "num_retries", whole(&self.num_retries, &RETRIES));
        let price = self.price(&mut problems);
        let parameter_rules = self.parameter_rules(&mut problems);
        let context_window = number(&mut problems, "context_window", whole(&self.context_window, &TOKENS));
        let max_output_tokens =
            number(&mut problems, "max_output_tokens", whole(&self.max_output_tokens, &TOKENS));
        let mut timeout = |field, text: &str| number(&mut problems, field, scaled(text, SECOND, &TIMEOUT_MS));
        let first_frame_timeout_ms = timeout("first_frame_timeout", &self.first_frame_timeout);
        let answer_timeout_ms = timeout("answer_timeout", &self.answer_timeout);
        match (name, provider_id, upstream) {
            (Some(name), Some(provider_id), Some(upstream_model)) if problems.is_empty() => Ok(ModelFields {
                name,
                provider_id,
                upstream_model,
                context_window,
                max_output_tokens,
                capabilities: self.capabilities(),
                price,
                parameter_rules,
                first_frame_timeout_ms,
                answer_timeout_ms,
                num_retries: num_retries.and_then(|number| i32::try_from(number).ok()),
                enabled: self.enabled,
            }),
            _ => Err(problems.in_order(ORDER)),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tools: meant(&self.tools),
            vision: meant(&self.vision),
            structured_output: meant(&self.structured_output),
            reasoning: meant(&self.reasoning),
        }
    }

    fn price(&self, problems: &mut Problems) -> Option<PriceFields> {
        let mut dollars = |field, text: &str| number(problems, field, scaled(text, DOLLAR, &PRICE));
        let price = PriceFields {
            input: dollars("input", &self.input),
            output: dollars("output", &self.output),
            cache_read: dollars("cache_read", &self.cache_read),
            cache_write: dollars("cache_write", &self.cache_write),
            audio_input: dollars("audio_input", &self.audio_input),
            audio_output: dollars("audio_output", &self.audio_output),
            long_prompt: self.long_prompt(problems),
        };
        (price != PriceFields::default()).then_some(price)
    }

    fn long_prompt(&self, problems: &mut Problems) -> Option<LongPrompt> {
        let above = number(problems, "long_above", whole(&self.long_above, &TOKENS));
        let mut dollars = |field, text: &str| number(problems, field, scaled(text, DOLLAR, &PRICE));
        let long = LongPrompt {
            above: above.unwrap_or_default(),
            input: dollars("long_input", &self.long_input),
            output: dollars("long_output", &self.long_output),
            cache_read: dollars("long_cache_read", &self.long_cache_read),
            cache_write: dollars("long_cache_write", &self.long_cache_write),
        };
        if self.long_above.is_empty() && long != LongPrompt::default() {
            problems.add("long_above", "Enter the number of tokens above which a prompt is long".to_owned());
        }
        above.map(|_| long)
    }

    fn parameter_rules(&self, problems: &mut Problems) -> Option<ParameterRules> {
        if self.rules != "own" {
            return None;
        }
        let mut rename = BTreeMap::new();
        for line in self.rename.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some((from, to)) = line.split_once('=') else {
                problems
                    .add("rename", format!("Write one renaming per line as “old = new”. “{line}” has no ="));
                continue;
            };
            if rename.insert(from.trim().to_owned(), to.trim().to_owned()).is_some() {
                problems.add("rename", format!("“{}” is renamed twice", from.trim()));
            }
        }
        let names = self.drop.split([',', ' ', '\n', '\r']).filter(|name| !name.is_empty());
        let rules =
            ParameterRules { rename, drop: names.map(str::to_owned).collect(), clamp_output: self.clamp };
        problems.check("rename", rules.validate()).map(|()| rules)
    }
}

/// A change to exactly these values.
pub(crate) fn to_change(fields: ModelFields, seen: Option<i64>) -> ModelChange {
    ModelChange {
        seen,
        name: Some(fields.name),
        provider_id: Some(fields.provider_id),
        upstream_model: Some(fields.upstream_model),
        context_window: Some(fields.context_window),
        max_output_tokens: Some(fields.max_output_tokens),
        capabilities: Some(fields.capabilities),
        price: Some(fields.price),
        parameter_rules: Some(fields.parameter_rules),
        first_frame_timeout_ms: Some(fields.first_frame_timeout_ms),
        answer_timeout_ms: Some(fields.answer_timeout_ms),
        num_retries: Some(fields.num_retries),
        enabled: Some(fields.enabled),
    }
}

/// Records a problem of a number field, with the field's name in the sentence.
fn number(problems: &mut Problems, field: &'static str, read: Result<Option<i64>, String>) -> Option<i64> {
    let what = match field {
        "context_window" => "context window",
        "max_output_tokens" => "longest answer",
        "num_retries" => "number of retries",
        "first_frame_timeout" => "time until the first token",
        "answer_timeout" => "time until a whole answer",
        "input" => "price of prompts",
        "output" => "price of answers",
        "cache_read" | "long_cache_read" => "price of reading the cache",
        "cache_write" | "long_cache_write" => "price of writing the cache",
        "audio_input" | "audio_output" => "price of audio",
        "long_above" => "length of a long prompt",
        "long_input" => "price of long prompts",
        _ => "price of answers to long prompts",
    };
    problems.check(field, read.map_err(|expected| format!("The {what} {expected}"))).flatten()
}

fn option_value(known: Option<bool>) -> String {
    known.map_or("", |yes| if yes { "yes" } else { "no" }).to_owned()
}

fn meant(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Built-in values, shown as placeholders of empty fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuiltInValues {
    pub(crate) context_window: String,
    pub(crate) max_output_tokens: String,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) cache_read: String,
    pub(crate) cache_write: String,
    pub(crate) audio_input: String,
    pub(crate) audio_output: String,
    pub(crate) long_above: String,
    pub(crate) long_input: String,
    pub(crate) long_output: String,
    pub(crate) long_cache_read: String,
    pub(crate) long_cache_write: String,
    pub(crate) tools: Vec<Choice>,
    pub(crate) vision: Vec<Choice>,
    pub(crate) structured_output: Vec<Choice>,
    pub(crate) reasoning: Vec<Choice>,
    /// Date of the built-in values; empty if the model is not in the table.
    pub(crate) as_of: String,
}

impl BuiltInValues {
    pub(crate) fn of(table: &FilledModel) -> Self {
        let tokens = |number: Option<i64>| number.map(|it| plain(it, 0)).unwrap_or_default();
        let price = table.price.unwrap_or_default();
        let long = price.long_prompt.unwrap_or_default();
        let dollars = |number: Option<i64>| number.map(|it| plain(it, DOLLAR)).unwrap_or_default();
        let able = table.capabilities;
        Self {
            context_window: tokens(table.context_window),
            max_output_tokens: tokens(table.max_output_tokens),
            input: dollars(price.input),
            output: dollars(price.output),
            cache_read: dollars(price.cache_read),
            cache_write: dollars(price.cache_write),
            audio_input: dollars(price.audio_input),
            audio_output: dollars(price.audio_output),
            long_above: tokens(price.long_prompt.map(|long| long.above)),
            long_input: dollars(long.input),
            long_output: dollars(long.output),
            long_cache_read: dollars(long.cache_read),
            long_cache_write: dollars(long.cache_write),
            tools: three(able.tools),
            vision: three(able.vision),
            structured_output: three(able.structured_output),
            reasoning: three(able.reasoning),
            as_of: table.known_as_of.map(|day| day.format("%-d %B %Y").to_string()).unwrap_or_default(),
        }
    }
}

/// The options yes, no and built-in.
fn three(known: Option<bool>) -> Vec<Choice> {
    let open = match known {
        Some(true) => "As known: yes",
        Some(false) => "As known: no",
        None => "Not known",
    };
    vec![Choice::new("", open), Choice::new("yes", "Yes"), Choice::new("no", "No")]
}
