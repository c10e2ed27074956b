//! What every operation has by its path, and no handler needs to say.

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Object, OpenApi, PathItem, Ref, RefOr, Required, Response, Type};

use super::{ALIASES, Needs};
use crate::api::dialect::Dialect;

/// Completes every operation, and adds the aliases.
pub(super) fn finish(document: &mut OpenApi, needs: impl Fn(&str, &str) -> Needs) {
    for (alias, path) in ALIASES {
        let Some(item) = document.paths.paths.get(*path).cloned() else { continue };
        document.paths.paths.insert((*alias).to_owned(), alias_of(item, alias, path));
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let needs = needs(method, path);
            operation.security = security(needs);
            cut_rustdoc(operation);
            name(operation, method, path);
            add_errors(operation, needs, path);
        }
    }
}

/// The operations of a path, by method in capitals.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn alias_of(mut item: PathItem, alias: &str, path: &str) -> PathItem {
    for (method, operation) in operations(&mut item) {
        let original = format!("{method} {path}");
        operation.description = Some(format!("The same as `{original}`."));
        operation.operation_id = None;
        if alias.contains("{model}") {
            operation.parameters.get_or_insert_default().push(named_model().into());
        }
        operation.extensions = Some(ExtensionsBuilder::new().add("x-alias-of", original).build());
    }
    item
}

/// The model, where an alias has it in its path.
fn named_model() -> Parameter {
    ParameterBuilder::new()
        .name("model")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The catalogue name; the body need not name it again, and may name no other"))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// What a handler's documentation says of its errors is for those who read its code.
fn cut_rustdoc(operation: &mut Operation) {
    let text = operation.description.take().unwrap_or_default();
    let text = text.split("# Errors").next().unwrap_or_default().trim();
    operation.description = Some(text.to_owned()).filter(|text| !text.is_empty());
}

/// An id that was given has capitals; what has none is the name of the handler's function, which others have too.
fn name(operation: &mut Operation, method: &str, path: &str) {
    if operation.operation_id.as_ref().is_some_and(|id| id.contains(|letter: char| letter.is_uppercase())) {
        return;
    }
    let words = path.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
    };
    let camel: String = words.filter_map(capital).collect();
    operation.operation_id = Some(format!("{}{camel}", method.to_lowercase()));
}

/// Either way to present a key is enough. OpenAPI 3.1 lets a requirement name the roles that a key needs. An empty list
/// says that nothing is needed; without one it would not be said at all.
fn security(needs: Needs) -> Option<Vec<SecurityRequirement>> {
    let key = |scope: Option<&'static str>| {
        let scheme = |name: &str| SecurityRequirement::new(name, scope);
        Some(vec![scheme("bearer"), scheme("x-api-key")])
    };
    match needs {
        Needs::Nothing => Some(Vec::new()),
        Needs::Token => Some(vec![SecurityRequirement::new("metrics", None::<&str>)]),
        Needs::Key => key(None),
        Needs::Scope(scope) => key(Some(scope.as_str())),
    }
}

/// The errors that a credential and a body bring with them, and the shape of all.
fn add_errors(operation: &mut Operation, needs: Needs, path: &str) {
    let credential: &[_] = match needs {
        Needs::Nothing => &[],
        Needs::Token | Needs::Key => &["401"],
        Needs::Scope(_) => &["401", "403"],
    };
    let body: &[_] = if operation.request_body.is_some() { &["413", "415"] } else { &[] };
    for status in credential.iter().chain(body) {
        let responses = &mut operation.responses.responses;
        responses.entry((*status).to_owned()).or_insert_with(|| RefOr::T(Response::new("")));
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = meaning(status).to_owned();
        }
        if !status.starts_with(['4', '5']) {
            continue;
        }
        let Some(dialect) = Dialect::of_path(path).filter(|_| response.content.is_empty()) else { continue };
        let schema = Ref::from_schema_name(shape(dialect, status));
        let content = Content::new(Some(RefOr::Ref(schema)));
        response.content.insert("application/json".to_owned(), RefOr::T(content));
    }
}

/// The schema of an error.
fn shape(dialect: Dialect, status: &str) -> &'static str {
    match (dialect, status) {
        (Dialect::OpenAi, _) => "OpenAiError",
        (Dialect::OpenRouter, _) => "OpenRouterError",
        (Dialect::LiteLlm | Dialect::Feather, "422") => "HTTPValidationError",
        (Dialect::LiteLlm, _) => "LiteLlmError",
        (Dialect::Feather, _) => "ErrorResponse",
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "It worked",
        "201" => "It was created",
        "204" => "It worked, and there is nothing to say",
        "400" => "The request makes no sense as it is",
        "401" => "No API key, or one that is malformed, unknown, revoked or expired",
        "403" => "The key lacks the scope, or may not use the model",
        "404" => "There is no such thing in this organization",
        "409" => "It is in use, or the name is taken",
        "412" => "Somebody else changed it since it was read",
        "413" => "The body is over the limit",
        "415" => "The body is compressed",
        "422" => "Fields that were refused",
        "429" => "A limit is reached; `Retry-After` says when to try again",
        "502" => "No model answered: the last failure was the provider's",
        "503" => "Too much is under way, or nobody can be called now",
        "504" => "No model answered in time",
        _ => "It did not work",
    }
}
