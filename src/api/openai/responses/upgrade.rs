//! Refuses a WebSocket at once. Codex tries one first, and then sends its requests over HTTP.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, UPGRADE};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// The last segment of the paths at which clients try a WebSocket.
const SEGMENT: &str = "/responses";

/// Whether a request asks for a WebSocket of responses.
#[must_use]
pub fn is_asked(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(UPGRADE).map(HeaderValue::as_bytes);
    request.path().ends_with(SEGMENT) && upgrade.is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"))
}

/// The response to such a request.
#[must_use]
pub fn refused() -> HttpResponse {
    let error = json!({
        "message": "There are no WebSockets here. Send POST requests over HTTP.",
        "type": "invalid_request_error",
        "param": null,
        "code": "websockets_not_supported",
    });
    // The header is required with this status, and names what the server speaks.
    HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
        .insert_header((UPGRADE, "HTTP/1.1"))
        .json(json!({"error": error}))
}
