//! One server for one SQLite file.
//!
//! A server that starts on a SQLite file closes the streams that are still running, since it takes their process for
//! dead. Two servers would close each other's and count them twice. The operating system holds the lock for as long as
//! the process lives, however it ends. PostgreSQL needs none: there, processes give signs of life.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::config::database::Database as Section;

/// How many links to links are followed, as the system itself does.
const MOST_LINKS: usize = 40;

/// The lock of a server on its database. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim {
    _lock: Option<File>,
}

/// Why a server must not start: one line that names cause and remedy.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is a server already.
    #[error(
        "another server runs on the database {0}: stop it first, or give this one a database of its own. Several servers share a PostgreSQL database, never a SQLite file"
    )]
    Taken(PathBuf),
    /// The lock cannot be had.
    #[error("cannot lock {0}: {1}. Check that the folder of the database can be written")]
    Failed(PathBuf, #[source] io::Error),
}

impl Claim {
    /// Claims a database for this process. A folder that does not exist is for the one who opens the database to report.
    ///
    /// # Errors
    /// Another process has claimed it, or the file beside it cannot be locked.
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

/// The file of a SQLite database; none for one in memory, and for PostgreSQL.
fn file(section: &Section) -> Option<PathBuf> {
    let url = section.url.expose();
    if !section.is_sqlite() || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    // A bad URL is for the one who opens the database to report.
    let options = SqliteConnectOptions::from_str(url).ok()?;
    Some(options.get_filename().to_owned())
}

/// The one name of a file, however it was spelled, whether it exists or is about to be made.
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
