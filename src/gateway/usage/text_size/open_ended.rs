//! Recognizes content of which a request does not tell the size: files and recordings that it only names, compressed ones, and
//! what a provider searches for itself. Nothing but the model's window bounds how many tokens such a prompt has.

use std::borrow::Cow;

use super::members::{is_absent, members, string};

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

/// Fields of messages that hold or name what no tokenizer counts by its bytes.
const NO_TEXT: [&str; 13] = [
    "audio",
    "audio_url",
    "document",
    "file",
    "file_data",
    "file_url",
    "input_file",
    "input_video",
    "source",
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

/// Fields that make a vendor search, which adds what it finds to the prompt.
const SEARCHES: [&str; 5] =
    ["web_search_options", "web_search", "search_parameters", "enable_search", "plugins"];

/// Tools of vendors that add to the prompt.
const VENDORS_TOOLS: [&str; 10] = [
    "web_search",
    "file_search",
    "google_search",
    "googlesearch",
    "code_interpreter",
    "code_execution",
    "x_search",
    "collections_search",
    "url_context",
    "mcp",
];

/// Bytes of encoded sound per token. A second has about thirty tokens: of a WAV file it has at least ten thousand bytes,
/// of an MP3 at least a thousand.
const WAV: u64 = 128;
const MP3: u64 = 32;

/// How the first bytes of WAV and MP3 files are encoded.
const SOUNDS: [(&str, u64); 3] = [("UklGR", WAV), ("SUQz", MP3), ("//", MP3)];

/// Whether messages hold only text.
pub(super) fn are_text(messages: &[u8]) -> bool {
    members(messages).all(|(name, _)| TEXT.contains(&&*name))
}

/// Whether messages hold content of unknown size.
pub(super) fn in_messages(messages: &[u8]) -> bool {
    members(messages).any(|(name, value)| match &*name {
        "input_audio" => bytes_per_token(value).is_none(),
        "image_url" | "image" => !may_be_image(value),
        name => (NO_TEXT.contains(&name) || NAMES_OTHERS.contains(&name)) && !is_absent(value),
    })
}

/// Whether tools include one that a vendor runs, which adds its results to the prompt. Functions of the caller can have any
/// name.
pub(super) fn in_tools(tools: &[u8]) -> bool {
    let is_vendors = |word: &str| VENDORS_TOOLS.iter().any(|tool| word.starts_with(tool));
    members(tools).any(|(name, value)| match &*name {
        "type" => string(value).is_some_and(|kind| is_vendors(&kind.to_lowercase())),
        name => is_vendors(name) && !is_off(value),
    })
}

/// Whether a field makes the vendor search.
pub(super) fn is_search(name: &str, value: &[u8]) -> bool {
    let says_off = |(name, mode): (Cow<'_, str>, &[u8])| {
        name == "mode" && string(mode).is_some_and(|mode| mode == "off")
    };
    SEARCHES.contains(&&*name.to_lowercase()) && !is_off(value) && !members(value).any(says_off)
}

/// Whether another field of the request names content that its provider has.
pub(super) fn in_field(name: &str, value: &[u8]) -> bool {
    let names_others = |name: &str| NAMES_OTHERS.contains(&name);
    names_others(&name.to_lowercase()) && !is_absent(value)
        || members(value).any(|(name, value)| names_others(&name) && !is_absent(value))
}

/// The bytes of an `input_audio` for each token. `None` if its format does not tell.
pub(super) fn bytes_per_token(value: &[u8]) -> Option<u64> {
    let (_, data) = members(value).take(2).find(|(name, _)| name == "data")?;
    let data = string_start(data)?;
    let data = data.split_once(";base64,").map_or(data, |(_, encoded)| encoded);
    let data = data.replace("\\/", "/");
    SOUNDS.iter().find_map(|(start, bytes)| data.starts_with(start).then_some(*bytes))
}

/// Whether an image is one as far as its address tells. Some vendors take other files in its place.
fn may_be_image(value: &[u8]) -> bool {
    let address = match string_start(value) {
        Some(address) => address,
        None => {
            let Some((_, url)) = members(value).take(2).find(|(name, _)| name == "url") else { return true };
            let Some(url) = string_start(url) else { return true };
            url
        }
    };
    let address = address.replace("\\/", "/").to_ascii_lowercase();
    !address.contains("\\u") && address.strip_prefix("data:").is_none_or(|kind| kind.starts_with("image/"))
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

/// Whether a setting is off. An empty object turns a search on.
fn is_off(value: &[u8]) -> bool {
    value.starts_with(b"null") || value.starts_with(b"false") || value == b"[]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_unknown_size_is_found_in_any_shape() {
        for (content, expected) in [
            (r#""Hello""#, false),
            (r#"[{"type":"text","text":"an \"audio\": x"}]"#, false),
            (
                r#"[{"type":"image_url","image_url":{"url":"https://a.example/x.png","detail":"high"}}]"#,
                false,
            ),
            (r#"[{"type":"image_url","image_url":"data:image/png;base64,AAAA"}]"#, false),
            (
                r#"[{"type":"image_url","image_url":{"detail":"low","url":"data:application/pdf;base64,AAAA"}}]"#,
                true,
            ),
            (r#"[{"type":"image_url","image_url":{"url":"data:\u0076ideo/mp4;base64,AAAA"}}]"#, true),
            (r#"[{"type":"input_audio","input_audio":{"data":"UklGRiQAAABXQVZF","format":"wav"}}]"#, false),
            (r#"[{"type":"input_audio","input_audio":{"format":"mp3","data":"\/\/uQxAAA"}}]"#, false),
            (r#"[{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,UklGRiQA"}}]"#, false),
            (r#"[{"type":"input_audio","input_audio":{"data":"T2dnUwAC","format":"wav"}}]"#, true),
            (r#"[{"type":"input_audio","input_audio":{"data":"https://a.example/x.wav"}}]"#, true),
            (r#"[{"type":"audio_url","audio_url":{"url":"https://a.example/x"}}]"#, true),
            (r#"[{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AAAA"}}]"#, true),
            (r#"[{"type":"file","file":{"file_id":"f-1"}}]"#, true),
            (r#"[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}]"#, true),
            (r#"[{"type":"x","File\u005fID":"f-1"}]"#, true),
            (r#"[[[{"x":{"fileUri":"f-1"}}]]]"#, true),
            (r#"[{"type":"document","source":{"type":"url","url":"https://a.example/x"}}]"#, true),
        ] {
            let messages = format!(r#"[{{"role":"user","content":{content}}}]"#);
            assert_eq!(in_messages(messages.as_bytes()), expected, "{content}");
        }
        for (message, expected) in [
            (r#"{"role":"assistant","audio":{"id":"audio_1"}}"#, true),
            (r#"{"role":"assistant","Audio":{"id":"audio_1"}}"#, true),
            (r#"{"role":"assistant","content":"Hi","audio":null,"refusal":null}"#, false),
            (
                r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"arguments":"{\"file_id\":\"x\"}"}}]}"#,
                false,
            ),
        ] {
            assert_eq!(in_messages(message.as_bytes()), expected, "{message}");
        }
    }

    #[test]
    fn what_vendors_search_for_is_of_unknown_size() {
        for (tools, expected) in [
            (
                r#"[{"type":"function","function":{"name":"web_search","parameters":{"type":"object"}}}]"#,
                false,
            ),
            (r#"[{"type":"web_search_20250305","name":"web_search"}]"#, true),
            (r#"[{"type":"\u0077eb_search_preview"}]"#, true),
            (r#"[{"type":"file_search","vector_store_ids":["v"]}]"#, true),
            (r#"[{"googleSearch":{}}]"#, true),
        ] {
            assert_eq!(in_tools(tools.as_bytes()), expected, "{tools}");
        }
        for (name, value, expected) in [
            ("web_search_options", "{}", true),
            ("web_search_options", "null", false),
            ("enable_search", "false", false),
            ("enable_search", "true", true),
            ("search_parameters", r#"{"mode":"off"}"#, false),
            ("search_parameters", r#"{"mode":"auto"}"#, true),
            ("temperature", "1", false),
        ] {
            assert_eq!(is_search(name, value.as_bytes()), expected, "{name} {value}");
        }
        for (name, value, expected) in [
            ("previous_response_id", "\"r-1\"", true),
            ("previous_response_id", "null", false),
            ("extra_body", r#"{"google":{"cached_content":"cachedContents/a"}}"#, true),
            ("extra_body", r#"{"google":{"thinking_config":{"thinking_budget":1}}}"#, false),
            ("audio", r#"{"voice":"a","format":"wav"}"#, false),
        ] {
            assert_eq!(in_field(name, value.as_bytes()), expected, "{name} {value}");
        }
    }
}
