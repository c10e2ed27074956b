//! Images and documents in the content of an item.

use crate::dialects::members::Members;
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Source};

const PART: Need = Need::Translation("a part of a content lacks a member of its type");

/// Reads a picture: at an address, in the request itself, or stored by a provider.
pub(super) fn image<'a>(part: &Members<'_>) -> Result<Block<'a>, Need> {
    match part.text("image_url") {
        Some(url) => Ok(Block::Image(of_address(url))),
        None if part.raw("file_id").is_some() => Ok(Block::Image(Source::File)),
        None => Err(PART),
    }
}

/// Reads a document, likewise.
pub(super) fn document<'a>(part: &Members<'_>) -> Result<Block<'a>, Need> {
    match part.text("file_data").or_else(|| part.text("file_url")) {
        Some(data) => Ok(Block::Document(of_address(data))),
        None if part.raw("file_id").is_some() => Ok(Block::Document(Source::File)),
        None => Err(PART),
    }
}

/// The source that an address names, which may hold the bytes itself.
fn of_address(url: String) -> Source {
    let inline = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => Source::Url(url),
    }
}
