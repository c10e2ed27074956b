//! Every route in one list: method, path, access, handler.
//!
//! The application is built from this list only. Tests compare it with the tenancy matrix and the API description.

mod description;

use actix_web::http::Method;
use actix_web::{Route, web};

use crate::api::management::{
    api_keys, budgets, error_mappings, explain, fallback_events, models, providers, requests, usage, whoami,
};
use crate::api::{litellm::fallback, openai, openapi, public};
use crate::console::http::assets;
use crate::console::pages;
use crate::console::pages::{
    account, audit, docs, keys as key_pages, members, models as model_pages, overview,
    providers as provider_pages, settings, sign_in,
};
use crate::domain::error::Error;
use crate::domain::permission::{Permission, Scope};
pub use description::{described_path, description};

/// Which callers may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every caller, without a key or a session.
    Public,
    /// The operator, with the token for metrics.
    Operator,
    /// Any valid API key.
    Key,
    /// An API key with this scope.
    Scope(Scope),
    /// A signed-in user with a role that has the permission.
    ConsoleUser(Permission),
}

/// One route of the application.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// The method of the route.
    pub method: Verb,
    /// The path, with `{name}` for one segment and `{name:.*}` for the rest.
    pub path: &'static str,
    /// Which callers may use it.
    pub access: Access,
    /// Whether it is for programs or for people.
    pub surface: Surface,
    handler: fn() -> Route,
}

/// Whether a route is for programs or for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// For programs: it is in the API description.
    Api,
    /// For people with a browser: pages and their assets.
    Page,
}

/// A method that a route can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The method GET, which includes HEAD.
    Get,
    /// The method POST, also of forms.
    Post,
    /// The method PATCH, for partial changes.
    Patch,
    /// The method DELETE, for API resources.
    Delete,
}

impl Verb {
    /// The name of the method.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
            Self::Patch => &["PATCH"],
            Self::Delete => &["DELETE"],
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

const fn get(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Get, path, access, surface: Surface::Api, handler }
}

const fn post(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Post, path, access, surface: Surface::Api, handler }
}

const fn patch(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Patch, path, access, surface: Surface::Api, handler }
}

const fn delete(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Delete, path, access, surface: Surface::Api, handler }
}

const fn page(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Get, path, access, surface: Surface::Page, handler }
}

const fn form(path: &'static str, access: Access, handler: fn() -> Route) -> Endpoint {
    Endpoint { method: Verb::Post, path, access, surface: Surface::Page, handler }
}

use Access::{Operator, Public};

const INFERENCE: Access = Access::Scope(Scope::Inference);
const READ: Access = Access::Scope(Scope::RouterRead);
const MANAGE: Access = Access::Scope(Scope::RouterManage);
const KEYS: Access = Access::Scope(Scope::KeysManage);
const BUDGETS: Access = Access::Scope(Scope::BudgetsManage);
const SIGNED_IN: Access = Access::ConsoleUser(Permission::Read);
const MEMBERS: Access = Access::ConsoleUser(Permission::ManageMembers);
const SEND: Access = Access::ConsoleUser(Permission::Send);
const CONFIGURE: Access = Access::ConsoleUser(Permission::Configure);
const MANAGE_KEYS: Access = Access::ConsoleUser(Permission::ManageKeys);
const MANAGE_SETTINGS: Access = Access::ConsoleUser(Permission::ManageSettings);
const READ_AUDIT: Access = Access::ConsoleUser(Permission::ReadAudit);

