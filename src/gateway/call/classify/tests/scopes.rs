//! Which failures are the one request's own, which are the model's, and which leave it open.

use super::*;
use FailureScope::{Model, Open, Provider, Request};

/// (what, status, body, scope)
#[rustfmt::skip]
const ANSWERS: &[(&str, u16, &str, FailureScope)] = &[
    ("more tokens than the credit left", 402, r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3919.","code":402}}"#, Request),
    ("a prompt above what the credit pays", 402, r#"{"error":{"message":"Prompt tokens limit exceeded: 230799 > 91442. To increase, visit x","code":402}}"#, Request),
    ("an account without any credit", 402, r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 100 tokens, but can only afford 0.","code":402}}"#, Model),
    ("an empty account", 402, r#"{"error":{"message":"Insufficient Balance"}}"#, Model),
    ("a code for money", 402, r#"{"error":{"code":"insufficient_quota","message":"no"}}"#, Model),
    ("a bare 402", 402, "", Open),
    ("a proxy's quota below what the answer may cost", 403, r#"{"error":{"message":"pre-consume quota failed, user remaining quota: $0.512000, need quota: $3.200000","code":"pre_consume_token_quota_failed"}}"#, Request),
    ("a proxy's empty quota", 403, r#"{"error":{"message":"pre-consume quota failed, user remaining quota: $0.000000, need quota: $3.200000","code":"pre_consume_token_quota_failed"}}"#, Model),
    ("a proxy's quota that is empty or too low", 403, r#"{"error":{"message":"user quota is not enough","code":"insufficient_user_quota"}}"#, Open),
    ("a proxy's quota in Chinese", 403, r#"{"error":{"message":"用户额度不足","type":"new_api_error","code":"insufficient_user_quota"}}"#, Open),
    ("a proxy's quota of a key", 403, r#"{"error":{"message":"token quota exhausted","type":"one_api_error"}}"#, Open),

    ("fewer credits than the text needs", 401, r#"{"detail":{"status":"quota_exceeded","message":"This request exceeds your quota of 10000. You have 37 credits remaining, while 150 credits are required for this request."}}"#, Request),
    ("no credit for any text", 401, r#"{"detail":{"status":"quota_exceeded","message":"This request exceeds your quota of 10000. You have 0 credits remaining, while 150 credits are required for this request."}}"#, Model),
    ("less money than an image costs", 402, r#"{"name":"insufficient_balance","message":"Your organization does not have enough balance to request this action (need $0.0700, have $0.0162 in active grants)"}"#, Request),
    ("credits without an amount, for a request", 402, r#"{"message":"You lack sufficient credits to perform this request"}"#, Open),
    ("credits without an amount", 402, r#"{"message":"You have insufficient credits"}"#, Model),

    ("a bucket of one caller", 403, r#"[{"error":{"code":403,"message":"service-1@gcp-sa-vertex.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object.","status":"PERMISSION_DENIED"}}]"#, Request),
    ("a firewall's page", 403, "<html><head><title>Access denied</title></head><body>Ray ID</body></html>", Request),
    ("a firewall's page with a doctype", 403, "<!DOCTYPE html>\n<html><head><title>Attention Required!</title></head></html>", Request),
    ("a firewall's number", 403, "error code: 1020", Request),
    ("a firewall's sentence", 403, r#"{"message":"The requested URL was rejected. Please consult with your administrator. Your support ID is: 1"}"#, Request),
    ("a flagged prompt", 403, r#"{"error":{"message":"Your request was flagged by our safety checks"}}"#, Request),
    ("a file of one caller", 403, r#"[{"error":{"code":403,"message":"You do not have permission to access the File abc or it may not exist.","status":"PERMISSION_DENIED"}}]"#, Request),
    ("cached content of one caller", 403, r#"{"error":{"code":403,"message":"CachedContent not found (or permission denied)","status":"PERMISSION_DENIED"}}"#, Request),
    ("a feature that is off", 403, r#"{"error":{"type":"permission_error","message":"Web search is not enabled for this organization"}}"#, Request),
    ("one model's permission", 403, r#"{"error":{"message":"Project does not have access to model x","code":"access_denied_exception"}}"#, Model),
    ("a region", 403, r#"{"error":{"message":"Country, region, or territory not supported","code":"unsupported_country_region_territory","type":"request_forbidden"}}"#, Provider),
    ("a permission for a stored prompt", 403, r#"{"message":"User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:GetPrompt on resource: arn:aws:bedrock:us-east-1:1:prompt/A","code":"access_denied_exception"}"#, Open),
    ("a permission to call the model", 403, r#"{"message":"User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel on resource: y","code":"access_denied_exception"}"#, Model),
    ("a budget of a user", 400, r#"{"error":{"message":"Budget has been exceeded! User=u1 Current cost: 3.0, Max budget: 1.0","type":"budget_exceeded","code":"400"}}"#, Open),
    ("a budget of our key", 400, r#"{"error":{"message":"Budget has been exceeded! Key=ours Current cost: 3.0, Max budget: 1.0","type":"budget_exceeded","code":"400"}}"#, Model),
    ("a part of a firewall's page", 403, "<title>Access denied</title><h1>Error 16</h1>", Request),
    ("a refused credential", 403, r#"{"error":{"code":"permission_denied","message":"no access"}}"#, Provider),
    ("a refused key, by its sentence", 403, r#"{"error":{"message":"Your API key has been revoked"}}"#, Provider),
    ("a bare 403", 403, "", Open),
    ("a 403 that says nothing", 403, r#"{"message":"Forbidden"}"#, Open),

    ("a router without tools", 404, r#"{"error":{"message":"No endpoints found that support tool use. Try disabling \"x\".","code":404}}"#, Request),
    ("a router without images", 404, r#"{"error":{"code":"404","message":"No endpoints found that support image input","param":"","type":""}}"#, Request),
    ("a router and a data policy", 404, r#"{"error":{"message":"No endpoints available matching your guardrail restrictions and data policy.","code":404}}"#, Request),
    ("a router and parameters", 404, r#"{"error":{"message":"No endpoints found that can handle the requested parameters.","code":404}}"#, Request),
    ("a router and the caller's providers", 404, r#"{"error":{"message":"No allowed providers are available for the selected model.","code":404}}"#, Request),
    ("a state that is gone", 404, r#"{"error":{"message":"Previous response with id 'resp_x' not found.","code":"previous_response_not_found"}}"#, Request),
    ("a file that is gone", 404, r#"{"error":{"message":"No such File object: file-abc","param":"id"}}"#, Request),
    ("a voice that is unknown", 404, r#"{"detail":{"status":"voice_not_found","message":"A voice with the voice_id 'x' was not found."}}"#, Request),
    ("a format that is unknown", 404, r#"{"error":{"message":"Unsupported response_format: ogg","type":"not_found_error"}}"#, Request),
    ("a missing model", 404, r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}}"#, Model),
    ("Anthropic's missing model", 404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#, Model),
    ("a router's missing model", 404, r#"{"error":{"message":"No endpoints found for x/y:free.","code":404}}"#, Model),
    ("a bare 404", 404, "", Open),

    ("a request above the limit", 429, r#"{"error":{"message":"Request too large for x in organization o on tokens per min (TPM): Limit 30000, Requested 342389. The input or output tokens must be reduced in order to run successfully.","type":"tokens","code":"rate_limit_exceeded"}}"#, Request),
    ("too many tokens of a request", 429, r#"{"error":{"message":"Too many tokens in this request","code":"rate_limit_exceeded"}}"#, Request),
    ("too many tokens of all requests", 429, r#"{"error":{"message":"Too many tokens, please wait before trying again.","code":"rate_limit_exceeded"}}"#, Model),
    ("a request above the limit, by its numbers", 429, r#"{"error":{"message":"Rate limit: Limit 30000, Requested 342389","code":"rate_limit_exceeded"}}"#, Request),
    ("a request above what is left", 429, r#"{"error":{"message":"Rate limit reached for model x on tokens per day (TPD): Limit 100000, Used 60000, Requested 45000. Please try again in 1h12m.","type":"tokens","code":"rate_limit_exceeded"}}"#, Open),
    ("a small request above what is left", 429, r#"{"error":{"message":"Rate limit reached for model x on tokens per day (TPD): Limit 100000, Used 99900, Requested 300. Please try again in 1h12m.","type":"tokens","code":"rate_limit_exceeded"}}"#, Model),
    ("a recording above what is left", 429, r#"{"error":{"message":"Rate limit reached for model `x` in organization `o` on seconds of audio per hour (ASPH): Limit 7200, Used 7000, Requested 300. Please try again in 43s.","type":"seconds","code":"rate_limit_exceeded"}}"#, Request),
    ("a recording above the limit", 429, r#"{"error":{"message":"Rate limit reached for model `x` on seconds of audio per day (ASPD): Limit 28800, Used 0, Requested 30000.","code":"rate_limit_exceeded"}}"#, Request),
    ("a recording where nothing is left", 429, r#"{"error":{"message":"Rate limit reached for model `x` on seconds of audio per hour (ASPH): Limit 7200, Used 7198, Requested 300.","code":"rate_limit_exceeded"}}"#, Model),
    ("a code for a large request", 429, r#"{"error":{"message":"Rate limit","code":"request_too_large"}}"#, Request),
    ("a longest answer above the limit", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request's max_tokens exceeds your organization's output tokens per minute rate limit"}}"#, Request),
    ("one request too many", 429, r#"{"error":{"message":"Rate limit reached: Limit 30000, Used 29000, Requested 5000. Please try again in 8s.","code":"rate_limit_exceeded"}}"#, Model),
    ("a long context that costs extra", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#, Request),
    ("a tier that the caller asked for", 429, r#"{"error":{"message":"Flex tier capacity is exhausted","code":"resource_exhausted"}}"#, Request),
    ("a tier, as overload", 498, r#"{"error":{"message":"The flex tier is at capacity.","code":"capacity_exceeded"}}"#, Request),
    ("one feature's concurrency", 429, r#"{"error":{"message":"Too many concurrent requests with grounding","status":"RESOURCE_EXHAUSTED"}}"#, Request),
    ("the account's limit", 429, r#"{"error":{"message":"Rate limit exceeded"}}"#, Model),
    ("a bare 429", 429, "", Open),

    ("Groq, a request above the limit", 413, r#"{"error":{"message":"Request too large for model on tokens per minute (TPM): Limit 6000, Requested 7000","type":"tokens","code":"rate_limit_exceeded"}}"#, Request),
    ("too many bytes", 413, "", Request),
    ("a bad request", 400, "", Request),
    ("for legal reasons", 451, "", Request),
    ("a failed dependency of the request", 424, r#"{"error":{"message":"Error retrieving tool list from MCP server","code":"external_connector_error"}}"#, Request),
    ("a caller that hung up", 499, "", Request),

    ("an image that cannot be fetched, as a 500", 500, r#"{"error":{"message":"Failed to download image url https://x/y.png"}}"#, Request),
    ("an image that is none, as a 500", 500, r#"{"error":"failed to process inputs: image: unknown format"}"#, Request),
    ("a document that is none, as a 500", 500, r#"{"type":"error","error":{"type":"api_error","message":"Could not process PDF"}}"#, Request),
    ("a recording that is none, as a 500", 500, r#"{"error":{"message":"Failed to decode audio: Invalid data found when processing input"}}"#, Request),
    ("a prompt that is too long, as a 500", 500, r#"{"error":{"message":"prompt is too long"}}"#, Request),
    ("a template, as a 500", 500, r#"{"error":{"message":"jinja2.exceptions.TemplateError: Conversation roles must alternate"}}"#, Request),
    ("a broken server", 500, r#"{"error":{"message":"The server had an error"}}"#, Open),
    ("an overloaded server", 503, "<html><head><title>503 Service Unavailable</title></head></html>", Model),
    ("a firewall's challenge", 503, "<html><head><title>Just a moment...</title></head></html>", Request),
    ("a slow server", 504, "", Open),
    ("a proxy without a server", 502, "<html><head><title>502 Bad Gateway</title></head></html>", Open),
    ("a proxy that says so", 502, "upstream connect error: no healthy upstream", Model),
    ("a server that may have broken over the request", 520, "", Open),
    ("a server that is down", 521, "", Model),
    ("an edge that failed", 530, "", Open),
    ("a certificate of the server", 526, "", Model),
    ("a redirect", 302, "", Model),
    ("a bare 503", 503, "", Model),
    ("an overload", 503, r#"{"error":{"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE","code":503}}"#, Model),
    ("an overload, as a 500", 500, r#"{"error":{"message":"The model is overloaded"}}"#, Model),
    ("a 503 that says something else", 503, r#"{"error":{"message":"failed to run inference"}}"#, Open),
    ("Anthropic's overload", 529, r#"{"error":{"type":"overloaded_error","message":"no"}}"#, Model),

    ("a refused key", 401, r#"{"error":{"message":"Incorrect API key provided: sk-x.","type":"invalid_request_error","code":"invalid_api_key"}}"#, Provider),
    ("a refused key, without a code", 401, r#"{"detail":"Unauthorized"}"#, Provider),
    ("a refused key, as a text", 401, "Invalid API key", Provider),
    ("a network's page", 401, "<html><head><title>Authentication required</title></head></html>", Open),
    ("a network's page without a title", 401, "<!DOCTYPE html><body>log in to the guest network</body>", Open),
    ("a bare 401", 401, "", Open),
    ("a bare word", 401, "Unauthorized", Open),
    ("an empty object", 401, "{}", Open),
    ("verification, to stream", 403, r#"{"error":{"message":"Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#, Request),
    ("verification, for a feature", 403, r#"{"error":{"message":"Your organization must be verified to use this feature.","code":"permission_denied"}}"#, Request),
    ("verification, for reasoning summaries", 403, r#"{"error":{"message":"Your organization must be verified to generate reasoning summaries."}}"#, Request),
    ("verification, for a model", 403, r#"{"error":{"message":"Your organization must be verified to use the model `o9`."}}"#, Model),
    ("verification", 403, r#"{"error":{"message":"Your organization must be verified."}}"#, Model),
    ("a feature of another plan", 403, r#"{"error":{"type":"permission_error","message":"Your organization does not have access to this feature."}}"#, Request),
];

#[test]
fn answers_say_whether_the_request_or_the_model_is_at_fault() {
    for (what, status, body, scope) in ANSWERS {
        let failure = answered(*status, body.as_bytes());
        assert_eq!(failure.scope, *scope, "{what}: {failure:?}");
    }
}

#[test]
fn a_limit_with_an_end_is_the_models_and_the_end_is_believed() {
    let limit = |headers: &[(&'static str, &str)], body: &str| {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, http::HeaderValue::from_str(value).expect("a value"));
        }
        let error = parse_error(429, &map, body.as_bytes(), DateTime::UNIX_EPOCH);
        let failure = read(&Fault::Upstream(Box::new(error)));
        (failure.scope, failure.retry_after.map(|wait| wait.as_secs()))
    };
    let day = 86_400;
    for (headers, body, seconds) in [
        (&[("retry-after", "86400")][..], "", day),
        (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "24h0m0s")], "", day),
        (&[("anthropic-ratelimit-tokens-reset", "1970-01-02T00:00:00Z")], "", day),
        (&[], r#"{"error":{"message":"no","details":[{"@type":"x.RetryInfo","retryDelay":"86400s"}]}}"#, day),
        (&[], r#"{"error":{"message":"The limit is reached. Try again in 5h32m."}}"#, 19_920),
        (&[], r#"{"error":{"message":"Your limit will reset at 1970-01-02 00:00:00"}}"#, day),
        (&[], r#"{"error":{"type":"usage_limit_reached","message":"no","resets_in_seconds":86400}}"#, day),
        (&[], r#"{"error":{"message":"no","metadata":{"headers":{"X-RateLimit-Reset":"86400"}}}}"#, day),
        // No vendor's limit is longer than a month.
        (&[("retry-after", "315360000")], "", 31 * day),
        (&[("retry-after", "-5"), ("x-ratelimit-reset", "3")], "", 3),
    ] {
        assert_eq!(limit(headers, body), (Model, Some(seconds)), "{headers:?} {body}");
    }
    // What comes with every answer says nothing about a failure that is no limit.
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-reset", http::HeaderValue::from_static("86400"));
    let error = parse_error(500, &headers, b"", DateTime::UNIX_EPOCH);
    assert_eq!(read(&Fault::Upstream(Box::new(error))).retry_after, None);
}

#[test]
fn what_we_saw_ourselves_is_the_models_unless_the_request_bounded_it() {
    for (fault, scope) in [
        (Fault::Timeout(TimeoutKind::Answer), Open),
        (Fault::TimeBudget(TimeoutKind::Answer), Request),
        (Fault::TimeBudget(TimeoutKind::FirstFrame), Request),
        (Fault::Timeout(TimeoutKind::Connect), Model),
        (Fault::Connect(ConnectFault::Refused), Model),
        (Fault::Connect(ConnectFault::Dns), Model),
        (Fault::Connect(ConnectFault::Reset), Open),
        (Fault::Filtered(Filter::Prompt), Request),
        (Fault::Garbage(Garbage::TooLarge), Request),
        (Fault::Garbage(Garbage::EventTooLong), Request),
        (Fault::Garbage(Garbage::MissingChoice), Request),
        (Fault::Interrupted(Interruption::Garbage(Garbage::MissingChoice)), Request),
        (Fault::Garbage(Garbage::Empty), Open),
        (Fault::Interrupted(Interruption::Reset), Open),
        (Fault::Interrupted(Interruption::Idle), Open),
        (Fault::Interrupted(Interruption::Deadline), Request),
        (Fault::Interrupted(Interruption::Garbage(Garbage::TooLarge)), Request),
        (Fault::Drill(Unavailable), Request),
    ] {
        assert_eq!(read(&fault).scope, scope, "{fault:?}");
    }
    let broken = |body: &[u8]| {
        read(&Fault::Interrupted(Interruption::Upstream(Box::new(error_in_answer(body))))).scope
    };
    assert_eq!(broken(br#"{"code":"content_filter","message":"no"}"#), Request);
    assert_eq!(broken(br#"{"code":500,"message":"no"}"#), Open);
    assert_eq!(broken(br#"{"code":429,"message":"no"}"#), Open);
    assert_eq!(broken(br#"{"code":429,"message":"Rate limit reached"}"#), Open);
}

proptest::proptest! {
    #[test]
    fn a_class_of_requests_is_never_held_against_a_model(
        status in 300_u16..600,
        message in "\\PC{0,60}",
        page in proptest::bool::ANY,
    ) {
        let body = if page { format!("<html><title>{message}") } else { serde_json::json!({"error": message}).to_string() };
        let failure = answered(status, body.as_bytes());
        let of_requests = matches!(failure.class, ContextWindowExceeded | ContentPolicy | InvalidRequest);
        proptest::prop_assert!(!of_requests || failure.scope == Request);
        proptest::prop_assert!(!(page && status == 403) || failure.scope == Request);
    }
}
