//! A storage that fails when a test wants it to, and what is in an archive.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use entity::{fallback_events, requests};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use uuid::Uuid;

use super::object;
use super::table::ArchivedRow as _;
use super::unit::Manifest;

/// A storage in memory that fails once, as it would for a process that is killed.
#[derive(Debug, Default)]
pub(in crate::store) struct Faulty {
    pub(in crate::store) inner: InMemory,
    /// The number of operations until one fails; 0 for none.
    pub(in crate::store) fails_in: AtomicI64,
    /// Whether the operation that fails takes effect.
    pub(in crate::store) takes_effect: AtomicBool,
    /// Whether one byte of each object that is read differs.
    pub(in crate::store) is_damaged: AtomicBool,
}

impl Faulty {
    /// Fails the operation if it is its turn.
    async fn run<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        if self.fails_in.fetch_sub(1, Ordering::Relaxed) != 1 {
            return operation.await;
        }
        if self.takes_effect.load(Ordering::Relaxed) {
            operation.await?;
        }
        Err(object_store::Error::Generic { store: "faulty", source: "killed".into() })
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.run(self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let mut got = self.run(self.inner.get_opts(path, options)).await?;
        if self.is_damaged.load(Ordering::Relaxed) && !is_head {
            let (meta, range, attributes) = (got.meta.clone(), got.range.clone(), got.attributes.clone());
            let mut bytes = got.bytes().await?.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            let payload =
                GetResultPayload::Stream(futures_util::stream::once(async { Ok(bytes.into()) }).boxed());
            got = GetResult {
                payload,
                meta,
                range,
                attributes,
                ..self.inner.get_opts(path, GetOptions::default()).await?
            };
        }
        Ok(got)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.run(self.inner.copy_opts(from, to, options)).await
    }
}

/// What is in an archive.
#[derive(Debug, Default)]
pub(in crate::store) struct Found {
    /// The ids of all rows, in order.
    pub(in crate::store) ids: Vec<Uuid>,
    /// The objects that no manifest names.
    pub(in crate::store) strays: Vec<String>,
}

/// Reads an archive, and compares every object with its manifest.
pub(in crate::store) async fn archived(storage: &dyn ObjectStore) -> Found {
    let mut found = Found::default();
    for table in [requests::Model::table(), fallback_events::Model::table()] {
        let objects =
            storage.list(Some(&Path::from(table.name))).map_ok(|object| object.location.to_string());
        let mut objects: BTreeSet<String> = objects.try_collect().await.expect("listed");
        let manifests: Vec<String> = objects.extract_if(.., |name| name.ends_with(".json")).collect();
        for path in manifests {
            let manifest: Manifest = serde_json::from_slice(&read(storage, &path).await).expect("a manifest");
            let folder = path.rsplit_once('/').expect("a folder").0;
            let object = format!("{folder}/{}", manifest.object);
            let bytes = read(storage, &object).await;
            assert_eq!(bytes.len() as u64, manifest.bytes);
            let content = object::read(table, bytes).expect("readable");
            assert_eq!(content.rows, manifest.rows);
            assert_eq!(format!("blake3:{}", content.checksum), manifest.checksum);
            assert!(objects.remove(&object), "{object} has two manifests");
            found.ids.extend(content.ids);
        }
        found.strays.extend(objects);
    }
    found.ids.sort_unstable();
    found
}

async fn read(storage: &dyn ObjectStore, path: &str) -> Bytes {
    storage.get(&Path::from(path)).await.expect("an object").bytes().await.expect("read")
}
