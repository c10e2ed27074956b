//! Providers: where an organization's models are served. A credential goes in and never comes out again.

mod health;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, ProviderId};
use entity::providers;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, Select,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::{Origin, Url};

use super::audit::AuditEntry;
use crate::domain::error::{Error, Violation};
use crate::providers::{StreamOptions, preset};
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{
    BidirectionalPage, Direction, Page, PageRequest, Position, equals, newest_first,
};
use crate::store::transaction::{Change, check_seen};
use crate::store::vault::Place;
pub use health::ProviderHealth;

/// A provider of an organization's catalogue, without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderRow {
    /// Its id.
    pub id: ProviderId,
    /// Its name, unique among the organization's living providers.
    pub name: String,
    /// The preset that it follows, by name.
    pub preset: String,
    /// Its own address. None: the preset's.
    pub base_url: Option<String>,
    /// Whether a credential is stored.
    pub has_credential: bool,
    /// The credential's last four characters, where it is long enough to show them.
    pub credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`.
    pub health: String,
    /// Why it is failing, redacted.
    pub health_message: Option<String>,
    /// Since when the health is what it is.
    pub health_at: Option<DateTime<Utc>>,
    /// Whether it takes `stream_options`.
    pub stream_options: StreamOptions,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A provider to be made. The fields are those of [`ProviderRow`].
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// Its name.
    pub name: String,
    /// The preset's name.
    pub preset: String,
    /// Its own address, or none for the preset's.
    pub base_url: Option<String>,
    /// Its credential, which is sealed before it is stored.
    pub credential: Option<SecretString>,
    /// Whether it takes `stream_options`.
    pub stream_options: StreamOptions,
}

/// What to change about a provider. An outer none leaves the field as it is; an inner one clears it.
#[derive(Debug, Clone, Default)]
pub struct ProviderChange {
    /// Its name.
    pub name: Option<String>,
    /// The preset's name.
    pub preset: Option<String>,
    /// Its own address; cleared it has the preset's.
    pub base_url: Option<Option<String>>,
    /// Its credential.
    pub credential: Option<Option<SecretString>>,
    /// Whether it takes `stream_options`.
    pub stream_options: Option<StreamOptions>,
    /// The state that the change is made for, as the microsecond of its last change. None: whatever it is.
    pub seen: Option<i64>,
}

/// Credentials of fewer characters have no hint: four of them would be too large a part.
const HINTED: usize = 12;
const HINT: usize = 4;

/// What a provider's sealed credential is bound to.
pub(in crate::store) fn credential_place(organization_id: OrganizationId, id: ProviderId) -> Place<'static> {
    Place { organization: organization_id.0, row: id.0, field: "credential" }
}

impl OrgStore {
    /// Makes a provider.
    ///
    /// # Errors
    /// [`Error::Conflict`]: a living provider has that name.
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
            health: Set("unknown".to_owned()),
            health_message: Set(None),
            health_at: Set(None),
            health_noted_at: Set(None),
            health_changes: Set(0),
            stream_options: Set(stored(new.stream_options)),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        let row = ProviderRow::from(row.insert(change.on()).await?);
        change.audit(entry("provider.create", None, Some(&row), &row)?).await?;
        change.commit().await?;
        Ok(row)
    }

    /// A page of the living providers, newest first.
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

    /// The living providers, newest first, a page at a time, in both directions.
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

    /// The living provider of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn provider_find(&self, id: ProviderId) -> Result<Option<ProviderRow>, Error> {
        Ok(self.provider(self.reader(), id).await?.map(ProviderRow::from))
    }

    /// Changes a provider; none if there is no living one of that id. What was known about its health is
    /// forgotten when another address or credential is used from now on.
    ///
    /// # Errors
    /// [`Error::Conflict`]: another living provider has the new name. [`Error::Invalid`] on `credential`: the
    /// stored one would go to another address, so it must be given again.
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
        let now = self.clock().now();
        let mut row = row.into_active_model();
        if moves || to.credential.is_some() {
            row.health = Set("unknown".to_owned());
            row.health_message = Set(None);
            row.health_at = Set(Some(now));
            // Another credential starts over.
            row.health_noted_at = Set(None);
            row.health_changes = Set(0);
        }
        row.name = to.name.map_or(row.name, Set);
        row.preset = to.preset.map_or(row.preset, Set);
        row.base_url = to.base_url.map_or(row.base_url, Set);
        row.stream_options = to.stream_options.map_or(row.stream_options, |to| Set(stored(to)));
        if let Some(credential) = to.credential {
            row.credential = Set(self.seal(id, credential.as_ref())?);
            row.credential_hint = Set(credential.as_ref().and_then(hint));
        }
        row.updated_at = Set(now);
        let after = ProviderRow::from(row.update(change.on()).await?);
        change.audit(entry("provider.change", Some(&before), Some(&after), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a provider with its error mappings and wipes its credential; returns it as it was, or none if there is no living one of
    /// that id.
    ///
    /// # Errors
    /// [`Error::Conflict`]: living models are served by it.
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
        change.audit(entry("provider.delete", Some(&before), None, &before)?).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    fn providers(&self) -> Select<providers::Entity> {
        providers::Entity::find()
            .filter(providers::Column::OrganizationId.eq(self.organization_id))
            .filter(providers::Column::DeletedAt.is_null())
    }

    /// The living provider's row.
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
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// What the column holds: nothing where the preset decides.
fn stored(setting: StreamOptions) -> Option<String> {
    (setting != StreamOptions::Auto).then(|| setting.as_str().to_owned())
}

/// What the column says; the preset decides where it says nothing, or a word of a later version of the program.
pub(in crate::store) fn stream_options(column: Option<&str>) -> StreamOptions {
    column.and_then(StreamOptions::parse).unwrap_or_default()
}

fn entry(
    action: &'static str,
    before: Option<&ProviderRow>,
    after: Option<&ProviderRow>,
    named: &ProviderRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "provider", named.id.0, &named.name, before, after)
}

/// Would the credential go elsewhere: to another vendor, scheme, host or port? Else whoever may change an address
/// could have the credential sent to a machine of their own, and read it there.
fn moves(before: &ProviderRow, to: &ProviderChange) -> bool {
    let new_preset = to.preset.as_ref().unwrap_or(&before.preset);
    let new_base_url = to.base_url.as_ref().unwrap_or(&before.base_url);
    before.preset != *new_preset
        || destination(&before.preset, before.base_url.as_deref())
            != destination(new_preset, new_base_url.as_deref())
}

/// Where calls go. What is no address equals nothing, not even itself.
fn destination(preset_name: &str, base_url: Option<&str>) -> Option<Origin> {
    let address = base_url.or_else(|| preset(preset_name)?.base_url)?;
    Some(Url::parse(address).map_or_else(|_| Origin::new_opaque(), |url| url.origin()))
}

fn credential_needed() -> Error {
    let message = "the change would send the stored credential to another vendor, scheme, host or port: give the \
                   credential again, or null to remove it";
    Error::Invalid(vec![Violation::body("credential", "value_error", message)])
}

fn hint(credential: &SecretString) -> Option<String> {
    let characters = credential.expose_secret().chars();
    let length = characters.clone().count();
    (length >= HINTED).then(|| characters.skip(length - HINT).collect())
}
