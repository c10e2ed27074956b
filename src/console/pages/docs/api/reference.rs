//! The API reference: sections of operations, and the objects that they use.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use utoipa::openapi::path::Operation as Described;
use utoipa::openapi::{Components, OpenApi, PathItem, RefOr, Schema};

use super::operation::{Operation, sent_content};
use super::prose::{Prose, paragraphs};
use super::schema::{Field, fields, has_entry, parts, words};

/// The content of the page, built once.
#[derive(Debug)]
pub struct Reference {
    /// Version of the product.
    pub version: String,
    /// Introduction, split into paragraphs.
    pub introduction: Vec<Prose>,
    /// Operations grouped by tag.
    pub sections: Vec<Section>,
    /// The objects, sorted by name.
    pub entries: Vec<Entry>,
}

/// A reference that is built when the page is first read.
pub type LazyReference = LazyLock<Reference, Box<dyn FnOnce() -> Reference + Send>>;

/// The operations of one tag.
#[derive(Debug)]
pub struct Section {
    /// HTML id of the section.
    pub anchor: String,
    /// Heading of the section.
    pub title: String,
    /// Introduction, split into paragraphs.
    pub introduction: Vec<Prose>,
    /// The operations, sorted by path.
    pub operations: Vec<Operation>,
}

/// An object with its own entry.
#[derive(Debug)]
pub struct Entry {
    /// Name of the object.
    pub name: String,
    /// Description, split into paragraphs.
    pub text: Vec<Prose>,
    /// Fields of the object.
    pub fields: Vec<Field>,
    /// Whether callers send the object; otherwise they only receive it.
    pub sent: bool,
    /// The values, if it is an enum.
    pub words: Vec<String>,
}

impl Reference {
    /// Builds the reference from a document.
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
            version: document.info.version.clone(),
            introduction: paragraphs(document.info.description.as_deref().unwrap_or_default()),
            sections,
            entries: entries(document, components),
        }
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Described)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn entries(document: &OpenApi, components: &Components) -> Vec<Entry> {
    let mut sent = BTreeSet::new();
    for (_, operation) in document.paths.paths.values().flat_map(operations) {
        if let Some(schema) = sent_content(operation).and_then(|content| content.schema.as_ref()) {
            parts(components, schema, &mut sent);
        }
    }
    let entry = |(name, schema): (&String, &RefOr<Schema>)| {
        let (text, words) = match schema {
            RefOr::T(Schema::Object(object)) => (object.description.as_deref(), words(object)),
            RefOr::T(Schema::AllOf(parts)) => (parts.description.as_deref(), Vec::new()),
            RefOr::T(_) | RefOr::Ref(_) => (None, Vec::new()),
        };
        let text = paragraphs(text.unwrap_or_default());
        Entry {
            name: name.clone(),
            text,
            fields: fields(components, schema),
            sent: sent.contains(name),
            words,
        }
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

/// The operation that this one is an alias of, as `METHOD path`.
fn original(operation: &Described) -> Option<&str> {
    operation.extensions.as_ref()?.get("x-alias-of")?.as_str()
}
