//! A body of the type `multipart/form-data`, as recordings are sent: texts, and files of which the bytes are passed on.

mod field_name;
mod part;
#[cfg(test)]
mod tests;

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
/// The field with the recording.
const FILE: &str = "file";
/// Fields of the providers that the gateway reads as well: by some of them it routes, by others it prices.
const READ: [&str; 7] = ["model", "stream", "response_format", "language", "prompt", "n", "best_of"];
/// Fields that are texts, whatever they look like.
const TEXTS: [&str; 5] = ["model", "response_format", "language", "prompt", "session_id"];
/// Fields that are lists of texts.
const LISTS: [&str; 2] = ["models", "fallbacks"];
/// The field of browsers that names the charset of all others.
const CHARSET: &str = "_charset_";

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
            refused(
                "The body must be of the type multipart/form-data, with one boundary in one 'Content-Type'.",
            )
        })?;
        let parts = parts(&boundary, &body).ok_or_else(|| {
            refused("The body is not a complete form: its parts do not end with its boundary.")
        })?;
        let form = Self { boundary, body, parts };
        match form.parts.iter().find_map(|part| form.doubt(part)) {
            Some(error) => Err(error),
            None => Ok(form),
        }
    }

    /// The error for a part that a provider may read as another field than the gateway does, or as another text.
    fn doubt(&self, part: &Part) -> Option<Error> {
        let name: String =
            part.name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
        let is_utf_8 = || self.content(part).trim_ascii().eq_ignore_ascii_case(b"utf-8");
        let message = if !part.is_clear {
            format!(
                "The form has a part '{name}' that readers of forms take for different fields. Give each part one 'Content-Disposition' with one 'name', spelled as in the documentation, in double quotes and without escapes, and no parts of its own."
            )
        } else if is_read(&part.name) && part.is_file {
            format!("The form has the field '{name}' as a file. Send it as a text, without 'filename'.")
        } else if is_read(&part.name) && !part.is_plain || part.name == CHARSET && !is_utf_8() {
            format!(
                "The form has the field '{name}' in a charset or an encoding of its own. Send it as plain UTF-8, without 'Content-Transfer-Encoding'."
            )
        } else {
            return None;
        };
        Some(Error::refused(part.field, "invalid_form", message))
    }

    fn content(&self, part: &Part) -> &[u8] {
        self.body.get(part.content.clone()).unwrap_or_default()
    }

    /// The whole body, as it was sent.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The bytes of the recording, and of whatever else the gateway does not read: a provider may take any of it for one.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        self.parts.iter().filter(|part| !is_read(&part.name)).map(|part| part.content.len()).sum()
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
        let twice = |name: &str| {
            let message = format!("The field '{name}' occurs twice in the body. Send it once.");
            Err(Error::refused(Some(name), "duplicate_field", message))
        };
        let mut members = Map::new();
        for part in self.parts.iter().filter(|part| is_read(&part.name)) {
            let name = part.name.as_str();
            let text = std::str::from_utf8(self.content(part)).ok().filter(|text| text.len() <= LONGEST_TEXT);
            let Some(text) = text else {
                let message = format!("'{name}' must be a short text.");
                return Err(Error::refused(Some(name), "invalid_type", message));
            };
            if LISTS.contains(&name) {
                let list = members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                extend(list, text);
            } else if members.insert(name.to_owned(), value(name, text)).is_some() {
                return twice(name);
            }
        }
        if self.parts.iter().filter(|part| part.name == FILE).count() > 1 {
            return twice(FILE);
        }
        // Requests with files of different sizes are different requests.
        members.insert(FILE.to_owned(), self.file_bytes().into());
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
