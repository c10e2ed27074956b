//! What a path says of its operation: the tag, the operation id, and in the management dialect the parameters and
//! responses that every list and every resource has.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat};
use utoipa::openapi::{RefOr, Required, Response, Type};

use crate::api::error_format::ErrorFormat;

/// Adds what the method and the path say of the operation. What the handler's attribute says takes precedence.
pub(super) fn add_conventions(operation: &mut Operation, method: &str, path: &str) {
    let tag = tag(path);
    operation.tags = Some(vec![tag.to_owned()]);
    operation.operation_id = Some(operation_id(operation, tag, method, path));
    if !["model-router", "identity"].contains(&tag) {
        return;
    }
    let resource = Resource::of_path(path);
    if path.contains("{id}") {
        operation.parameters.get_or_insert_default().insert(0, resource.id().into());
        add_response(operation, "404");
    }
    if is_list(operation) {
        describe_list(operation, &resource);
    }
    let refuses_fields = is_list(operation) || operation.request_body.is_some();
    if refuses_fields && (is_list(operation) || !operation.responses.responses.contains_key("400")) {
        add_response(operation, "422");
    }
    describe_success(operation, &resource);
}

/// The tag of a path, under which the reference lists it.
fn tag(path: &str) -> &'static str {
    match ErrorFormat::of_path(path) {
        Some(ErrorFormat::OpenAi | ErrorFormat::Anthropic | ErrorFormat::OpenRouter) => "inference",
        Some(ErrorFormat::LiteLlm) => "fallbacks",
        Some(ErrorFormat::Management) if path.starts_with("/v1/model-router/") => "model-router",
        Some(ErrorFormat::Management) if path.starts_with("/v1/identity/") => "identity",
        Some(ErrorFormat::Management) if path == "/openapi.json" => "about",
        Some(ErrorFormat::Management) | None => "health",
    }
}

/// The attribute's operation id if it sets one: it contains capitals. Otherwise utoipa sets the handler's name, which is
/// not unique: `list` of `/v1/model-router/error-mappings` becomes `listErrorMappings`.
fn operation_id(operation: &Operation, tag: &str, method: &str, path: &str) -> String {
    let handler = operation.operation_id.as_deref().unwrap_or_default();
    if handler.contains(char::is_uppercase) {
        return handler.to_owned();
    }
    let named = ["model-router", "identity", "fallbacks"].contains(&tag) && !handler.is_empty();
    if !named {
        return format!("{}{}", method.to_lowercase(), camel(path));
    }
    let resource = Resource::of_path(path);
    let plural = if handler == "list" { "s" } else { "" };
    let verb = camel(handler);
    let (first, rest) = verb.split_at_checked(1).unwrap_or_default();
    format!("{}{rest}{}{plural}", first.to_lowercase(), camel(resource.singular()))
}

/// The words of a text, joined with a capital each.
fn camel(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The collection in a path: `error-mappings` in `/v1/model-router/error-mappings/{id}`.
struct Resource<'a>(&'a str);

impl<'a> Resource<'a> {
    fn of_path(path: &'a str) -> Self {
        let fixed = path.split("/{").next().unwrap_or_default();
        Self(fixed.rsplit('/').next().unwrap_or_default())
    }

    fn singular(&self) -> &'a str {
        self.0.strip_suffix('s').unwrap_or(self.0)
    }

    /// The last word, as in "The mapping".
    fn noun(&self) -> &'a str {
        self.singular().rsplit('-').next().unwrap_or_default()
    }

    fn nouns(&self) -> &'a str {
        self.0.rsplit('-').next().unwrap_or_default()
    }

    /// The parameter with the resource's id.
    fn id(&self) -> Parameter {
        let uuid = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(format!("The {}", self.noun())))
            .schema(Some(uuid))
            .build()
    }
}

/// Whether it is a list, which is read in pages.
fn is_list(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.name == "cursor")
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Whether it is a list that is also exported.
fn is_export(operation: &Operation) -> bool {
    matches!(operation.responses.responses.get("200"), Some(RefOr::T(page)) if page.content.contains_key("text/csv"))
}

fn describe_list(operation: &mut Operation, resource: &Resource<'_>) {
    let export = if is_export(operation) { "; up to 100,000 in an export" } else { "" };
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "limit"
        {
            let rows = if resource.nouns().ends_with('s') { resource.nouns() } else { "rows" };
            let rows = capitalized(rows);
            parameter.description = Some(format!("{rows} per page, 50 by default{export}"));
        }
    }
    if let RefOr::T(response) = add_response(operation, "400") {
        response.description = "The cursor belongs to another list".to_owned();
    }
}

fn add_response<'a>(operation: &'a mut Operation, status: &str) -> &'a mut RefOr<Response> {
    let responses = &mut operation.responses.responses;
    responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::new("")))
}

/// Describes what a success returns.
fn describe_success(operation: &mut Operation, resource: &Resource<'_>) {
    let (list, export) = (is_list(operation), is_export(operation));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status == "201" {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let place = format!("The {}'s path", resource.noun());
            let location = HeaderBuilder::new().schema(Some(text)).description(Some(place)).build();
            response.headers.insert("location".to_owned(), RefOr::T(location));
        }
        if !response.description.is_empty() {
            continue;
        }
        response.description = match status.as_str() {
            "200" if export => format!("A page of {}, or a stream of all", resource.nouns()),
            "200" if list => "A page of the list".to_owned(),
            "200" => "The current state".to_owned(),
            "201" => "The new resource".to_owned(),
            "204" => "Deleted".to_owned(),
            _ => continue,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::OperationBuilder;

    #[test]
    fn an_operation_is_named_after_its_handler_and_its_collection() {
        for (handler, method, path, id) in [
            ("list", "GET", "/v1/model-router/error-mappings", "listErrorMappings"),
            ("read", "GET", "/v1/model-router/error-mappings/{id}", "readErrorMapping"),
            ("test", "POST", "/v1/model-router/providers/{id}/test", "testProvider"),
            ("add_up", "GET", "/v1/model-router/usage", "addUpUsage"),
            ("list", "GET", "/fallback", "listFallbacks"),
            ("delete", "DELETE", "/fallback/{model}", "deleteFallback"),
            ("list", "GET", "/v1/models", "getV1Models"),
            ("live", "GET", "/health/liveliness", "getHealthLiveliness"),
            ("getOpenApi", "GET", "/openapi.json", "getOpenApi"),
        ] {
            let mut operation = OperationBuilder::new().operation_id(Some(handler)).build();
            add_conventions(&mut operation, method, path);
            assert_eq!(operation.operation_id.as_deref(), Some(id), "{method} {path}");
        }
    }

    #[test]
    fn a_path_names_its_resource() {
        let resource = Resource::of_path("/v1/model-router/fallback-events/{id}");
        assert_eq!(
            (resource.singular(), resource.noun(), resource.nouns()),
            ("fallback-event", "event", "events")
        );
        assert_eq!(Resource::of_path("/v1/identity/whoami").noun(), "whoami");
    }
}
