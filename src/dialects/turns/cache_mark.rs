//! The marks by which a caller says what is kept in the cache of a provider: all that precedes one.

use serde::Serialize;

use crate::dialects::change::Changes;
use crate::dialects::fate::strip;
use crate::dialects::members::Members;

/// The name of a mark in the dialects of callers, and in changes.
pub const NAME: &str = "cache_control";

/// How long a provider keeps what precedes a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheMark {
    /// As long as it usually does, which is five minutes.
    Usual,
    /// For an hour, which costs more.
    Hour,
}

/// A mark as Anthropic and Amazon write it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Written {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl CacheMark {
    /// Reads the mark of a block, a part, a message or a tool. `None` if it has none.
    pub fn read(marked: &Members<'_>, changes: &mut Changes) -> Option<Self> {
        marked.raw(NAME)?;
        let Some(mark) = marked.object(NAME) else {
            changes.stripped(NAME);
            return None;
        };
        strip(&mark, &["type", "ttl"], changes);
        Some(if mark.text("ttl").as_deref() == Some("1h") { Self::Hour } else { Self::Usual })
    }

    /// The mark with the type that its dialect has for all of them.
    #[must_use]
    pub const fn written(self, kind: &'static str) -> Written {
        let ttl = match self {
            Self::Usual => None,
            Self::Hour => Some("1h"),
        };
        Written { kind, ttl }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_and_written() {
        for (marked, mark, written, changes) in [
            ("{}", None, "", vec![]),
            (r#"{"cache_control":null}"#, None, "", vec![]),
            (
                r#"{"cache_control":{"type":"ephemeral"}}"#,
                Some(CacheMark::Usual),
                r#"{"type":"default"}"#,
                vec![],
            ),
            (
                r#"{"cache_control":{"type":"ephemeral","ttl":"5m"}}"#,
                Some(CacheMark::Usual),
                r#"{"type":"default"}"#,
                vec![],
            ),
            (
                r#"{"cache_control":{"type":"ephemeral","ttl":"1h","scope":"x"}}"#,
                Some(CacheMark::Hour),
                r#"{"type":"default","ttl":"1h"}"#,
                vec!["stripped:member"],
            ),
            (r#"{"cache_control":true}"#, None, "", vec!["stripped:cache_control"]),
        ] {
            let members: Members<'_> = serde_json::from_str(marked).expect(marked);
            let mut noted = Changes::default();
            let read = CacheMark::read(&members, &mut noted);
            let json = read.map(|mark| serde_json::to_string(&mark.written("default")).expect("JSON"));
            assert_eq!((read, json.unwrap_or_default().as_str()), (mark, written), "{marked}");
            assert_eq!(noted.into_names(), changes, "{marked}");
        }
    }
}
