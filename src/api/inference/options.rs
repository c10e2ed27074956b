//! What a request and its headers ask for. The inference endpoints and `explain` share it.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::auth::api::api_caller::ApiCaller;
use crate::domain::error::{Error, Result};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::drills;
use crate::gateway::request::drills::Drills;
use crate::gateway::request::intent::Intent;

const DEADLINE: &str = "x-failsoft-deadline-ms";

/// Builds the intent from a request and the gateway's own headers.
///
/// # Errors
/// A 400 that names the header and how to fix it.
pub fn intent<S>(caller: &ApiCaller<S>, headers: &HeaderMap, request: ChatRequest) -> Result<Intent> {
    let mut values = Vec::new();
    for value in headers.get_all(HeaderName::from_static(drills::HEADER)) {
        values.push(value.to_str().map_err(|_| {
            let message = format!("The header '{}' must be plain text: MODEL=CLASS, ...", drills::HEADER);
            Error::refused(Some(drills::HEADER), "invalid_value", message)
        })?);
    }
    Ok(Intent {
        drills: Drills::read(values, &request, &caller.organization)?,
        organization: caller.organization.clone(),
        key: Some(caller.key.clone()),
        deadline: deadline(headers)?,
        request,
    })
}

fn deadline(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get(HeaderName::from_static(DEADLINE)) else { return Ok(None) };
    let millis = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|millis| *millis > 0);
    millis.map(|millis| Some(Duration::from_millis(millis))).ok_or_else(|| {
        let message = format!("The header '{DEADLINE}' must be a whole number of milliseconds above 0.");
        Error::refused(Some(DEADLINE), "invalid_value", message)
    })
}
