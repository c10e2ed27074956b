//! The fields of the key form: values, parsing and validation.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use secrecy::ExposeSecret as _;

use crate::auth::api::api_key::NewKey;
use crate::console::components::edit_conflict::{seen, state};
use crate::console::components::number_input::limits::LimitInputs;
use crate::console::http::forms::{Fields, Problems};
use crate::domain::permission::Scope;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::vault::Vault;
use crate::store::{ApiKeyChange, ApiKeyRow, Limits, ModelLimits, NewApiKey};
use crate::validation;

/// Format of a `datetime-local` input.
const MINUTES: &str = "%Y-%m-%dT%H:%M";

/// Field names in form order.
const ORDER: &[&str] = &[
    "name",
    "scopes",
    "models",
    "requests_per_minute",
    "requests_per_day",
    "tokens_per_minute",
    "tokens_per_day",
    "concurrent_requests",
    "expires_at",
];

/// The values of the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormValues {
    /// The state that the form was rendered for; empty for a new key.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    /// `some`, or empty for all models.
    pub(crate) which: String,
    pub(crate) models: Vec<String>,
    pub(crate) limits: LimitInputs,
    /// Value of a `datetime-local` input, in UTC.
    pub(crate) expires_at: String,
}

/// The values after validation.
pub(crate) struct ValidKey {
    name: String,
    pub(crate) scopes: Vec<Scope>,
    models: Option<Vec<String>>,
    limits: Limits,
    expires_at: Option<DateTime<Utc>>,
}

