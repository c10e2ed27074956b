//! Where the master key comes from: the environment, or with SQLite a file that only its owner can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{VaultError, decode_key, random};
use crate::config::Settings;

/// The key in use. With SQLite and no `FAILSOFT_MASTER_KEY` it is read from the key file, which is made only while
/// the database is `fresh`: a new key could not open what an old one sealed.
pub(super) fn load(settings: &Settings, fresh: bool) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    if let Some(key) = &settings.secrets.master_key {
        return decode_key(key.expose_secret(), "in FAILSOFT_MASTER_KEY");
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

/// The key file: as configured, or beside the database.
pub(super) fn path(settings: &Settings) -> PathBuf {
    if let Some(path) = &settings.secrets.master_key_file {
        return path.clone();
    }
    let url = settings.database.url.trim_start_matches("sqlite:").trim_start_matches("//");
    let database = url.split('?').next().unwrap_or(url);
    PathBuf::from(format!("{database}.key"))
}

/// Makes the file with a new key. It must not exist: of two first starts at once, the slower one reads the other's.
fn create(path: PathBuf) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let key = Zeroizing::new(random::<32>()?);
    // Not the process id: in containers that share a volume every process is number 1.
    let temporary = path.with_extension(format!("key.{:016x}", u64::from_ne_bytes(random::<8>()?)));
    let write = || -> std::io::Result<()> {
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(Zeroizing::new(STANDARD.encode(*key)).as_bytes())?;
        file.sync_all()?;
        // A hard link fails if the name is taken, and the file behind it is whole from its first moment.
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

/// Puts a new key in the place of the old one, whole or not at all.
pub(super) fn replace(path: &std::path::Path, key: &[u8; 32]) -> Result<(), VaultError> {
    let fail = |source| VaultError::File { path: path.to_owned(), source };
    let temporary = path.with_extension("key.new");
    let _ = std::fs::remove_file(&temporary);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(fail)?;
    file.write_all(Zeroizing::new(STANDARD.encode(key)).as_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&temporary, path).map_err(fail)
}
