//! A folder for the demo's database, which is removed when the demo ends.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::store::vault;

/// A folder that only its owner can read. Dropping it removes it with its content.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// # Errors
    /// The folder for temporary files is not writable.
    pub(super) fn create() -> anyhow::Result<Self> {
        let name = format!("failsoft-demo-{:016x}", u64::from_ne_bytes(vault::random::<8>()?));
        let path = std::env::temp_dir().join(name);
        let remedy = || {
            format!(
                "cannot make the folder {} for the demo; set TMPDIR to one that can be written",
                path.display()
            )
        };
        DirBuilder::new().mode(0o700).create(&path).with_context(remedy)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the demo's folder could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_private_and_goes_with_its_contents() {
        let folder = Folder::create().expect("a folder");
        let path = folder.path().to_owned();
        assert_eq!(path.metadata().expect("metadata").permissions().mode() & 0o777, 0o700);
        std::fs::write(path.join("demo.db"), "rows").expect("written");
        drop(folder);
        assert!(!path.exists());
    }
}
