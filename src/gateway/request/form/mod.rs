//! A body of the type `multipart/form-data`, as recordings are sent: texts, and files of which the bytes are passed on.

mod part;

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value};

use self::part::{Part, boundary, part};
use super::chat_request::OWN_MEMBERS;
use crate::domain::error::{Error, Result};

/// The most parts of a form, more than any endpoint has fields.
const MOST_PARTS: usize = 64;
/// Longer texts are no settings.
const LONGEST_TEXT: usize = 16 * 1024;
/// The letters of a name that an error repeats.
const LONGEST_NAME: usize = 64;
/// Fields of the providers that the gateway reads as well.
const READ: [&str; 5] = ["model", "stream", "response_format", "language", "prompt"];
/// Fields that are texts, whatever they look like.
const TEXTS: [&str; 5] = ["model", "response_format", "language", "prompt", "session_id"];
/// Fields that are lists of texts.
const LISTS: [&str; 2] = ["models", "fallbacks"];

/// A form, of which the parts are places in the body.
#[derive(Debug)]
pub struct Form {
    boundary: String,
    body: Bytes,
    parts: Vec<Part>,
}

impl Form {
    /// Reads a body of this content type.
    ///
    /// # Errors
    /// 400 with what is wrong with it.
    pub fn parse(content_type: &str, body: Bytes) -> Result<Self> {
        let boundary = boundary(content_type).ok_or_else(|| {
            refused("The body must be of the type multipart/form-data, with a boundary in 'Content-Type'.")
        })?;
        let parts = parts(&boundary, &body).ok_or_else(|| {
            refused("The body is not a complete form: its parts do not end with its boundary.")
        })?;
        match parts.iter().find(|part| !part.is_clear) {
            Some(part) => Err(unclear(&part.name)),
            None => Ok(Self { boundary, body, parts }),
        }
    }

    /// The whole body, as it was sent.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The bytes of all files.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        self.parts.iter().filter(|part| part.is_file).map(|part| part.content.len()).sum()
    }

    /// The value of `Content-Type` of a body that [`Form::written`] returns.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary=\"{}\"", self.boundary)
    }

    /// The fields that the gateway reads, as a JSON object.
    ///
    /// # Errors
    /// 400 for a field that is sent twice, or that is no text.
    pub fn members(&self) -> Result<String> {
        let mut members = Map::new();
        for part in self.parts.iter().filter(|part| is_read(&part.name) && !part.is_file) {
            let name = part.name.as_str();
            let content = self.body.get(part.content.clone()).unwrap_or_default();
            let text = std::str::from_utf8(content).ok().filter(|text| text.len() <= LONGEST_TEXT);
            let Some(text) = text else {
                let message = format!("'{name}' must be a short text.");
                return Err(Error::refused(Some(name), "invalid_type", message));
            };
            if LISTS.contains(&name) {
                let list = members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                extend(list, text);
            } else if members.insert(name.to_owned(), value(name, text)).is_some() {
                let message = format!("The field '{name}' occurs twice in the body. Send it once.");
                return Err(Error::refused(Some(name), "duplicate_field", message));
            }
        }
        // Requests with files of different sizes are different requests.
        members.insert("file".to_owned(), self.file_bytes().into());
        Ok(Value::Object(members).to_string())
    }

    /// The form for a provider, with its name of the model, and without the gateway's fields and those in `dropped`. Files
    /// are not copied.
    #[must_use]
    pub fn written(&self, model: &str, dropped: &[String]) -> Vec<Bytes> {
        let boundary = &self.boundary;
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--{boundary}"
        );
        let (between, end) = (Bytes::from(format!("\r\n--{boundary}")), Bytes::from_static(b"--\r\n"));
        let own = |name: &str| name == "model" || OWN_MEMBERS.contains(&name);
        let mut pieces = vec![Bytes::from(head)];
        let kept = self.parts.iter().filter(|part| !own(&part.name) && !dropped.contains(&part.name));
        for part in kept {
            pieces.push(Bytes::from_static(b"\r\n"));
            pieces.push(self.body.slice(part.whole.clone()));
            pieces.push(between.clone());
        }
        pieces.push(end);
        pieces
    }
}

fn refused(message: &str) -> Error {
    Error::refused(None, "invalid_form", message)
}

/// The error for a part that a provider may read as another field than the gateway does.
fn unclear(name: &str) -> Error {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    let message = format!(
        "The form has a part '{name}' that readers of forms take for different fields. Give each part one 'Content-Disposition' with one 'name', spelled as in the documentation, in double quotes and without escapes."
    );
    refused(&message)
}

fn is_read(name: &str) -> bool {
    READ.contains(&name) || OWN_MEMBERS.contains(&name)
}

/// Adds the text of a part to a list: a JSON list as a whole, or else one entry.
fn extend(list: &mut Value, text: &str) {
    let entries = match serde_json::from_str(text) {
        Ok(Value::Array(entries)) => entries,
        Ok(_) | Err(_) => vec![Value::from(text)],
    };
    if let Value::Array(list) = list {
        list.extend(entries);
    }
}