impl FormValues {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        let list = |name: &str| fields.list(name).into_iter().map(str::to_owned).collect();
        Self {
            seen: text("seen"),
            name: text("name"),
            scopes: list("scopes"),
            which: text("which"),
            models: list("models"),
            limits: LimitInputs::of(fields),
            expires_at: text("expires_at"),
        }
    }

    /// The values of an existing key.
    pub(crate) fn of_row(row: &ApiKeyRow) -> Self {
        Self {
            seen: state(row.updated_at),
            name: row.name.clone(),
            scopes: row.scopes.clone(),
            which: if row.models.is_some() { "some" } else { "" }.to_owned(),
            models: row.models.clone().unwrap_or_default(),
            limits: LimitInputs::of_limits(&row.limits()),
            expires_at: row.expires_at.map(|end| end.format(MINUTES).to_string()).unwrap_or_default(),
        }
    }

    /// The change to a key. Unchanged values are not validated again, such as an expiry in the past or a deleted model.
    pub(crate) fn to_change(&self, before: &ApiKeyRow, now: DateTime<Utc>) -> Result<ApiKeyChange, Problems> {
        let shown = Self::of_row(before);
        let same_end = self.expires_at == shown.expires_at;
        let typed =
            Self { expires_at: if same_end { "" } else { &self.expires_at }.to_owned(), ..self.clone() };
        let wanted = typed.read_as(now, before.models.as_ref().is_some_and(Vec::is_empty))?;
        let sorted = |models: &Option<Vec<String>>| models.clone().map(BTreeSet::from_iter);
        let same_models = sorted(&wanted.models) == sorted(&before.models);
        Ok(ApiKeyChange {
            seen: seen(&self.seen),
            scopes: Some(wanted.scope_words()),
            name: Some(wanted.name),
            models: (!same_models).then_some(wanted.models),
            requests_per_minute: Some(wanted.limits.requests_per_minute),
            concurrent_requests: Some(wanted.limits.concurrent_requests),
            requests_per_day: Some(wanted.limits.requests_per_day),
            tokens_per_minute: Some(wanted.limits.tokens_per_minute),
            tokens_per_day: Some(wanted.limits.tokens_per_day),
            // Those of models are changed with the API.
            model_limits: None,
            expires_at: (!same_end).then_some(wanted.expires_at),
        })
    }

    /// Scope options: value, description, and whether it is checked.
    pub(crate) fn scope_boxes(&self) -> Vec<(&'static str, &'static str, bool)> {
        let ticked = |scope: Scope| self.scopes.iter().any(|word| word == scope.as_str());
        Scope::ALL.map(|scope| (scope.as_str(), scope.describe(), ticked(scope))).into()
    }

    /// Model options: name, and whether it is checked. Deleted models remain while they are checked.
    pub(crate) fn model_boxes(&self, organization: &OrganizationSnapshot) -> Vec<(String, bool)> {
        let names: BTreeSet<&String> = organization.models.keys().chain(&self.models).collect();
        names.into_iter().map(|name| (name.clone(), self.models.contains(name))).collect()
    }

    pub(crate) fn read(&self, now: DateTime<Utc>) -> Result<ValidKey, Problems> {
        self.read_as(now, false)
    }

    /// `without_models` says that the list of models may be empty: all of them were deleted.
    fn read_as(&self, now: DateTime<Utc>, without_models: bool) -> Result<ValidKey, Problems> {
        let mut problems = Problems::default();
        let says = |what: &str, expected: &str| format!("The {what} {expected}");
        let name = validation::name(&self.name).map_err(|objection| says("name", &objection.message));
        let name = problems.check("name", name);
        let limits = self.limits.read(&mut problems);
        let expires_at = problems.check("expires_at", self.end(now)).flatten();
        let scopes = self.scopes(&mut problems);
        let models = self.models(&mut problems, without_models);
        match name {
            Some(name) if problems.is_empty() => Ok(ValidKey { name, scopes, models, limits, expires_at }),
            _ => Err(problems.in_order(ORDER)),
        }
    }

    fn scopes(&self, problems: &mut Problems) -> Vec<Scope> {
        let known = |scope: &Scope| self.scopes.iter().any(|word| word == scope.as_str());
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(known).collect();
        if scopes.is_empty() {
            problems.add("scopes", "Choose at least one scope.");
        }
        scopes
    }

    fn models(&self, problems: &mut Problems, none_is_fine: bool) -> Option<Vec<String>> {
        if self.which != "some" {
            return None;
        }
        let mut models = self.models.clone();
        models.sort_unstable();
        models.dedup();
        if models.is_empty() && !none_is_fine {
            problems.add("models", "Choose at least one model, or all models.");
        }
        Some(models)
    }

    fn end(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
        if self.expires_at.is_empty() {
            return Ok(None);
        }
        let forms = [MINUTES, "%Y-%m-%dT%H:%M:%S"];
        let mut read =
            forms.iter().filter_map(|form| NaiveDateTime::parse_from_str(&self.expires_at, form).ok());
        match read.next().map(|time| time.and_utc()) {
            None => Err("Enter the expiry as date and time, such as 2030-01-31T12:00".to_owned()),
            Some(end) if end <= now => Err("The expiry must be in the future".to_owned()),
            Some(end) => Ok(Some(end)),
        }
    }
}

impl ValidKey {
    /// The key to be stored, with only a keyed hash of the secret.
    pub(crate) fn to_create(&self, fresh: &NewKey, vault: &Vault, by: entity::ids::UserId) -> NewApiKey {
        NewApiKey {
            name: self.name.clone(),
            key_hash: vault.key_hash(fresh.key.expose_secret()),
            prefix: fresh.prefix.clone(),
            last_four: fresh.last_four.clone(),
            scopes: self.scope_words(),
            models: self.models.clone(),
            requests_per_minute: self.limits.requests_per_minute,
            concurrent_requests: self.limits.concurrent_requests,
            requests_per_day: self.limits.requests_per_day,
            tokens_per_minute: self.limits.tokens_per_minute,
            tokens_per_day: self.limits.tokens_per_day,
            model_limits: ModelLimits::default(),
            expires_at: self.expires_at,
            created_by: Some(by),
        }
    }

    fn scope_words(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| scope.as_str().to_owned()).collect()
    }

    /// One of the models that the key is restricted to, if any.
    pub(crate) fn first_model(&self) -> Option<&str> {
        self.models.as_ref()?.first().map(String::as_str)
    }
}
