//! The top level of a JSON object: its fields and the raw JSON of their values.
//!
//! Messages are passed on as bytes. Values are parsed only where needed, and changes replace their bytes, so
//! everything else stays as it was sent.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json_scan::Cursor;
use crate::dialects::bounded_object::{BoundedObject, MAX_MEMBERS};

/// One field of an object.
#[derive(Debug, Clone)]
pub struct RawMember<'a> {
    /// The name, without its escapes.
    pub name: Cow<'a, str>,
    /// The value as raw JSON, a slice of the text.
    pub value: RawText<'a>,
}

/// Raw JSON, a slice of a text that was parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawText<'a>(&'a [u8]);

impl<'a> RawText<'a> {
    /// A value in a text that is valid UTF-8.
    pub(super) fn of_scan(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The raw JSON as a text.
    #[must_use]
    pub fn get(self) -> &'a str {
        // It is valid, because the text around it was checked.
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// The bytes of the raw JSON.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for RawText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.get())
    }
}

/// The fields of an object, in order.
#[derive(Debug, Clone)]
pub struct RawObject<'a>(pub Vec<RawMember<'a>>);

impl<'a> RawObject<'a> {
    /// Parses the top level of `text`.
    ///
    /// # Errors
    /// The text is not JSON, or not an object of at most [`MAX_MEMBERS`] fields.
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        match Self::scan(text) {
            Some(scanned) => Ok(scanned),
            None => serde_json::from_slice(text),
        }
    }

    /// Finds the fields of a text without line breaks. `None` if it is anything but a correct object, or a name has
    /// escapes.
    #[must_use]
    pub fn scan(text: &'a [u8]) -> Option<Self> {
        Self::scan_for_halves(text).map(|(object, _)| object)
    }

    /// As [`RawObject::scan`], with whether a value may have halves of characters: see [`Cursor::has_halves`].
    #[must_use]
    pub fn scan_for_halves(text: &'a [u8]) -> Option<(Self, bool)> {
        let mut members = Vec::with_capacity(12);
        let mut cursor = Cursor::new(text)?;
        cursor.object(|cursor, name| {
            let name = Cow::Borrowed(std::str::from_utf8(name).ok()?);
            let value = cursor.value()?;
            (members.len() < MAX_MEMBERS).then(|| members.push(RawMember { name, value }))
        })?;
        cursor.is_over().then(|| (Self(members), cursor.has_halves()))
    }

    /// The value of the last field of that name, which is how most JSON parsers treat duplicates.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<RawText<'a>> {
        self.0.iter().rev().find(|member| member.name == name).map(|member| member.value)
    }

    /// The value, unless it is null.
    #[must_use]
    pub fn present(&self, name: &str) -> Option<RawText<'a>> {
        self.get(name).filter(|value| value.0 != b"null")
    }

    /// The first name that occurs twice. Case does not count, because some servers ignore it.
    #[must_use]
    pub fn duplicate(&self) -> Option<&str> {
        // With about twenty fields, comparing each pair is cheaper than a set.
        let plain = self.0.iter().all(|member| member.name.is_ascii());
        let same = if plain { str::eq_ignore_ascii_case } else { is_same_name };
        self.0.iter().enumerate().find_map(|(index, member)| {
            let twice = self.0.iter().take(index).any(|earlier| same(&earlier.name, &member.name));
            twice.then_some(&*member.name)
        })
    }
}

/// Whether two names are the same for a server that ignores case, as Go's JSON does.
#[must_use]
pub fn is_same_name(one: &str, two: &str) -> bool {
    // Almost all names differ in their first letter.
    if let (Some(first), Some(second)) = (one.bytes().next(), two.bytes().next())
        && first.is_ascii()
        && second.is_ascii()
        && !first.eq_ignore_ascii_case(&second)
    {
        return false;
    }
    if two.is_ascii() && one.is_ascii() {
        return one.eq_ignore_ascii_case(two);
    }
    // The only characters beyond ASCII that are letters of ASCII in another case.
    let folded = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    one.chars().map(folded).eq(two.chars().map(folded))
}

