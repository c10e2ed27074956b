//! The OpenAPI description of the routes.

use utoipa::openapi::OpenApi;

use super::{ROUTES, Surface};
use crate::api::openapi::{self, DescribedRoute};

/// The document that is served and rendered. `server` is the URL at which callers reach Failsoft, if it is known.
#[must_use]
pub fn description(server: Option<&str>) -> OpenApi {
    let routes = ROUTES.iter().filter(|route| route.surface == Surface::Api).map(|route| DescribedRoute {
        method: route.method.as_str(),
        path: described_path(route.path),
        access: route.access,
        operation: route.operation.map(|operation| operation()),
        alias_of: route.alias_of.map(described_path),
    });
    openapi::describe(server, routes)
}

/// A route's path in the document: without the patterns of its parameters.
#[must_use]
pub fn described_path(path: &str) -> String {
    let mut parts = path.split('{');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (parameter, rest) = part.split_once('}').unwrap_or((part, ""));
        let name = parameter.split(':').next().unwrap_or_default();
        plain.extend(["{", name, "}", rest]);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_described_path_has_no_patterns() {
        for (path, described) in [
            ("/livez", "/livez"),
            ("/v1/models/{id}", "/v1/models/{id}"),
            ("/fallback/{model:.+}", "/fallback/{model}"),
            ("/a:b/{one:[0-9]+}/{two:.*}/c", "/a:b/{one}/{two}/c"),
        ] {
            assert_eq!(described_path(path), described);
        }
    }
}
