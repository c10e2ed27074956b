//! The OpenAPI document, collected from the attributes of the handlers.
//!
//! A handler's attribute contains only what is specific to it. The list of routes says where each operation is and who
//! may call it; what follows from that (the shape of errors, an id, aliases) is added here, so that it cannot be
//! forgotten.

mod assemble;
mod conventions;
mod errors;
mod examples;
mod finish;

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Server};
use utoipa::{Modify, OpenApi as _};

use super::{anthropic, litellm, management};
use crate::auth::access::{Access, Anyone};
use crate::dialects::Endpoint;
use crate::domain::error::{Error, Result};
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::operation::ModelKind;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::domain::period::Period;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Failsoft",
        description = "An LLM gateway that fails soft: when a model fails, the next one answers the same request, and the failover is recorded. The API key determines the organization."
    ),
    tags(
        (name = "inference", description = "Chat completions, messages, responses, embeddings, images, speech and other endpoints, and the list of models, with the OpenAI or Anthropic SDK you already use. Errors are OpenAI's, `{\"error\": {message, type, param, code}}`, and under `/v1/messages` Anthropic's, `{\"type\": \"error\", \"error\": {type, message}, \"request_id\"}`. Under `/api/v1` the code is the status as a number. Azure's clients call `/openai/deployments/{model}/chat/completions`; an SDK with a base URL that lacks `/v1` finds `/models` and `/chat/completions`, too."),
        (name = "fallbacks", description = "LiteLLM's fallback management, with additions: a list of all lists, names with slashes, and revisions. Errors are LiteLLM's: `{\"detail\": ...}`."),
        (name = "model-router", description = "The logs of failovers and requests, and the configuration of providers, models and budgets. Lists are paged, newest first: pass `next_cursor` of one page as `cursor` of the next. Errors have the shape `{\"error\", \"message\"}`."),
        (name = "identity", description = "The calling key, and the organization's API keys."),
        (name = "health", description = "For load balancers and monitoring."),
        (name = "about", description = "This description of the API.")
    ),
    components(schemas(
        errors::OpenAiError,
        errors::OpenRouterError,
        anthropic::error::AnthropicError,
        litellm::error::LiteLlmError,
        management::error::ErrorResponse,
        management::error::HTTPValidationError,
        management::usage::CountedOrigin,
        Endpoint,
        ErrorClass,
        InvocationType,
        ModelKind,
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

/// A route of the API.
pub struct DescribedRoute {
    /// The method, in upper case.
    pub method: &'static str,
    /// The path, with `{name}` for each parameter.
    pub path: String,
    /// Which callers may use it.
    pub access: Access,
    /// What the handler's attribute says of the operation, and the schemas of its bodies. None: see `alias_of`.
    pub operation: Option<OpenApi>,
    /// The path that this one is an alias of, with an operation of the same method.
    pub alias_of: Option<String>,
}

/// Builds the document. `server` is the public base URL; without it, clients use the address that they fetched the
/// document from.
#[must_use]
pub fn describe(server: Option<&str>, routes: impl IntoIterator<Item = DescribedRoute>) -> OpenApi {
    let mut document = Description::openapi();
    document.servers = Some(vec![Server::new(server.map_or("/", |url| url.trim_end_matches('/')))]);
    assemble::assemble(&mut document, routes);
    document
}

/// The document as it is served.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

/// A document that is built when it is first read. It takes megabytes until it is written, and most processes never
/// serve it.
pub type LazyDocument =
    LazyLock<serde_json::Result<Document>, Box<dyn FnOnce() -> serde_json::Result<Document> + Send>>;

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

    /// The document as JSON.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Describe the API in OpenAPI
#[utoipa::path(get, path = "", operation_id = "getOpenApi",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)))]
pub async fn read(_: Anyone, document: web::Data<LazyDocument>) -> Result<HttpResponse> {
    let document = (***document).as_ref().map_err(|error| Error::internal(error.to_string()))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "application/json")).insert_header((CACHE_CONTROL, "no-cache"));
    Ok(response.body(document.0.clone()))
}
