//! One unit of the archive: the objects of a table, an organization and a day, and their manifests.
//!
//! An object is written under a name that no reader of the archive looks for, read back, compared, and renamed. Then its
//! manifest is created, which is what makes it part of the archive: until then nothing is deleted from the database, and
//! an object without a manifest is written again. Names depend only on the unit and the number of the object.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::OrganizationId;
use object_store::path::Path;
use object_store::{Error as StorageError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::ArchiveError;
use super::object::{self, Content, Object, ObjectWriter};
use super::table::{ArchivedRow, Table};

/// The form of manifests and objects.
const FORMAT: u32 = 1;

/// What is archived together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnitKey {
    pub(super) organization: OrganizationId,
    /// The UTC day in which the ids of the rows were made.
    pub(super) day: NaiveDate,
}

/// The entry of an object: what it holds, so that it can be checked at any time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    table: String,
    organization_id: OrganizationId,
    day: NaiveDate,
    /// The name of the object, in the folder of the manifest.
    pub(super) object: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The algorithm, a colon, and hexadecimal digits.
    pub(super) checksum: String,
    first_id: Uuid,
    last_id: Uuid,
    archived_at: DateTime<Utc>,
}

impl Manifest {
    /// Writes the line of a new object to the log.
    pub(super) fn log(&self) {
        let Self { table, organization_id, day, object, rows, bytes, .. } = self;
        tracing::info!(%table, organization = %organization_id, %day, %object, rows, bytes, "records were archived");
    }
}

/// An object that is part of the archive. Its ids are read when a row may be one of them.
#[derive(Debug)]
struct Archived {
    manifest: Manifest,
    ids: Option<Vec<Uuid>>,
}

/// A unit that rows are added to, in the order of their ids.
pub(super) struct Unit<'a> {
    storage: &'a dyn ObjectStore,
    table: &'static Table,
    key: UnitKey,
    archived: Vec<Archived>,
    /// The number of the next object.
    next: u32,
    writer: Option<ObjectWriter>,
    now: DateTime<Utc>,
}

impl<'a> Unit<'a> {
    /// Reads the manifests of a unit, and removes what an interrupted process has left.
    pub(super) async fn open(
        storage: &'a dyn ObjectStore,
        table: &'static Table,
        key: UnitKey,
        now: DateTime<Utc>,
    ) -> Result<Self, ArchiveError> {
        let mut unit = Self { storage, table, key, archived: Vec::new(), next: 0, writer: None, now };
        let found = storage.list_with_delimiter(Some(&folder(table, key))).await?.objects;
        let mut found: BTreeMap<String, Path> = found
            .into_iter()
            .filter_map(|object| Some((object.location.filename()?.to_owned(), object.location)))
            .collect();
        let manifests = found.extract_if(.., |name, _| name.starts_with("_manifest-")).collect::<Vec<_>>();
        for (name, path) in manifests {
            let text = storage.get(&path).await?.bytes().await?;
            let manifest: Manifest = serde_json::from_slice(&text)
                .map_err(|_| ArchiveError::Manifest { path: path.to_string() })?;
            if manifest.format != FORMAT {
                return Err(ArchiveError::Manifest { path: path.to_string() });
            }
            let number = name.bytes().filter(u8::is_ascii_digit).fold(0_u32, |number, digit| {
                number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
            });
            unit.next = unit.next.max(number.saturating_add(1));
            // An object that the operator has moved away is no longer part of the archive.
            if found.remove(&manifest.object).is_some() {
                unit.archived.push(Archived { manifest, ids: None });
            }
        }
        for (name, path) in found.iter().filter(|(name, _)| is_ours(name)) {
            tracing::debug!(object = %name, "removing what an interrupted process has left");
            storage.delete(path).await?;
        }
        Ok(unit)
    }

    pub(super) fn key(&self) -> UnitKey {
        self.key
    }

