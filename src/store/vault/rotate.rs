//! Rotates the master key: encrypts all secrets again in one transaction.

use chrono::{DateTime, Utc};
use entity::{instance_secrets, provider_credentials, providers};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, DbBackend,
    EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{CHECK, Place, Sealer, VaultError, decode_key, master_key, random, version_of};
use crate::config::Settings;
use crate::store::Store;
use crate::store::database::connections::Transaction;

/// Encrypts every secret again with a new key: `new_key` in base64 or, with SQLite, a random one that replaces the key
/// file. Returns the number of values. Other processes must be stopped, because they use the old key.
///
/// # Errors
/// The new key is malformed, the database fails, or the key file cannot be written. Nothing is changed then.
pub async fn rotate(
    store: &Store,
    settings: &Settings,
    new_key: Option<&SecretString>,
) -> Result<usize, VaultError> {
    let key = match new_key {
        Some(text) => decode_key(text.expose_secret(), "in FAILSOFT_NEW_MASTER_KEY")?,
        None if settings.secrets.master_key.is_none() => random::<32>()?.into(),
        None => return Err(VaultError::Malformed { origin: "FAILSOFT_NEW_MASTER_KEY (not set)".to_owned() }),
    };
    let old = &store.inner.vault.sealer;
    let new = Sealer::new(&key, old.version + 1);
    let transaction = begin_alone(store).await?;
    let count = reseal(&transaction, old, &new, store.inner.clock.now()).await?;
    if settings.secrets.master_key.is_none() {
        // Both keys are on disk until the database uses the new one. A start after a crash tries the new one first.
        let path = master_key::path(settings);
        master_key::stage(&path, &key)?;
        if let Err(error) = transaction.commit().await {
            master_key::discard_staged(&path);
            return Err(error.into());
        }
        master_key::promote(&path)?;
    } else {
        transaction.commit().await?;
    }
    Ok(count)
}

/// Begins a transaction that prevents writes of providers, which would be sealed with the old key.
async fn begin_alone(store: &Store) -> Result<Transaction, VaultError> {
    let transaction = store.begin().await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared(
                "LOCK TABLE providers, provider_credentials, instance_secrets IN SHARE ROW EXCLUSIVE MODE",
            )
            .await?;
    }
    Ok(transaction)
}

async fn reseal(
    transaction: &Transaction,
    old: &Sealer,
    new: &Sealer,
    now: DateTime<Utc>,
) -> Result<usize, VaultError> {
    let mut count = 0;
    for row in instance_secrets::Entity::find().all(transaction).await? {
        let place_name = row.name.clone();
        let plain = old.open(Place::instance(&place_name), &row.sealed)?;
        let mut row = row.into_active_model();
        row.sealed = Set(new.seal(Place::instance(&place_name), &plain)?);
        row.updated_at = Set(now);
        row.update(transaction).await?;
        count += 1;
    }
    let sealed = providers::Entity::find().filter(providers::Column::Credential.is_not_null());
    for row in sealed.all(transaction).await? {
        let place = crate::store::tenant::providers::credential_place(row.organization_id, row.id);
        let plain = old.open(place, row.credential.as_deref().unwrap_or_default())?;
        let mut row = row.into_active_model();
        row.credential = Set(Some(new.seal(place, &plain)?));
        row.update(transaction).await?;
        count += 1;
    }
    for row in provider_credentials::Entity::find().all(transaction).await? {
        let place = crate::store::tenant::providers::credentials::further_place(row.organization_id, row.id);
        let plain = old.open(place, &row.credential)?;
        let mut row = row.into_active_model();
        row.credential = Set(new.seal(place, &plain)?);
        row.update(transaction).await?;
        count += 1;
    }
    // Verifies the check value before the old key is deleted.
    let check = instance_secrets::Entity::find_by_id(CHECK.to_owned())
        .one(transaction)
        .await?
        .ok_or(VaultError::Damaged)?;
    new.open(Place::instance(CHECK), &check.sealed)?;
    debug_assert_eq!(version_of(&check.sealed).ok(), Some(new.version));
    Ok(count)
}
