//! The settings of a model, one row each. The form, its placeholders and the facts of a model walk these tables.

use std::ops::RangeInclusive;

use crate::providers::{Capabilities, LongPrompt, ModelPrice};
use crate::store::ModelSettings;
use crate::validation::bounds::{PRICE, RETRIES, TIMEOUT_MS, TOKENS};

/// The part of the form that has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Window and output, with the capabilities.
    Limits,
    /// The price of prompts and answers.
    Price,
    /// The price of long prompts.
    LongPrompt,
    /// The timeouts and the retries.
    Time,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Tokens or retries, as they are.
    Count,
    /// Micro-dollars, typed in dollars.
    Dollars,
    /// Milliseconds, typed in seconds.
    Seconds,
}

impl Unit {
    /// How many decimals a typed number may have.
    pub(crate) const fn decimals(self) -> usize {
        match self {
            Self::Count => 0,
            Self::Dollars => 6,
            Self::Seconds => 3,
        }
    }
}

/// A setting that is a number.
pub(crate) struct NumberField {
    /// The name in the form.
    pub(crate) name: &'static str,
    pub(crate) section: Section,
    /// The label in the form.
    pub(crate) label: &'static str,
    /// The name in a problem: "The ... must be a number from 1 to 5".
    pub(crate) noun: &'static str,
    /// The name among the facts of a model.
    pub(crate) fact: &'static str,
    pub(crate) unit: Unit,
    /// The accepted values, in the setting's own unit.
    pub(crate) range: RangeInclusive<i64>,
    /// Shown in an empty field if the built-in table has no value.
    pub(crate) default: &'static str,
    pub(crate) get: fn(&ModelSettings) -> Option<i64>,
    pub(crate) set: fn(&mut ModelSettings, i64),
}

/// A setting that is yes, no or unknown.
pub(crate) struct CapabilityField {
    /// The name in the form.
    pub(crate) name: &'static str,
    /// The name among the settings that the built-in table filled in.
    pub(crate) filled: &'static str,
    /// The label in the form.
    pub(crate) label: &'static str,
    /// The name among the facts of a model.
    pub(crate) fact: &'static str,
    pub(crate) get: fn(&Capabilities) -> Option<bool>,
    pub(crate) set: fn(&mut Capabilities, Option<bool>),
}

/// The numbers, in the order of the form.
pub(crate) const NUMBERS: &[NumberField] = &[
    NumberField {
        label: "Context window, in tokens",
        noun: "context window",
        fact: "Context window",
        get: |settings| settings.context_window,
        set: |settings, tokens| settings.context_window = Some(tokens),
        ..count("context_window", Section::Limits, TOKENS)
    },
    NumberField {
        label: "Maximum output, in tokens",
        noun: "longest answer",
        fact: "Maximum output",
        get: |settings| settings.max_output_tokens,
        set: |settings, tokens| settings.max_output_tokens = Some(tokens),
        ..count("max_output_tokens", Section::Limits, TOKENS)
    },
    NumberField {
        label: "Prompt",
        noun: "price of prompts",
        fact: "prompt",
        get: |settings| settings.price?.input,
        set: |settings, amount| price(settings).input = Some(amount),
        ..dollars("input", Section::Price)
    },
    NumberField {
        label: "Answer",
        noun: "price of answers",
        fact: "answer",
        get: |settings| settings.price?.output,
        set: |settings, amount| price(settings).output = Some(amount),
        ..dollars("output", Section::Price)
    },
    NumberField {
        label: "Reasoning, if apart from the answer",
        noun: "price of reasoning",
        fact: "reasoning",
        get: |settings| settings.price?.reasoning,
        set: |settings, amount| price(settings).reasoning = Some(amount),
        ..dollars("reasoning_price", Section::Price)
    },
    NumberField {
        label: "Prompt, cache read",
        noun: "price of reading the cache",
        fact: "cache read",
        get: |settings| settings.price?.cache_read,
        set: |settings, amount| price(settings).cache_read = Some(amount),
        ..dollars("cache_read", Section::Price)
    },
    NumberField {
        label: "Prompt, cache write",
        noun: "price of writing the cache",
        fact: "cache write",
        get: |settings| settings.price?.cache_write,
        set: |settings, amount| price(settings).cache_write = Some(amount),
        ..dollars("cache_write", Section::Price)
    },
    NumberField {
        label: "Prompt, cache write for an hour",
        noun: "price of writing the cache for an hour",
        fact: "cache write for an hour",
        get: |settings| settings.price?.cache_write_1h,
        set: |settings, amount| price(settings).cache_write_1h = Some(amount),
        ..dollars("cache_write_1h", Section::Price)
    },
    NumberField {
        label: "Audio in the prompt",
        noun: "price of audio",
        fact: "sound in",
        get: |settings| settings.price?.audio_input,
        set: |settings, amount| price(settings).audio_input = Some(amount),
        ..dollars("audio_input", Section::Price)
    },
    NumberField {
        label: "Audio in the answer",
        noun: "price of audio",
        fact: "sound out",
        get: |settings| settings.price?.audio_output,
        set: |settings, amount| price(settings).audio_output = Some(amount),
        ..dollars("audio_output", Section::Price)
    },
    NumberField {
        label: "A prompt is long above this many tokens",
        noun: "length of a long prompt",
        get: |settings| Some(settings.price?.long_prompt?.above),
        set: |settings, tokens| long(settings).above = tokens,
        ..count(LONG_ABOVE, Section::LongPrompt, TOKENS)
    },
    NumberField {
        label: "Long prompt",
        noun: "price of long prompts",
        fact: "prompt",
        get: |settings| settings.price?.long_prompt?.input,
        set: |settings, amount| long(settings).input = Some(amount),
        ..dollars("long_input", Section::LongPrompt)
    },
    NumberField {
        label: "Answer to a long prompt",
        noun: "price of answers to long prompts",
        fact: "answer",
        get: |settings| settings.price?.long_prompt?.output,
        set: |settings, amount| long(settings).output = Some(amount),
        ..dollars("long_output", Section::LongPrompt)
    },
    NumberField {
        label: "Reasoning for a long prompt, if apart",
        noun: "price of reasoning for long prompts",
        fact: "reasoning",
        get: |settings| settings.price?.long_prompt?.reasoning,
        set: |settings, amount| long(settings).reasoning = Some(amount),
        ..dollars("long_reasoning", Section::LongPrompt)
    },
    NumberField {
        label: "Long prompt, cache read",
        noun: "price of reading the cache",
        fact: "cache read",
        get: |settings| settings.price?.long_prompt?.cache_read,
        set: |settings, amount| long(settings).cache_read = Some(amount),
        ..dollars("long_cache_read", Section::LongPrompt)
    },
    NumberField {
        label: "Long prompt, cache write",
        noun: "price of writing the cache",
        fact: "cache write",
        get: |settings| settings.price?.long_prompt?.cache_write,
        set: |settings, amount| long(settings).cache_write = Some(amount),
        ..dollars("long_cache_write", Section::LongPrompt)
    },
    NumberField {
        label: "Long prompt, cache write for an hour",
        noun: "price of writing the cache for an hour",
        fact: "cache write for an hour",
        get: |settings| settings.price?.long_prompt?.cache_write_1h,
        set: |settings, amount| long(settings).cache_write_1h = Some(amount),
        ..dollars("long_cache_write_1h", Section::LongPrompt)
    },
    NumberField {
        label: "Timeout for a stream’s first token",
        noun: "time until the first token",
        get: |settings| settings.first_frame_timeout_ms,
        set: |settings, ms| settings.first_frame_timeout_ms = Some(ms),
        ..seconds("first_frame_timeout", TIMEOUT_MS)
    },
    NumberField {
        label: "Timeout for a whole answer",
        noun: "time until a whole answer",
        get: |settings| settings.answer_timeout_ms,
        set: |settings, ms| settings.answer_timeout_ms = Some(ms),
        ..seconds("answer_timeout", TIMEOUT_MS)
    },
    NumberField {
        label: "Retries of a failed call",
        noun: "number of retries",
        default: "1",
        get: |settings| settings.num_retries.map(Into::into),
        set: |settings, retries| settings.num_retries = i32::try_from(retries).ok(),
        ..count("num_retries", Section::Time, RETRIES)
    },
];