    /// Adds rows, except those that an object of the archive has. Returns the manifests of the objects that became full.
    pub(super) async fn push<R: ArchivedRow>(
        &mut self,
        rows: Vec<R>,
    ) -> Result<Option<Manifest>, ArchiveError> {
        let mut new = Vec::with_capacity(rows.len());
        for row in rows {
            if !self.has(row.id()).await? {
                new.push(row);
            }
        }
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => ObjectWriter::new(self.table)?,
        };
        // Compressing takes long for a thread that others share.
        let writer = blocking(move || {
            let mut writer = writer;
            new.iter().try_for_each(|row| writer.push(row))?;
            Ok(writer)
        })
        .await?;
        let is_full = writer.is_full();
        self.writer = Some(writer);
        if is_full { self.finish_object().await } else { Ok(None) }
    }

    /// Writes the rows that are not in an object yet.
    pub(super) async fn finish_object(&mut self) -> Result<Option<Manifest>, ArchiveError> {
        let Some(writer) = self.writer.take() else { return Ok(None) };
        let Some(object) = blocking(move || Ok(writer.finish()?)).await? else { return Ok(None) };
        self.store(object).await.map(Some)
    }

    /// Whether an object of the archive has the row.
    async fn has(&mut self, id: Uuid) -> Result<bool, ArchiveError> {
        for archived in &mut self.archived {
            let Manifest { first_id, last_id, .. } = archived.manifest;
            if id > last_id {
                archived.ids = None;
            }
            if id < first_id || id > last_id {
                continue;
            }
            let ids = match archived.ids.take() {
                Some(ids) => ids,
                None => ids(self.storage, self.table, self.key, &archived.manifest).await?,
            };
            let found = ids.binary_search(&id).is_ok();
            archived.ids = Some(ids);
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn store(&mut self, object: Object) -> Result<Manifest, ArchiveError> {
        let number = self.next;
        let name = format!("part-{number:05}.parquet");
        let new = folder(self.table, self.key).join(format!("_new-{number:05}.parquet"));
        let path = folder(self.table, self.key).join(name.as_str());
        let length = object.bytes.len();
        let (rows, checksum) = (object.rows, object.checksum.clone());
        self.storage.put(&new, object.bytes.clone().into()).await?;
        let back = self.storage.get(&new).await?.bytes().await?;
        let same = back == object.bytes;
        let content = content(self.table, back).await;
        if !same || !content.is_ok_and(|content| content.rows == rows && content.checksum == checksum) {
            return Err(ArchiveError::Different { path: path.to_string() });
        }
        self.storage.rename(&new, &path).await?;
        if self.storage.head(&path).await?.size != length as u64 {
            return Err(ArchiveError::Different { path: path.to_string() });
        }
        let manifest = Manifest {
            format: FORMAT,
            table: self.table.name.to_owned(),
            organization_id: self.key.organization,
            day: self.key.day,
            object: name,
            rows,
            bytes: length as u64,
            checksum: format!("blake3:{checksum}"),
            first_id: object.first_id,
            last_id: object.last_id,
            archived_at: self.now,
        };
        self.create_manifest(number, &manifest).await?;
        self.next += 1;
        self.archived.push(Archived { manifest: manifest.clone(), ids: None });
        Ok(manifest)
    }

    /// Creates the manifest, which adds the object to the archive. It fails if another process has done so.
    async fn create_manifest(&self, number: u32, manifest: &Manifest) -> Result<(), ArchiveError> {
        let path = folder(self.table, self.key).join(format!("_manifest-{number:05}.json"));
        let text = Bytes::from(serde_json::to_vec_pretty(manifest).map_err(|_| ArchiveError::Interrupted)?);
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.storage.put_opts(&path, text.clone().into(), create).await {
            // Not every storage has this condition. The lease has it as well, for as long as it is held.
            Err(StorageError::NotImplemented { .. } | StorageError::NotSupported { .. }) => {
                self.storage.put(&path, text.into()).await?;
            }
            created => drop(created?),
        }
        Ok(())
    }
}

/// Writes, lists, reads and deletes an object.
pub(super) async fn check(storage: &dyn ObjectStore) -> Result<(), ArchiveError> {
    let path = Path::from("_check");
    let text = Bytes::from_static(b"failsoft check\n");
    storage.put(&path, text.clone().into()).await?;
    let listed = storage.list_with_delimiter(None).await?.objects;
    let back = storage.get(&path).await?.bytes().await?;
    storage.delete(&path).await?;
    if listed.is_empty() || back != text {
        return Err(ArchiveError::Different { path: path.to_string() });
    }
    Ok(())
}

/// The folder of a unit, in the form in which query engines find partitions.
fn folder(table: &Table, UnitKey { organization, day }: UnitKey) -> Path {
    Path::from(format!("{}/organization={organization}/day={day}", table.name))
}

/// Whether an object that no manifest names may be removed: it has a name that only we give.
fn is_ours(name: &str) -> bool {
    name.ends_with(".parquet") && (name.starts_with("part-") || name.starts_with("_new-"))
}

/// The ids of the rows of an object, which is checked against its manifest.
async fn ids(
    storage: &dyn ObjectStore,
    table: &'static Table,
    key: UnitKey,
    manifest: &Manifest,
) -> Result<Vec<Uuid>, ArchiveError> {
    let path = folder(table, key).join(manifest.object.as_str());
    let bytes = storage.get(&path).await?.bytes().await?;
    let Content { rows, checksum, ids } = content(table, bytes).await?;
    if rows != manifest.rows || manifest.checksum != format!("blake3:{checksum}") {
        return Err(ArchiveError::Different { path: path.to_string() });
    }
    Ok(ids)
}

async fn content(table: &'static Table, bytes: Bytes) -> Result<Content, ArchiveError> {
    blocking(move || Ok(object::read(table, bytes)?)).await
}

/// Runs work that takes long on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ArchiveError::Interrupted)?
}