/// The value at a path of field names, where `0` is the first element of a list. `None` if it does not exist.
#[must_use]
pub fn at<'a>(text: &'a [u8], path: &[&str]) -> Option<RawText<'a>> {
    let whole: &'a RawValue = serde_json::from_slice(text).ok()?;
    let mut value = RawText(whole.get().as_bytes());
    for name in path {
        value = match *name {
            "0" => RawText(serde_json::from_str::<First<'a>>(value.get()).ok()?.0?.get().as_bytes()),
            name => RawObject::parse(value.0).ok()?.get(name)?,
        };
    }
    Some(value)
}

/// The first element of a list.
struct First<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = First<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// The range of `part` in `text`. `part` must be a slice of `text`.
#[must_use]
pub fn span(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    start..(start + part.len()).min(text.len())
}

/// The place in `text` before the closing quote of `string`, which is a part of it.
#[must_use]
pub fn end_of_text(text: &[u8], string: &RawValue) -> Range<usize> {
    let end = span(text, string.get().as_bytes()).end.saturating_sub(1);
    end..end
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = BoundedObject::deserialize(deserializer)?.0.into_iter();
        let raw = |value: &'a RawValue| RawText(value.get().as_bytes());
        Ok(Self(members.map(|(name, value)| RawMember { name, value: raw(value) }).collect()))
    }
}

/// A text, with replacement characters for what is not UTF-8. Almost every text is UTF-8, which is checked many bytes at a
/// time; the library's own function reads byte by byte.
#[must_use]
pub fn lossy(text: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed)
}

/// Encodes a text as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    if is_plain(text) { ["\"", text, "\""].concat() } else { serde_json::Value::from(text).to_string() }
}

/// Whether a text needs no escaping in a JSON string.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let text = br#" { "model" : "a\u0062", "messages":[{"content":"}{"}], "n":null } "#;
        let members = RawObject::parse(text).expect("an object");
        let model = members.get("model").expect("model");
        assert_eq!(&text[span(text, model.bytes())], br#""a\u0062""#);
        assert!(members.present("n").is_none() && members.get("n").is_some());
        assert!(members.duplicate().is_none());
    }

    #[test]
    fn names_are_compared_without_their_escapes() {
        let text = br#"{"model":"a","mod\u0065l":"b"}"#;
        let members = RawObject::parse(text).expect("an object");
        assert_eq!(members.duplicate(), Some("model"));
        for (one, two) in [
            ("model", "Model"),
            ("max_tokens", "MAX_TOKENS"),
            ("max_tokens", "max_to\u{212a}ens"),
            ("stream", "\u{17f}tream"),
        ] {
            let text = format!("{{\"{one}\":1,\"{two}\":2}}");
            assert_eq!(RawObject::parse(text.as_bytes()).expect("an object").duplicate(), Some(two));
        }
        let text = r#"{"n":1,"ñ":2,"Ñ":3,"max_tokens":4,"max-tokens":5}"#;
        assert_eq!(RawObject::parse(text.as_bytes()).expect("an object").duplicate(), None);
    }

    #[test]
    fn a_path_leads_to_its_value_or_to_none() {
        let text = br#"{"choices":[{"message":{"content":"a"}},7,{}],"n":[]}"#;
        let found = |path: &[&str]| at(text, path).map(RawText::get);
        assert_eq!(found(&["choices", "0", "message", "content"]), Some("\"a\""));
        for nothing in [&["choices", "message"][..], &["n", "0"], &["n", "0", "x"], &["x"], &["0"]] {
            assert_eq!(found(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert!(RawObject::parse(deep.as_bytes()).is_ok());
        assert!(RawObject::parse("[".repeat(500_000).as_bytes()).is_err());
    }

    #[test]
    fn an_object_of_endless_members_is_refused() {
        let of = |count: usize| {
            let members: Vec<String> = (0..count).map(|number| format!("\"{number}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(RawObject::parse(of(MAX_MEMBERS).as_bytes()).is_ok());
        assert!(RawObject::parse(of(MAX_MEMBERS + 1).as_bytes()).is_err());
    }
}
