//! Pictures and documents as parts of Gemini's contents.

use serde::Serialize;

use super::contents::Part;
use crate::dialects::change::Changes;
use crate::dialects::need::Need;
use crate::dialects::turns::Source;

/// The bytes of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inline<'a> {
    mime_type: &'a str,
    data: &'a str,
}

/// The address of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    mime_type: &'static str,
    file_uri: &'a str,
}

/// A picture or a document. Google fetches one at an address, and has to know its type.
pub(super) fn part<'a>(source: &'a Source, need: Need, changes: &mut Changes) -> Result<Part<'a>, Need> {
    if matches!(source, Source::Named { .. }) {
        changes.stripped("name");
    }
    match source {
        Source::Base64 { media_type, data } | Source::Named { media_type, data, .. } => {
            let mime_type =
                if need == Need::Image { image_type(media_type).ok_or(need)? } else { media_type.as_str() };
            Ok(Part::Inline { inline_data: Inline { mime_type, data } })
        }
        Source::Url(file_uri) if file_uri.starts_with("http") => {
            let mime_type = type_of(file_uri, need).ok_or(need)?;
            Ok(Part::File { file_data: File { mime_type, file_uri } })
        }
        Source::Url(_) => Err(need),
        Source::File => Err(Need::File),
    }
}

/// The type of a picture, as Gemini names it; `None` if it does not take such pictures.
fn image_type(media_type: &str) -> Option<&'static str> {
    let (_, format) = media_type.split(';').next().unwrap_or_default().trim().split_once('/')?;
    type_of_format(&format.to_ascii_lowercase())
}

/// The type of a picture in a format, which is also the end of the names of its files.
fn type_of_format(format: &str) -> Option<&'static str> {
    match format {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
}

/// The type that an address shows by its end. Documents are PDF.
fn type_of(address: &str, need: Need) -> Option<&'static str> {
    if need == Need::Document {
        return Some("application/pdf");
    }
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    type_of_format(path.rsplit('.').next()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pictures_are_inline_or_at_an_address_that_shows_their_type() {
        let inline =
            |media_type: &str| Source::Base64 { media_type: media_type.to_owned(), data: "eA==".to_owned() };
        let at = |address: &str| Source::Url(address.to_owned());
        let sent = |mime_type: &str| json!({"inlineData": {"mimeType": mime_type, "data": "eA=="}});
        let address = "https://x.example/a.JPG?b=c.d";
        for (source, expected) in [
            (inline("image/png"), Some(sent("image/png"))),
            (inline("image/jpg"), Some(sent("image/jpeg"))),
            (inline("IMAGE/WEBP; q=1"), Some(sent("image/webp"))),
            (inline("image/gif"), None),
            (inline("image/svg+xml"), None),
            (at(address), Some(json!({"fileData": {"mimeType": "image/jpeg", "fileUri": address}}))),
            (at("https://x.example/a"), None),
            (at("gs://bucket/a.png"), None),
        ] {
            let found = part(&source, Need::Image, &mut Changes::default());
            let found = found.map(|part| serde_json::to_value(part).expect("JSON"));
            assert_eq!(found, expected.ok_or(Need::Image), "{source:?}");
        }
    }
}
