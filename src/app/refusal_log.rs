//! The access log line of a call that was refused before a model was chosen.
//!
//! A call that reached a candidate has a row, and its line is written with the row.

use actix_web::{HttpMessage as _, HttpRequest};
use tracing::debug;
use uuid::Uuid;

use crate::auth::api::api_caller::{ACCESS_LOG, CallerIds};
use crate::domain::error::Error;

/// Writes the line: the route and ids only, no text of the caller.
pub(super) fn write(request: &HttpRequest, error: &Error, status: u16, id: Uuid) {
    if matches!(error, Error::Chain(_) | Error::RecordingUnavailable(_)) {
        return;
    }
    let extensions = request.extensions();
    let caller = extensions.get::<CallerIds>();
    debug!(
        target: ACCESS_LOG,
        request_id = %id,
        organization_id = caller.map(|caller| tracing::field::display(caller.organization)),
        key_id = caller.map(|caller| tracing::field::display(caller.key)),
        endpoint = request.match_pattern().as_deref().unwrap_or("unknown"),
        outcome = "refused",
        status,
        "request refused"
    );
}
