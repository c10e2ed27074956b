//! The settings of a model: its own values and those from the built-in table.

use crate::console::components::format::count;
use crate::console::components::number_input::dollars;
use crate::console::pages::models::line::{ABILITIES, Value, ability};
use crate::store::{FilledModel, ModelRow};

/// Names and values, in display order.
pub(crate) fn facts(row: &ModelRow, filled: &FilledModel) -> Vec<(String, Value)> {
    let by_table = |field: &str| filled.filled.contains(&field);
    let tokens = |number: Option<i64>| {
        number.map_or("not known".to_owned(), |number| format!("{} tokens", count(number)))
    };
    let mut facts = vec![
        ("Name at the provider".to_owned(), Value { text: row.upstream_model.clone(), filled: false }),
        (
            "Context window".to_owned(),
            Value { text: tokens(filled.context_window), filled: by_table("context_window") },
        ),
        (
            "Maximum output".to_owned(),
            Value { text: tokens(filled.max_output_tokens), filled: by_table("max_output_tokens") },
        ),
    ];
    for (word, label) in ABILITIES {
        let text = match ability(&filled.capabilities, word) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        let filled = by_table(&format!("capabilities.{word}"));
        facts.push((label.to_owned(), Value { text: text.to_owned(), filled }));
    }
    facts.push((
        "Price per million tokens".to_owned(),
        Value { text: prices(filled), filled: by_table("price") },
    ));
    facts.push((
        "Adapted as a fallback".to_owned(),
        Value { text: rules(filled), filled: by_table("parameter_rules") },
    ));
    facts
}

fn prices(filled: &FilledModel) -> String {
    let Some(price) = filled.price else { return "unknown: its cost is not counted".to_owned() };
    let listed = |parts: &[(&str, Option<i64>)]| {
        let known = parts.iter().filter_map(|(name, amount)| Some(format!("{name} {}", dollars((*amount)?))));
        known.collect::<Vec<_>>().join(", ")
    };
    let short = listed(&[
        ("prompt", price.input),
        ("answer", price.output),
        ("cache read", price.cache_read),
        ("cache write", price.cache_write),
        ("sound in", price.audio_input),
        ("sound out", price.audio_output),
    ]);
    let Some(long) = price.long_prompt else { return short };
    let long_prices = listed(&[
        ("prompt", long.input),
        ("answer", long.output),
        ("cache read", long.cache_read),
        ("cache write", long.cache_write),
    ]);
    format!("{short}; for prompts above {} tokens {long_prices}", count(long.above))
}

fn rules(filled: &FilledModel) -> String {
    let rules = &filled.parameter_rules;
    let renamed = rules.rename.iter().map(|(from, to)| format!("{from} becomes {to}"));
    let dropped = rules.drop.iter().map(|name| format!("{name} is removed"));
    let clamped = rules.clamp_output.then(|| "the output limit is lowered to the model's maximum".to_owned());
    let all: Vec<String> = renamed.chain(dropped).chain(clamped).collect();
    if all.is_empty() { "no: requests are forwarded unchanged".to_owned() } else { all.join(", ") }
}
