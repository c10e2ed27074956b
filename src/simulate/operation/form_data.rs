//! Bodies of the type `multipart/form-data`: the texts of their fields, and the size of their file.

use memchr::memmem;
use serde_json::{Map, Value};

/// The fields of a form.
#[derive(Debug, Default)]
pub(super) struct FormData {
    /// Its texts, by the names of their fields.
    pub(super) texts: Map<String, Value>,
    /// The bytes of its file.
    pub(super) file: Option<usize>,
}

/// Reads a body of this content type; `None` if it is no form, or ends before its last boundary.
pub(super) fn read(content_type: &str, body: &[u8]) -> Option<FormData> {
    let (_, after) = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?;
    let boundary = after.split(';').next()?.trim().trim_matches('"');
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.trim_start().as_bytes())?;
    let mut form = FormData::default();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = memmem::find(part, delimiter.as_bytes())?;
        form.take(part.get(..end)?)?;
        rest = part.get(end + delimiter.len()..)?;
    }
    Some(form)
}

impl FormData {
    fn take(&mut self, part: &[u8]) -> Option<()> {
        let end = memmem::find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(part.get(..end)?).ok()?;
        let content = part.get(end + 4..)?;
        let (_, after) = head.split_once("; name=\"")?;
        let (name, _) = after.split_once('"')?;
        if head.contains("; filename=") {
            self.file = Some(content.len());
        } else {
            self.texts.insert(name.to_owned(), String::from_utf8_lossy(content).into());
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_texts_and_a_file() {
        let text = |name: &str, text: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let file = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\r\nab--B\r\n\r\n";
        let body = [text("model", "m"), file.to_owned(), text("prompt", ""), "--B--\r\n".to_owned()].concat();
        for kind in ["multipart/form-data; boundary=B", "multipart/form-data; charset=x; boundary=\"B\""] {
            let form = read(kind, body.as_bytes()).expect("a form");
            assert_eq!(form.file, Some(9), "what resembles a boundary within a line is content");
            assert_eq!(form.texts.get("model").and_then(Value::as_str), Some("m"));
            assert_eq!(form.texts.get("prompt").and_then(Value::as_str), Some(""));
        }
        assert!(read("multipart/form-data; boundary=C", body.as_bytes()).is_none());
        assert!(read("application/json", body.as_bytes()).is_none());
        let cut = body.trim_end_matches("--B--\r\n");
        assert!(read("multipart/form-data; boundary=B", cut.as_bytes()).is_none());
    }
}
