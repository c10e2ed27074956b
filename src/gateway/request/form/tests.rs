//! Which forms are read, what is passed on of them, and which readers could take for others.

use super::*;

const TYPE: &str = "multipart/form-data; boundary=XX";

fn form(parts: &[(&str, &str)]) -> Form {
    let text: String = parts
        .iter()
        .map(|(head, content)| format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n"))
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
    let expected = serde_json::json!({"model": "ours", "models": ["a", "b"], "num_retries": 2, "language": "1", "file": 17});
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
        "name=\"file\"; filename=\"a \\\"b\\\".mp3\"",
        "name=\"file\"; filename=",
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

/// A form of one part with these headers and this content: the parameter that its error names, if it is refused.
fn refusal(headers: &str, content: &str) -> Option<Option<String>> {
    let text = format!("--XX\r\n{headers}\r\n\r\n{content}\r\n--XX--\r\n");
    match Form::parse(TYPE, Bytes::from(text)) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, "invalid_form", "{headers}");
            Some(refusal.param)
        }
        Err(error) => panic!("{headers}: {error}"),
        Ok(_) => None,
    }
}

/// What readers take for a field, by the name that each of them decodes.
const TAKEN: [(&str, &str); 26] = [
    ("name=\"=?utf-8?B?bW9kZWw=?=\"", "model"),
    ("name=\"=?utf-8?Q?mod=65l?=\"", "model"),
    ("name==?utf-8?B?bW9kZWw=?=", "model"),
    ("name=\"model[]\"", "model"),
    ("name=\"model[0]\"", "model"),
    ("name=\"model.0\"", "model"),
    ("name*=utf-8''model", "model"),
    ("name*=UTF-8'en'mod%65l", "model"),
    ("name=\"x\"; name*=utf-8''model", "model"),
    ("name=\"x\" name=\"model\"", "model"),
    ("name=\"x\"; name=\"stream\"", "stream"),
    ("name=\"x\"\r\nContent-Disposition: form-data; name=\"file\"", "file"),
    ("name=\"\u{ff4d}\u{ff4f}\u{ff44}\u{ff45}\u{ff4c}\"", "model"),
    ("name=\"MODEL\"", "model"),
    ("name=\"mod\\el\"", "model"),
    ("name=\"mod%65l\"", "model"),
    ("name=\"n[0]\"", "n"),
    ("name=\"N\"", "n"),
    ("name=\"Best_Of\"", "best_of"),
    ("name=\"stream[]\"", "stream"),
    ("name=\"Response.Format\"", "response_format"),
    ("name=\"file[]\"; filename=\"a.mp3\"", "file"),
    ("name=\"File\"; filename=\"a.mp3\"", "file"),
    ("name=\"models[0]\"", "models"),
    ("name=\"model\"; filename=\"a\"", "model"),
    ("name=\"stream\"; filename=\"\"", "stream"),
];

#[test]
fn the_field_that_another_reader_finds_is_named() {
    for (head, field) in TAKEN {
        let headers = format!("Content-Disposition: form-data; {head}");
        assert_eq!(refusal(&headers, "x"), Some(Some(field.to_owned())), "{head}");
    }
    // No field of the gateway is in these, but none of them is clear.
    for head in [
        "form-data",
        "form-data; filename=\"a.mp3\"",
        "form-data; name=\"=?utf-8?B?eA==?=\"",
        "form-data; name*0=\"mo\"; name*1=\"del\"",
        "form-data; name=\"x\"; filename=\"a\\\"; name=\\\"model\"",
        "form-data; name=\"x\"; filename=\"a; name=model\"",
        "form-data; name=\"x\"; filename=\"a\"; filename=\"b\"",
    ] {
        let found = refusal(&format!("Content-Disposition: {head}"), "x");
        assert!(found.is_some(), "{head}");
    }
    assert!(refusal("Content-Type: text/plain", "x").is_some());
}

#[test]
fn a_field_that_readers_decode_is_refused() {
    let model = "Content-Disposition: form-data; name=\"model\"";
    for (header, is_plain) in [
        ("Content-Type: text/plain", true),
        ("Content-Type: text/plain; charset=UTF-8", true),
        ("Content-Transfer-Encoding: 8bit", true),
        ("Content-Type: text/plain; charset=ISO-8859-1", true),
        ("Content-Type: text/plain; charset=utf-16", false),
        ("Content-Type: text/plain; charset=utf-8; charset=utf-7", false),
        ("content-transfer-encoding: BASE64", false),
        ("Content-Transfer-Encoding: quoted-printable", false),
        ("Content-Type: multipart/mixed; boundary=Y", false),
    ] {
        let found = refusal(&format!("{model}\r\n{header}"), "x");
        let expected = if is_plain { None } else { Some(Some("model".to_owned())) };
        assert_eq!(found, expected, "{header}");
    }
    let foreign = format!("{model}\r\nContent-Type: text/plain; charset=ISO-8859-1");
    assert_eq!(refusal(&foreign, "mod\u{e8}le"), Some(Some("model".to_owned())));
    let charset = |value| refusal("Content-Disposition: form-data; name=\"_charset_\"", value);
    assert_eq!((charset("utf-8"), charset("utf-16")), (None, Some(None)));
    let vendors = "Content-Disposition: form-data; name=\"x\"\r\nContent-Type: multipart/mixed; boundary=Y";
    assert!(refusal(vendors, "--Y\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb").is_some());
    let recording = "Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Transfer-Encoding: base64";
    assert_eq!(refusal(recording, "eA=="), None);
}

#[test]
fn what_may_be_a_recording_is_one() {
    let form = form(&[
        ("name=\"model\"", "m"),
        ("name=\"file\"", "four"),
        ("name=\"audio\"; filename=\"b\"", "six  ."),
    ]);
    assert_eq!(form.file_bytes(), 10);
    let number = |name: &str| {
        let head = format!("name=\"{name}\"");
        let members = self::form(&[("name=\"model\"", "m"), (&*head, "7")]).members().expect("members");
        serde_json::from_str::<Value>(&members).expect("JSON")[name].clone()
    };
    assert_eq!((number("n"), number("best_of")), (Value::from(7), Value::from(7)));
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
        "multipart/form-data; boundary=XX; boundary=YY",
        "multipart/form-data; boundary=YY; boundary=XX",
        "multipart/form-data; boundary=XX; Boundary=XX",
        "multipart/form-data; boundary=XX; boundary*=utf-8''YY",
        "multipart/form-data; boundary*=utf-8''XX",
        "multipart/form-data; boundary=\"XX\" x",
        "multipart/form-data, multipart/form-data; boundary=XX",
    ] {
        assert!(Form::parse(kind, Bytes::from(text)).is_err(), "{kind}");
    }
    for name in ["model", "file", "stream", "n", "session_id"] {
        let head = format!("name=\"{name}\"");
        let twice = form(&[(&*head, "1"), (&*head, "1")]);
        assert!(twice.members().is_err(), "{name}");
    }
}
