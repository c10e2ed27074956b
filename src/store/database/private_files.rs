//! Files that only their owner may read, whatever the umask says: the database, what SQLite keeps beside it, the spool.
//!
//! An existing file is never opened here: closing it would take away the locks that this process holds on it elsewhere.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What its owner may do with such a file; the group and the world may do nothing.
const OWN: u32 = 0o600;

/// Makes the file of an embedded database if there is none, and takes other users' rights from it and from what
/// SQLite keeps beside it. New files beside it get the rights of the database.
///
/// # Errors
/// The file cannot be made.
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
            // Another user's file that this process may use all the same.
            Err(error) => tracing::warn!(path = %path.display(), %error, "a file cannot be closed to others"),
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
        // As an older version or a restored backup left them.
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
