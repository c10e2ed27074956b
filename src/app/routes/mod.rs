//! Every route in one list: method, path and handler.
//!
//! The application is built from this list only. The first argument of a handler says who may call it
//! ([`crate::auth::access`]), its attribute describes the operation, and the list gives both their method and path. The
//! API description and the tests of tenant isolation are derived from it.

mod description;
mod endpoint;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::api::management::{
    api_keys, budgets, error_mappings, explain, fallback_events, limits, models, providers, requests, usage,
    whoami,
};
use crate::api::openai::operations;
use crate::api::{anthropic, litellm::fallback, openai, openapi, public};
pub use crate::auth::access::Access;
use crate::console::http::assets;
use crate::console::pages;
use crate::domain::error::Error;
pub use description::{described_path, description};
pub use endpoint::{Endpoint, Surface, Verb};
use endpoint::{endpoint, operation, routes};

/// Every route. If two match a path, the first one is used. A route of the API may have further paths.
pub const ROUTES: &[Endpoint] = routes! {
    api {
        POST   "/v1/chat/completions" => openai::chat::create,
            also "/api/v1/chat/completions",
            also "/chat/completions",
            also "/openai/v1/chat/completions",
            also "/openai/deployments/{model:.+}/chat/completions";
        POST   "/v1/messages" => anthropic::messages::create,
            also "/messages";
        POST   "/v1/messages/count_tokens" => anthropic::count_tokens::count,
            also "/messages/count_tokens";
        POST   "/v1/responses" => openai::responses::create,
            also "/api/v1/responses",
            also "/responses",
            also "/openai/v1/responses";
        POST   "/v1/embeddings" => operations::embeddings::create,
            also "/api/v1/embeddings",
            also "/embeddings",
            also "/openai/v1/embeddings",
            also "/openai/deployments/{model:.+}/embeddings";
        POST   "/v1/completions" => operations::completions::create,
            also "/api/v1/completions",
            also "/completions",
            also "/openai/v1/completions",
            also "/openai/deployments/{model:.+}/completions";
        POST   "/v1/moderations" => operations::moderations::create,
            also "/moderations";
        POST   "/v1/rerank" => operations::rerank::create,
            also "/v2/rerank",
            also "/rerank";
        POST   "/v1/images/generations" => operations::images::create,
            also "/images/generations",
            also "/openai/v1/images/generations",
            also "/openai/deployments/{model:.+}/images/generations";
        POST   "/v1/audio/speech" => operations::speech::create,
            also "/audio/speech",
            also "/openai/v1/audio/speech",
            also "/openai/deployments/{model:.+}/audio/speech";
        POST   "/v1/audio/transcriptions" => operations::transcriptions::create,
            also "/audio/transcriptions",
            also "/openai/v1/audio/transcriptions",
            also "/openai/deployments/{model:.+}/audio/transcriptions";
        POST   "/v1/audio/translations" => operations::transcriptions::translate,
            also "/audio/translations",
            also "/openai/v1/audio/translations",
            also "/openai/deployments/{model:.+}/audio/translations";
        GET    "/v1/models" => openai::models::list,
            also "/openai/v1/models",
            also "/openai/models",
            also "/api/v1/models";
        GET    "/v1/models/{id:.+}" => openai::models::read,
            also "/openai/v1/models/{id:.+}",
            also "/openai/models/{id:.+}",
            also "/api/v1/models/{id:.+}";
        POST   "/fallback" => fallback::set;
        GET    "/fallback" => fallback::list;
        GET    "/fallback/{model:.+}" => fallback::read;
        DELETE "/fallback/{model:.+}" => fallback::delete;
        GET    "/v1/model-router/fallback-events" => fallback_events::list;
        GET    "/v1/model-router/fallback-events/{id}" => fallback_events::read;
        GET    "/v1/model-router/requests" => requests::list;
        GET    "/v1/model-router/requests/{id}" => requests::read;
        GET    "/v1/model-router/providers" => providers::list;
        POST   "/v1/model-router/providers" => providers::create;
        GET    "/v1/model-router/providers/{id}" => providers::read;
        PATCH  "/v1/model-router/providers/{id}" => providers::change;
        POST   "/v1/model-router/providers/{id}/test" => providers::test;
        DELETE "/v1/model-router/providers/{id}" => providers::delete;
        GET    "/v1/model-router/providers/{id}/credentials" => providers::credentials::list;
        POST   "/v1/model-router/providers/{id}/credentials" => providers::credentials::create;
        GET    "/v1/model-router/credentials/{id}" => providers::credentials::read;
        PATCH  "/v1/model-router/credentials/{id}" => providers::credentials::change;
        POST   "/v1/model-router/credentials/{id}/test" => providers::credentials::test;
        DELETE "/v1/model-router/credentials/{id}" => providers::credentials::delete;
        GET    "/v1/model-router/models" => models::list;
        POST   "/v1/model-router/models" => models::create;
        GET    "/v1/model-router/models/{id}" => models::read;
        PATCH  "/v1/model-router/models/{id}" => models::change;
        DELETE "/v1/model-router/models/{id}" => models::delete;
        DELETE "/v1/model-router/models/{id}/cooldown" => models::end_cooldown;
        GET    "/v1/model-router/budgets" => budgets::list;
        POST   "/v1/model-router/budgets" => budgets::create;
        GET    "/v1/model-router/budgets/{id}" => budgets::read;
        PATCH  "/v1/model-router/budgets/{id}" => budgets::change;
        DELETE "/v1/model-router/budgets/{id}" => budgets::delete;
        GET    "/v1/model-router/limits" => limits::read;
        PATCH  "/v1/model-router/limits" => limits::change;
        GET    "/v1/model-router/error-mappings" => error_mappings::list;
        POST   "/v1/model-router/error-mappings" => error_mappings::create;
        GET    "/v1/model-router/error-mappings/{id}" => error_mappings::read;
        DELETE "/v1/model-router/error-mappings/{id}" => error_mappings::delete;
        GET    "/v1/model-router/usage" => usage::add_up;
        POST   "/v1/model-router/explain" => explain::explain;
        GET    "/v1/identity/whoami" => whoami::read;
        GET    "/v1/identity/api-keys" => api_keys::list;
        POST   "/v1/identity/api-keys" => api_keys::create;
        GET    "/v1/identity/api-keys/{id}" => api_keys::read;
        PATCH  "/v1/identity/api-keys/{id}" => api_keys::change;
        DELETE "/v1/identity/api-keys/{id}" => api_keys::revoke;
        GET    "/livez" => public::live,
            also "/health/liveliness";
        GET    "/readyz" => public::ready,
            also "/health/readiness";
        GET    "/api/hello" => public::hello;
        GET    "/metrics" => public::metrics;
        GET    "/openapi.json" => openapi::read;
    }
    pages {
        GET    "/signup" => pages::sign_in::signup::read;
        POST   "/signup" => pages::sign_in::signup::sign_up;
        GET    "/login" => pages::sign_in::login::read;
        POST   "/login" => pages::sign_in::login::log_in;
        POST   "/logout" => pages::sign_in::login::log_out;
        GET    "/invite/{secret}" => pages::sign_in::invite::read;
        POST   "/invite/{secret}" => pages::sign_in::invite::join;
        GET    "/reset/{secret}" => pages::sign_in::reset::read;
        POST   "/reset/{secret}" => pages::sign_in::reset::set;
        GET    "/enter/{secret}" => pages::sign_in::console::read;
        POST   "/enter/{secret}" => pages::sign_in::console::enter;
        GET    "/account" => pages::account::read;
        POST   "/account/name" => pages::account::rename;
        POST   "/account/password" => pages::account::change_password;
        POST   "/account/sessions/end-others" => pages::account::end_other_sessions;
        POST   "/account/sessions/{id}/end" => pages::account::end_session;
        POST   "/account/switch" => pages::account::switch_organization;
        GET    "/members" => pages::members::list::read;
        POST   "/members/invite" => pages::members::invitations::invite;
        POST   "/members/{id}/role" => pages::members::role::change;
        GET    "/members/{id}/remove" => pages::members::remove::read;
        POST   "/members/{id}/remove" => pages::members::remove::remove;
        POST   "/members/{id}/reset-link" => pages::members::reset_link::make;
        POST   "/members/invitations/{id}/revoke" => pages::members::invitations::revoke;
        GET    "/" => pages::overview::read;
        GET    "/find" => pages::find::find;
        GET    "/events" => pages::events::list::list;
        GET    "/events.csv" => pages::events::export::file;
        GET    "/events/unclassified" => pages::events::unclassified::list;
        GET    "/events/live" => pages::events::live::stream;
        POST   "/events/mappings/{id}/delete" => pages::events::unclassified::mappings::delete;
        POST   "/events/{id}/map" => pages::events::unclassified::mappings::create;
        GET    "/events/{id}" => pages::events::read::read;
        GET    "/requests" => pages::requests::list::list;
        GET    "/requests.csv" => pages::requests::export::file;
        GET    "/requests/{id}" => pages::requests::read::read;
        GET    "/usage" => pages::usage::list;
        GET    "/usage.csv" => pages::usage::file;
        GET    "/providers" => pages::providers::list::list;
        GET    "/providers/new" => pages::providers::create::read;
        POST   "/providers/new" => pages::providers::create::create;
        GET    "/providers/{id}" => pages::providers::read::read;
        POST   "/providers/{id}" => pages::providers::read::change;
        POST   "/providers/{id}/test" => pages::providers::read::test;
        POST   "/providers/{id}/models" => pages::providers::add_models::add;
        GET    "/providers/{id}/credentials" => pages::providers::credentials::read;
        POST   "/providers/{id}/credentials" => pages::providers::credentials::create;
        GET    "/credentials/{id}" => pages::providers::credential::read;
        POST   "/credentials/{id}" => pages::providers::credential::change;
        POST   "/credentials/{id}/test" => pages::providers::credential::test;
        GET    "/credentials/{id}/delete" => pages::providers::credential::confirm;
        POST   "/credentials/{id}/delete" => pages::providers::credential::delete;
        GET    "/providers/{id}/delete" => pages::providers::delete::read;
        POST   "/providers/{id}/delete" => pages::providers::delete::delete;
        GET    "/fallbacks" => pages::fallbacks::list::list;
        GET    "/fallbacks/many" => pages::fallbacks::many::read;
        POST   "/fallbacks/many" => pages::fallbacks::many::save;
        GET    "/fallbacks/{id}" => pages::fallbacks::read::read;
        POST   "/fallbacks/{id}" => pages::fallbacks::change::change;
        POST   "/fallbacks/{id}/revert" => pages::fallbacks::revert::revert;
        GET    "/fallbacks/{id}/try" => pages::fallbacks::try_out::read;
        POST   "/fallbacks/{id}/try" => pages::fallbacks::try_out::run;
        GET    "/playground" => pages::playground::send::read;
        POST   "/playground" => pages::playground::send::send;
        POST   "/playground/stream" => pages::playground::stream::send;
        GET    "/start" => pages::start::read::read;
        POST   "/start/key" => pages::start::key::create;
        POST   "/start/request" => pages::start::request::send;
        GET    "/models" => pages::models::list::list;
        GET    "/models/new" => pages::models::create::read;
        POST   "/models/new" => pages::models::create::create;
        GET    "/models/{id}" => pages::models::read::read;
        POST   "/models/{id}" => pages::models::read::change;
        POST   "/models/{id}/cooldown/end" => pages::models::read::end_cooldown;
        GET    "/models/{id}/delete" => pages::models::delete::read;
        POST   "/models/{id}/delete" => pages::models::delete::delete;
        GET    "/keys" => pages::keys::list::list;
        GET    "/keys/new" => pages::keys::create::read;
        POST   "/keys/new" => pages::keys::create::create;
        GET    "/keys/{id}" => pages::keys::read::read;
        POST   "/keys/{id}" => pages::keys::read::change;
        GET    "/keys/{id}/budget" => pages::budgets::change::read_key;
        POST   "/keys/{id}/budget" => pages::budgets::change::change_key;
        GET    "/keys/{id}/revoke" => pages::keys::revoke::read;
        POST   "/keys/{id}/revoke" => pages::keys::revoke::revoke;
        GET    "/settings" => pages::settings::read;
        POST   "/settings" => pages::settings::change;
        GET    "/settings/budget" => pages::budgets::change::read_own;
        POST   "/settings/budget" => pages::budgets::change::change_own;
        GET    "/audit" => pages::audit::list::list;
        GET    "/docs" => pages::docs::start::read;
        GET    "/docs/api" => pages::docs::api::read;
        GET    "/docs/{name}" => pages::docs::guides::read;
        GET    "/llms.txt" => pages::docs::llms::read;
        GET    "/static/{name}" => assets::read;
    }
};

/// Registers every route. A path answers 405 with `Allow` to methods that it does not have.
pub fn configure(application: &mut web::ServiceConfig) {
    let mut done: Vec<&str> = Vec::new();
    for endpoint in ROUTES {
        if done.contains(&endpoint.path) {
            continue;
        }
        done.push(endpoint.path);
        let same_path = || ROUTES.iter().filter(|other| other.path == endpoint.path);
        // The middleware handles HEAD like GET.
        let methods = same_path().map(|other| other.method);
        let allow: Vec<&str> = methods.flat_map(|method| method.allowed().iter().copied()).collect();
        let allow = allow.join(", ");
        let mut resource = web::resource(endpoint.path);
        for other in same_path() {
            resource = resource.route((other.handler)().method(other.method.method()));
        }
        application.service(resource.default_service(web::to(move |request: HttpRequest| {
            let allow = allow.clone();
            let websocket = openai::responses::upgrade::is_asked(&request);
            async move {
                if websocket {
                    return Ok(openai::responses::upgrade::refused());
                }
                Err::<HttpResponse, _>(Error::MethodNotAllowed { allow })
            }
        })));
    }
}
