//! Recognizes content of which a request does not tell the size: files and recordings that it only names, compressed ones, and
//! what a provider searches for itself. Nothing but the model's window bounds how many tokens such a prompt has.

use std::borrow::Cow;

use memchr::memmem;

use super::members::{in_lower_case, is_absent, is_off, members, string};

/// Fields of messages that hold only text, or say what a text is.
const TEXT: [&str; 22] = [
    "role",
    "content",
    "name",
    "type",
    "text",
    "id",
    "index",
    "tool_calls",
    "tool_call_id",
    "function",
    "function_call",
    "arguments",
    "refusal",
    "annotations",
    "reasoning",
    "reasoning_content",
    "cache_control",
    "ttl",
    "thinking",
    "signature",
    "parsed",
    "input",
];

/// Fields of messages that hold the reasoning of earlier answers.
const REASONING: [&str; 4] = ["reasoning", "reasoning_content", "reasoning_details", "thinking"];

/// Fields of messages that hold or name what no tokenizer counts by its bytes.
const NO_TEXT: [&str; 12] = [
    "audio",
    "audio_url",
    "document",
    "file",
    "file_data",
    "file_url",
    "input_file",
    "input_video",
    "video",
    "video_url",
    "videos",
    "audios",
];

/// Fields that name what a provider keeps or fetches, wherever they are in a request.
const NAMES_OTHERS: [&str; 17] = [
    "audio_url",
    "cached_content",
    "cachedcontent",
    "conversation",
    "file_id",
    "file_ids",
    "file_uri",
    "file_url",
    "fileid",
    "fileuri",
    "filedata",
    "input_file_id",
    "previous_response_id",
    "vector_store_ids",
    "video_url",
    "attachments",
    "files",
];

/// Words in the type of a part that is not text, whatever a vendor calls it: `document_url`, `input_file`.
const FILES: [&str; 9] =
    ["document", "file", "pdf", "video", "audio", "media", "attachment", "container", "upload"];

/// Fields of a request that name what a provider keeps, or connect it to something.
const CONNECTED: [&str; 10] = [
    "assistant_id",
    "compound_custom",
    "connectors",
    "container",
    "data_sources",
    "datasources",
    "mcp_servers",
    "memory_id",
    "prompt_id",
    "toolsets",
];

/// Fields that make a vendor search, which adds what it finds to the prompt.
const SEARCHES: [&str; 6] =
    ["web_search_options", "web_search", "search_parameters", "search_settings", "enable_search", "plugins"];

/// The endings of addresses of images. An address without an ending may be one.
const IMAGES: [&str; 13] =
    ["avif", "bmp", "gif", "heic", "heif", "ico", "jfif", "jpeg", "jpg", "png", "svg", "tiff", "webp"];

/// The endings of other files, also where they are in the query of an address.
const OTHER_FILES: [&str; 14] =
    ["avi", "csv", "docx", "html", "m4a", "md", "mov", "mp3", "mp4", "pdf", "txt", "wav", "webm", "zip"];

/// Pages with videos that some vendors watch.
const VIDEO_PAGES: [&str; 2] = ["youtube.com", "youtu.be"];

/// How a text names a file that the provider keeps.
const FILE_ADDRESS: &[u8] = b"fileid://";

/// Bytes of encoded sound per token. A second has about thirty tokens: of a WAV file it has at least ten thousand bytes,
/// of an MP3 at least a thousand.
const WAV: u64 = 128;
const MP3: u64 = 32;

/// How the first bytes of WAV and MP3 files are encoded.
const SOUNDS: [(&str, u64); 3] = [("UklGR", WAV), ("SUQz", MP3), ("//", MP3)];

/// What the names of the fields in messages say of their content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    /// Whether they hold only text.
    pub(super) only_text: bool,
    /// Whether they have the reasoning of earlier answers.
    pub(super) reasoning: bool,
}

impl Contents {
    /// Reads the names, once.
    pub(super) fn of(messages: &[u8]) -> Self {
        let mut found = Self { only_text: true, reasoning: false };
        for (name, _) in members(messages) {
            found.only_text = found.only_text && TEXT.contains(&&*name);
            found.reasoning = found.reasoning || REASONING.contains(&&*name);
            if !found.only_text && found.reasoning {
                break;
            }
        }
        found
    }
}

/// Whether the text of messages names a file of the provider.
pub(super) fn names_files(messages: &[u8]) -> bool {
    memmem::find(messages, FILE_ADDRESS).is_some()
}

