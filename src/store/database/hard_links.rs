//! Refuses a SQLite file with several names.
//!
//! SQLite finds the journal of a database by the name by which it was opened. Processes that open one file by several names
//! do not see each other's journals and corrupt it, and a lock beside one name does not hold for another. Symbolic links are
//! harmless, because SQLite and our lock follow them. Only the metadata is read: closing a file releases the locks of this
//! process on it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file with several names, with the remedy in one line.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} has {names} names (hard links), and processes that open a SQLite file by different names corrupt it. Keep the name that was in use and remove the others, which find / -samefile {path} lists"
)]
pub struct HardLinked {
    path: PathBuf,
    names: u64,
}

/// Checks that a file has one name. One that does not exist is made later, with one.
///
/// # Errors
/// The file has several.
pub(in crate::store) fn check(path: &Path) -> Result<(), HardLinked> {
    // A file that cannot be looked at is not opened either.
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    if !metadata.is_file() || metadata.nlink() <= 1 {
        return Ok(());
    }
    Err(HardLinked { path: path.to_owned(), names: metadata.nlink() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_has_one_name_however_many_symbolic_links_lead_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        assert!(check(&place("failsoft.db")).is_ok() && check(folder.path()).is_ok());
        std::fs::write(place("failsoft.db"), "x").expect("written");
        symlink(place("failsoft.db"), place("link.db")).expect("a link");
        assert!(check(&place("failsoft.db")).is_ok() && check(&place("link.db")).is_ok());
        std::fs::hard_link(place("failsoft.db"), place("other.db")).expect("another name");
        for name in ["failsoft.db", "other.db", "link.db"] {
            let refused = check(&place(name)).expect_err("it has two names").to_string();
            assert!(refused.contains(&format!("{name} has 2 names (hard links)")), "{refused}");
        }
        std::fs::remove_file(place("failsoft.db")).expect("removed");
        assert!(check(&place("other.db")).is_ok());
    }
}
