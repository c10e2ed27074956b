//! Edits JSON in place: fields of an object are set or removed, elements of an array are replaced. Everything else
//! keeps its bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::dialects::bounded_object::text;
use crate::gateway::request::json_object::{RawObject, quoted, span};
use crate::gateway::request::json_scan::plain_string;

/// A JSON object that is being edited.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    changed: bool,
}

impl<'a> Draft<'a> {
    /// Reads the fields of `object`. `None` means that it is not an object, or has too many fields.
    pub(super) fn of(object: &'a str) -> Option<Self> {
        let members = RawObject::parse(object.as_bytes()).ok()?.0;
        let members = members.into_iter().map(|member| (member.name, Cow::Borrowed(member.value.get())));
        Some(Self { members: members.collect(), changed: false })
    }

    /// The value of the last field of that name, which is how most JSON parsers treat duplicates.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().rev().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The value, unless it is null.
    pub(super) fn present(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| *value != "null")
    }

    /// The value, if it is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        string(self.get(name)?)
    }

    /// Removes the fields for which `keeps` returns false, and calls `left_out` with their names.
    pub(super) fn retain(&mut self, keeps: impl Fn(&str, &str) -> bool, mut left_out: impl FnMut(&str)) {
        let before = self.members.len();
        self.members.retain(|(name, value)| {
            let kept = keeps(name, value);
            if !kept {
                left_out(name);
            }
            kept
        });
        self.changed |= self.members.len() != before;
    }

    /// Sets the value of every field of that name, or adds the field.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        let value = value.into();
        let mut found = false;
        for (_, old) in self.members.iter_mut().filter(|(known, _)| known == name) {
            *old = value.clone();
            found = true;
        }
        if !found {
            self.members.push((Cow::Borrowed(name), value));
        }
        self.changed = true;
    }

    /// The edited object. `None` means that nothing was changed.
    pub(super) fn written(self) -> Option<String> {
        if !self.changed {
            return None;
        }
        let members: Vec<String> =
            self.members.iter().map(|(name, value)| [&*quoted(name), ":", value].concat()).collect();
        Some(["{", &members.join(","), "}"].concat())
    }
}

/// Decodes a JSON string. `None` means that the value is of another type.
pub(super) fn string(json: &str) -> Option<String> {
    struct Text<'a>(Cow<'a, str>);
    impl<'de> serde::Deserialize<'de> for Text<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer).map(Self)
        }
    }
    // Most have no escapes.
    if let Some(plain) = plain_string(json) {
        return Some(plain.to_owned());
    }
    serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0.into_owned())
}

/// Replaces each element of `array` for which `change` returns a value. `None` means that it is not an array, or
/// nothing was changed. Elements are visited without collecting them.
pub(super) fn each(array: &str, change: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut editor = Editor { source: array, out: String::new(), copied: 0, change };
    let mut deserializer = serde_json::Deserializer::from_str(array);
    Elements(&mut editor).deserialize(&mut deserializer).ok()?;
    if editor.copied == 0 {
        return None;
    }
    editor.out.push_str(array.get(editor.copied..)?);
    Some(editor.out)
}

/// Copies the source up to the last replacement.
struct Editor<'s, F> {
    source: &'s str,
    out: String,
    copied: usize,
    change: F,
}

struct Elements<'e, 's, F>(&'e mut Editor<'s, F>);

impl<'de, F: FnMut(&str) -> Option<String>> DeserializeSeed<'de> for Elements<'_, '_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str) -> Option<String>> Visitor<'de> for Elements<'_, '_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let editor = self.0;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if let Some(replaced) = (editor.change)(element.get()) {
                let place = span(editor.source.as_bytes(), element.get().as_bytes());
                editor.out.push_str(editor.source.get(editor.copied..place.start).unwrap_or_default());
                editor.out.push_str(&replaced);
                editor.copied = place.end;
            }
        }
        Ok(())
    }
}
