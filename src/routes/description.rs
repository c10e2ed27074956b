//! The description of the API, with what only the list of routes knows: who may call what.

use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

use super::{Access, Endpoint, ROUTES, Verb};
use crate::api::openapi;

/// The document that is served and rendered. `server` is the address under which callers reach us, if it is known.
#[must_use]
pub fn description(server: Option<&str>) -> OpenApi {
    let mut document = openapi::describe(server);
    for endpoint in ROUTES {
        if let Some(operation) = operation(&mut document, endpoint) {
            operation.security = security(endpoint.access);
        }
    }
    document
}

/// A route's path as the document writes it: without the patterns of its parameters.
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

fn operation<'a>(document: &'a mut OpenApi, endpoint: &Endpoint) -> Option<&'a mut Operation> {
    let item = document.paths.paths.get_mut(&described_path(endpoint.path))?;
    match endpoint.method {
        Verb::Get => item.get.as_mut(),
        Verb::Post => item.post.as_mut(),
        Verb::Patch => item.patch.as_mut(),
        Verb::Delete => item.delete.as_mut(),
    }
}

/// Either way to present a key is enough. OpenAPI 3.1 lets a requirement name the roles that a key needs.
fn security(access: Access) -> Option<Vec<SecurityRequirement>> {
    let key = |scopes: &[&'static str]| {
        let scheme = |name: &str| SecurityRequirement::new(name, scopes.iter().copied());
        Some(vec![scheme("bearer"), scheme("x-api-key")])
    };
    match access {
        Access::Public => None,
        Access::Operator => Some(vec![SecurityRequirement::new("metrics", [""; 0])]),
        Access::Key => key(&[]),
        Access::Scope(scope) => key(&[scope.as_str()]),
    }
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
