//! The parts of a form and their headers.
//!
//! Readers of forms differ in what they take of a name that is sent twice, is escaped, or has blanks. A part that a provider may
//! read as another field than the gateway does is not clear.

use std::ops::Range;

use memchr::memmem;

use super::field_name;

/// One part of a form.
#[derive(Debug)]
pub(super) struct Part {
    /// The name of its field, without the brackets of a list.
    pub(super) name: String,
    pub(super) is_file: bool,
    /// Whether every reader takes it for this field: none finds another name, or another part, in it.
    pub(super) is_clear: bool,
    /// Whether every reader takes its content for the same text, without decoding it.
    pub(super) is_plain: bool,
    /// The field of the gateway that a reader may take it for.
    pub(super) field: Option<&'static str>,
    /// Its headers and its content.
    pub(super) whole: Range<usize>,
    pub(super) content: Range<usize>,
}

/// The boundary in a content type; `None` if it is another type, or has several.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, _) = content_type.split_once(';')?;
    let (parameters, is_well_formed) = parameters(content_type);
    let mut named = parameters.into_iter().filter(|parameter| parameter.key.starts_with("boundary"));
    let found = named.next().filter(|parameter| parameter.key == "boundary")?.value;
    let is_valid = is_well_formed
        && named.next().is_none()
        && (1..=70).contains(&found.len())
        && found.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    (kind.trim().eq_ignore_ascii_case("multipart/form-data") && is_valid).then_some(found)
}

/// A parameter of a header, such as `name` in `form-data; name="a"`.
struct Parameter {
    /// Its name in lowercase.
    key: String,
    value: String,
    /// Whether the value is the text between the quotation marks, without escapes, or a single word.
    is_literal: bool,
}

impl Parameter {
    /// Whether no reader has to decode its value.
    fn is_plain(&self) -> bool {
        let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '%' | '"' | '\\');
        self.is_literal && !self.value.contains("=?") && self.value.chars().all(is_plain)
    }

    /// Whether a reader that knows no escapes, or no quotation marks, may find a name in its value.
    fn hides_a_name(&self) -> bool {
        let value: String = self.value.chars().filter(|letter| !letter.is_whitespace()).collect();
        let value = value.to_ascii_lowercase();
        let names_a_field = |part: &str| {
            let name = part.strip_prefix("name=").or_else(|| part.strip_prefix("name*="));
            name.is_some_and(|name| field_name::field_of(name).is_some())
        };
        value.split(';').skip(1).any(names_a_field)
            || !self.is_literal && (value.contains("name=") || value.contains("name*"))
    }
}

/// The parameters of a header that can be read, and whether it is well-formed.
fn parameters(header: &str) -> (Vec<Parameter>, bool) {
    let (mut parameters, mut is_well_formed) = (Vec::new(), true);
    let Some((_, mut rest)) = header.split_once(';') else { return (parameters, true) };
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return (parameters, is_well_formed);
        }
        let Some((parameter, next)) = parameter(rest) else { return (parameters, false) };
        parameters.push(parameter);
        is_well_formed &= next.is_empty() || next.starts_with(';');
        rest = next;
    }
}

/// The first parameter of a text, and what follows it.
fn parameter(text: &str) -> Option<(Parameter, &str)> {
    let (key, after) = text.split_once('=')?;
    let after = after.trim_start_matches([' ', '\t']);
    let (value, is_literal, next) = match after.strip_prefix('"') {
        Some(quoted) => {
            let (value, next) = unquoted(quoted)?;
            // The closing mark is between them.
            let is_literal = value.len() + 1 + next.len() == quoted.len();
            (value, is_literal, next.trim_start_matches([' ', '\t']))
        }
        None => {
            let (value, next) = after.split_at(after.find(';').unwrap_or(after.len()));
            let value = value.trim();
            (value.to_owned(), !value.contains([' ', '\t', '"', '=']), next)
        }
    };
    Some((Parameter { key: key.trim().to_ascii_lowercase(), value, is_literal }, next))
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

/// Reads one part of a body. `None` if its headers have no end, or are no text.
pub(super) fn part(body: &[u8], whole: Range<usize>, boundary: &[u8]) -> Option<Part> {
    let text = body.get(whole.clone())?;
    let end = memmem::find(text, b"\r\n\r\n")?;
    let headers = std::str::from_utf8(text.get(..end)?).ok()?;
    let dispositions: Vec<_> = values(headers, "content-disposition").map(parameters).collect();
    let parameters: Vec<&Parameter> = dispositions.iter().flat_map(|(parameters, _)| parameters).collect();
    let names: Vec<&Parameter> =
        parameters.iter().copied().filter(|parameter| parameter.key.starts_with("name")).collect();
    let is_once = |one: &Parameter| parameters.iter().filter(|other| other.key == one.key).count() == 1;
    let has_one_name = match (dispositions.as_slice(), names.as_slice()) {
        ([(_, is_well_formed)], [name]) => *is_well_formed && name.key == "name" && name.is_plain(),
        _ => false,
    };
    let name = names.first().map_or("", |name| &*name.value);
    let mistaken = field_name::mistaken(name);
    let is_clear = has_one_name
        && mistaken.is_none()
        && parameters.iter().all(|&parameter| is_once(parameter) && !parameter.hides_a_name())
        && !values(headers, "content-type").any(has_parts)
        && has_plain_lines(headers)
        && !has_other_part(text, boundary);
    let sent = name.strip_suffix("[]").unwrap_or(name);
    let is_file = parameters.iter().any(|parameter| matches!(&*parameter.key, "filename" | "filename*"));
    let content = whole.start + end + 4..whole.end;
    let is_ascii = body.get(content.clone()).is_some_and(<[u8]>::is_ascii);
    Some(Part {
        name: sent.to_owned(),
        is_file,
        is_clear,
        is_plain: is_plain_text(headers, is_ascii),
        field: names.iter().find_map(|name| field_name::field_of(&name.value)),
        whole,
        content,
    })
}

/// The values of a header.
fn values<'a>(headers: &'a str, wanted: &'a str) -> impl Iterator<Item = &'a str> {
    headers.split("\r\n").filter_map(move |line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

/// Charsets that are the same as UTF-8 for a content in ASCII. Some clients name one by default.
const WITH_ASCII: [&str; 3] = ["iso-8859-1", "latin1", "windows-1252"];

/// Whether the content is a text in UTF-8 with nothing to decode.
fn is_plain_text(headers: &str, is_ascii: bool) -> bool {
    let is_one_of = |value: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(value));
    let is_utf_8 = |kind: &str| {
        let (parameters, is_well_formed) = parameters(kind);
        let mut charsets = parameters.iter().filter(|parameter| parameter.key.starts_with("charset"));
        let is_read = |charset: &str| {
            is_one_of(charset, &["utf-8", "us-ascii"]) || is_ascii && is_one_of(charset, &WITH_ASCII)
        };
        is_well_formed && charsets.all(|charset| is_read(&charset.value))
    };
    values(headers, "content-type").all(is_utf_8)
        && values(headers, "content-transfer-encoding")
            .all(|value| is_one_of(value, &["7bit", "8bit", "binary"]))
}

/// Whether a content of this type has parts, in which a reader may find fields.
fn has_parts(content_type: &str) -> bool {
    let kind = content_type.trim().to_ascii_lowercase();
    kind.starts_with("multipart/") || kind.starts_with("message/")
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
