//! A lock that allows one server per SQLite file.
//!
//! A server that starts on a SQLite file closes all running streams, because it assumes that their process is dead. Two
//! servers would close each other's streams and count them twice. The operating system releases the lock when the
//! process ends. PostgreSQL needs no lock, because processes write heartbeats.
//!
//! The lock is on a file of its own, not on the database: where both kinds of locks are one (macOS, BSD, NFS and other
//! network file systems), a lock of ours on the database would keep SQLite out, and closing a descriptor of it drops SQLite's
//! own locks. A file of its own can be removed while its server runs, and then another one could lock a new file. So a
//! server looks each second whether the file is still at its place, makes a removed one again, and stops if another server
//! was faster.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::database::Database as Section;

/// The most symbolic links that are followed, as in the operating system.
const MOST_LINKS: usize = 40;
/// How often a lock file is opened that is removed before it is locked.
const MOST_TRIES: usize = 8;
/// How often a server looks for its lock file.
const INTERVAL: Duration = Duration::from_secs(1);

/// The lock of a server on its database. Dropping it releases the lock.
#[derive(Debug)]
pub struct Claim {
    held: Option<Held>,
}

/// A lock file that this process has locked.
#[derive(Debug)]
struct Held {
    database: PathBuf,
    place: PathBuf,
    lock: File,
}

/// Why a server must not start or go on, with the cause and the remedy in one line.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another server holds the lock.
    #[error(
        "another server runs on the database {0}: stop it first, or give this one a database of its own. Several servers share a PostgreSQL database, never a SQLite file"
    )]
    Taken(PathBuf),
    /// Another server got the lock, because its file was removed.
    #[error(
        "another server took the database {0} over, because the file {0}-lock was removed while this one ran. This one stops. Leave that file where it is: it keeps a second server away"
    )]
    Lost(PathBuf),
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
        let Some(path) = file(section) else { return Ok(Self { held: None }) };
        let database = real(&path);
        if !database.parent().is_some_and(Path::is_dir) {
            return Ok(Self { held: None });
        }
        Ok(Self { held: Some(Held::take(&database)?) })
    }

    /// Waits until another server has the lock, which can only be if its file was removed. A removed one is made again.
    pub async fn lost(&mut self) -> ClaimError {
        if self.held.is_none() {
            return std::future::pending().await;
        }
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.keep() {
                return error;
            }
        }
    }

    /// Locks a new file if the locked one is no longer at its place.
    fn keep(&mut self) -> Result<(), ClaimError> {
        let Some(held) = self.held.as_mut().filter(|held| held.is_removed()) else { return Ok(()) };
        match Held::take(&held.database) {
            Ok(again) => {
                tracing::warn!(
                    "{} was removed, and is made again: it keeps a second server away",
                    held.place.display()
                );
                *held = again;
                Ok(())
            }
            Err(ClaimError::Taken(database) | ClaimError::Lost(database)) => Err(ClaimError::Lost(database)),
            // Where this server cannot make a file, neither can another one.
            Err(ClaimError::Failed(..)) => Ok(()),
        }
    }
}

impl Held {
    fn take(database: &Path) -> Result<Self, ClaimError> {
        let mut name = OsString::from(database);
        name.push("-lock");
        let place = PathBuf::from(name);
        for _ in 0..MOST_TRIES {
            let held = Self::lock(database, &place)?;
            // A file that was removed before it was locked keeps no other server away.
            if !held.is_removed() {
                return Ok(held);
            }
        }
        Err(ClaimError::Failed(place, io::Error::other("it is removed again and again")))
    }

    fn lock(database: &Path, place: &Path) -> Result<Self, ClaimError> {
        let failed = |error| ClaimError::Failed(place.to_owned(), error);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(place)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { database: database.to_owned(), place: place.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(ClaimError::Taken(database.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether the locked file is not at its place any more, as far as that can be seen.
    fn is_removed(&self) -> bool {
        let id = |file: fs::Metadata| (file.dev(), file.ino());
        match (fs::metadata(&self.place).map(id), self.lock.metadata().map(id)) {
            (Ok(found), Ok(own)) => found != own,
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => false,
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

    #[test]
    fn a_lock_file_that_is_removed_is_made_again_unless_another_server_was_faster() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = section(&folder.path().join("failsoft.db"));
        let lock = folder.path().join("failsoft.db-lock");
        let mut claim = Claim::take(&database).expect("free");
        claim.keep().expect("nothing happened");
        fs::remove_file(&lock).expect("removed");
        claim.keep().expect("it is made again");
        assert!(lock.exists());
        assert!(matches!(Claim::take(&database), Err(ClaimError::Taken(_))));
        // A file that was put in its place is locked, too.
        fs::remove_file(&lock).expect("removed");
        fs::write(&lock, "").expect("another file");
        claim.keep().expect("it is locked");
        assert!(matches!(Claim::take(&database), Err(ClaimError::Taken(_))));
        fs::remove_file(&lock).expect("removed");
        let faster = Claim::take(&database).expect("another server");
        let lost = claim.keep().expect_err("it has the lock");
        assert!(lost.to_string().starts_with("another server took the database"), "{lost}");
        drop(faster);
        // Without its folder there is no other lock either.
        let mut claim = Claim::take(&database).expect("free again");
        fs::remove_dir_all(folder.path()).expect("removed");
        claim.keep().expect("nothing to be done");
    }
}
