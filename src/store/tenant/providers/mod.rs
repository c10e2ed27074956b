//! Providers of an organization's models. Credentials are write-only.

pub(crate) mod credentials;
mod destination;
mod health;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, ProviderId};
use entity::providers;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, Select,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::audit::AuditEntry;
use super::limits::ProviderLimits;
use crate::domain::error::{Error, Violation};
use crate::providers::StreamOptions;
use crate::providers::aws::credential::AccessKey;
use crate::providers::service_account::recognized_by;
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{
    BidirectionalPage, Direction, Page, PageRequest, Position, equals, newest_first,
};
use crate::store::transaction::{Change, check_seen};
use crate::store::vault::Place;
use credentials::reset_health;
use destination::moves;
pub use health::ProviderHealth;

/// A provider without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderRow {
    /// The id of the provider.
    pub id: ProviderId,
    /// The name, unique among the providers of the organization that are not deleted.
    pub name: String,
    /// The name of its preset.
    pub preset: String,
    /// The base URL; `None` for that of the preset.
    pub base_url: Option<String>,
    /// Whether a credential is stored.
    pub has_credential: bool,
    /// The last four characters of the credential, if it is long enough; of a key file or an access key those of the key's id.
    pub credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`.
    pub health: String,
    /// Why it fails, redacted.
    pub health_message: Option<String>,
    /// When the health last changed.
    pub health_at: Option<DateTime<Utc>>,
    /// Whether it accepts `stream_options`.
    pub stream_options: StreamOptions,
    /// How much its account may do.
    #[serde(flatten)]
    pub limits: ProviderLimits,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A new provider. The fields are those of [`ProviderRow`].
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// The name of the resource.
    pub name: String,
    /// The name of the preset.
    pub preset: String,
    /// The base URL; `None` for that of the preset.
    pub base_url: Option<String>,
    /// The credential, which is encrypted before it is stored.
    pub credential: Option<SecretString>,
    /// Whether it accepts `stream_options`.
    pub stream_options: StreamOptions,
    /// How much its account may do.
    pub limits: ProviderLimits,
}

/// A change of a provider. `None` leaves a field unchanged; `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct ProviderChange {
    /// The name of the resource.
    pub name: Option<String>,
    /// The name of the preset.
    pub preset: Option<String>,
    /// The base URL. Clear it to use that of the preset.
    pub base_url: Option<Option<String>>,
    /// The credential for the provider.
    pub credential: Option<Option<SecretString>>,
    /// Whether it accepts `stream_options`.
    pub stream_options: Option<StreamOptions>,
    /// Requests per minute that its account may make.
    pub requests_per_minute: Option<Option<i64>>,
    /// Tokens per minute that its account may use.
    pub tokens_per_minute: Option<Option<i64>>,
    /// The expected time of the last change in microseconds; `None` for any.
    pub seen: Option<i64>,
}

/// Shorter credentials have no hint, because four characters would reveal too much of them.
const HINTED: usize = 12;
const HINT: usize = 4;

/// The place that a sealed credential is bound to.
pub(in crate::store) fn credential_place(organization_id: OrganizationId, id: ProviderId) -> Place<'static> {
    Place { organization: organization_id.0, row: id.0, field: "credential" }
}

