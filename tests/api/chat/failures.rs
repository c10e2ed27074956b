//! What providers respond, by what it says about the request and the model.

use serde_json::json;

use crate::support::fake_provider::Script;

fn html(status: u16, title: &str) -> Script {
    let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>Ray ID</body></html>");
    Script::respond(status, &[("content-type", "text/html")], &page)
}

fn said(status: u16, message: &str) -> Script {
    Script::json(status, &json!({"error": {"message": message, "code": status}}))
}

/// A provider's responses to requests that are themselves at fault.
pub(super) fn refusals() -> Vec<(&'static str, Script)> {
    let afford = "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3919.";
    let too_large = "Request too large for x on tokens per min (TPM): Limit 30000, Requested 342389. The input or output tokens must be reduced in order to run successfully.";
    let credits = "This request exceeds your quota of 10000. You have 37 credits remaining, while 150 credits are required for this request.";
    let recording = "Rate limit reached for model `x` on seconds of audio per hour (ASPH): Limit 7200, Used 7000, Requested 300. Please try again in 43s.";
    vec![
        ("more tokens than the credit left", said(402, afford)),
        (
            "more credits than are left",
            Script::json(401, &json!({"detail": {"status": "quota_exceeded", "message": credits}})),
        ),
        ("a recording above what is left", Script::error(429, "rate_limit_exceeded", recording)),
        ("an image above the balance", said(402, "not enough balance (need $0.07, have $0.01)")),
        ("a prompt above the credit left", said(402, "Prompt tokens limit exceeded: 230799 > 91442.")),
        ("a firewall's page", html(403, "Access denied")),
        (
            "a verification to stream",
            Script::error(
                403,
                "unsupported_value",
                "Your organization must be verified to stream this model.",
            ),
        ),
        (
            "a verification for a feature",
            Script::error(
                403,
                "permission_denied",
                "Your organization must be verified to use this feature.",
            ),
        ),
        ("a firewall's challenge", html(503, "Just a moment...")),
        ("a firewall's page under a 405", html(405, "Blocked")),
        ("a flagged prompt", said(403, "Your request was flagged by moderation.")),
        (
            "a file of this caller",
            Script::error(403, "permission_denied", "You do not have permission to access the File x"),
        ),
        ("a router without tools", said(404, "No endpoints found that support tool use.")),
        ("a router without images", said(404, "No endpoints found that support image input")),
        ("a router and a data policy", said(404, "No endpoints found matching your data policy.")),
        (
            "an unknown voice",
            Script::json(404, &json!({"detail": {"status": "voice_not_found", "message": "no"}})),
        ),
        ("an unknown language", said(404, "The language 'tlh' is not supported.")),
        ("an unknown size", Script::json(404, &json!({"error": {"message": "Not found", "param": "size"}}))),
        ("a state that is gone", said(404, "Previous response with id 'x' not found.")),
        ("a request above the limit", Script::error(429, "rate_limit_exceeded", too_large)),
        ("a request above the limit as a 413", Script::error(413, "rate_limit_exceeded", too_large)),
        (
            "a long context that costs extra",
            Script::error(429, "rate_limit_error", "Extra usage is required for long context requests."),
        ),
        (
            "a service tier of this caller",
            Script::error(498, "capacity_exceeded", "The flex tier is at capacity."),
        ),
        (
            "one feature's limit",
            Script::error(429, "rate_limit_exceeded", "Too many requests with web search"),
        ),
        ("a prompt that is too long", Script::error(400, "context_length_exceeded", "too long")),
        ("a prompt that is too long as a 500", said(500, "prompt is too long: 9 tokens > 8 maximum")),
        ("forbidden content", Script::error(400, "content_policy_violation", "no")),
        ("an image that cannot be fetched", said(500, "Failed to download image from https://x")),
        ("a schema that is none", said(500, "Failed to compile grammar from json schema")),
        ("a bad parameter", Script::error(400, "invalid_value", "no")),
        ("legal reasons", said(451, "no")),
        ("a failed dependency", said(424, "Error retrieving tool list from MCP server")),
    ]
}

/// Failures that may be caused by the request or by the model.
pub(super) fn riddles() -> Vec<(&'static str, Script)> {
    let bare = [401, 402, 403, 404, 429].map(|status| ("a bare status", Script::respond(status, &[], "no")));
    let pages = [
        ("a network's page", html(401, "Authentication required")),
        ("a missing page", html(404, "Not Found")),
    ];
    bare.into_iter().chain(pages).collect()
}

/// Failures that a request may cause, of which several in a row close a model.
pub(super) fn breakdowns() -> Vec<(&'static str, Script)> {
    let broken = json!({"error": {"code": 500, "message": "no"}});
    let page = "<html><head><title>Welcome</title></head></html>";
    vec![
        ("a broken server", Script::error(500, "server_error", "The server had an error. Please try again.")),
        ("a proxy's page", html(502, "502 Bad Gateway")),
        ("a slow server", Script::respond(504, &[], "")),
        ("an empty answer of the server", Script::respond(520, &[], "")),
        ("a failed inference", Script::error(503, "failed", "failed to run inference")),
        ("a server that crashes", Script::new().close()),
        ("a server that times out", Script::respond(408, &[], "")),
        ("an answer that is a page", Script::respond(200, &[("content-type", "text/html")], page)),
        (
            "an answer that is broken",
            Script::respond(200, &[("content-type", "application/json")], "{\"choices\": ["),
        ),
        ("an empty answer", Script::respond(200, &[], "")),
        ("an error in place of an answer", Script::json(200, &broken)),
        ("a stream that breaks", Script::stream().text("Hel").reset()),
        ("a stream that ends with an error", Script::stream().text("Hel").event(&broken).done()),
    ]
}

/// Failures that no request causes.
pub(super) fn outages() -> Vec<(&'static str, Script)> {
    vec![
        ("an overloaded server", Script::error(503, "overloaded", "The model is overloaded")),
        ("a server in maintenance", html(503, "503 Service Temporarily Unavailable")),
        ("a bare 503", Script::respond(503, &[], "")),
        ("a bare 529", Script::respond(529, &[], "no")),
        ("an overload that is called an error", said(500, "The engine is currently overloaded")),
        ("a proxy that finds no server", Script::respond(502, &[], "no healthy upstream")),
        ("a server that is down", html(521, "Web server is down")),
    ]
}
