//! Writes a request for Gemini.

use crate::dialects::Dialect;
use crate::dialects::change::Changes;
use crate::dialects::need::Need;
use crate::dialects::turns::Request;

/// Writes a request for the model of this name.
///
/// # Errors
/// Always: no provider serves the dialect.
pub fn write(_: &Request<'_>, _: &str, _: &mut Changes) -> Result<Vec<u8>, Need> {
    Err(Need::Dialect(Dialect::Gemini))
}