/// Every route. If two match a path, the first one is used.
pub const ROUTES: &[Endpoint] = &[
    post("/v1/chat/completions", INFERENCE, || web::post().to(openai::chat::create)),
    post("/api/v1/chat/completions", INFERENCE, || web::post().to(openai::chat::create)),
    post("/chat/completions", INFERENCE, || web::post().to(openai::chat::create)),
    post("/openai/deployments/{model:.+}/chat/completions", INFERENCE, || {
        web::post().to(openai::chat::create)
    }),
    post("/openai/v1/chat/completions", INFERENCE, || web::post().to(openai::chat::create)),
    get("/openai/v1/models", INFERENCE, || web::get().to(openai::models::list)),
    get("/openai/models", INFERENCE, || web::get().to(openai::models::list)),
    get("/openai/v1/models/{id:.+}", INFERENCE, || web::get().to(openai::models::read)),
    get("/openai/models/{id:.+}", INFERENCE, || web::get().to(openai::models::read)),
    get("/v1/models", INFERENCE, || web::get().to(openai::models::list)),
    get("/api/v1/models", INFERENCE, || web::get().to(openai::models::list)),
    get("/v1/models/{id:.+}", INFERENCE, || web::get().to(openai::models::read)),
    get("/api/v1/models/{id:.+}", INFERENCE, || web::get().to(openai::models::read)),
    post("/fallback", MANAGE, || web::post().to(fallback::set)),
    get("/fallback", READ, || web::get().to(fallback::list)),
    get("/fallback/{model:.+}", READ, || web::get().to(fallback::read)),
    delete("/fallback/{model:.+}", MANAGE, || web::delete().to(fallback::delete)),
    get("/v1/model-router/fallback-events", READ, || web::get().to(fallback_events::list)),
    get("/v1/model-router/fallback-events/{id}", READ, || web::get().to(fallback_events::read)),
    get("/v1/model-router/requests", READ, || web::get().to(requests::list)),
    get("/v1/model-router/requests/{id}", READ, || web::get().to(requests::read)),
    get("/v1/model-router/providers", READ, || web::get().to(providers::list)),
    post("/v1/model-router/providers", MANAGE, || web::post().to(providers::create)),
    get("/v1/model-router/providers/{id}", READ, || web::get().to(providers::read)),
    patch("/v1/model-router/providers/{id}", MANAGE, || web::patch().to(providers::change)),
    post("/v1/model-router/providers/{id}/test", MANAGE, || web::post().to(providers::test)),
    delete("/v1/model-router/providers/{id}", MANAGE, || web::delete().to(providers::delete)),
    get("/v1/model-router/models", READ, || web::get().to(models::list)),
    post("/v1/model-router/models", MANAGE, || web::post().to(models::create)),
    get("/v1/model-router/models/{id}", READ, || web::get().to(models::read)),
    patch("/v1/model-router/models/{id}", MANAGE, || web::patch().to(models::change)),
    delete("/v1/model-router/models/{id}", MANAGE, || web::delete().to(models::delete)),
    delete("/v1/model-router/models/{id}/cooldown", MANAGE, || web::delete().to(models::end_cooldown)),
    get("/v1/model-router/budgets", READ, || web::get().to(budgets::list)),
    post("/v1/model-router/budgets", BUDGETS, || web::post().to(budgets::create)),
    get("/v1/model-router/budgets/{id}", READ, || web::get().to(budgets::read)),
    patch("/v1/model-router/budgets/{id}", BUDGETS, || web::patch().to(budgets::change)),
    delete("/v1/model-router/budgets/{id}", BUDGETS, || web::delete().to(budgets::delete)),
    get("/v1/model-router/error-mappings", READ, || web::get().to(error_mappings::list)),
    post("/v1/model-router/error-mappings", MANAGE, || web::post().to(error_mappings::create)),
    get("/v1/model-router/error-mappings/{id}", READ, || web::get().to(error_mappings::read)),
    delete("/v1/model-router/error-mappings/{id}", MANAGE, || web::delete().to(error_mappings::delete)),
    get("/v1/model-router/usage", READ, || web::get().to(usage::list)),
    post("/v1/model-router/explain", READ, || web::post().to(explain::explain)),
    get("/v1/identity/whoami", Access::Key, || web::get().to(whoami::whoami)),
    get("/v1/identity/api-keys", KEYS, || web::get().to(api_keys::list)),
    post("/v1/identity/api-keys", KEYS, || web::post().to(api_keys::create)),
    get("/v1/identity/api-keys/{id}", KEYS, || web::get().to(api_keys::read)),
    patch("/v1/identity/api-keys/{id}", KEYS, || web::patch().to(api_keys::change)),
    delete("/v1/identity/api-keys/{id}", KEYS, || web::delete().to(api_keys::revoke)),
    get("/livez", Public, || web::get().to(public::live)),
    get("/health/liveliness", Public, || web::get().to(public::live)),
    get("/readyz", Public, || web::get().to(public::ready)),
    get("/health/readiness", Public, || web::get().to(public::ready)),
    get("/metrics", Operator, || web::get().to(public::metrics)),
    get("/openapi.json", Public, || web::get().to(openapi::read)),
    page("/signup", Public, || web::get().to(sign_in::signup::read)),
    form("/signup", Public, || web::post().to(sign_in::signup::sign_up)),
    page("/login", Public, || web::get().to(sign_in::login::read)),
    form("/login", Public, || web::post().to(sign_in::login::log_in)),
    form("/logout", SIGNED_IN, || web::post().to(sign_in::login::log_out)),
    page("/invite/{secret}", Public, || web::get().to(sign_in::invite::read)),
    form("/invite/{secret}", Public, || web::post().to(sign_in::invite::join)),
    page("/reset/{secret}", Public, || web::get().to(sign_in::reset::read)),
    form("/reset/{secret}", Public, || web::post().to(sign_in::reset::set)),
    page("/enter/{secret}", Public, || web::get().to(sign_in::console::read)),
    form("/enter/{secret}", Public, || web::post().to(sign_in::console::enter)),
    page("/account", SIGNED_IN, || web::get().to(account::read)),
    form("/account/name", SIGNED_IN, || web::post().to(account::rename)),
    form("/account/password", SIGNED_IN, || web::post().to(account::change_password)),
    form("/account/sessions/end-others", SIGNED_IN, || web::post().to(account::end_other_sessions)),
    form("/account/sessions/{id}/end", SIGNED_IN, || web::post().to(account::end_session)),
    form("/account/switch", SIGNED_IN, || web::post().to(account::switch_organization)),
    page("/members", SIGNED_IN, || web::get().to(members::list::read)),
    form("/members/invite", MEMBERS, || web::post().to(members::invitations::invite)),
    form("/members/{id}/role", MEMBERS, || web::post().to(members::role::change)),
    page("/members/{id}/remove", MEMBERS, || web::get().to(members::remove::read)),
    form("/members/{id}/remove", MEMBERS, || web::post().to(members::remove::remove)),
    form("/members/{id}/reset-link", MEMBERS, || web::post().to(members::reset_link::make)),
    form("/members/invitations/{id}/revoke", MEMBERS, || web::post().to(members::invitations::revoke)),
    page("/", SIGNED_IN, || web::get().to(overview::read)),
    page("/events", SIGNED_IN, || web::get().to(pages::events::list::list)),
    page("/events.csv", SIGNED_IN, || web::get().to(pages::events::export::file)),
    page("/events/unclassified", SIGNED_IN, || web::get().to(pages::events::unclassified::list)),
    page("/events/live", SIGNED_IN, || web::get().to(pages::events::live::stream)),
    form("/events/mappings/{id}/delete", CONFIGURE, || {
        web::post().to(pages::events::unclassified::mappings::delete)
    }),
    form("/events/{id}/map", CONFIGURE, || web::post().to(pages::events::unclassified::mappings::create)),
    page("/events/{id}", SIGNED_IN, || web::get().to(pages::events::read::read)),
    page("/requests", SIGNED_IN, || web::get().to(pages::requests::list::list)),
    page("/requests.csv", SIGNED_IN, || web::get().to(pages::requests::export::file)),
    page("/requests/{id}", SIGNED_IN, || web::get().to(pages::requests::read::read)),
    page("/usage", SIGNED_IN, || web::get().to(pages::usage::list)),
    page("/usage.csv", SIGNED_IN, || web::get().to(pages::usage::file)),
    page("/providers", SIGNED_IN, || web::get().to(provider_pages::list::list)),
    page("/providers/new", CONFIGURE, || web::get().to(provider_pages::create::read)),
    form("/providers/new", CONFIGURE, || web::post().to(provider_pages::create::create)),
    page("/providers/{id}", SIGNED_IN, || web::get().to(provider_pages::read::read)),
    form("/providers/{id}", CONFIGURE, || web::post().to(provider_pages::read::change)),
    form("/providers/{id}/test", CONFIGURE, || web::post().to(provider_pages::read::test)),
    page("/providers/{id}/delete", CONFIGURE, || web::get().to(provider_pages::delete::read)),
    form("/providers/{id}/delete", CONFIGURE, || web::post().to(provider_pages::delete::delete)),
    page("/fallbacks", SIGNED_IN, || web::get().to(pages::fallbacks::list::list)),
    page("/fallbacks/{id}", SIGNED_IN, || web::get().to(pages::fallbacks::read::read)),
    form("/fallbacks/{id}", CONFIGURE, || web::post().to(pages::fallbacks::change::change)),
    form("/fallbacks/{id}/revert", CONFIGURE, || web::post().to(pages::fallbacks::revert::revert)),
    page("/fallbacks/{id}/try", CONFIGURE, || web::get().to(pages::fallbacks::try_out::read)),
    form("/fallbacks/{id}/try", CONFIGURE, || web::post().to(pages::fallbacks::try_out::run)),
    page("/playground", SEND, || web::get().to(pages::playground::send::read)),
    form("/playground", SEND, || web::post().to(pages::playground::send::send)),
    form("/playground/stream", SEND, || web::post().to(pages::playground::stream::send)),
    page("/start", SIGNED_IN, || web::get().to(pages::start::read::read)),
    form("/start/key", Access::ConsoleUser(Permission::ManageKeys), || {
        web::post().to(pages::start::key::create)
    }),
    form("/start/request", CONFIGURE, || web::post().to(pages::start::request::send)),
    page("/models", SIGNED_IN, || web::get().to(model_pages::list::list)),
    page("/models/new", CONFIGURE, || web::get().to(model_pages::create::read)),
    form("/models/new", CONFIGURE, || web::post().to(model_pages::create::create)),
    page("/models/{id}", SIGNED_IN, || web::get().to(model_pages::read::read)),
    form("/models/{id}", CONFIGURE, || web::post().to(model_pages::read::change)),
    form("/models/{id}/cooldown/end", CONFIGURE, || web::post().to(model_pages::read::end_cooldown)),
    page("/models/{id}/delete", CONFIGURE, || web::get().to(model_pages::delete::read)),
    form("/models/{id}/delete", CONFIGURE, || web::post().to(model_pages::delete::delete)),
    page("/keys", SIGNED_IN, || web::get().to(key_pages::list::list)),
    page("/keys/new", MANAGE_KEYS, || web::get().to(key_pages::create::read)),
    form("/keys/new", MANAGE_KEYS, || web::post().to(key_pages::create::create)),
    page("/keys/{id}", SIGNED_IN, || web::get().to(key_pages::read::read)),
    form("/keys/{id}", MANAGE_KEYS, || web::post().to(key_pages::read::change)),
    page("/keys/{id}/budget", MANAGE_KEYS, || web::get().to(pages::budgets::change::read_key)),
    form("/keys/{id}/budget", MANAGE_KEYS, || web::post().to(pages::budgets::change::change_key)),
    page("/keys/{id}/revoke", MANAGE_KEYS, || web::get().to(key_pages::revoke::read)),
    form("/keys/{id}/revoke", MANAGE_KEYS, || web::post().to(key_pages::revoke::revoke)),
    page("/settings", SIGNED_IN, || web::get().to(settings::read)),
    form("/settings", MANAGE_SETTINGS, || web::post().to(settings::change)),
    page("/settings/budget", MANAGE_SETTINGS, || web::get().to(pages::budgets::change::read_own)),
    form("/settings/budget", MANAGE_SETTINGS, || web::post().to(pages::budgets::change::change_own)),
    page("/audit", READ_AUDIT, || web::get().to(audit::list::list)),
    page("/docs", Public, || web::get().to(docs::start::read)),
    page("/docs/api", Public, || web::get().to(docs::api::read)),
    page("/static/{name}", Public, || web::get().to(assets::read)),
];

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
        application.service(resource.default_service(web::to(move || {
            let allow = allow.clone();
            async move { Err::<actix_web::HttpResponse, _>(Error::MethodNotAllowed { allow }) }
        })));
    }
}
