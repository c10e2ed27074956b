//! Puts the operation of every route at its method and path.

use std::collections::BTreeMap;

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Object, OpenApi, Required, Type};

use super::DescribedRoute;
use super::finish::{finish, operations};

/// Adds the routes, with the schemas that they need. An alias comes after its original.
pub(super) fn assemble(document: &mut OpenApi, routes: impl IntoIterator<Item = DescribedRoute>) {
    let mut originals: BTreeMap<String, Operation> = BTreeMap::new();
    for route in routes {
        let title = format!("{} {}", route.method, route.path);
        let operation = match (&route.alias_of, route.operation) {
            (Some(original), _) => {
                let original = format!("{} {original}", route.method);
                originals.get(&original).map(|operation| alias_of(operation, &original, &route.path))
            }
            (None, Some(described)) => take(document, described, route.method),
            (None, None) => None,
        };
        // A test finds a route without an operation.
        let (Some(mut operation), Some(method)) = (operation, http_method(route.method)) else { continue };
        originals.insert(title, operation.clone());
        finish(&mut operation, route.access, route.method, &route.path);
        document.paths.add_path_operation(route.path, vec![method], operation);
    }
}

/// Moves the schemas of a described operation into the document, and returns the operation. None: its attribute names
/// another method than the list of routes.
fn take(document: &mut OpenApi, described: OpenApi, method: &str) -> Option<Operation> {
    let schemas = described.components.into_iter().flat_map(|components| components.schemas);
    document.components.get_or_insert_default().schemas.extend(schemas);
    let (_, mut item) = described.paths.paths.into_iter().next()?;
    operations(&mut item).find(|(own, _)| *own == method).map(|(_, operation)| operation.clone())
}

fn alias_of(operation: &Operation, original: &str, path: &str) -> Operation {
    let mut operation = operation.clone();
    operation.description = Some(format!("The same as `{original}`."));
    operation.operation_id = None;
    if path.contains("{model}") {
        operation.parameters.get_or_insert_default().push(named_model().into());
    }
    operation.extensions = Some(ExtensionsBuilder::new().add("x-alias-of", original).build());
    operation
}

/// The path parameter of an alias with the model in its path.
fn named_model() -> Parameter {
    ParameterBuilder::new()
        .name("model")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The catalog name. The body may leave out `model`, and may not name another one"))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

fn http_method(method: &str) -> Option<HttpMethod> {
    Some(match method {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}
