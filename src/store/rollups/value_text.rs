//! Reads and writes the lists of values that deltas consist of, without a parser for any JSON: each request is written once
//! and read once. It writes what `serde_json` writes. What is written in another way, it leaves to `serde_json`.

use std::borrow::Cow;

use entity::ids::OrganizationId;
use uuid::Uuid;

/// A position in the text of a delta.
#[derive(Debug)]
pub(super) struct ValueReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> ValueReader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Takes these characters. `None` if others come.
    pub(super) fn take(&mut self, expected: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(expected.as_bytes()).then(|| self.at += expected.len())
    }

    /// Whether the whole text was read.
    pub(super) fn is_over(&self) -> bool {
        self.at == self.text.len()
    }

    /// Reads a list of lists. `None` if it is none.
    pub(super) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.take("[")?;
        let mut all = vec![one(self)?];
        while self.take(",").is_some() {
            all.push(one(self)?);
        }
        self.take("]").map(|()| all)
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.take("\"")?;
        let rest = self.text.as_bytes().get(self.at..)?;
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        let string = self.text.get(self.at..self.at + length)?;
        self.at += length;
        // Another character is an escape, or one that needs it.
        self.take("\"").map(|()| string)
    }

    fn whole_number(&mut self) -> Option<i64> {
        let negative = self.take("-").is_some();
        let digits = self.text.as_bytes().get(self.at..)?.iter().take_while(|byte| byte.is_ascii_digit());
        let (mut number, mut length) = (0_i64, 0);
        for digit in digits {
            // A zero before others is no number.
            if length > 0 && number == 0 {
                return None;
            }
            let digit = i64::from(digit - b'0');
            number = number.checked_mul(10)?.checked_add(if negative { -digit } else { digit })?;
            length += 1;
        }
        self.at += length;
        let is_number = length > 0 && !(negative && number == 0);
        is_number.then_some(number)
    }
}

/// A value in a list.
pub(super) trait ListValue<'a>: Sized {
    /// Reads the value. `None` if it is another one, or written in an unusual way.
    fn read(reader: &mut ValueReader<'a>) -> Option<Self>;

    /// Writes the value as `serde_json` does.
    fn write(&self, text: &mut String);
}

impl<'a> ListValue<'a> for Cow<'a, str> {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        reader.string().map(Cow::Borrowed)
    }

    fn write(&self, text: &mut String) {
        if self.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
            text.push('"');
            text.push_str(self);
            text.push('"');
        } else {
            text.push_str(&serde_json::Value::from(&**self).to_string());
        }
    }
}

impl<'a> ListValue<'a> for Uuid {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        Uuid::try_parse(reader.string()?).ok()
    }

    fn write(&self, text: &mut String) {
        text.push('"');
        text.push_str(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        text.push('"');
    }
}

impl<'a> ListValue<'a> for OrganizationId {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        Uuid::read(reader).map(Self)
    }

    fn write(&self, text: &mut String) {
        self.0.write(text);
    }
}

impl<'a> ListValue<'a> for i64 {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        reader.whole_number()
    }

    fn write(&self, text: &mut String) {
        // Most counts are small.
        if let Ok(digit @ 0..=9) = u8::try_from(*self) {
            text.push(char::from(b'0' + digit));
            return;
        }
        if *self < 0 {
            text.push('-');
        }
        let (mut digits, mut rest) = ([b'0'; 20], self.unsigned_abs());
        let mut first = digits.len();
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            (first, rest) = (place, rest / 10);
            if rest == 0 {
                break;
            }
        }
        text.push_str(digits.get(first..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("0"));
    }
}

impl<'a> ListValue<'a> for bool {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        match reader.take("true") {
            Some(()) => Some(true),
            None => reader.take("false").map(|()| false),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(if *self { "true" } else { "false" });
    }
}

impl<'a, T: ListValue<'a>> ListValue<'a> for Option<T> {
    fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
        match reader.take("null") {
            Some(()) => Some(None),
            None => T::read(reader).map(Some),
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Some(value) => value.write(text),
            None => text.push_str("null"),
        }
    }
}
