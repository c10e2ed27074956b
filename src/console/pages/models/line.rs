//! One model as a table row.

use super::form;
use super::settings::CAPABILITIES;
use crate::console::components::format::{count, duration};
use crate::console::components::number_input::dollars;
use crate::console::components::status_badge::{StatusBadge, label};
use crate::gateway::routing::cooldown::{CooldownState, Cooldowns};
use crate::providers::{Capabilities, ModelPrice};
use crate::store::ModelRow;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// A value that may come from the built-in table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    /// The value; empty if it is unknown.
    pub(crate) text: String,
    /// Whether it comes from the built-in table.
    pub(crate) filled: bool,
}

/// The cells of a row.
#[derive(Debug, Clone)]
pub(crate) struct ModelLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) upstream_model: String,
    /// Path and name of the provider.
    pub(crate) provider: (String, String),
    /// The kind of the model.
    pub(crate) kind: &'static str,
    pub(crate) window: Value,
    /// The capabilities, as text.
    pub(crate) capabilities: Value,
    /// Price per million tokens of prompt and answer.
    pub(crate) price: Value,
    pub(crate) state: StatusBadge,
    /// Reason and remaining time of a cooldown, or what follows one that has ended; empty if there is none.
    pub(crate) cooling: String,
    /// Whether it is not called now, because of its cooldown.
    pub(crate) is_cooling: bool,
}

impl ModelLine {
    pub(crate) fn of(row: &ModelRow, organization: &OrganizationSnapshot, cooldowns: &Cooldowns) -> Self {
        let filled = row.filled();
        let by_table = |field: &str| filled.filled.contains(&field);
        let known = organization.models.values().find(|model| model.id == row.id);
        let cooldown = known.map_or(CooldownState::Closed, |model| cooldowns.state(model));
        let is_cooling = matches!(cooldown, CooldownState::Open(_));
        let cooling = match &cooldown {
            CooldownState::Closed => String::new(),
            CooldownState::Open(cooldown) => {
                let left = i64::try_from(cooldown.remaining.as_millis()).unwrap_or(i64::MAX);
                let by = if cooldown.by_provider { " according to the provider" } else { "" };
                format!("{}, {} left{by}", label(cooldown.failure.class), duration(left))
            }
            CooldownState::HalfOpen(cooldown) => {
                format!("{}, the next request tests it", label(cooldown.failure.class))
            }
        };
        let provider = organization.providers.get(&row.provider_id);
        Self {
            id: row.id.0.to_string(),
            name: row.name.clone(),
            upstream_model: row.upstream_model.clone(),
            provider: (
                format!("/providers/{}", row.provider_id),
                provider.map_or(row.provider_preset.as_str(), |provider| &*provider.name).to_owned(),
            ),
            kind: form::label(row.settings.kind),
            window: Value {
                text: filled.settings.context_window.map(count).unwrap_or_default(),
                filled: by_table("context_window"),
            },
            capabilities: abilities(&filled.settings.capabilities, &by_table),
            price: Value {
                text: filled.settings.price.map(in_and_out).unwrap_or_default(),
                filled: by_table("price"),
            },
            state: match cooldown {
                CooldownState::HalfOpen(_) if row.enabled => StatusBadge::of_ended_cooldown(),
                _ => StatusBadge::of_readiness(row.enabled, is_cooling),
            },
            cooling,
            is_cooling,
        }
    }
}

/// What is said of a model where it is chosen: that its cost stays unknown, after `about`.
pub(crate) fn with_price(about: &str, model: &ModelEntry) -> String {
    if model.settings.price.is_none() { format!("{about} (no price)") } else { about.to_owned() }
}

fn abilities(capabilities: &Capabilities, by_table: &impl Fn(&str) -> bool) -> Value {
    let able: Vec<_> = CAPABILITIES.iter().filter(|field| (field.get)(capabilities) == Some(true)).collect();
    let labels: Vec<&str> = able.iter().map(|field| field.fact).collect();
    let filled = able.iter().any(|field| by_table(field.filled));
    Value { text: labels.join(", "), filled }
}

fn in_and_out(price: ModelPrice) -> String {
    let part = |amount: Option<i64>| amount.map_or("?".to_owned(), dollars);
    let more = if price.long_prompt.is_some() { " +" } else { "" };
    format!("{} / {}{more}", part(price.input), part(price.output))
}
