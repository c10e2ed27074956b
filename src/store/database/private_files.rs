//! Restricts files to their owner regardless of the umask: the SQLite database with its side files, and the spool.
//!
//! Existing files are not opened here, because closing a file releases the locks of this process on it.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The mode of such a file: readable and writable for its owner only.
const OWN: u32 = 0o600;

/// Creates the file of a SQLite database if it does not exist, and removes the permissions of other users from it and
/// its side files. SQLite creates new side files with the permissions of the database.
///
/// # Errors
/// The file cannot be created.
pub(in crate::store) fn make_private(database: &Path) -> std::io::Result<()> {
    let made = std::fs::OpenOptions::new().append(true).create_new(true).mode(OWN).open(database);
    match made {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for ending in ["", "-wal", "-shm", "-journal"] {
        let path = beside(database, ending);
        match tighten(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // The file belongs to another user, but this process may use it.
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot restrict a file to its owner")
            }
        }
    }
    Ok(())
}

fn tighten(path: &Path) -> Result<(), Error> {
    let metadata = std::fs::metadata(path)?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
    }

    #[test]
    fn a_database_and_what_is_beside_it_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("test.db");
        make_private(&database).expect("made");
        assert_eq!(mode(&database), 0o600);
        // As after a restored backup.
        for ending in ["", "-wal", "-shm"] {
            let path = beside(&database, ending);
            std::fs::write(&path, "x").expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).expect("set");
        }
        make_private(&database).expect("kept");
        for ending in ["", "-wal", "-shm"] {
            assert_eq!(mode(&beside(&database, ending)), 0o600, "{ending}");
        }
        assert_eq!(std::fs::read_to_string(&database).expect("its text"), "x");
        assert!(make_private(&folder.path().join("no/such/folder.db")).is_err());
    }
}
