//! Bodies of the type `multipart/form-data`.

use serde_json::Value;

/// Sets a form as the body of a request: a part for each field, of which `file` is a file.
pub(crate) fn with_form(request: reqwest::RequestBuilder, fields: &Value) -> reqwest::RequestBuilder {
    let part = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let file = if name == "file" { "; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg" } else { "" };
        format!("--FORM\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let sent = fields.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    let body: String = sent.map(part).collect();
    let kind = "multipart/form-data; boundary=FORM";
    request.header("content-type", kind).body(format!("{body}--FORM--\r\n"))
}
