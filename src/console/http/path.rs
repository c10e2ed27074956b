//! Ids in the paths of pages.

use std::str::FromStr;

use crate::domain::error::{Error, Result};

/// The id that a path names. What is no id is of nothing.
///
/// # Errors
/// [`Error::Absent`].
pub fn id<T: FromStr>(what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::absent(what, text))
}
