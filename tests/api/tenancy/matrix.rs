//! The rows of the routes: how its owner calls each, and what another organization gets for the same call.
//!
//! A row is derived from the list of routes and from the description of the API: the path names a resource of the
//! victim, the body is the example with the victim's ids, and the expectation follows from both. What does not follow is
//! in [`exceptions`].

use failsoft::api::openapi::Document;
use failsoft::app::routes::{Access, Endpoint, ROUTES, Surface, Verb, described_path, description};
use reqwest::Method;
use serde_json::Value;

use super::exceptions;
use super::victim::{Resource, Victim};

/// The type of bodies that are forms.
const FORM: &str = "multipart/form-data";

/// What another organization gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// 404, as for a resource that does not exist.
    Absent,
    /// This status, with only its own resources in the response.
    Own(u16),
    /// This status, because the body refers to a resource that it cannot see.
    Refused(u16),
}

/// One route, called with the first organization's ids.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// `METHOD path`, as in the list of routes.
    pub(super) title: String,
    pub(super) method: Method,
    pub(super) access: Access,
    pub(super) path: String,
    pub(super) body: Value,
    /// Whether the body is sent as a form.
    pub(super) form: bool,
    /// The status that the owner gets.
    pub(super) owner: u16,
    pub(super) foreign: Foreign,
    /// Strings that the owner's response contains.
    pub(super) shows: Vec<String>,
}

/// The title of a route in the matrix.
pub(super) fn title(route: &Endpoint) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

/// The title of the route of which this one is an alias, or its own.
pub(super) fn original_title(route: &Endpoint) -> String {
    format!("{} {}", route.method.as_str(), route.alias_of.unwrap_or(route.path))
}

/// Every row, in the order of the routes.
pub(super) fn rows(victim: &Victim) -> Vec<Row> {
    let (rows, unbuilt) = derive(victim);
    assert!(unbuilt.is_empty(), "these routes have no row:\n{}", unbuilt.join("\n"));
    rows
}

/// The rows, and for each route without one what it lacks.
pub(super) fn derive(victim: &Victim) -> (Vec<Row>, Vec<String>) {
    let document = document();
    let (mut rows, mut unbuilt) = (Vec::new(), Vec::new());
    for route in ROUTES.iter().filter(|route| has_rows(route)) {
        let shape =
            Shape { method: route.method, path: route.path, access: route.access, surface: route.surface };
        match shape.row(&document, victim) {
            Ok(row) => rows.extend(exceptions::apply(&original_title(route), row, victim)),
            Err(lack) => unbuilt.push(lack),
        }
    }
    (rows, unbuilt)
}

/// Whether a route is called with keys, or by a visitor who sends nothing. Other pages and forms are in [`super::pages`].
fn has_rows(route: &Endpoint) -> bool {
    let reads = route.access == Access::Public && route.method == Verb::Get;
    route.surface == Surface::Api || reads
}

/// The description of the API with its examples.
fn document() -> Value {
    let document = Document::new(&description(None)).expect("a document");
    serde_json::from_slice(document.bytes()).expect("JSON")
}

/// What a row is derived from.
pub(super) struct Shape<'a> {
    pub(super) method: Verb,
    pub(super) path: &'a str,
    pub(super) access: Access,
    pub(super) surface: Surface,
}

/// What the parameter of a path refers to.
enum Named<'a> {
    /// A resource by its id.
    Resource(&'a Resource),
    /// A model by its name.
    Model,
    /// Nothing of an organization.
    Nothing,
}