impl OrgStore {
    /// Creates a provider.
    ///
    /// # Errors
    /// [`Error::Conflict`]: a provider of that name exists.
    pub async fn provider_create(&self, new: NewProvider) -> Result<ProviderRow, Error> {
        let change = self.change().await?;
        self.check_provider_name(&change, &new.name, None).await?;
        let id = ProviderId(self.clock().new_id());
        let now = self.clock().now();
        let row = providers::ActiveModel {
            id: Set(id),
            organization_id: Set(self.organization_id),
            name: Set(new.name),
            preset: Set(new.preset),
            base_url: Set(new.base_url),
            credential: Set(self.seal(id, new.credential.as_ref())?),
            credential_hint: Set(new.credential.as_ref().and_then(hint)),
            credential_name: Set(None),
            credential_weight: Set(None),
            credential_tier: Set(None),
            health: Set("unknown".to_owned()),
            health_message: Set(None),
            health_at: Set(None),
            health_noted_at: Set(None),
            health_changes: Set(0),
            stream_options: Set(stored(new.stream_options)),
            requests_per_minute: Set(new.limits.requests_per_minute),
            tokens_per_minute: Set(new.limits.tokens_per_minute),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        let row = ProviderRow::from(row.insert(change.on()).await?);
        change.audit(entry("provider.create", None, Some(&row), &row)?).await?;
        change.commit().await?;
        Ok(row)
    }

    /// A page of providers, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn provider_list(&self, page: &PageRequest) -> Result<Page<ProviderRow>, Error> {
        let keyset = (providers::Column::CreatedAt, providers::Column::Id);
        let rows = newest_first(self.providers(), keyset, page.cursor, page.limit.saturating_add(1))
            .all(self.reader())
            .await?;
        let page = Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.id.0 });
        Ok(page.map(ProviderRow::from))
    }

    /// A page of providers, newest first, in either direction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn provider_page(
        &self,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<ProviderRow>, Error> {
        let keyset = (providers::Column::CreatedAt, providers::Column::Id);
        let position = |row: &providers::Model| Position { created_at: row.created_at, id: row.id.0 };
        let page = read_page(self.reader(), self.providers(), keyset, direction, limit, position).await?;
        let (rows, rest) = page.split();
        Ok(rest.with(rows.into_iter().map(ProviderRow::from).collect()))
    }

    /// The provider of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn provider_find(&self, id: ProviderId) -> Result<Option<ProviderRow>, Error> {
        Ok(self.provider(self.reader(), id).await?.map(ProviderRow::from))
    }

    /// Changes a provider. `None` if no provider has that id. A new base URL or credential resets the health.
    ///
    /// # Errors
    /// [`Error::Conflict`]: another provider has the new name. [`Error::Invalid`] on `credential`: the stored credential
    /// would be sent to another address, so it must be entered again. [`Error::Conflict`] also: so would further ones.
    pub async fn provider_change(
        &self,
        id: ProviderId,
        to: ProviderChange,
    ) -> Result<Option<ProviderRow>, Error> {
        let change = self.change().await?;
        let Some(row) = self.provider(change.on(), id).await? else { return Ok(None) };
        check_seen(to.seen, row.updated_at)?;
        if let Some(name) = &to.name {
            self.check_provider_name(&change, name, Some(id)).await?;
        }
        let before = ProviderRow::from(row.clone());
        let moves = moves(&before, &to);
        if moves && before.has_credential && to.credential.is_none() {
            return Err(credential_needed());
        }
        if moves && self.has_further_credentials(change.on(), id).await? {
            return Err(further_credentials_stay(&before.name));
        }
        let now = self.clock().now();
        let mut row = row.into_active_model();
        if moves || to.credential.is_some() {
            reset_health(&mut row, now);
        }
        row.name = to.name.map_or(row.name, Set);
        row.preset = to.preset.map_or(row.preset, Set);
        row.base_url = to.base_url.map_or(row.base_url, Set);
        row.stream_options = to.stream_options.map_or(row.stream_options, |to| Set(stored(to)));
        row.requests_per_minute = to.requests_per_minute.map_or(row.requests_per_minute, Set);
        row.tokens_per_minute = to.tokens_per_minute.map_or(row.tokens_per_minute, Set);
        if let Some(credential) = to.credential {
            row.credential = Set(self.seal(id, credential.as_ref())?);
            row.credential_hint = Set(credential.as_ref().and_then(hint));
        }
        row.updated_at = Set(now);
        let after = ProviderRow::from(row.update(change.on()).await?);
        if let Some(field) = redefined(&before, &after) {
            self.check_catalog_right(&change, field).await?;
        }
        change.audit(entry("provider.change", Some(&before), Some(&after), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a provider with its error mappings, erases its credentials, and returns it. `None` if no provider has that id.
    ///
    /// # Errors
    /// [`Error::Conflict`]: it serves models.
    pub async fn provider_delete(&self, id: ProviderId) -> Result<Option<ProviderRow>, Error> {
        let change = self.change().await?;
        let Some(row) = self.provider(change.on(), id).await? else { return Ok(None) };
        let before = ProviderRow::from(row.clone());
        let models = self.model_names_of_provider(change.on(), id).await?;
        if !models.is_empty() {
            let message = format!(
                "the provider '{}' serves the models '{}': delete them, or move them to another provider, first",
                before.name,
                models.join("', '")
            );
            return Err(Error::Conflict { message });
        }
        let now = self.clock().now();
        let mut row = row.into_active_model();
        row.credential = Set(None);
        row.credential_hint = Set(None);
        row.deleted_at = Set(Some(now));
        row.updated_at = Set(now);
        row.update(change.on()).await?;
        self.error_mappings_end(&change, id).await?;
        self.further_credentials_end(&change, id).await?;
        change.audit(entry("provider.delete", Some(&before), None, &before)?).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    fn providers(&self) -> Select<providers::Entity> {
        providers::Entity::find()
            .filter(providers::Column::OrganizationId.eq(self.organization_id))
            .filter(providers::Column::DeletedAt.is_null())
    }

    /// The row of a provider that is not deleted.
    pub(in crate::store) async fn provider(
        &self,
        on: &impl ConnectionTrait,
        id: ProviderId,
    ) -> Result<Option<providers::Model>, Error> {
        Ok(self.providers().filter(providers::Column::Id.eq(id)).one(on).await?)
    }

    async fn check_provider_name(
        &self,
        change: &Change,
        name: &str,
        own: Option<ProviderId>,
    ) -> Result<(), Error> {
        let holder = self.providers().filter(equals(providers::Column::Name, name)).one(change.on()).await?;
        if holder.is_none_or(|holder| Some(holder.id) == own) {
            return Ok(());
        }
        let message =
            format!("a provider called '{name}' exists already: choose another name, or change that one");
        Err(Error::Conflict { message })
    }

    fn seal(&self, id: ProviderId, credential: Option<&SecretString>) -> Result<Option<Vec<u8>>, Error> {
        let place = credential_place(self.organization_id, id);
        let vault = &self.store.inner.vault;
        credential.map(|credential| vault.seal(place, credential)).transpose().map_err(Error::internal)
    }
}

impl From<providers::Model> for ProviderRow {
    fn from(row: providers::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            preset: row.preset,
            base_url: row.base_url,
            has_credential: row.credential.is_some(),
            credential_hint: row.credential_hint,
            health: row.health,
            health_message: row.health_message,
            health_at: row.health_at,
            stream_options: stream_options(row.stream_options.as_deref()),
            limits: ProviderLimits {
                requests_per_minute: row.requests_per_minute,
                tokens_per_minute: row.tokens_per_minute,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The value of the column; `None` for the value of the preset.
fn stored(setting: StreamOptions) -> Option<String> {
    (setting != StreamOptions::Auto).then(|| setting.as_str().to_owned())
}

/// Reads the column. An absent value, or a word of a newer release, means the value of the preset.
pub(in crate::store) fn stream_options(column: Option<&str>) -> StreamOptions {
    column.and_then(StreamOptions::parse).unwrap_or_default()
}

/// The first changed field that decides what the provider's models are or cost: built-in prices follow the preset.
fn redefined(before: &ProviderRow, after: &ProviderRow) -> Option<&'static str> {
    let fields = [
        ("preset", before.preset != after.preset),
        ("base_url", before.base_url != after.base_url),
        // Without a reported usage, costs are estimates.
        ("stream_options", before.stream_options != after.stream_options),
    ];
    fields.into_iter().find(|(_, changed)| *changed).map(|(field, _)| field)
}

fn entry(
    action: &'static str,
    before: Option<&ProviderRow>,
    after: Option<&ProviderRow>,
    named: &ProviderRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "provider", named.id.0, &named.name, before, after)
}

/// The violation of a `provider_id` that the organization does not have.
#[must_use]
pub fn unknown_provider(id: ProviderId) -> Violation {
    let message = format!("no such provider: '{id}'. Use the id of a provider of this organization");
    Violation::body("provider_id", "value_error", message)
}

fn credential_needed() -> Error {
    let message = "the change would send the stored credential to another vendor, scheme, host or port: give the \
                   credential again, or null to remove it";
    Error::Invalid(vec![Violation::body("credential", "value_error", message)])
}

fn further_credentials_stay(name: &str) -> Error {
    let message = format!(
        "the change would send the further credentials of the provider '{name}' to another vendor, scheme, host or port: \
         remove them first, and add them again afterward"
    );
    Error::Conflict { message }
}

fn hint(credential: &SecretString) -> Option<String> {
    let key = AccessKey::parse(credential.expose_secret());
    let text: Cow<'_, str> = match &key {
        Ok(key) => key.id.as_str().into(),
        Err(_) => recognized_by(credential.expose_secret()),
    };
    let characters = text.chars();
    let length = characters.clone().count();
    (length >= HINTED).then(|| characters.skip(length - HINT).collect())
}
