//! What a chat completion refers to that one provider stores: files, sound that its model spoke, and what tools of the provider use.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::members::{Members, list};

/// Members of a part of a content that may be a file by its id.
const FILES: [&str; 2] = ["file", "image_file"];

/// Whether messages refer to a file, or to sound without its words, by an id.
#[must_use]
pub fn refer(messages: &[u8]) -> bool {
    // A name may have escapes.
    let words: [&[u8]; 3] = [b"\"file_id\"", b"\"audio\"", b"\\u"];
    if !words.iter().any(|word| memmem::find(messages, word).is_some()) {
        return false;
    }
    let messages = serde_json::from_slice::<&RawValue>(messages).ok().and_then(list).unwrap_or_default();
    messages.into_iter().filter_map(Members::of).any(|message| {
        let is_spoken = || {
            let audio = message.object("audio");
            message.raw("content").is_none() && audio.is_some_and(|audio| audio.text("id").is_some())
        };
        message.list("content").unwrap_or_default().into_iter().any(is_file) || is_spoken()
    })
}

fn is_file(part: &RawValue) -> bool {
    let Some(part) = Members::of(part) else { return false };
    let has_id = |file: Members<'_>| file.raw("file_id").is_some();
    FILES.iter().any(|name| part.object(name).is_some_and(has_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_sound_by_their_ids_are_found_and_nothing_else() {
        let content =
            |part: &str| format!(r#"[{{"role":"user","content":[{{"type":"text","text":"Hi"}},{part}]}}]"#);
        for (messages, expected) in [
            (content(r#"{"type":"file","file":{"file_id":"file-1"}}"#), true),
            (content(r#"{"type":"file","file":{"\u0066ile_id":"file-1"}}"#), true),
            (content(r#"{"type":"image_file","image_file":{"file_id":"file-1"}}"#), true),
            (content(r#"{"type":"file","file":{"file_data":"data:","file_id":null}}"#), false),
            (content(r#"{"type":"text","text":"\"file_id\" and \"audio\""}"#), false),
            (r#"[{"role":"assistant","content":null,"audio":{"id":"audio_1"}}]"#.to_owned(), true),
            (r#"[{"role":"assistant","content":"Hi","audio":{"id":"audio_1"}}]"#.to_owned(), false),
            (r#"[{"role":"assistant","content":null,"audio":null}]"#.to_owned(), false),
            (r#"[{"role":"user","content":"file_id"}]"#.to_owned(), false),
            (
                r#"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"file_id\":\"x\"}"}}]}]"#
                    .to_owned(),
                false,
            ),
            ("\"file_id\"".to_owned(), false),
        ] {
            assert_eq!(refer(messages.as_bytes()), expected, "{messages}");
        }
    }
}
