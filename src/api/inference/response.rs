//! An answer as an HTTP response. It counts as a concurrent request of its key until the last byte is sent or the
//! client disconnects.

use std::convert::Infallible;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use crate::api::inference::limits::LimitStates;
use crate::api::inference::routing_headers;
use crate::auth::api::rate_limit::Admission;
use crate::gateway::response::answer::{Answer, AnswerBody};
use crate::gateway::response::passed::PassedRelay;

/// Builds the response, with the routing headers.
pub(super) fn respond(answer: Answer, admission: Admission) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    let mut response = match answer.body {
        AnswerBody::Whole(body) => {
            let kind = answer.content_type.as_deref().unwrap_or("application/json");
            response.insert_header((CONTENT_TYPE, kind)).body(body)
        }
        AnswerBody::Stream(relay) => stream(response, relay.into_stream(), admission),
        AnswerBody::Passed(relay) => passed(response, relay, admission),
    };
    routing_headers::describe(&answer.routing, response.headers_mut());
    if answer.routing.tokens.is_some() {
        let limits = LimitStates { requests: None, tokens: answer.routing.tokens };
        response.extensions_mut().insert(limits);
    }
    response
}

/// Builds a response with the bytes and the content type of the provider.
fn passed(mut response: HttpResponseBuilder, relay: Box<PassedRelay>, admission: Admission) -> HttpResponse {
    let kind = relay.content_type.clone();
    let held = relay.into_stream().map(move |bytes| {
        let _ = &admission;
        bytes
    });
    response
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(held)
}

/// Builds a response of server-sent events, with headers against buffering and caching on the way.
pub(super) fn stream(
    mut response: HttpResponseBuilder,
    events: impl Stream<Item = Bytes> + 'static,
    admission: Admission,
) -> HttpResponse {
    let held = events.map(move |bytes| {
        let _ = &admission;
        Ok::<_, Infallible>(bytes)
    });
    response
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(held)
}
