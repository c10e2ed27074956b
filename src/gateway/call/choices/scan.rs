//! Summarizes ordinary choices by scanning them. Whatever is not ordinary is left to the parser.

use super::{Choices, shows_search};
use crate::gateway::request::json_object::RawText;
use crate::gateway::request::json_scan::{Cursor, plain_string};
use crate::providers::is_empty_error;

/// Reads the choices of an answer, and the last `content`. `None` if they are anything but a list of objects with
/// fields of the usual types.
pub(in crate::gateway::call) fn scan<'a, const MEASURED: bool>(
    text: &mut Cursor<'a>,
) -> Option<(Choices, Option<RawText<'a>>)> {
    let (mut seen, mut content, mut position) = (Choices::default(), None, 0);
    text.list(|text| {
        let (choice, index) = one::<MEASURED>(text, &mut content)?;
        seen.choice(choice, index, position);
        position += 1;
        Some(())
    })?;
    Some((seen, content))
}

fn one<'a, const MEASURED: bool>(
    text: &mut Cursor<'a>,
    content: &mut Option<RawText<'a>>,
) -> Option<(Choices, Option<usize>)> {
    let (mut seen, mut index, mut reason, mut native) = (Choices::default(), None, None, None);
    text.object(|text, name| {
        match name {
            b"delta" | b"message" => {
                let mut parts = Choices::default();
                text.object(|text, name| {
                    let value = text.value()?;
                    if name == b"content" {
                        *content = Some(value);
                    }
                    parts.part::<MEASURED>(name, value.get());
                    Some(())
                })?;
                seen.add_parts(parts, name == b"message");
            }
            b"index" => {
                let digits = text.value()?.get();
                // Longer numbers may not fit.
                let small = digits.len() < 10 && digits.bytes().all(|digit| digit.is_ascii_digit());
                index = Some(digits.parse().ok().filter(|_| small)?);
            }
            b"finish_reason" => reason = word(text)?,
            b"native_finish_reason" => native = word(text)?,
            b"usage" => seen.usage |= text.value()?.get() != "null",
            b"error" => seen.error |= !is_empty_error(text.value()?.get()),
            name => seen.extras |= shows_search(name, text.value()?.get()),
        }
        Some(())
    })?;
    Some((seen.closed(reason, native), index))
}

/// A string without escapes, or null.
fn word<'a>(text: &mut Cursor<'a>) -> Option<Option<&'a str>> {
    match text.value()?.get() {
        "null" => Some(None),
        word => plain_string(word).map(Some),
    }
}
