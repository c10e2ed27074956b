//! The parts of a form and their headers.
//!
//! Readers of forms differ in what they take of a name that is sent twice, is escaped, or has blanks. A part that a provider may
//! read as another field than the gateway does is not clear.

use std::ops::Range;

use memchr::memmem;

use super::is_read;

/// One part of a form.
#[derive(Debug)]
pub(super) struct Part {
    /// The name of its field, without the brackets of a list.
    pub(super) name: String,
    pub(super) is_file: bool,
    /// Whether every reader takes it for this field: none finds another name, or another part, in it.
    pub(super) is_clear: bool,
    /// Its headers and its content.
    pub(super) whole: Range<usize>,
    pub(super) content: Range<usize>,
}

/// Whether a name is one of the gateway's fields but for its case, blanks, quotes and other marks.
fn resembles_a_field(name: &str) -> bool {
    let is_of_names = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    let plain: String = name.chars().filter(is_of_names).flat_map(char::to_lowercase).collect();
    is_read(&plain) && !is_read(name)
}

/// The boundary in a content type; `None` if it is another type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, _) = content_type.split_once(';')?;
    let parameters = parameters(content_type)?;
    let found = parameters.into_iter().find(|parameter| parameter.key == "boundary")?.value;
    let is_valid =
        (1..=70).contains(&found.len()) && found.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    (kind.trim().eq_ignore_ascii_case("multipart/form-data") && is_valid).then_some(found)
}

/// A parameter of a header, such as `name` in `form-data; name="a"`.
struct Parameter {
    /// Its name in lowercase.
    key: String,
    value: String,
    /// Whether the value is the text between the quotation marks, without escapes.
    is_literal: bool,
}

impl Parameter {
    /// Whether no reader has to decode its value.
    fn is_plain(&self) -> bool {
        let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '%' | '"' | '\\');
        self.is_literal && self.value.chars().all(is_plain)
    }
}

/// The parameters of a header. `None` if it is not well-formed.
fn parameters(header: &str) -> Option<Vec<Parameter>> {
    let mut parameters = Vec::new();
    let Some((_, mut rest)) = header.split_once(';') else { return Some(parameters) };
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some(parameters);
        }
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start_matches([' ', '\t']);
        let (value, is_literal, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = unquoted(quoted)?;
                // The closing mark is between them.
                let is_literal = value.len() + 1 + next.len() == quoted.len();
                (value, is_literal, next.trim_start_matches([' ', '\t']))
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (value, next) = after.split_at(end);
                (value.trim().to_owned(), true, next)
            }
        };
        if !next.is_empty() && !next.starts_with(';') {
            return None;
        }
        parameters.push(Parameter { key: key.trim().to_ascii_lowercase(), value, is_literal });
        rest = next;
    }
}

/// A text up to its closing quotation mark, without its escapes, and what follows the mark.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((found, text.get(at + 1..)?)),
            '\\' => found.push(letters.next()?.1),
            letter => found.push(letter),
        }
    }
    None
}

/// Reads one part of a body.
pub(super) fn part(body: &[u8], whole: Range<usize>, boundary: &[u8]) -> Option<Part> {
    let text = body.get(whole.clone())?;
    let end = memmem::find(text, b"\r\n\r\n")?;
    let headers = std::str::from_utf8(text.get(..end)?).ok()?;
    let mut dispositions = headers.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = dispositions.next()?;
    let parameters = parameters(disposition)?;
    let has = |wanted: &str| parameters.iter().any(|parameter| parameter.key == wanted);
    let name = parameters.iter().find(|parameter| parameter.key == "name")?;
    let sent = name.value.strip_suffix("[]").unwrap_or(&name.value);
    let is_once = |one: &Parameter| parameters.iter().filter(|other| other.key == one.key).count() == 1;
    let is_clear = dispositions.next().is_none()
        && parameters.iter().all(is_once)
        && !parameters.iter().any(|parameter| parameter.key.starts_with("name*"))
        && !resembles_a_field(sent)
        && name.is_plain()
        && has_plain_lines(headers)
        && !has_other_part(text, boundary);
    let is_file = has("filename") || has("filename*");
    let content = whole.start + end + 4..whole.end;
    Some(Part { name: sent.to_owned(), is_file, is_clear, whole, content })
}

/// Whether no header goes on in the next line or ends in only a part of a line break.
fn has_plain_lines(headers: &str) -> bool {
    let is_plain = |line: &str| !line.starts_with([' ', '\t']) && !line.contains(['\r', '\n']);
    headers.split("\r\n").all(is_plain)
}

/// Whether a part has a boundary in it for readers that take a single character for a line break.
fn has_other_part(part: &[u8], boundary: &[u8]) -> bool {
    let follows_a_break = |at: usize| {
        at.checked_sub(1).and_then(|before| part.get(before)).is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
    };
    memmem::find_iter(part, boundary).any(follows_a_break)
}
