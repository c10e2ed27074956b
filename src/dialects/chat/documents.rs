//! Documents in chat completions: parts of the type `file`, which hold the bytes, or at OpenRouter their address.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::read_request::source;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::strip;
use crate::dialects::members::Members;
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Source};

/// The type of the documents that every vendor with documents takes.
const PDF: &str = "application/pdf";

/// The document of a part. One of plain text is its text under its name.
pub(super) fn read<'a>(file: &Members<'_>, changes: &mut Changes) -> Block<'a> {
    strip(file, &["file_data", "filename", "file_id"], changes);
    of_file(file, changes)
}

/// The document of an object with `file_data` and a `filename`, or with the `file_id` of a stored one.
#[must_use]
pub fn of_file<'a>(file: &Members<'_>, changes: &mut Changes) -> Block<'a> {
    let Some(data) = file.text("file_data") else { return Block::Document(Source::File) };
    let name = file.text("filename").filter(|name| !name.is_empty());
    match source(data) {
        Source::Base64 { media_type, data } => document(name, media_type, data, changes),
        Source::Url(data) if !data.contains(':') && has_ending(name.as_deref()) => {
            document(name, PDF.to_owned(), data, changes)
        }
        Source::Url(address) if address.starts_with("http") => Block::Document(Source::Url(address)),
        Source::Url(_) | Source::Named { .. } | Source::File => Block::Foreign(Need::Document),
    }
}

fn document<'a>(name: Option<String>, media_type: String, data: String, changes: &mut Changes) -> Block<'a> {
    if media_type.starts_with("text/") {
        let text = STANDARD.decode(&data).ok().and_then(|text| String::from_utf8(text).ok());
        let Some(text) = text else { return Block::Foreign(Need::Document) };
        changes.note(Verb::Mapped, "document");
        return Block::Text(name.map_or_else(|| text.clone(), |name| format!("{name}\n{text}")));
    }
    if media_type != PDF {
        return Block::Foreign(Need::Document);
    }
    Block::Document(match name {
        Some(name) => Source::Named { name, media_type, data },
        None => Source::Base64 { media_type, data },
    })
}

/// Whether a name is that of a PDF.
fn has_ending(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".pdf"))
}

/// The inside of a part.
#[derive(Serialize)]
pub(super) struct File<'a> {
    filename: Cow<'a, str>,
    file_data: Cow<'a, str>,
}

/// The part of a document. Vendors know its type by the end of its name, too.
pub(super) fn write(source: &Source) -> Option<File<'_>> {
    let (name, data): (Option<&str>, Cow<'_, str>) = match source {
        Source::Base64 { media_type, data } => (None, inline(media_type, data).into()),
        Source::Named { name, media_type, data } => (Some(name.as_str()), inline(media_type, data).into()),
        Source::Url(address) => {
            let path = address.split(['?', '#']).next().unwrap_or_default();
            (path.rsplit('/').next().filter(|name| has_ending(Some(name))), address.into())
        }
        Source::File => return None,
    };
    let filename: Cow<'_, str> = match name {
        None => "document.pdf".into(),
        Some(name) if has_ending(Some(name)) => name.into(),
        Some(name) => [name, ".pdf"].concat().into(),
    };
    Some(File { filename, file_data: data })
}

fn inline(media_type: &str, data: &str) -> String {
    ["data:", media_type, ";base64,", data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_document_a_text_or_nothing_that_others_know() {
        for (file, expected, mapped) in [
            (
                r#"{"file_data":"data:application/pdf;base64,aGk=","filename":"a.pdf"}"#,
                r#"Document(Named { name: "a.pdf", media_type: "application/pdf", data: "aGk=" })"#,
                false,
            ),
            (
                r#"{"file_data":"data:application/pdf;base64,aGk="}"#,
                r#"Document(Base64 { media_type: "application/pdf", data: "aGk=" })"#,
                false,
            ),
            (
                r#"{"file_data":"aGk=","filename":"A.PDF"}"#,
                r#"Document(Named { name: "A.PDF", media_type: "application/pdf", data: "aGk=" })"#,
                false,
            ),
            (
                r#"{"file_data":"https://x.example/a.pdf"}"#,
                r#"Document(Url("https://x.example/a.pdf"))"#,
                false,
            ),
            (
                r#"{"file_data":"data:text/plain;base64,aGk=","filename":"a.txt"}"#,
                r#"Text("a.txt\nhi")"#,
                true,
            ),
            (r#"{"file_data":"data:text/plain;base64,aGk="}"#, r#"Text("hi")"#, true),
            (r#"{"file_data":"data:text/plain;base64,?"}"#, "Foreign(Document)", false),
            (r#"{"file_data":"data:application/msword;base64,aGk="}"#, "Foreign(Document)", false),
            (r#"{"file_data":"aGk="}"#, "Foreign(Document)", false),
            (r#"{"file_id":"f"}"#, "Document(File)", false),
        ] {
            let mut changes = Changes::default();
            let members: Members<'_> = serde_json::from_str(file).expect(file);
            assert_eq!(format!("{:?}", read(&members, &mut changes)), expected, "{file}");
            assert_eq!(!changes.into_names().is_empty(), mapped, "{file}");
        }
    }

    #[test]
    fn a_document_has_the_name_of_a_pdf() {
        let named = |name: &str| Source::Named {
            name: name.to_owned(),
            media_type: PDF.to_owned(),
            data: "aGk=".to_owned(),
        };
        let url = |url: &str| Source::Url(url.to_owned());
        let inline = "data:application/pdf;base64,aGk=";
        for (source, name, data) in [
            (named("Report"), "Report.pdf", inline),
            (named("a.PDF"), "a.PDF", inline),
            (Source::Base64 { media_type: PDF.to_owned(), data: "aGk=".to_owned() }, "document.pdf", inline),
            (url("https://x.example/a.pdf?b=c/d"), "a.pdf", "https://x.example/a.pdf?b=c/d"),
            (url("https://x.example/"), "document.pdf", "https://x.example/"),
        ] {
            let File { filename, file_data } = write(&source).expect("a part");
            assert_eq!((&*filename, &*file_data), (name, data));
        }
        assert!(write(&Source::File).is_none());
    }
}
