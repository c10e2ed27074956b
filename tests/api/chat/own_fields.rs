//! Fields of one caller that have limits, permissions and servers of their own, with what providers answer to them.

use serde_json::{Value, json};

use crate::support::fake_provider::Script;

fn said(status: u16, message: &str) -> Script {
    Script::json(status, &json!({"error": {"message": message, "code": status}}))
}

/// Fields of one caller, and a provider's responses to them.
pub(super) fn own_fields() -> Vec<(Value, Script)> {
    let limit = |message: &str| {
        let body = json!({"error": {"message": message, "code": "rate_limit_exceeded"}}).to_string();
        Script::respond(429, &[("content-type", "application/json"), ("retry-after", "3600")], &body)
    };
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let plan = "Your plan does not include image inputs";
    let resource = "Your API key does not have permission to use the specified resource.";
    let missing = "The model `up-image` does not exist";
    let route = "There is no available model provider that meets your routing requirements";
    vec![
        (json!({"user": "cust-77"}), limit("Rate limit exceeded for user 'cust-77'")),
        (json!({"safety_identifier": "cust-77"}), limit("Per-user rate limit (cust-77)")),
        (json!({"user": "u7"}), limit("Per-user rate limit exceeded")),
        (json!({"metadata": {"tags": ["eu"]}}), limit("No deployments available. tags=['eu']")),
        (
            json!({"messages": [{"role": "user", "content": "word and ".repeat(12_000)}]}),
            limit(
                "Quota exceeded for metric: x.googleapis.com/generate_content_free_tier_input_token_count, limit: 16000",
            ),
        ),
        (json!({}), limit("Rate limit reached (TPM): Limit 30000, Used 15000, Requested 20000")),
        (json!({"container": "container_1"}), Script::error(403, "permission_error", resource)),
        (
            json!({"tools": [{"type": "x", "model": "up-image"}]}),
            Script::error(404, "model_not_found", missing),
        ),
        (json!({"provider": {"only": ["x"]}}), said(503, route)),
        (json!({"provider": {"only": ["x"]}}), said(401, "Provider returned error")),
        (json!({"data_sources": [{"parameters": {}}]}), Script::error(401, "401", "Access denied")),
        (json!({}), Script::respond(530, &[], "")),
        (content(audio), limit("Rate limit reached on audio seconds per hour (ASPH): Limit 7200, Used 7190")),
        (content(file), limit("Rate limit reached: PDF pages per day")),
        (content(image.clone()), limit("Rate limit reached on images per day: Limit 100, Used 100")),
        (content(image.clone()), Script::error(403, "permission_denied", plan)),
        (
            json!({"max_tokens": 9_000}),
            Script::error(403, "permission_denied", "`max_tokens` is not permitted for your account"),
        ),
        (
            json!({"max_tokens": 9_000}),
            Script::error(401, "unauthorized", "max_tokens: values above 8192 are not permitted"),
        ),
        (
            json!({"max_tokens": 9_000}),
            Script::error(402, "payment_required", "max_tokens above 4096 requires a paid plan"),
        ),
        (
            json!({"messages": [{"role": "user", "content": "word and ".repeat(24_000)}]}),
            Script::error(402, "payment_required", "Contexts above 32,000 tokens require a paid plan"),
        ),
        (content(image), said(402, "Image inputs require a paid plan")),
        (json!({"logprobs": true}), limit("logprobs rate limit exceeded")),
        (
            json!({"reasoning_effort": "high"}),
            limit("Too many high reasoning_effort requests: limit 10 per hour"),
        ),
        (json!({"reasoning_effort": "high"}), said(402, "reasoning_effort high requires a paid plan")),
        (
            json!({"service_tier": "flex"}),
            Script::error(404, "model_not_found", "The model does not exist or you do not have access to it"),
        ),
    ]
}

/// Fields that bring what may fail, and a provider's responses that do not say so.
pub(super) fn brought() -> Vec<(Value, Script)> {
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let server =
        json!({"type": "mcp", "server_label": "x", "server_url": "https://x.example", "authorization": "t"});
    let broken = |message: &str| Script::error(500, "api_error", message);
    let limited = |message: &str| Script::error(429, "rate_limit_exceeded", message);
    let refused = || Script::error(401, "invalid_api_key", "Incorrect API key provided");
    vec![
        (content(file), broken("The document could not be opened")),
        (json!({"messages": [{"role": "banana", "content": "Hi"}]}), broken("The server had an error")),
        (json!({"temperature": "hot"}), broken("The server had an error")),
        (content(audio.clone()), broken("Invalid data found when processing input")),
        (content(audio), Script::new().close()),
        (content(image("data:image/png;base64,AAAA")), Script::respond(502, &[], "")),
        (content(image("https://x.example/a.png")), Script::error(401, "401", "Unauthorized")),
        (content(image("gs://bucket/a.png")), Script::error(403, "PERMISSION_DENIED", "Permission denied")),
        (json!({"tools": [server]}), refused()),
        (content(json!({"type": "file", "file": {"file_id": "file-1"}})), refused()),
        (
            json!({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "Again"}]}),
            said(401, "Unauthorized"),
        ),
        (json!({"hf_token": "t"}), refused()),
        (json!({"extra_body": {"api_key": "t"}}), refused()),
        (
            json!({"max_tokens": 64_000}),
            Script::error(403, "insufficient_user_quota", "user quota is not enough"),
        ),
        (json!({"max_tokens": 64_000}), said(403, "token quota exhausted")),
        (
            json!({"max_tokens": 45_000}),
            limited("Limit 100000, Used 60000, Requested 45000. Please try again in 1h12m."),
        ),
        (
            json!({"max_tokens": 64_000}),
            limited("You have exceeded token rate limit of your tier. Please retry after 86400 seconds."),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 30_000}}),
            Script::error(429, "rate_limit_exceeded", "The limit of 80,000 output tokens is reached"),
        ),
    ]
}
