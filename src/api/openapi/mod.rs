//! The OpenAPI document, collected from the attributes of the handlers.
//!
//! A handler's attribute contains only what is specific to it. What follows from its path and dialect (the shape of
//! errors, an id, aliases) is added here, so that it cannot be forgotten. The list of routes says which credential
//! each operation needs.

mod errors;
mod examples;
mod finish;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Server};
use utoipa::{Modify, OpenApi as _};

use super::{litellm, openai, public};
use crate::api::management;
use crate::domain::error_class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::domain::period::Period;
use crate::domain::permission::Scope;

/// Paths that are aliases of another path.
pub const ALIASES: &[(&str, &str)] = &[
    ("/api/v1/chat/completions", "/v1/chat/completions"),
    ("/chat/completions", "/v1/chat/completions"),
    ("/openai/v1/chat/completions", "/v1/chat/completions"),
    ("/openai/deployments/{model}/chat/completions", "/v1/chat/completions"),
    ("/openai/v1/models", "/v1/models"),
    ("/openai/models", "/v1/models"),
    ("/openai/v1/models/{id}", "/v1/models/{id}"),
    ("/openai/models/{id}", "/v1/models/{id}"),
    ("/api/v1/models", "/v1/models"),
    ("/api/v1/models/{id}", "/v1/models/{id}"),
    ("/health/liveliness", "/livez"),
    ("/health/readiness", "/readyz"),
];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Failsoft",
        description = "An LLM gateway that fails soft: when a model fails, the next one answers the same request, and the failover is recorded. The API key determines the organization."
    ),
    tags(
        (name = "inference", description = "Chat completions and the list of models, with the OpenAI SDK you already use. Errors are OpenAI's: `{\"error\": {message, type, param, code}}`. Under `/api/v1` the code is the status as a number. Azure's clients call `/openai/deployments/{model}/chat/completions`; an SDK with a base URL that lacks `/v1` finds `/models` and `/chat/completions`, too."),
        (name = "fallbacks", description = "LiteLLM's fallback management, with additions: a list of all lists, names with slashes, and revisions. Errors are LiteLLM's: `{\"detail\": ...}`."),
        (name = "model-router", description = "The logs of failovers and requests, and the configuration of providers, models and budgets. Lists are paged, newest first: pass `next_cursor` of one page as `cursor` of the next. Errors have the shape `{\"error\", \"message\"}`."),
        (name = "identity", description = "The calling key, and the organization's API keys."),
        (name = "health", description = "For load balancers and monitoring."),
        (name = "about", description = "This description of the API.")
    ),
    paths(
        openai::chat::create,
        openai::models::list,
        openai::models::read,
        litellm::fallback::set,
        litellm::fallback::list,
        litellm::fallback::read,
        litellm::fallback::delete,
        management::fallback_events::list,
        management::fallback_events::read,
        management::requests::list,
        management::requests::read,
        management::providers::list,
        management::providers::create,
        management::providers::read,
        management::providers::change,
        management::providers::delete,
        management::explain::explain,
        management::providers::test,
        management::models::list,
        management::models::create,
        management::models::read,
        management::models::change,
        management::models::delete,
        management::models::end_cooldown,
        management::budgets::list,
        management::budgets::create,
        management::budgets::read,
        management::budgets::change,
        management::budgets::delete,
        management::error_mappings::list,
        management::error_mappings::create,
        management::error_mappings::read,
        management::error_mappings::delete,
        management::usage::list,
        management::whoami::whoami,
        management::api_keys::list,
        management::api_keys::create,
        management::api_keys::read,
        management::api_keys::change,
        management::api_keys::revoke,
        public::live,
        public::ready,
        public::metrics,
        read,
    ),
    components(schemas(
        errors::OpenAiError,
        errors::OpenRouterError,
        litellm::error::LiteLlmError,
        management::error::ErrorResponse,
        management::error::HTTPValidationError,
        ErrorClass,
        InvocationType,
        Origin,
        Outcome,
        Period,
    )),
    modifiers(&Credentials)
)]
struct Description;

/// Adds the security schemes to the document.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = |description: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            SecurityScheme::Http(scheme.build())
        };
        let header = ApiKeyValue::with_description(
            "x-api-key",
            "An API key. The header `api-key`, which Azure's clients send, is accepted as well.",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", bearer("An API key: `Authorization: Bearer KEY`."));
        components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        components.add_security_scheme("metrics", bearer("The operator's token for metrics."));
    }
}

/// The credential that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No credential is needed.
    Nothing,
    /// The operator's token for metrics.
    Token,
    /// Any active API key.
    Key,
    /// A key with this scope.
    Scope(Scope),
}

/// Builds the document. `server` is the public base URL; without it, clients use the address that they fetched the
/// document from. `needs` returns the credential for a method, in upper case, and a path.
#[must_use]
pub fn describe(server: Option<&str>, needs: impl Fn(&str, &str) -> Needs) -> OpenApi {
    let mut document = Description::openapi();
    document.servers = Some(vec![Server::new(server.map_or("/", |url| url.trim_end_matches('/')))]);
    finish::finish(&mut document, needs);
    document
}

/// The document as it is served.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

impl Document {
    /// Serializes the document once, with an example for every body.
    ///
    /// # Errors
    /// The document cannot be serialized.
    pub fn new(document: &OpenApi) -> serde_json::Result<Self> {
        let mut document = document.clone();
        examples::add_examples(&mut document);
        Ok(Self(serde_json::to_vec(&document)?.into()))
    }
}

/// Describe the API in OpenAPI
#[utoipa::path(get, path = "/openapi.json", operation_id = "getOpenApi", tag = "about",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)))]
pub async fn read(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(document.0.clone())
}
