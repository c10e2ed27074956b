//! The headers of an error of an inference endpoint, whatever its dialect.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::routing_headers;
use crate::domain::clock::{may_sdk_retry, retry_after_seconds};
use crate::domain::error::Error;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Writes the headers of an error: routing, how long to wait, and whether a retry can help.
pub fn describe(error: &Error, status: u16, headers: &mut HeaderMap) {
    let mut retry_after = None;
    let mut helps = matches!(status, 429 | 503 | 529);
    match error {
        Error::Chain(chain) => {
            routing_headers::describe(&chain.routing, headers);
            retry_after = chain.retry_after;
            helps = chain.is_worth_retrying();
        }
        Error::LimitReached(reached) => {
            routing_headers::no_model_called(headers);
            retry_after = Some(reached.retry_after);
        }
        Error::RecordingUnavailable(routing) => {
            if let Some(routing) = routing {
                routing_headers::describe(routing, headers);
            }
            retry_after = Some(Duration::from_secs(1));
        }
        Error::Busy | Error::ShareUsedUp(_) => {
            routing_headers::no_model_called(headers);
            retry_after = Some(Duration::from_secs(1));
        }
        Error::Unauthenticated(_)
        | Error::ScopeMissing(_)
        | Error::Visit(_)
        | Error::ModelForbidden { .. }
        | Error::RouteUnknown
        | Error::MethodNotAllowed { .. }
        | Error::Absent { .. }
        | Error::ModelUnknown { .. }
        | Error::FallbacksUnknown { .. }
        | Error::FallbackToSelf { .. }
        | Error::FallbackAbsent { .. }
        | Error::Invalid(_)
        | Error::Refused(_)
        | Error::Conflict { .. }
        | Error::RevisionChanged { .. }
        | Error::BodyTooLarge { .. }
        | Error::BodyEncoded
        | Error::BodyStalled
        | Error::BodyUnreadable
        | Error::DatabaseAway
        | Error::NotReady
        | Error::LoopDetected => routing_headers::no_model_called(headers),
        Error::Internal(_) => {}
    }
    if let Some(wait) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(wait)));
    }
    if status >= 400 {
        let again = may_sdk_retry(helps, retry_after);
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(if again { "true" } else { "false" }));
    }
}
