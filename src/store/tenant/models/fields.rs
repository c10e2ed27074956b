//! A model for creating, changing, filtering and reading.

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, ProviderId};
use entity::models;
use sea_orm::ActiveValue::Set;
use serde::Serialize;

use super::filled::FilledModel;
use super::settings::ModelSettings;
use crate::domain::error::Error;
use crate::domain::operation::ModelKind;
use crate::providers::ModelPrice;

/// The values that an organization can set for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFields {
    /// The name, unique among the models of the organization that are not deleted.
    pub name: String,
    /// The provider that serves it.
    pub provider_id: ProviderId,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// The settings that the organization has set.
    pub settings: ModelSettings,
    /// Whether it may be called.
    pub enabled: bool,
}

/// A filter for models. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// The exact name of the model.
    pub name: Option<String>,
    /// A part of the name, ignoring case.
    pub contains: Option<String>,
    /// The provider that serves it.
    pub provider_id: Option<ProviderId>,
    /// The kind of the model.
    pub kind: Option<ModelKind>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
}

/// A model of the catalog with the values that the organization has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// The id of the model.
    pub id: ModelId,
    /// The name of the resource.
    pub name: String,
    /// The provider that serves it.
    pub provider_id: ProviderId,
    /// The preset of its provider, for looking it up in the built-in table.
    pub provider_preset: String,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// The settings that the organization has set.
    #[serde(flatten)]
    pub settings: ModelSettings,
    /// Whether it may be called.
    pub enabled: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl ModelFields {
    /// Sets the columns of these fields. Prices are in another table.
    pub(super) fn write_to(self, row: &mut models::ActiveModel) -> Result<(), Error> {
        row.name = Set(self.name);
        row.provider_id = Set(self.provider_id);
        row.upstream_model = Set(self.upstream_model);
        row.enabled = Set(self.enabled);
        self.settings.write_to(row)
    }
}

impl ModelRow {
    /// Combines the row with values of other tables.
    pub(super) fn new(row: models::Model, preset: String, price: Option<ModelPrice>) -> Result<Self, Error> {
        Ok(Self {
            settings: ModelSettings::of_row(&row, price)?,
            id: row.id,
            name: row.name,
            provider_id: row.provider_id,
            provider_preset: preset,
            upstream_model: row.upstream_model,
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The values that can be changed.
    pub(super) fn fields(&self) -> ModelFields {
        ModelFields {
            name: self.name.clone(),
            provider_id: self.provider_id,
            upstream_model: self.upstream_model.clone(),
            settings: self.settings.clone(),
            enabled: self.enabled,
        }
    }

    /// Completes the settings of the organization with those of the built-in table.
    #[must_use]
    pub fn filled(&self) -> FilledModel {
        FilledModel::of(self.settings.clone(), &self.provider_preset, &self.upstream_model)
    }
}