/// The number of tokens above which a prompt is long. Required with a price of long prompts.
pub(crate) const LONG_ABOVE: &str = "long_above";

/// The capabilities, in the order of the form.
pub(crate) const CAPABILITIES: &[CapabilityField] = &[
    CapabilityField {
        name: "tools",
        filled: "capabilities.tools",
        label: "Tool calls",
        fact: "Tools",
        get: |able| able.tools,
        set: |able, yes| able.tools = yes,
    },
    CapabilityField {
        name: "vision",
        filled: "capabilities.vision",
        label: "Image input",
        fact: "Images",
        get: |able| able.vision,
        set: |able, yes| able.vision = yes,
    },
    CapabilityField {
        name: "structured_output",
        filled: "capabilities.structured_output",
        label: "JSON schema output",
        fact: "JSON schema",
        get: |able| able.structured_output,
        set: |able, yes| able.structured_output = yes,
    },
    CapabilityField {
        name: "reasoning",
        filled: "capabilities.reasoning",
        label: "Reasoning",
        fact: "Reasoning",
        get: |able| able.reasoning,
        set: |able, yes| able.reasoning = yes,
    },
];

/// The numbers of a section.
pub(crate) fn numbers(section: Section) -> impl Iterator<Item = &'static NumberField> {
    NUMBERS.iter().filter(move |field| field.section == section)
}

const fn count(name: &'static str, section: Section, range: RangeInclusive<i64>) -> NumberField {
    field(name, section, Unit::Count, range)
}

const fn dollars(name: &'static str, section: Section) -> NumberField {
    field(name, section, Unit::Dollars, PRICE)
}

const fn seconds(name: &'static str, range: RangeInclusive<i64>) -> NumberField {
    field(name, Section::Time, Unit::Seconds, range)
}

/// A field without words, for the rest of a row.
const fn field(name: &'static str, section: Section, unit: Unit, range: RangeInclusive<i64>) -> NumberField {
    NumberField {
        name,
        section,
        label: "",
        noun: "",
        fact: "",
        unit,
        range,
        default: "",
        get: |_| None,
        set: |_, _| {},
    }
}

fn price(settings: &mut ModelSettings) -> &mut ModelPrice {
    settings.price.get_or_insert_default()
}

fn long(settings: &mut ModelSettings) -> &mut LongPrompt {
    price(settings).long_prompt.get_or_insert_default()
}
