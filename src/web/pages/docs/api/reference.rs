//! The document as the page shows it: sections of operations, and the objects that they speak of.

use utoipa::openapi::path::{Operation as Described, Parameter, ParameterIn};
use utoipa::openapi::{Components, Content, OpenApi, PathItem, RefOr, Required, Schema};

use super::command::{Call, Command, command};
use super::prose::{Prose, paragraphs, prose};
use super::sample::{Extent, sample};
use super::schema::{Field, Kind, fields, has_entry, kind, limits, resolve, words};

/// What the page shows, made once.
#[derive(Debug)]
pub struct Reference {
    /// The product.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it is.
    pub introduction: Vec<Prose>,
    /// The operations, by tag.
    pub sections: Vec<Section>,
    /// The objects, by name.
    pub entries: Vec<Entry>,
}

/// The operations of one tag.
#[derive(Debug)]
pub struct Section {
    /// Its place on the page.
    pub anchor: String,
    /// Its heading.
    pub title: String,
    /// What it is for.
    pub introduction: Vec<Prose>,
    /// By path.
    pub operations: Vec<Operation>,
}

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

/// An object with an entry of its own.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub text: Vec<Prose>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Its words, if it is an enum.
    pub words: Vec<String>,
}

impl Reference {
    /// Reads a document.
    #[must_use]
    pub fn new(document: &OpenApi) -> Self {
        let nothing = Components::default();
        let components = document.components.as_ref().unwrap_or(&nothing);
        let mut sections: Vec<Section> = document.tags.iter().flatten().map(Section::new).collect();
        let operations = document.paths.paths.iter().flat_map(|(path, item)| {
            operations(item).map(move |(method, operation)| (method, path.as_str(), operation))
        });
        let (aliases, own): (Vec<_>, Vec<_>) =
            operations.partition(|(_, _, operation)| original(operation).is_some());
        for (method, path, described) in own {
            let title = format!("{method} {path}");
            let same = aliases.iter().filter(|(_, _, alias)| original(alias) == Some(title.as_str()));
            let aliases = same.map(|(_, path, _)| (*path).to_owned()).collect();
            let operation = Operation::new(components, method, path, described, aliases);
            let tag = described.tags.iter().flatten().next().map_or("other", String::as_str);
            match sections.iter_mut().find(|section| section.anchor == tag) {
                Some(section) => section.operations.push(operation),
                None => sections.push(Section { operations: vec![operation], ..Section::named(tag) }),
            }
        }
        sections.retain(|section| !section.operations.is_empty());
        Self {
            title: document.info.title.clone(),
            version: document.info.version.clone(),
            introduction: paragraphs(document.info.description.as_deref().unwrap_or_default()),
            sections,
            entries: entries(components),
        }
    }
}

/// The method and path of which an operation is an alias.
fn original(operation: &Described) -> Option<&str> {
    operation.extensions.as_ref()?.get("x-alias-of")?.as_str()
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Described)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn entries(components: &Components) -> Vec<Entry> {
    let entry = |(name, schema): (&String, &RefOr<Schema>)| {
        let (text, words) = match schema {
            RefOr::T(Schema::Object(object)) => (object.description.as_deref(), words(object)),
            RefOr::T(Schema::AllOf(parts)) => (parts.description.as_deref(), Vec::new()),
            RefOr::T(_) | RefOr::Ref(_) => (None, Vec::new()),
        };
        let text = paragraphs(text.unwrap_or_default());
        Entry { name: name.clone(), text, fields: fields(components, schema), words }
    };
    components.schemas.iter().filter(|(_, schema)| has_entry(schema)).map(entry).collect()
}

impl Section {
    fn new(tag: &utoipa::openapi::Tag) -> Self {
        let introduction = paragraphs(tag.description.as_deref().unwrap_or_default());
        Self { introduction, ..Self::named(&tag.name) }
    }

    fn named(tag: &str) -> Self {
        let words = tag.replace('-', " ");
        let mut letters = words.chars();
        let title = letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str());
        Self {
            anchor: tag.to_owned(),
            title: title.unwrap_or_default(),
            introduction: Vec::new(),
            operations: Vec::new(),
        }
    }
}

impl Operation {
    fn new(
        components: &Components,
        method: &'static str,
        path: &str,
        described: &Described,
        aliases: Vec<String>,
    ) -> Self {
        let access = Access::of(described);
        let parameters: Vec<(Placed, Option<String>)> = described
            .parameters
            .iter()
            .flatten()
            .filter_map(|parameter| if let RefOr::T(parameter) = parameter { Some(parameter) } else { None })
            .map(|parameter| (placed(components, parameter), value(parameter)))
            .collect();
        let path_values: Vec<(String, String)> = parameters
            .iter()
            .filter(|(parameter, _)| parameter.place == "path")
            .map(|(parameter, value)| {
                let name = parameter.field.name.clone();
                (name.clone(), value.clone().unwrap_or_else(|| name.to_uppercase()))
            })
            .collect();
        let sent = sent(described);
        let body = sent.and_then(|content| {
            content
                .example
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| Some(sample(components, content.schema.as_ref()?, Extent::Needed).line()))
        });
        let call = Call {
            method,
            path,
            path_values: &path_values,
            variable: access.variable(),
            body: body.as_deref(),
        };
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
            parameters: parameters.into_iter().map(|(parameter, _)| parameter).collect(),
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

/// The example of a parameter.
fn value(parameter: &Parameter) -> Option<String> {
    let written = serde_json::to_value(parameter).ok()?;
    let example = written.get("example").or_else(|| written.get("schema")?.get("example"))?;
    Some(example.as_str().map_or_else(|| example.to_string(), str::to_owned))
}

/// The body that an operation is sent.
fn sent(operation: &Described) -> Option<&Content> {
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
