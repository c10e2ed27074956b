//! Edits JSON in place: fields of an object are set or removed, elements of an array are replaced. Everything else
//! keeps its bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::dialects::bounded_object::text;
use crate::gateway::request::json_object::{RawObject, RawText, quoted, span};
use crate::gateway::request::json_scan::{Cursor, plain_string};

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

    /// The names of the fields, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
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
/// nothing was changed.
pub(super) fn each(array: &str, change: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut editor = Editor { source: array, out: String::new(), copied: 0, change };
    match scanned(array) {
        Some(elements) => elements.into_iter().for_each(|element| editor.element(element.get())),
        // It is visited without collecting its elements.
        None => {
            let mut deserializer = serde_json::Deserializer::from_str(array);
            Elements(&mut editor).deserialize(&mut deserializer).ok()?;
        }
    }
    if editor.copied == 0 {
        return None;
    }
    editor.out.push_str(array.get(editor.copied..)?);
    Some(editor.out)
}

/// The elements of an array that the scan accepts and that is not too long.
fn scanned(array: &str) -> Option<Vec<RawText<'_>>> {
    let mut elements = Vec::with_capacity(8);
    let mut cursor = Cursor::new(array.as_bytes())?;
    cursor.list(|cursor| {
        let element = cursor.value()?;
        (elements.len() < MOST_SCANNED).then(|| elements.push(element))
    })?;
    cursor.is_over().then_some(elements)
}

/// The most elements that are collected. Those of a longer array are left to `serde_json`.
const MOST_SCANNED: usize = 1_024;

/// Copies the source up to the last replacement.
struct Editor<'s, F> {
    source: &'s str,
    out: String,
    copied: usize,
    change: F,
}

impl<F: FnMut(&str) -> Option<String>> Editor<'_, F> {
    /// Adds an element, which is a part of the source.
    fn element(&mut self, element: &str) {
        if let Some(replaced) = (self.change)(element) {
            let place = span(self.source.as_bytes(), element.as_bytes());
            self.out.push_str(self.source.get(self.copied..place.start).unwrap_or_default());
            self.out.push_str(&replaced);
            self.copied = place.end;
        }
    }
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
        while let Some(element) = elements.next_element::<&RawValue>()? {
            self.0.element(element.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements that were visited, and the array with `7` in place of each `1`.
    fn changed(array: &str) -> (Vec<String>, Option<String>) {
        let mut seen = Vec::new();
        let written = each(array, |element| {
            seen.push(element.to_owned());
            (element == "1").then(|| "7".to_owned())
        });
        (seen, written)
    }

    #[test]
    fn elements_are_replaced_with_and_without_line_breaks() {
        for (array, elements, written) in [
            ("[1, {\"a\": [1]} ,\"1\",1]", 4, Some("[7, {\"a\": [1]} ,\"1\",7]")),
            ("[\n1,\t2 ]", 2, Some("[\n7,\t2 ]")),
            ("[2, 3]", 2, None),
            ("[]", 0, None),
            ("{\"a\": 1}", 0, None),
            ("\"1\"", 0, None),
        ] {
            let (seen, found) = changed(array);
            assert_eq!((seen.len(), found.as_deref()), (elements, written), "{array}");
        }
    }

    #[test]
    fn an_array_is_as_long_as_it_likes() {
        for length in [MOST_SCANNED - 1, MOST_SCANNED, MOST_SCANNED + 1, 3 * MOST_SCANNED] {
            let array = |number: &str| format!("[{}]", vec![number; length].join(", "));
            let (seen, found) = changed(&array("1"));
            assert_eq!((seen.len(), found), (length, Some(array("7"))));
        }
    }

    #[test]
    fn what_is_no_array_to_its_end_is_left_alone() {
        assert_eq!(changed("[1, 2").1, None);
        assert_eq!(changed("[1 2]").1, None);
    }
}
