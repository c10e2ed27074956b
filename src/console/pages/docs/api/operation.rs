//! One operation of the API reference: access, parameters, bodies, and code that calls it.

use utoipa::openapi::path::{Operation as Described, Parameter, ParameterIn};
use utoipa::openapi::{Components, Content, RefOr, Required};

use super::code::{Call, Returned, Samples, Sent, samples};
use super::prose::{Prose, paragraphs, prose};
use super::sample::{Extent, JSON, sample};
use super::schema::{Field, Kind, fields, kind, limits, resolve};

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// HTML id of the operation.
    pub anchor: String,
    /// HTTP method in capitals.
    pub method: &'static str,
    /// Path with parameters in braces.
    pub path: String,
    /// Other paths with the same behavior.
    pub aliases: Vec<String>,
    /// Credential that callers need.
    pub access: Access,
    /// Summary in one line.
    pub summary: Prose,
    /// Description, split into paragraphs.
    pub text: Vec<Prose>,
    /// Parameters in path, query and headers.
    pub parameters: Vec<Placed>,
    /// Request body, if any.
    pub body: Option<Body>,
    /// Success responses, by status.
    pub answers: Vec<Answer>,
    /// Error responses, by status.
    pub errors: Vec<Answer>,
    /// Types of the error bodies.
    pub error_kinds: Vec<Kind>,
    /// Code that works as pasted, in each language.
    pub samples: Samples,
    /// A sample of a success response.
    pub sample: Option<String>,
}

/// The credential that an operation requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// No credential is required.
    Public,
    /// Any valid API key.
    AnyKey,
    /// A key with this scope.
    Scope(String),
    /// The operator's metrics token.
    Operator,
}

/// A parameter and its location.
#[derive(Debug)]
pub struct Placed {
    /// `path`, `query` or `header`.
    pub place: &'static str,
    /// Name, type and description.
    pub field: Field,
}

/// The body of a request.
#[derive(Debug)]
pub struct Body {
    /// Type of the body.
    pub kind: Kind,
    /// Description of the body.
    pub text: Prose,
    /// Fields, if the body is an object.
    pub fields: Vec<Field>,
}

/// One status and its response.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status code.
    pub status: String,
    /// When the status is returned.
    pub text: Prose,
    /// Type of the body, if there is one.
    pub kind: Option<Kind>,
    /// Media types of the body, if it is not only JSON.
    pub media: Vec<String>,
}

impl Operation {
    pub(super) fn new(
        components: &Components,
        method: &'static str,
        path: &str,
        described: &Described,
        aliases: Vec<String>,
    ) -> Self {
        let access = Access::of(described);
        let parameters = described.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        });
        let mut target = path.to_owned();
        for (name, value) in parameters.clone().filter_map(path_value) {
            target = target.replace(&format!("{{{name}}}"), &value);
        }
        let content = sent_content(described);
        let body = content
            .and_then(|content| content.schema.as_ref())
            .map(|schema| sample(components, schema, Extent::Needed));
        let sent = match &body {
            Some(_) if is_form(described) => Sent::File,
            Some(body) => Sent::Json(body),
            None => Sent::Nothing,
        };
        let (variable, returned) = (access.variable(), returned(described));
        let samples = samples(Call { method, target: &target, variable, sent, returned });
        let (answers, errors): (Vec<_>, Vec<_>) =
            answers(components, described).into_iter().partition(|answer| answer.status.starts_with('2'));
        let mut error_kinds: Vec<Kind> = errors.iter().filter_map(|error| error.kind.clone()).collect();
        error_kinds.sort_by(|one, other| one.object.cmp(&other.object));
        error_kinds.dedup();
        Self {
            anchor: described.operation_id.clone().unwrap_or_else(|| format!("{method}{path}")),
            method,
            path: path.to_owned(),
            aliases,
            samples,
            access,
            summary: prose(described.summary.as_deref().unwrap_or_default().trim_end_matches('.')),
            text: paragraphs(described.description.as_deref().unwrap_or_default()),
            parameters: parameters.map(|parameter| placed(components, parameter)).collect(),
            body: content.and_then(|content| Body::new(components, described, content)),
            answers,
            errors,
            error_kinds,
            sample: success(components, described),
        }
    }
}

