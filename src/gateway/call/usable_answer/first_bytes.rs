//! What a response begins with, whatever its content type says: events, one text, or sound.

use crate::upstream::sse::{begins_events, without_mark};

/// So many bytes that are text are the beginning of a text.
const ENOUGH: usize = 512;
/// The bytes of a WAV file before its first sample.
const WAV_HEADER: usize = 44;

/// What a response begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Server-sent events, beginning with a field or a comment.
    Events,
    /// A text, such as JSON or a page.
    Text,
    /// Sound with at least one sample, as far as its format is known here.
    Sound,
}

impl Beginning {
    /// What a response begins with that should be sound, or events. `None` if there are too few bytes to tell.
    pub(super) fn of(first: &[u8], should_sound: bool) -> Option<Self> {
        if should_sound { Self::of_sound(first) } else { Self::of_events(first) }
    }

    /// What a whole response is that was too short to tell. `None` if it has nothing in it.
    pub(super) fn of_all(body: &[u8]) -> Option<Self> {
        (is_text(body) && !body.trim_ascii().is_empty()).then_some(Self::Text)
    }

    fn of_events(first: &[u8]) -> Option<Self> {
        match without_mark(first).trim_ascii_start().first()? {
            b'{' | b'[' | b'<' => Some(Self::Text),
            _ => Some(Self::Events),
        }
    }

    /// No format of sound begins with so many bytes of text.
    fn of_sound(first: &[u8]) -> Option<Self> {
        if !is_text(first) {
            let is_header = first.starts_with(b"RIFF") && first.len() <= WAV_HEADER;
            return (!is_header).then_some(Self::Sound);
        }
        match begins_events(first) {
            Some(true) => Some(Self::Events),
            Some(false) | None => (first.len() >= ENOUGH).then_some(Self::Text),
        }
    }

    /// The content type for the caller: the provider's, unless the bytes are something else.
    pub(super) fn content_type(self, declared: &str) -> String {
        let is =
            |kind: &str| declared.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind));
        let instead = match self {
            Self::Events => (!is("text/event-stream")).then_some("text/event-stream"),
            Self::Sound => {
                let is_of_text = declared.is_empty() || is("text/") || is("application/json");
                is_of_text.then_some("application/octet-stream")
            }
            Self::Text => None,
        };
        instead.unwrap_or(declared).to_owned()
    }
}

/// Whether the first bytes are those of a text in UTF-8, which may be cut within a character.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.get(..ENOUGH).unwrap_or(bytes);
    let is_valid = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_valid && !start.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_a_response_is() {
        let wav =
            |length: usize| [b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0".to_vec(), vec![0; length - 18]].concat();
        for (first, expected) in [
            (b"\xff\xf3\x84\x00".to_vec(), Some(Beginning::Sound)),
            (b"ID3".to_vec(), None),
            (b"ID3\x04\0".to_vec(), Some(Beginning::Sound)),
            (b"{\0<\x01".to_vec(), Some(Beginning::Sound)),
            (b"OggS\0".to_vec(), Some(Beginning::Sound)),
            (wav(WAV_HEADER), None),
            (wav(WAV_HEADER + 1), Some(Beginning::Sound)),
            (b"data: {}".to_vec(), Some(Beginning::Events)),
            ("{\"error\":\"ä".as_bytes().to_vec(), None),
            (vec![b'x'; ENOUGH], Some(Beginning::Text)),
            ("ä".repeat(ENOUGH).into_bytes(), Some(Beginning::Text)),
            (Vec::new(), None),
        ] {
            assert_eq!(Beginning::of(&first, true), expected, "{first:?}");
        }
        assert_eq!(Beginning::of_all(b"{\"error\":1}"), Some(Beginning::Text));
        assert_eq!((Beginning::of_all(b" \n"), Beginning::of_all(&wav(WAV_HEADER))), (None, None));
        for (first, expected) in [
            (b" \n[{}]".as_slice(), Some(Beginning::Text)),
            (b"\xef\xbb\xbf{}", Some(Beginning::Text)),
            (b"<html>", Some(Beginning::Text)),
            (b": ping", Some(Beginning::Events)),
            (b"\r\n", None),
        ] {
            assert_eq!(Beginning::of(first, false), expected, "{first:?}");
        }
    }

    #[test]
    fn the_content_type_is_that_of_the_bytes() {
        for (beginning, declared, expected) in [
            (Beginning::Sound, "audio/L16;rate=24000", "audio/L16;rate=24000"),
            (Beginning::Sound, "", "application/octet-stream"),
            (Beginning::Sound, "Text/html", "application/octet-stream"),
            (Beginning::Events, "text/event-stream; charset=utf-8", "text/event-stream; charset=utf-8"),
            (Beginning::Events, "audio/mpeg", "text/event-stream"),
        ] {
            assert_eq!(beginning.content_type(declared), expected, "{declared}");
        }
    }
}
