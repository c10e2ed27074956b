//! Parses ids in the paths of pages.

use std::str::FromStr;

use crate::domain::error::{Error, Result};

/// Parses the id in a path. An invalid id is treated as an unknown one.
///
/// # Errors
/// [`Error::Absent`].
pub fn id<T: FromStr>(what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::absent(what, text))
}
