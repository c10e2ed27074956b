//! The settings of a model: its own values and those from the built-in table.

use super::form::{endpoints, label};
use super::line::Value;
use super::settings::{CAPABILITIES, Section, Unit, numbers};
use crate::console::components::format::counted;
use crate::console::components::number_input::dollars;
use crate::domain::operation::ModelKind;
use crate::store::{FilledModel, ModelRow, ModelSettings};

/// Names and values, in display order.
pub(crate) fn facts(row: &ModelRow, filled: &FilledModel) -> Vec<(String, Value)> {
    let settings = &filled.settings;
    let fact = |label: &str, text: String, name: &str| {
        (label.to_owned(), Value { text, filled: filled.filled.contains(&name) })
    };
    let name = fact("Name at the provider", row.upstream_model.clone(), "");
    let kind = fact("Kind", label(settings.kind).to_owned(), "");
    let called = fact("Called by", endpoints(settings.kind), "");
    let space = (settings.kind == ModelKind::Embedding).then(|| {
        let own = settings.vector_space.clone();
        fact("Vector space", own.unwrap_or_else(|| row.upstream_model.clone()), "")
    });
    let limits = numbers(Section::Limits).map(|field| {
        let number = (field.get)(settings);
        let text = number.map_or("not known".to_owned(), |number| counted(number, "token", "tokens"));
        fact(field.fact, text, field.name)
    });
    let capabilities = CAPABILITIES.iter().map(|field| {
        let text = match (field.get)(&settings.capabilities) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        fact(field.fact, text.to_owned(), field.filled)
    });
    let rest = [
        fact("Price per million tokens", prices(settings), "price"),
        fact("Adapted as a fallback", rules(settings), "parameter_rules"),
    ];
    [name, kind, called].into_iter().chain(space).chain(limits).chain(capabilities).chain(rest).collect()
}

fn prices(settings: &ModelSettings) -> String {
    let Some(price) = settings.price else { return "unknown: its cost is not counted".to_owned() };
    let listed = |section| {
        let amounts = numbers(section).filter(|field| field.unit == Unit::Dollars);
        let known =
            amounts.filter_map(|field| Some(format!("{} {}", field.fact, dollars((field.get)(settings)?))));
        known.collect::<Vec<_>>().join(", ")
    };
    let short = listed(Section::Price);
    let Some(long) = price.long_prompt else { return short };
    let above = counted(long.above, "token", "tokens");
    format!("{short}; for prompts above {above} {}", listed(Section::LongPrompt))
}

fn rules(settings: &ModelSettings) -> String {
    let rules = settings.parameter_rules.clone().unwrap_or_default();
    let renamed = rules.rename.iter().map(|(from, to)| format!("{from} becomes {to}"));
    let dropped = rules.drop.iter().map(|name| format!("{name} is removed"));
    let clamped = rules.clamp_output.then(|| "the output limit is lowered to the model's maximum".to_owned());
    let all: Vec<String> = renamed.chain(dropped).chain(clamped).collect();
    if all.is_empty() { "no: requests are forwarded unchanged".to_owned() } else { all.join(", ") }
}
