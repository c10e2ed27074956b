//! One operation as the page shows it: what it needs, what it is sent, what it answers, and a command that calls it.

use utoipa::openapi::path::{Operation as Described, Parameter, ParameterIn};
use utoipa::openapi::{Components, Content, RefOr, Required};

use super::command::{Call, Command, command};
use super::prose::{Prose, paragraphs, prose};
use super::sample::{Extent, sample};
use super::schema::{Field, Kind, fields, kind, limits, resolve};

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its place on the page, which is its id.
    pub anchor: String,
    /// In capitals.
    pub method: &'static str,
    /// With its parameters in braces.
    pub path: String,
    /// Other paths that answer the same.
    pub aliases: Vec<String>,
    /// Who may call it.
    pub access: Access,
    /// What it does, in a line.
    pub summary: Prose,
    /// What else there is to know.
    pub text: Vec<Prose>,
    /// Of the path, the query and the headers.
    pub parameters: Vec<Placed>,
    /// What it is sent.
    pub body: Option<Body>,
    /// Successes, by status.
    pub answers: Vec<Answer>,
    /// Everything else, by status.
    pub errors: Vec<Answer>,
    /// What the bodies of the errors are.
    pub error_kinds: Vec<Kind>,
    /// A call that works as pasted.
    pub command: Command,
    /// What a success looks like.
    pub sample: Option<String>,
}

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Any living key.
    AnyKey,
    /// A key with the scope.
    Scope(String),
    /// The operator, with the token for metrics.
    Operator,
}

/// A parameter, and where it is put.
#[derive(Debug)]
pub struct Placed {
    /// `path`, `query`, `header`.
    pub place: &'static str,
    /// The rest.
    pub field: Field,
}

/// A body that is sent.
#[derive(Debug)]
pub struct Body {
    /// What it is.
    pub kind: Kind,
    /// What else there is to know.
    pub text: Prose,
    /// Its fields, if it is an object.
    pub fields: Vec<Field>,
}

/// One status and what comes with it.
#[derive(Debug)]
pub struct Answer {
    /// The number.
    pub status: String,
    /// When it comes.
    pub text: Prose,
    /// What the body is, if there is one.
    pub kind: Option<Kind>,
    /// The media types of the body, where it is not JSON alone.
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
        let path_values: Vec<_> = parameters.clone().filter_map(path_value).collect();
        let sent = sent_content(described);
        let body = sent.and_then(|content| {
            let sample = sample(components, content.schema.as_ref()?, Extent::Needed);
            Some(sample.body())
        });
        let variable = access.variable();
        let call = Call { method, path, path_values: &path_values, variable, body: body.as_deref() };
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
            command: command(&call),
            access,
            summary: prose(described.summary.as_deref().unwrap_or_default().trim_end_matches('.')),
            text: paragraphs(described.description.as_deref().unwrap_or_default()),
            parameters: parameters.map(|parameter| placed(components, parameter)).collect(),
            body: sent.and_then(|content| Body::new(components, described, content)),
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

    /// The variable of the shell in which the commands expect the credential.
    fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Public => None,
            Self::AnyKey | Self::Scope(_) => Some("FAILSOFT_API_KEY"),
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
    // A parameter that may be left out has no null to be sent.
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

/// A parameter of the path with its example, or with a word that says what to put there.
fn path_value(parameter: &Parameter) -> Option<(String, String)> {
    if parameter.parameter_in != ParameterIn::Path {
        return None;
    }
    let written = serde_json::to_value(parameter).unwrap_or_default();
    let example = written.get("example").and_then(|example| example.as_str());
    let value = example.map_or_else(|| parameter.name.to_uppercase(), str::to_owned);
    Some((parameter.name.clone(), value))
}

/// The body that an operation is sent.
pub(super) fn sent_content(operation: &Described) -> Option<&Content> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    content(body.content.values().next()?)
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

/// The first success with a JSON body that says something.
fn success(components: &Components, operation: &Described) -> Option<String> {
    let mut responses = operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
    let (_, RefOr::T(response)) = responses.next()? else { return None };
    let json = content(response.content.get("application/json")?)?;
    if let Some(example) = &json.example {
        return serde_json::to_string_pretty(example).ok();
    }
    let schema = json.schema.as_ref()?;
    resolve(components, schema)?;
    let text = sample(components, schema, Extent::All).page(0);
    (text != "{}" && text != "null").then_some(text)
}
