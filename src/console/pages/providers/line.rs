//! One provider as a table row.

use entity::ids::ProviderId;

use crate::console::components::number_input::limits::listed;
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::timestamp::Timestamp;
use crate::providers::{StreamOptions, preset};
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{Limits, ProviderRow};

/// The cells of a row.
#[derive(Debug, Clone)]
pub(crate) struct ProviderLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Name of the vendor.
    pub(crate) kind: String,
    /// Base URL; empty if there is none.
    pub(crate) address: String,
    /// The last characters of the credential, or that there is none.
    pub(crate) credential: String,
    /// Support for `stream_options`, as text.
    pub(crate) stream_options: &'static str,
    /// How much its account may do, in words; empty if that is not known.
    pub(crate) limits: String,
    pub(crate) health: StatusBadge,
    /// Time since when the health is like that; `None` if it is unknown.
    pub(crate) health_at: Option<Timestamp>,
    /// Why it is failing; empty if it is not.
    pub(crate) message: String,
    /// Number of models that it serves.
    pub(crate) models: usize,
}

impl ProviderLine {
    pub(crate) fn of(row: &ProviderRow, organization: &OrganizationSnapshot) -> Self {
        let vendor = preset(&row.preset);
        let address = row.base_url.as_deref().or_else(|| vendor?.base_url);
        Self {
            id: row.id.0.to_string(),
            name: row.name.clone(),
            kind: vendor.map_or(row.preset.as_str(), |vendor| vendor.title).to_owned(),
            address: address.unwrap_or_default().to_owned(),
            credential: credential(row),
            stream_options: match row.stream_options {
                StreamOptions::Auto => "automatic",
                StreamOptions::Supported => "supported",
                StreamOptions::Unsupported => "not supported",
            },
            limits: listed(&Limits {
                requests_per_minute: row.limits.requests_per_minute,
                tokens_per_minute: row.limits.tokens_per_minute,
                ..Limits::default()
            }),
            health: StatusBadge::of_health(&row.health),
            health_at: row.health_at.filter(|_| row.health != "unknown").map(Timestamp::from),
            message: row.health_message.clone().unwrap_or_default(),
            models: served(organization, row.id).len(),
        }
    }
}

fn credential(row: &ProviderRow) -> String {
    match (&row.credential_hint, row.has_credential) {
        (Some(hint), _) => format!("••••{hint}"),
        (None, true) => "stored".to_owned(),
        (None, false) => "none".to_owned(),
    }
}

/// Ids and names of the models that a provider serves, by name.
pub(crate) fn served(organization: &OrganizationSnapshot, id: ProviderId) -> Vec<(String, String)> {
    let models = organization.models.values().filter(|model| model.provider.id == id);
    let mut models: Vec<_> = models.map(|model| (model.id.0.to_string(), model.name.to_string())).collect();
    models.sort_by(|one, other| one.1.cmp(&other.1));
    models
}