impl Access {
    fn of(operation: &Described) -> Self {
        let Some(first) = operation.security.iter().flatten().next() else { return Self::Public };
        let written = serde_json::to_value(first).unwrap_or_default();
        let scheme = written.as_object().and_then(|schemes| schemes.iter().next());
        match scheme {
            None => Self::Public,
            Some((name, _)) if name == "metrics" => Self::Operator,
            Some((_, scopes)) => match scopes.get(0).and_then(|scope| scope.as_str()) {
                Some(scope) => Self::Scope(scope.to_owned()),
                None => Self::AnyKey,
            },
        }
    }

    /// Name of the environment variable that holds the credential in the samples.
    fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Public => None,
            Self::AnyKey | Self::Scope(_) => Some(super::VARIABLE),
            Self::Operator => Some("FAILSOFT_METRICS_TOKEN"),
        }
    }
}

fn placed(components: &Components, parameter: &Parameter) -> Placed {
    let place = match parameter.parameter_in {
        ParameterIn::Path => "path",
        ParameterIn::Query | ParameterIn::QueryString => "query",
        ParameterIn::Header => "header",
        ParameterIn::Cookie => "cookie",
    };
    let schema = parameter.schema.as_ref();
    let mut kind = schema.map(|schema| kind(components, schema)).unwrap_or_default();
    // An optional parameter is omitted rather than sent as null.
    kind.nullable = false;
    let field = Field {
        name: parameter.name.clone(),
        kind,
        required: parameter.required == Required::True,
        text: prose(&parameter.description.as_deref().unwrap_or_default().replace('\n', " ")),
        limits: schema.map(|schema| limits(components, schema)).unwrap_or_default(),
    };
    Placed { place, field }
}

/// A path parameter with its example, or a placeholder.
fn path_value(parameter: &Parameter) -> Option<(String, String)> {
    if parameter.parameter_in != ParameterIn::Path {
        return None;
    }
    let written = serde_json::to_value(parameter).unwrap_or_default();
    let example = written.get("example").and_then(|example| example.as_str());
    let value = example.map_or_else(|| parameter.name.to_uppercase(), str::to_owned);
    Some((parameter.name.clone(), value))
}

/// The content of the request body.
pub(super) fn sent_content(operation: &Described) -> Option<&Content> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    content(body.content.values().next()?)
}

/// Whether the request body is a form with a file.
fn is_form(operation: &Described) -> bool {
    matches!(&operation.request_body, Some(RefOr::T(body)) if body.content.contains_key("multipart/form-data"))
}

/// What the first success response has in its body.
fn returned(operation: &Described) -> Returned {
    let mut responses = operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
    let Some((_, RefOr::T(response))) = responses.next() else { return Returned::Nothing };
    if response.content.contains_key("application/json") {
        return Returned::Json;
    }
    match response.content.keys().next().map(String::as_str) {
        None => Returned::Nothing,
        Some("application/octet-stream") => Returned::Binary,
        Some(_) => Returned::Text,
    }
}

fn content(content: &RefOr<Content>) -> Option<&Content> {
    if let RefOr::T(content) = content { Some(content) } else { None }
}

impl Body {
    fn new(components: &Components, operation: &Described, content: &Content) -> Option<Self> {
        let schema = content.schema.as_ref()?;
        let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
        Some(Self {
            kind: kind(components, schema),
            text: prose(body.description.as_deref().unwrap_or_default()),
            fields: fields(components, schema),
        })
    }
}

fn answers(components: &Components, operation: &Described) -> Vec<Answer> {
    let answer = |(status, response): (&String, &RefOr<utoipa::openapi::Response>)| {
        let RefOr::T(response) = response else { return None };
        let json = response.content.get("application/json").and_then(content);
        let media: Vec<String> = response.content.keys().cloned().collect();
        Some(Answer {
            status: status.clone(),
            text: prose(response.description.trim_end_matches('.')),
            kind: json.and_then(|content| Some(kind(components, content.schema.as_ref()?))),
            media: if media.iter().all(|media| media == "application/json") { Vec::new() } else { media },
        })
    };
    operation.responses.responses.iter().filter_map(answer).collect()
}

/// A sample of the first success response with a JSON body.
fn success(components: &Components, operation: &Described) -> Option<String> {
    let mut responses = operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
    let (_, RefOr::T(response)) = responses.next()? else { return None };
    let json = content(response.content.get("application/json")?)?;
    if let Some(example) = &json.example {
        return serde_json::to_string_pretty(example).ok();
    }
    let schema = json.schema.as_ref()?;
    resolve(components, schema)?;
    let text = sample(components, schema, Extent::All).page(0, JSON);
    (text != "{}" && text != "null").then_some(text)
}
