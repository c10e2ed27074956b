//! Images and documents in the content of an item.

use crate::dialects::change::Changes;
use crate::dialects::chat::documents;
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

/// Reads a document, likewise. Its members are those of chat completions, and an address.
pub(super) fn document<'a>(part: &Members<'_>, changes: &mut Changes) -> Result<Block<'a>, Need> {
    if part.raw("file_data").is_some() || part.raw("file_id").is_some() {
        return Ok(documents::of_file(part, changes));
    }
    part.text("file_url").map(|address| Block::Document(of_address(address))).ok_or(PART)
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
