//! The form of a credential of a provider: its values, and one credential as a table row.

use std::ops::RangeInclusive;

use secrecy::{ExposeSecret as _, SecretString};

use super::form::check_credential;
use super::kind_form::CredentialForm;
use crate::console::components::edit_conflict::{seen, state};
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::{Fields, Problems};
use crate::providers::preset;
use crate::store::{CredentialChange, CredentialRow, NewCredential, ProviderRow};
use crate::upstream::AddressPolicy;
use crate::validation;
use crate::validation::bounds::{CREDENTIAL_TIER, CREDENTIAL_WEIGHT};
use crate::validation::provider::credential;

/// Field names in form order.
const ORDER: &[&str] = &["name", "credential", "weight", "tier"];

/// The cells of a row.
#[derive(Debug, Clone)]
pub(crate) struct CredentialLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The last characters of the credential.
    pub(crate) hint: String,
    pub(crate) weight: i32,
    pub(crate) tier: i32,
    pub(crate) health: StatusBadge,
    /// Time since when the health is like that; `None` if it is unknown.
    pub(crate) health_at: Option<Timestamp>,
    /// Why it is failing; empty if it is not.
    pub(crate) message: String,
}

impl From<&CredentialRow> for CredentialLine {
    fn from(row: &CredentialRow) -> Self {
        Self {
            id: row.id.0.to_string(),
            name: row.name.clone(),
            hint: row
                .credential_hint
                .as_ref()
                .map_or_else(|| "stored".to_owned(), |hint| format!("••••{hint}")),
            weight: row.weight,
            tier: row.tier,
            health: StatusBadge::of_health(&row.health),
            health_at: row.health_at.filter(|_| row.health != "unknown").map(Timestamp::from),
            message: row.health_message.clone().unwrap_or_default(),
        }
    }
}

/// The form values except the secret, which is never shown again.
#[derive(Debug, Clone, Default)]
pub(crate) struct CredentialValues {
    /// The state that the form was rendered for; empty for a new credential.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) weight: String,
    pub(crate) tier: String,
}

/// The values after validation.
struct Read {
    name: Option<String>,
    credential: Option<SecretString>,
    weight: Option<i32>,
    tier: Option<i32>,
}

impl CredentialValues {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self { seen: text("seen"), name: text("name"), weight: text("weight"), tier: text("tier") }
    }

    pub(crate) fn of_row(row: &CredentialRow) -> Self {
        Self {
            seen: state(row.updated_at),
            name: row.name.clone(),
            weight: row.weight.to_string(),
            tier: row.tier.to_string(),
        }
    }

    fn read(
        &self,
        fields: &Fields,
        provider: &ProviderRow,
        policy: &AddressPolicy,
        problems: &mut Problems,
    ) -> Read {
        let name = validation::name(&self.name).map_err(|reason| format!("The name {}", reason.message));
        let name = problems.check("name", name);
        let preset = preset(&provider.preset);
        let form = preset.map_or(CredentialForm::Key, CredentialForm::of);
        let secret = problems.check("credential", form.read(fields));
        let given = secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
        let too_long = |_| "The credential is too long. Paste it again.".to_owned();
        let credential = (!given.is_empty()).then(|| credential(given).map_err(too_long));
        let credential = credential.and_then(|given| problems.check("credential", given));
        if let (Some(preset), Some(credential)) = (preset, &credential) {
            check_credential(problems, policy, (preset, provider.base_url.as_deref()), Some(credential));
        }
        let weight = problems.check("weight", whole("weight", &self.weight, CREDENTIAL_WEIGHT, 1));
        let tier = problems.check("tier", whole("tier", &self.tier, CREDENTIAL_TIER, 0));
        Read { name, credential, weight, tier }
    }

    /// The credential to add.
    pub(crate) fn to_create(
        &self,
        fields: &Fields,
        provider: &ProviderRow,
        policy: &AddressPolicy,
    ) -> Result<NewCredential, Problems> {
        let mut problems = Problems::default();
        let read = self.read(fields, provider, policy, &mut problems);
        if read.credential.is_none() {
            problems.add("credential", "Enter the credential.");
        }
        match read {
            Read {
                name: Some(name),
                credential: Some(credential),
                weight: Some(weight),
                tier: Some(tier),
            } if problems.is_empty() => Ok(NewCredential { name, weight, tier, credential }),
            _ => Err(problems.in_order(ORDER)),
        }
    }

    /// The change of a credential. Without a secret, the stored one is kept.
    pub(crate) fn to_change(
        &self,
        fields: &Fields,
        provider: &ProviderRow,
        policy: &AddressPolicy,
    ) -> Result<CredentialChange, Problems> {
        let mut problems = Problems::default();
        let Read { name, credential, weight, tier } = self.read(fields, provider, policy, &mut problems);
        if !problems.is_empty() {
            return Err(problems.in_order(ORDER));
        }
        Ok(CredentialChange { name, weight, tier, credential, seen: seen(&self.seen) })
    }
}

/// Reads a whole number; an empty field is the usual one.
fn whole(what: &str, text: &str, range: RangeInclusive<i64>, usual: i32) -> Result<i32, String> {
    if text.is_empty() {
        return Ok(usual);
    }
    let number = text.parse::<i64>().ok().filter(|number| range.contains(number));
    number
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| format!("The {what} must be a whole number from {} to {}", range.start(), range.end()))
}