/// The value of a field: a text, or else what it is in JSON.
fn value(name: &str, text: &str) -> Value {
    if TEXTS.contains(&name) {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// The parts of a body; `None` if it is not complete.
fn parts(boundary: &str, body: &[u8]) -> Option<Vec<Part>> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let begins = delimiter.get(2..)?;
    let mut at = match body.starts_with(begins.as_bytes()) {
        true => begins.len(),
        false => finder.find(body)? + delimiter.len(),
    };
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let line = memmem::find(rest, b"\r\n")?;
        let start = at + line + 2;
        let end = start + finder.find(body.get(start..)?)?;
        if parts.len() == MOST_PARTS {
            return None;
        }
        parts.push(part(body, start..end, begins.as_bytes())?);
        at = end + delimiter.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    fn form(parts: &[(&str, &str)]) -> Form {
        let text: String = parts
            .iter()
            .map(|(head, content)| {
                format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
            })
            .collect();
        Form::parse(TYPE, Bytes::from(format!("{text}--XX--\r\n"))).expect("a form")
    }

    fn joined(pieces: Vec<Bytes>) -> String {
        String::from_utf8(pieces.concat()).expect("a text")
    }

    #[test]
    fn the_gateways_fields_are_read_and_not_passed_on() {
        let file = "name=\"file\"; filename=\"a \\\"b\\\".mp3\"";
        let form = form(&[
            ("name=\"model\"", "ours"),
            (file, "\r\n--X sound\r\n"),
            ("name=models[]", "a"),
            ("name=\"models[]\"", "b"),
            ("name=\"num_retries\"", "2"),
            ("name=\"language\"", "1"),
            ("name=\"timestamp_granularities[]\"", "word"),
        ]);
        let members: Value = serde_json::from_str(&form.members().expect("members")).expect("JSON");
        let expected = serde_json::json!({"model": "ours", "models": ["a", "b"], "num_retries": 2, "language": "1", "file": 13});
        assert_eq!(members, expected);
        let written = joined(form.written("theirs", &["language".to_owned()]));
        let read = Form::parse(&form.content_type(), Bytes::from(written.clone())).expect("a form");
        let names: Vec<&str> = read.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["model", "file", "timestamp_granularities"]);
        assert!(
            written.contains("\r\n\r\ntheirs\r\n") && written.contains("\r\n\r\n\r\n--X sound\r\n\r\n"),
            "{written}"
        );
        assert!(written.contains("name=\"timestamp_granularities[]\""), "{written}");
    }

    #[test]
    fn a_part_that_readers_take_for_different_fields_is_refused() {
        let parsed = |head: &str, content: &str| {
            let text = format!("--XX\r\n{head}\r\n\r\n{content}\r\n--XX--\r\n");
            Form::parse(TYPE, Bytes::from(text)).map(|form| form.parts.len())
        };
        let disposition = |rest: &str| format!("Content-Disposition: form-data; {rest}");
        for clear in [
            "name=\"model\"",
            "name=model",
            "NAME=\"model\"",
            "name=\"file\"; filename=\"a; name=b.mp3\"; filename*=UTF-8''a.mp3",
            "name=\"models[]\"",
            "name=\"Vendor Field\";",
        ] {
            assert_eq!(parsed(&disposition(clear), "x").ok(), Some(1), "{clear}");
        }
        for unclear in [
            "name=\"x\"; name=\"model\"",
            "name=\"x\"; NAME=\"model\"",
            "name=\"x\"; name*=UTF-8''model",
            "name=\"Model\"",
            "name=\"model \"",
            "name=' model'",
            "name='model'",
            "name=\"Models[]\"",
            "name=\"mod%65l\"",
            "name=\"mod\\el\"",
            "name=\"x\\\"; name=\\\"model\"",
            "name=\"x\" name=\"model\"",
            "name=\"x\"\r\n ; name=\"model\"",
            "name=\"x\"\nContent-Disposition: form-data; name=\"model\"",
            "name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"",
        ] {
            assert!(parsed(&disposition(unclear), "x").is_err(), "{unclear}");
        }
        let hidden = "a\n--XX\nContent-Disposition: form-data; name=\"model\"\n\nb";
        assert!(parsed(&disposition("name=\"x\""), hidden).is_err());
        assert!(parsed(&disposition("name=\"x\""), "a--XXb").is_ok());
    }

    #[test]
    fn what_is_no_complete_form_is_refused() {
        let text = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--XX--\r\n";
        assert!(Form::parse(TYPE, Bytes::from(text)).is_ok());
        for cut in [5, 20, 49, 54, 58] {
            let part = text.get(..cut).expect("ASCII");
            assert!(Form::parse(TYPE, Bytes::copy_from_slice(part.as_bytes())).is_err(), "{part}");
        }
        for kind in [
            "application/json",
            "multipart/form-data",
            "multipart/mixed; boundary=XX",
            "multipart/form-data; boundary=",
        ] {
            assert!(Form::parse(kind, Bytes::from(text)).is_err(), "{kind}");
        }
        let twice = form(&[("name=\"model\"", "a"), ("name=\"model\"", "b")]);
        assert!(twice.members().is_err());
    }
}
