//! A lock that allows one server per SQLite file.
//!
//! A server that starts on a SQLite file closes all running streams, because it assumes that their process is dead. Two
//! servers would close each other's streams and count them twice. The operating system releases the lock when the
//! process ends. PostgreSQL needs no lock, because processes write heartbeats.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::config::database::Database as Section;

/// The most symbolic links that are followed, as in the operating system.
const MOST_LINKS: usize = 40;

/// The lock of a server on its database. Dropping it releases the lock.
#[derive(Debug)]
pub struct Claim {
    _lock: Option<File>,
}

/// Why a server must not start, with the cause and the remedy in one line.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another server holds the lock.
    #[error(
        "another server runs on the database {0}: stop it first, or give this one a database of its own. Several servers share a PostgreSQL database, never a SQLite file"
    )]
    Taken(PathBuf),
    /// The file cannot be locked.
    #[error("cannot lock {0}: {1}. Check that the folder of the database can be written")]
    Failed(PathBuf, #[source] io::Error),
}

impl Claim {
    /// Locks a database for this process. A missing folder is not an error here, because opening the database reports it.
    ///
    /// # Errors
    /// Another process holds the lock, or the lock file cannot be locked.
    pub fn take(section: &Section) -> Result<Self, ClaimError> {
        let Some(path) = file(section) else { return Ok(Self { _lock: None }) };
        let database = real(&path);
        if !database.parent().is_some_and(Path::is_dir) {
            return Ok(Self { _lock: None });
        }
        let mut name = OsString::from(&database);
        name.push("-lock");
        let place = PathBuf::from(name);
        let failed = |error| ClaimError::Failed(place.clone(), error);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&place)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(ClaimError::Taken(database)),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// The file of a SQLite database; `None` for a database in memory and for PostgreSQL.
fn file(section: &Section) -> Option<PathBuf> {
    let url = section.url.expose();
    if !section.is_sqlite() || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    // Opening the database reports an invalid URL.
    let options = SqliteConnectOptions::from_str(url).ok()?;
    Some(options.get_filename().to_owned())
}

/// The canonical path of a file, which need not exist.
fn real(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (_, _) => path,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn section(path: &Path) -> Section {
        Section { url: format!("sqlite://{}", path.display()).into(), ..Section::default() }
    }

    #[test]
    fn a_file_is_claimed_once_however_it_is_spelled() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("failsoft.db");
        let link = folder.path().join("link.db");
        symlink("failsoft.db", &link).expect("a link");
        let linked_folder = folder.path().join("linked");
        symlink(folder.path(), &linked_folder).expect("a link");
        for (first, second) in [
            (database.clone(), database.clone()),
            (link.clone(), database.clone()),
            (database.clone(), linked_folder.join("failsoft.db")),
            (folder.path().join("./linked/./failsoft.db"), link.clone()),
        ] {
            let claim = Claim::take(&section(&first)).expect("free");
            let refused = Claim::take(&section(&second)).expect_err("taken");
            assert!(refused.to_string().starts_with("another server runs on"), "{refused}");
            drop(claim);
            Claim::take(&section(&second)).expect("free again");
        }
        let other = Claim::take(&section(&folder.path().join("other.db"))).expect("another file");
        Claim::take(&section(&database)).expect("is none of its business");
        drop(other);
        let nowhere = section(&folder.path().join("no/such/folder.db"));
        assert!(Claim::take(&nowhere).is_ok() && Claim::take(&nowhere).is_ok());
        let memory = Section { url: "sqlite::memory:".into(), ..Section::default() };
        assert!(Claim::take(&memory).is_ok() && Claim::take(&memory).is_ok());
    }
}
