//! Reads the master key from the environment or, with SQLite, from a file that only its owner can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{VaultError, decode_key, random};
use crate::config::Settings;

/// The current key. With SQLite and without `FAILSOFT_MASTER_KEY`, it is read from the key file. The file is created only
/// if the database is `fresh`, because a new key cannot decrypt existing secrets.
pub(super) fn load(settings: &Settings, fresh: bool) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    if let Some(key) = &settings.secrets.master_key {
        return decode_key(key.expose_secret(), "in FAILSOFT_MASTER_KEY or its file");
    }
    if !settings.database.is_sqlite() {
        return Err(VaultError::Missing);
    }
    let path = path(settings);
    match std::fs::read_to_string(&path) {
        Ok(text) => decode_key(&Zeroizing::new(text), &format!("in {}", path.display())),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound && fresh => create(path),
        Err(source) => Err(VaultError::File { path, source }),
    }
}

/// Checks that the current key has the form of a key, without a database. A missing file is created later.
pub(super) fn check_form(settings: &Settings) -> Result<(), VaultError> {
    if settings.secrets.master_key.is_none() && settings.database.is_sqlite() && !path(settings).exists() {
        return Ok(());
    }
    load(settings, false).map(|_| ())
}

/// The path of the key file: as configured, or next to the database.
pub(super) fn path(settings: &Settings) -> PathBuf {
    if let Some(path) = &settings.secrets.master_key_file {
        return path.clone();
    }
    let url = settings.database.url.expose().trim_start_matches("sqlite:").trim_start_matches("//");
    let database = url.split('?').next().unwrap_or(url);
    PathBuf::from(format!("{database}.key"))
}

/// Creates the file with a new key. It must not exist: if two processes start at the same time, the second reads the key
/// of the first.
fn create(path: PathBuf) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let key = Zeroizing::new(random::<32>()?);
    // Not the process id, because every container can have a process 1 on a shared volume.
    let temporary = path.with_extension(format!("key.{:016x}", u64::from_ne_bytes(random::<8>()?)));
    let write = || -> std::io::Result<()> {
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(Zeroizing::new(STANDARD.encode(*key)).as_bytes())?;
        file.sync_all()?;
        // A hard link fails if the file exists, and it makes the complete file visible at once.
        std::fs::hard_link(&temporary, &path)
    };
    let written = write();
    let _ = std::fs::remove_file(&temporary);
    match written {
        Ok(()) => Ok(key),
        Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| VaultError::File { path: path.clone(), source })?;
            decode_key(&Zeroizing::new(text), &format!("in {}", path.display()))
        }
        Err(source) => Err(VaultError::File { path, source }),
    }
}

/// The path of a new key next to the current one.
fn staged(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes a new key next to the current one.
pub(super) fn stage(path: &Path, key: &[u8; 32]) -> Result<(), VaultError> {
    let staged = staged(path);
    let fail = |source| VaultError::File { path: staged.clone(), source };
    discard_staged(path);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged).map_err(fail)?;
    file.write_all(Zeroizing::new(STANDARD.encode(key)).as_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)
}

/// The new key of an interrupted rotation, if there is one.
pub(super) fn load_staged(settings: &Settings) -> Option<Zeroizing<[u8; 32]>> {
    if settings.secrets.master_key.is_some() || !settings.database.is_sqlite() {
        return None;
    }
    let text = Zeroizing::new(std::fs::read_to_string(staged(&path(settings))).ok()?);
    decode_key(&text, "beside the key file").ok()
}

/// Replaces the current key with the new one atomically.
pub(super) fn promote(path: &Path) -> Result<(), VaultError> {
    std::fs::rename(staged(path), path).map_err(|source| VaultError::File { path: path.to_owned(), source })
}

/// Deletes the new key.
pub(super) fn discard_staged(path: &Path) {
    // Usually the file does not exist.
    let _ = std::fs::remove_file(staged(path));
}