impl Shape<'_> {
    /// Derives the row.
    ///
    /// # Errors
    /// What the route lacks.
    pub(super) fn row(&self, document: &Value, victim: &Victim) -> Result<Row, String> {
        let title = format!("{} {}", self.method.as_str(), self.path);
        let operation = &document["paths"][described_path(self.path)][self.method.as_str().to_lowercase()];
        if self.surface == Surface::Api && operation.is_null() {
            return Err(format!("{title}: it is not described. Is the method above its handler the same?"));
        }
        let named = self.named(victim).map_err(|lack| format!("{title}: {lack}"))?;
        let body = self.body(operation, victim).map_err(|lack| format!("{title}: {lack}"))?;
        let responses = operation["responses"].as_object().into_iter().flat_map(|all| all.keys());
        let success =
            responses.filter_map(|status| status.parse().ok()).find(|status| (200..300).contains(status));
        let owner = match (&named, self.surface) {
            // A link or a file that does not exist.
            (Some(Named::Nothing), Surface::Page) => 404,
            _ => success.unwrap_or(200),
        };
        Ok(Row {
            path: format!("{}{}", self.called(&named), query(operation)),
            foreign: foreign(&named, &body, owner),
            shows: self.shows(&named, owner, victim).map_err(|lack| format!("{title}: {lack}"))?,
            title,
            method: self.method.as_str().parse().expect("a method"),
            form: operation["requestBody"]["content"][FORM].is_object(),
            access: self.access,
            body,
            owner,
        })
    }

    /// What the path's parameter refers to: the segment before it is the collection.
    fn named<'v>(&self, victim: &'v Victim) -> Result<Option<Named<'v>>, String> {
        let Some((before, parameter)) = self.path.split_once("/{") else { return Ok(None) };
        let parameter = parameter.split('}').next().unwrap_or_default();
        if self.surface == Surface::Page {
            return Ok(Some(Named::Nothing));
        }
        if parameter.ends_with(":.+") {
            return Ok(Some(Named::Model));
        }
        let collection = before.rsplit('/').next().unwrap_or_default();
        match victim.resources.get(collection) {
            Some(resource) => Ok(Some(Named::Resource(resource))),
            None => Err(format!(
                "the path names one of '{collection}', and the victim has none. Create one in tests/api/tenancy/victim.rs."
            )),
        }
    }

    /// The path with the victim's resource in it. What is deleted is the spare one.
    fn called(&self, named: &Option<Named<'_>>) -> String {
        let Some(named) = named else { return self.path.to_owned() };
        let deletes = self.method == Verb::Delete && self.path.ends_with('}');
        let value = match named {
            Named::Resource(Resource { spare: Some(spare), .. }) if deletes => spare,
            Named::Resource(resource) => &resource.id,
            Named::Model => "victim/first",
            Named::Nothing => "nothing",
        };
        let (before, rest) = self.path.split_once('{').unwrap_or((self.path, ""));
        format!("{before}{value}{}", rest.split_once('}').map_or("", |(_, after)| after))
    }

    /// The example of the body, about the victim's resources.
    fn body(&self, operation: &Value, victim: &Victim) -> Result<Value, String> {
        let contents = &operation["requestBody"]["content"];
        let content =
            if contents[FORM].is_object() { &contents[FORM] } else { &contents["application/json"] };
        match (&operation["requestBody"], content.get("example")) {
            (Value::Null, _) => Ok(Value::Null),
            (_, Some(example)) => Ok(about_the_victim(example, victim)),
            (_, None) => {
                Err("its body has no example. Add one in src/api/openapi/examples/mod.rs.".to_owned())
            }
        }
    }

    /// What the owner's response contains.
    fn shows(&self, named: &Option<Named<'_>>, owner: u16, victim: &Victim) -> Result<Vec<String>, String> {
        let has_scope = matches!(self.access, Access::Scope(_));
        Ok(match named {
            _ if owner == 204 || !has_scope => Vec::new(),
            // A change may have renamed it.
            Some(Named::Resource(own)) if self.method == Verb::Patch => vec![own.id.clone()],
            Some(Named::Resource(own)) => vec![own.id.clone(), own.shows.clone()],
            Some(Named::Model) if self.method == Verb::Get => vec!["victim/first".to_owned()],
            None if self.method == Verb::Get => {
                let collection = self.path.rsplit('/').next().unwrap_or_default();
                match (victim.resources.get(collection), exceptions::says_what_it_shows(self)) {
                    (Some(own), _) => vec![own.shows.clone()],
                    (None, true) => Vec::new(),
                    (None, false) => {
                        return Err(format!(
                            "it lists '{collection}', and the victim has none. Create one in tests/api/tenancy/victim.rs, \
                             or say in tests/api/tenancy/exceptions.rs what its owner sees."
                        ));
                    }
                }
            }
            Some(Named::Model | Named::Nothing) | None => Vec::new(),
        })
    }
}

/// The whole list: its owner has a key for each of the rows.
fn query(operation: &Value) -> &'static str {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    if parameters.any(|parameter| parameter["name"] == "limit") { "?limit=200" } else { "" }
}

/// What another organization gets: what the path or the body names does not exist for it.
fn foreign(named: &Option<Named<'_>>, body: &Value, owner: u16) -> Foreign {
    let refers = ["provider_id", "api_key_id"].iter().any(|member| body[member].is_string());
    match named {
        Some(Named::Resource(_) | Named::Model) => Foreign::Absent,
        Some(Named::Nothing) | None if refers => Foreign::Refused(422),
        Some(Named::Nothing) | None if body["model"].is_string() => Foreign::Absent,
        Some(Named::Nothing) | None => Foreign::Own(owner),
    }
}

/// The example with the victim's resources in the place of those that it names.
fn about_the_victim(example: &Value, victim: &Victim) -> Value {
    let mut body = example.clone();
    for (member, value) in body.as_object_mut().into_iter().flatten() {
        match (member.as_str(), &mut *value) {
            ("provider_id", _) => *value = victim.id("providers").into(),
            ("api_key_id", _) => *value = victim.id("api-keys").into(),
            ("model", _) => *value = "victim/first".into(),
            ("models" | "fallback_models", _) => *value = vec!["victim/second"].into(),
            _ => {}
        }
    }
    body
}
