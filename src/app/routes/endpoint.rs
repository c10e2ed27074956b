//! One route, and the notation of the list of routes.

use actix_web::Route;
use actix_web::http::Method;
use utoipa::openapi::OpenApi;

use crate::auth::access::Access;

/// One route of the application.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// The method of the route.
    pub method: Verb,
    /// The path, with `{name}` for one segment and `{name:.*}` for the rest.
    pub path: &'static str,
    /// Which callers may use it, from the handler's first argument.
    pub access: Access,
    /// Whether it is for programs or for people.
    pub surface: Surface,
    /// The path that this one is an alias of.
    pub alias_of: Option<&'static str>,
    /// The description of its operation alone, without method and path. Only routes of the API have one.
    pub(super) operation: Option<fn() -> OpenApi>,
    /// Makes the route for the HTTP server.
    pub(super) handler: fn() -> Route,
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
    /// The method GET, as the list of routes names it.
    pub(super) const GET: Self = Self::Get;
    /// The method POST, as the list of routes names it.
    pub(super) const POST: Self = Self::Post;
    /// The method PATCH, as the list of routes names it.
    pub(super) const PATCH: Self = Self::Patch;
    /// The method DELETE, as the list of routes names it.
    pub(super) const DELETE: Self = Self::Delete;

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

    pub(super) fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
            Self::Patch => &["PATCH"],
            Self::Delete => &["DELETE"],
        }
    }

    pub(super) fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// Builds the list of routes: `METHOD "path" => handler;`, with `, also "path"` for an alias. A handler with a first
/// argument that does not say who may call it does not compile.
macro_rules! routes {
    (
        api { $($verb:ident $path:literal => $handler:path $(, also $alias:literal)*;)+ }
        pages { $($page_verb:ident $page:literal => $page_handler:path;)+ }
    ) => {
        &[
            $(
                Endpoint { operation: Some(operation!($handler)), ..endpoint!(Api $verb $path $handler) },
                $(Endpoint { alias_of: Some($path), ..endpoint!(Api $verb $alias $handler) },)*
            )+
            $(endpoint!(Page $page_verb $page $page_handler),)+
        ]
    };
}

macro_rules! endpoint {
    ($surface:ident $verb:ident $path:literal $handler:path) => {
        Endpoint {
            method: Verb::$verb,
            path: $path,
            access: $crate::auth::access::access_of(&$handler),
            surface: Surface::$surface,
            alias_of: None,
            operation: None,
            handler: || ::actix_web::web::to($handler),
        }
    };
}

/// The operation that a handler's attribute describes. utoipa names its type after the handler and keeps that to itself.
macro_rules! operation {
    ($handler:path) => {{
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($handler))]
        struct Described;
        <Described as utoipa::OpenApi>::openapi
    }};
}

pub(super) use {endpoint, operation, routes};