/// Whether messages hold content of unknown size.
pub(super) fn in_messages(messages: &[u8]) -> bool {
    let is_file = |kind: Cow<'_, str>| {
        let kind = kind.to_lowercase();
        kind != "input_audio" && FILES.iter().any(|word| kind.contains(word))
    };
    members(messages).any(|(name, value)| match &*name {
        "input_audio" => bytes_per_token(value).is_none(),
        "image_url" | "image" => !may_be_image(value),
        "type" => string(value).is_some_and(is_file),
        "source" => value.starts_with(b"{") && !is_source_of_image(value),
        "format" | "mime_type" | "mimetype" | "media_type" => {
            string(value).is_some_and(|kind| kind.contains('/') && !kind.to_lowercase().starts_with("image/"))
        }
        name => (NO_TEXT.contains(&name) || NAMES_OTHERS.contains(&name)) && !is_absent(value),
    })
}

/// Whether a field makes the vendor search.
pub(in crate::gateway::usage) fn is_search(name: &str, value: &[u8]) -> bool {
    let says_off = |(name, mode): (Cow<'_, str>, &[u8])| {
        name == "mode" && string(mode).is_some_and(|mode| mode == "off")
    };
    SEARCHES.contains(&&*in_lower_case(Cow::Borrowed(name)))
        && !is_off(value)
        && !members(value).any(says_off)
}

/// Whether another field of the request names content that its provider has.
pub(super) fn in_field(name: &str, value: &[u8]) -> bool {
    let name = name.to_lowercase();
    let is_connected = |name: &str| NAMES_OTHERS.contains(&name) || CONNECTED.contains(&name);
    let inner =
        |other: &str| NAMES_OTHERS.contains(&other) || name == "extra_body" && CONNECTED.contains(&other);
    // A prompt that the provider keeps.
    let is_kept = name == "prompt" && value.starts_with(b"{");
    (is_connected(&name) || is_kept) && !is_absent(value)
        || members(value).any(|(other, value)| inner(&other) && !is_absent(value))
}

/// The bytes of an `input_audio` for each token. `None` if its format does not tell.
pub(super) fn bytes_per_token(value: &[u8]) -> Option<u64> {
    let (_, data) = members(value).take(2).find(|(name, _)| name == "data")?;
    let data = string_start(data)?;
    let data = data.split_once(";base64,").map_or(data, |(_, encoded)| encoded);
    let data = data.replace("\\/", "/");
    SOUNDS.iter().find_map(|(start, bytes)| data.starts_with(start).then_some(*bytes))
}

/// Whether what Anthropic calls a source is one of an image.
fn is_source_of_image(value: &[u8]) -> bool {
    members(value).take(3).any(|(name, value)| match &*name {
        "media_type" => string_start(value).is_some_and(|kind| kind.starts_with("image/")),
        "url" => may_be_image(value),
        _ => false,
    })
}

/// Whether an image is one as far as its address tells. Some vendors take other files in its place.
fn may_be_image(value: &[u8]) -> bool {
    let url = |value| members(value).take(2).find(|(name, _)| name == "url").map(|(_, url)| url);
    let value = if value.starts_with(b"\"") { value } else { url(value).unwrap_or_default() };
    let Some(start) = string_start(value) else { return true };
    let start = start.replace("\\/", "/").to_ascii_lowercase();
    if start.contains("\\u") {
        return false;
    }
    match start.strip_prefix("data:") {
        Some(kind) => kind.starts_with("image/"),
        None => string(value).is_none_or(|address| is_address_of_image(&address.to_lowercase())),
    }
}

/// Whether there may be an image at an address.
fn is_address_of_image(address: &str) -> bool {
    let (path, query) = address.split_once(['?', '#']).unwrap_or((address, ""));
    let (place, file) = path.rsplit_once('/').unwrap_or(("", path));
    // The host alone has no file.
    let ending = file.rsplit_once('.').map(|(_, ending)| ending).filter(|_| !place.ends_with('/'));
    let is_other =
        |piece: &str| piece.split_once('.').is_some_and(|(_, ending)| OTHER_FILES.contains(&ending));
    let in_web = path.starts_with("http://") || path.starts_with("https://");
    let is_video = VIDEO_PAGES.iter().any(|page| place.contains(page));
    !is_video
        && !query.split(['&', '=', '/']).any(is_other)
        && match ending {
            Some(ending) => IMAGES.contains(&ending),
            None => in_web,
        }
}

/// The first characters of a string, with their escapes.
fn string_start(value: &[u8]) -> Option<&str> {
    const LONGEST: usize = 96;
    let inside = value.strip_prefix(b"\"")?;
    let start = inside.get(..LONGEST.min(inside.len()))?;
    Some(match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    })
}

#[cfg(test)]
mod tests;
