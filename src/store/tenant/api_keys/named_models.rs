//! What keys say of models by their names: which they may use, and how much of each.

use entity::api_keys;
use sea_orm::prelude::Json;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, IntoActiveModel as _,
    QueryFilter as _,
};

use super::{ApiKeyRow, entry, stored_limits};
use crate::domain::error::{Error, Location, Violation};
use crate::store::OrgStore;
use crate::store::tenant::limits::ModelLimits;
use crate::store::transaction::Change;

impl OrgStore {
    /// Removes the name of a deleted model from allow-lists and limits. Otherwise they would apply to another model that later
    /// takes the name. A list without a name allows no model.
    pub(in crate::store) async fn api_keys_forget_model(
        &self,
        change: &Change,
        name: &str,
    ) -> Result<(), Error> {
        self.change_named_models(change, name, None, |models| models.retain(|known| known != name)).await
    }

    /// Replaces the old name of a renamed model in allow-lists and limits. Otherwise keys would lose the model or its limits,
    /// and would get access to another model that later takes the old name.
    pub(in crate::store) async fn api_keys_rename_model(
        &self,
        change: &Change,
        old: &str,
        new: &str,
    ) -> Result<(), Error> {
        let rename = |models: &mut Vec<String>| {
            models.iter_mut().filter(|name| *name == old).for_each(|name| new.clone_into(name));
        };
        self.change_named_models(change, old, Some(new), rename).await
    }

    /// Changes the allow-lists and the limits that contain a name. `new` is the name that limits get instead.
    async fn change_named_models(
        &self,
        change: &Change,
        name: &str,
        new: Option<&str>,
        apply: impl Fn(&mut Vec<String>),
    ) -> Result<(), Error> {
        let named = Condition::any()
            .add(api_keys::Column::Models.is_not_null())
            .add(api_keys::Column::ModelLimits.is_not_null());
        for row in self.api_keys().filter(named).all(change.on()).await? {
            let before = ApiKeyRow::try_from(row.clone())?;
            let mut after = before.clone();
            let limits_change = after.model_limits.rename(name, new);
            let models = after.models.as_mut().filter(|models| models.iter().any(|known| known == name));
            if models.is_none() && !limits_change {
                continue;
            }
            if let Some(models) = models {
                apply(models);
            }
            let mut row = row.into_active_model();
            row.models = Set(after.models.map(Json::from));
            row.model_limits = Set(stored_limits(&after.model_limits)?);
            row.updated_at = Set(self.clock().now());
            row.version = Set(Some(change.version()));
            let after = ApiKeyRow::try_from(row.update(change.on()).await?)?;
            change.audit(entry("api_key.change", Some(&before), &after)?).await?;
        }
        Ok(())
    }

    pub(super) async fn check_allow_list(
        &self,
        change: &Change,
        models: Option<&[String]>,
    ) -> Result<(), Error> {
        let Some(models) = models else { return Ok(()) };
        let catalog = self.model_names(change.on()).await?;
        let unknown =
            unknown_models(models.iter().map(String::as_str).enumerate(), |name| catalog.contains_key(name));
        if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
    }

    /// Checks that limits are for models of the catalog.
    pub(in crate::store) async fn check_limited_models(
        &self,
        change: &Change,
        limits: Option<&ModelLimits>,
    ) -> Result<(), Error> {
        let Some(limits) = limits.filter(|limits| !limits.0.is_empty()) else { return Ok(()) };
        let catalog = self.model_names(change.on()).await?;
        let unknown = unknown_limited_models(limits.0.keys(), |name| catalog.contains_key(name));
        if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
    }
}

/// The violations of limits for models which are not `known`.
pub fn unknown_limited_models<'a>(
    names: impl Iterator<Item = &'a String>,
    known: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let violation = |name: &String| {
        let location =
            [Location::from("body"), Location::from("model_limits"), Location::from(name.as_str())];
        let message = format!("no model of this organization's catalog is called '{name}'");
        Violation::new(location, "value_error", message)
    };
    names.filter(|name| !known(name)).map(violation).collect()
}

/// The violations of an allow-list that names models which are not `known`.
pub fn unknown_models<'a>(
    names: impl Iterator<Item = (usize, &'a str)>,
    known: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let violation = |(index, name): (usize, &str)| {
        let location = [Location::from("body"), Location::from("models"), Location::from(index)];
        let message = format!(
            "no model of this organization's catalog is called '{name}': name living models, or send null for all"
        );
        Violation::new(location, "value_error", message)
    };
    names.filter(|(_, name)| !known(name)).map(violation).collect()
}
