//! Reads the top level of a body, without halves of characters, which would hide from us what is beside them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::dialects::bounded_object::MAX_MEMBERS;
use crate::dialects::whole_characters::whole_characters;
use crate::domain::error::{Error, Result};
use crate::gateway::request::json_object::RawObject;

/// Calls `then` with the body and its members. Halves of characters are replaced first. The scan of the body notices whether
/// there may be any, so that nearly every body is read once.
///
/// # Errors
/// The body is not a JSON object, or `then` fails.
pub(super) fn read<T>(body: Bytes, then: impl FnOnce(&Bytes, &RawObject<'_>) -> Result<T>) -> Result<T> {
    if let Some((members, may_have_halves)) = RawObject::scan_for_halves(&body)
        && (!may_have_halves || matches!(whole_characters(&body), Cow::Borrowed(_)))
    {
        return then(&body, &members);
    }
    let whole = match whole_characters(&body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(whole) => Some(Bytes::from(whole)),
    };
    let body = whole.unwrap_or(body);
    let members = RawObject::parse(&body).map_err(|error| not_an_object(&error))?;
    then(&body, &members)
}

fn not_an_object(error: &serde_json::Error) -> Error {
    let message = match error.classify() {
        serde_json::error::Category::Data => {
            format!("The body must be a JSON object with at most {MAX_MEMBERS} fields.")
        }
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => format!("The body is not valid JSON: {error}."),
    };
    Error::refused(None, "invalid_json", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(body: &str) -> Result<(String, Vec<String>)> {
        read(Bytes::copy_from_slice(body.as_bytes()), |body, members| {
            let names = members.0.iter().map(|member| member.name.clone().into_owned()).collect();
            Ok((String::from_utf8_lossy(body).into_owned(), names))
        })
    }

    #[test]
    fn halves_are_replaced_however_the_body_is_written() {
        for (body, expected) in [
            (r#"{"a":"\ud83d","b":1}"#, r#"{"a":"\ufffd","b":1}"#),
            (r#"{"a":"\ud83d\ude00","b":1}"#, r#"{"a":"\ud83d\ude00","b":1}"#),
            ("{\"a\":[\"\\ud83d\"],\n\"b\":1}", "{\"a\":[\"\\ufffd\"],\n\"b\":1}"),
            (r#"{"a":{"\uDE00":1},"b":1}"#, r#"{"a":{"\ufffd":1},"b":1}"#),
        ] {
            let names = vec!["a".to_owned(), "b".to_owned()];
            assert_eq!(read_back(body).expect(body), (expected.to_owned(), names), "{body}");
        }
        assert_eq!(read_back(r#"{"\ud83d":1}"#).expect("an object").1, ["\u{fffd}"]);
        assert!(read_back(r#"{"a":"\ud83d""#).is_err() && read_back("[]").is_err());
    }
}
