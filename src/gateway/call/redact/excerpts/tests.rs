//! What is hidden of a prompt, and what stays readable.

use std::sync::Arc;

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::request_text::LONGEST;
use super::*;
use crate::gateway::request::chat_request::ChatRequest;

const SECRET: &str = "the patient Jane Roe, born 1970-01-02,\nsuffers from \"lupus\" \u{e4}ger";

fn parse(body: &Value) -> ChatRequest {
    ChatRequest::parse(Bytes::from(body.to_string())).expect("a request")
}

fn request() -> Arc<RequestText> {
    let text = json!({"type": "text", "text": format!("Say why {SECRET}.")});
    parse(&json!({
        "model": "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free",
        "messages": [{"role": "system", "content": "short"}, {"role": "user", "content": [text]}],
        "tools": [{"function": {"name": "a_function_with_a_long_name_of_its_own_here"}}],
    }))
    .text()
}

fn hide(message: &str) -> String {
    without_excerpts(&Message::of(message), &request(), "").unwrap_or_else(|| message.to_owned())
}

#[test]
fn what_the_prompt_says_is_hidden_however_it_is_repeated() {
    let body = json!({"messages": [{"content": SECRET}]}).to_string();
    for repeated in [
        SECRET.to_owned(),
        SECRET.replace('\n', " "),
        SECRET.to_uppercase(),
        SECRET.replace('"', "'"),
        json!(SECRET).to_string(),
        json!(json!(SECRET).to_string()).to_string(),
        SECRET.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect(),
        SECRET
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter)
                } else {
                    letter
                }
            })
            .collect(),
        SECRET.split(' ').map(|word| format!("[{word}]")).collect::<Vec<_>>().join(", "),
        STANDARD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        STANDARD.encode(&body),
        STANDARD.encode(&body).get(5..).unwrap_or_default().to_owned(),
    ] {
        let hidden = hide(&format!("Blocked: {repeated} is not allowed"));
        assert!(hidden.starts_with("Blocked: ") && hidden.ends_with(" is not allowed"), "{hidden}");
        assert!(hidden.contains("characters of the request]"), "{repeated}: {hidden}");
        let plain = String::from_utf8_lossy(&folded(&hidden)).into_owned();
        assert!(!plain.contains("jane") && !plain.contains("lupus"), "{hidden}");
        assert!(hidden.chars().count() < 80, "{hidden}");
    }
}

#[test]
fn names_and_the_errors_own_words_stay() {
    for message in [
        "The model meta-llama/Llama-3.3-70B-Instruct-Turbo-Free does not exist",
        "Invalid schema for a_function_with_a_long_name_of_its_own_here",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "the patient Jane Roe",
        "Invalid role 'system'",
        "",
    ] {
        assert_eq!(without_excerpts(&Message::of(message), &request(), ""), None, "{message}");
    }
}

#[test]
fn quotations_are_hidden_unless_they_look_like_a_name() {
    assert_eq!(hide("no 'jane roe' here"), "no '[8 characters of the request]' here");
    assert_eq!(
        hide("no '1970-01-02' and 'lupus' and 'an own word'"),
        "no '[10 characters of the request]' and 'lupus' and 'an own word'"
    );
}

#[test]
fn every_field_of_the_prompt_is_hidden_and_no_schema() {
    let text = "the patient of room nine asked for a second opinion";
    for (field, expected) in
        [("system", true), ("documents", true), ("prediction", true), ("stop", true), ("tools", false)]
    {
        let request = parse(&json!({"model": "m", "messages": [], field: [{"content": text}]})).text();
        let hidden = without_excerpts(&Message::of(&format!("Bad: {text}")), &request, "");
        assert_eq!(hidden.is_some(), expected, "{field}");
    }
}

#[test]
fn labels_are_compared_as_a_whole() {
    for (label, expected) in [
        ("Jane Roe", true),
        ("born_1970_01_02", true),
        ("the-patient-jane-roe-born-1970-01-02", true),
        ("lupus", false),
        ("hunter2", false),
        ("messages[1].content[0].text", false),
        ("context_length_exceeded", false),
    ] {
        assert_eq!(is_excerpt(label, &request(), ""), expected, "{label}");
    }
}

#[test]
fn a_label_with_a_value_of_the_prompt_in_it_is_hidden() {
    let content = "hunter2 and Tr0ub4dor of alice.b7@example.com, card 4929 1234 5678 9012";
    let request = parse(&json!({"model": "m", "messages": [{"content": content}]})).text();
    for (label, expected) in [
        ("invalid_password_hunter2", true),
        ("input[0].hunter2", true),
        ("metadata.Tr0ub4dor", true),
        ("card 4929123456789012", true),
        ("card_4929-1234-5678-9012", true),
        ("input[0].content[1].image_url", false),
        ("invalid_base64", false),
        ("error_1234_of_5", false),
    ] {
        assert_eq!(is_excerpt(label, &request, ""), expected, "{label}");
    }
}

#[test]
fn of_a_long_prompt_both_ends_are_searched() {
    let (start, end) =
        ("a start that no other text has, of some length", "an end that no other text has, of some length");
    let content = format!("{start} {} {end}", "x ".repeat(LONGEST));
    let request = parse(&json!({"model": "m", "messages": [{"content": content}]}));
    for text in [request.text(), Arc::new(request.kept_prompt(Bytes::from).text())] {
        for repeated in [start, end] {
            let hidden =
                without_excerpts(&Message::of(&format!("no: {repeated}")), &text, "").expect("an excerpt");
            assert!(hidden.starts_with("no: [") && !hidden.contains("other text"), "{hidden}");
        }
        assert_eq!(without_the_unknown(&Message::of("own words"), &text), None);
        assert_eq!(
            without_the_unknown(&Message::of(&"own words ".repeat(9)), &text).as_deref(),
            Some("[90 characters; the prompt is too long to be compared]")
        );
    }
    assert_eq!(
        without_the_unknown(&Message::of(&"own words ".repeat(9)), &parse(&json!({"model": "m"})).text()),
        None
    );
}

#[test]
fn work_is_linear() {
    let request = parse(&json!({"model": "m", "messages": "a".repeat(LONGEST / 2)})).text();
    for piece in [
        "a",
        "'a b' ",
        "YWFh",
        "YWFhYWFhYWFhYWFhYWFhYWFhYWFh ",
        "\"",
        "\\u0061",
        "<b>",
        "a=20",
        "'a1b2' ",
        "a1b2c3d4e5@f ",
        "12345678 ",
        "a1\"b2\"",
        "(at)a",
        "&lt;a1",
    ] {
        let hostile = piece.repeat(16 * 1024 / piece.len());
        without_excerpts(&Message::of(&hostile), &request, "");
    }
}

/// What stays readable of an error about a request with this prompt, in which `{}` is for an echo of it.
fn hide_in(prompt: &str, message: &str) -> String {
    let request = parse(&json!({
        "model": "m-2024-08-06", "max_tokens": 100_000, "messages": [{"role": "user", "content": prompt}],
        "tools": [{"type": "function", "function": {"name": "get_w3ather!", "parameters": {"$defs": {}}}}],
    }));
    let hidden = without_excerpts(&Message::of(message), &request.text(), "vendors/model-20250101");
    hidden.unwrap_or_else(|| message.to_owned())
}

#[test]
fn what_a_provider_garbles_is_hidden_too() {
    let prompt = "Seg\u{fa}n el informe confidencial de Mart\u{ed}n, la se\u{f1}ora N\u{fa}\u{f1}ez recibi\u{f3} diecisiete paraguas";
    let by_bytes = |text: &str| text.bytes().map(char::from).collect::<String>();
    let plain = |other: &str| {
        prompt
            .chars()
            .map(|letter| if letter.is_ascii() { letter.to_string() } else { other.to_owned() })
            .collect::<String>()
    };
    for garbled in [
        plain(""),
        plain("?"),
        plain("??"),
        plain("\u{fffd}"),
        plain("&eacute;"),
        plain("=C3=AA"),
        by_bytes(prompt),
        by_bytes(&by_bytes(prompt)),
        prompt
            .replace('\u{f3}', "o\u{301}")
            .replace('\u{fa}', "u")
            .replace('\u{ed}', "i")
            .replace('\u{f1}', "n"),
    ] {
        let hidden = hide_in(prompt, &format!("Blocked: {garbled} is not allowed"));
        assert!(hidden.contains("characters of the request] is not allowed"), "{garbled}: {hidden}");
        assert!(!hidden.contains("confidencial") && !hidden.contains("paraguas"), "{garbled}: {hidden}");
    }
    let quoted = hide_in(prompt, "no 'Mart?n, la se?ora' and 'an own word'");
    assert_eq!(quoted, "no '[17 characters of the request]' and 'an own word'");
    // Cyrillic and Chinese letters are compared as they are.
    for prompt in [
        "\u{41f}\u{430}\u{446}\u{438}\u{435}\u{43d}\u{442} ".repeat(4),
        "\u{75c5}\u{4eba}\u{5f20}\u{4e09}".repeat(4),
    ] {
        let prompt = prompt.trim_end();
        assert!(!hide_in(prompt, &format!("no: {prompt}")).contains(prompt), "{prompt}");
    }
}

#[test]
fn marks_between_words_hide_nothing() {
    let prompt =
        "The velvet giraffe quietly ordered seventeen turquoise umbrellas from Reykjavik before midnight";
    for mark in [
        "\u{120}",
        "\u{10a}",
        "\u{2581}",
        "</w>",
        "<0x20>",
        "<s>",
        "<br>",
        "<br/>\n",
        "=20",
        "_x0020_",
        "</span><span class=\"w\">",
        "\u{c2}\u{a0}",
        " [SEP] ",
        " (tok) ",
        "','token: ",
        " token: ",
        " -0.31 ",
        " -1.2e-05 ",
        "\\n",
        "&nbsp;",
        "%20",
        " ## ",
    ] {
        let marked = prompt.replace(' ', mark);
        for message in [format!("Invalid prompt: {marked}"), format!("{mark}{marked}{mark}")] {
            let hidden = hide_in(prompt, &message);
            for word in ["giraffe", "umbrellas", "Reykjavik"] {
                assert!(!hidden.contains(word), "{mark}: {hidden}");
            }
        }
    }
    let numbered: Vec<String> =
        prompt.split(' ').enumerate().map(|(at, word)| format!("{at}:{word}")).collect();
    assert!(!hide_in(prompt, &numbered.join(" ")).contains("giraffe"));
    assert!(!hide_in(prompt, "no 'velvet\u{120}giraffe'").contains("giraffe"));
}

#[test]
fn values_of_the_prompt_are_hidden_whatever_their_length() {
    for value in [
        "jane.doe@example.com",
        "hunter2!xyz",
        "4929 1234 5678 9012",
        "4929-1234-5678-9012",
        "+49 170 1234567",
        "(030) 1234-5678",
        "555-0134",
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
    ] {
        let prompt = format!("Please note {value} and go on");
        for message in [format!("flagged: {value} is bad"), format!("flagged: \"{value}\" is bad")] {
            let hidden = hide_in(&prompt, &message);
            let end: String = value.chars().skip(value.chars().count() - 6).collect();
            assert!(!hidden.contains(&end) && hidden.contains("characters of the request]"), "{hidden}");
            assert!(hidden.starts_with("flagged: ") && hidden.ends_with(" is bad"), "{hidden}");
            // Another prompt does not have it.
            assert_eq!(hide_in("Please go on", &message), message);
        }
    }
    assert_eq!(
        hide_in("my card is 4929123456789012.", "no 4929 1234 5678 9012!"),
        "no [19 characters of the request]!"
    );
    assert_eq!(hide_in("write to a@b.de", "no a@b.de."), "no [6 characters of the request].");
    for quoted in ["hunter2", "Tr0ub4dor", "p@ssw", "secret!", "x-1234"] {
        let message = hide_in(&format!("my password is {quoted}, keep it"), &format!("no '{quoted}' here"));
        assert!(!message.contains(quoted), "{message}");
    }
    for label in ["jane.doe@example.com", "hunter2"] {
        let request =
            parse(&json!({"model": "m", "messages": [{"content": "jane.doe@example.com hunter2"}]})).text();
        assert!(is_excerpt(label, &request, ""), "{label}");
    }
}

#[test]
fn values_are_hidden_however_they_are_spelled() {
    let prompt = "my passwords are Tr0ub4dor&3 and Zq<9mKp\"2xL, write to bob.smith@corp.example";
    for spelled in [
        "Tr0ub4dor&3",
        "Tr0ub4dor&amp;3",
        "Tr0ub4dor&amp;amp;3",
        "Tr0ub4dor&#38;3",
        r"Tr0ub4dor\u00263",
        "Zq&lt;9mKp",
        "Zq<9mKp&quot;2xL",
        "Zq&lt;9mKp&quot;2xL",
        "Zq<9mKp\"2xL",
        r#"Zq<9mKp\"2xL"#,
        "bob.smith@corp.example",
        "bob.smith @ corp.example",
        "bob.smith\u{ff20}corp.example",
        "bob.smith(at)corp.example",
        "bob.smith [at] corp.example",
        "bob.smith&#64;corp.example",
        "bob.smith&commat;corp.example",
    ] {
        let length = spelled.chars().count();
        let hidden = hide_in(prompt, &format!("flagged: {spelled} is bad"));
        assert_eq!(hidden, format!("flagged: [{length} characters of the request] is bad"), "{spelled}");
        let message = format!("flagged: <b>{spelled}</b> is bad");
        let hidden = hide_in(prompt, &message);
        assert!(!["4dor", "9mKp", "smith"].iter().any(|part| hidden.contains(part)), "{hidden}");
        // Another prompt does not have it.
        assert_eq!(hide_in("Please go on", &message), message);
    }
    let hidden = hide_in("write to bob (at) corp.example", "no bob@corp.example here");
    assert_eq!(hidden, "no [16 characters of the request] here");
}

#[test]
fn what_vendors_say_stays_readable_even_if_the_prompt_has_its_words() {
    let messages = [
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
        "This model's maximum context length is 1048576 tokens. However, your messages resulted in 1234567 tokens.",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "Invalid value: 'foo'. Supported values are: 'low', 'medium', 'high', 'base64' and 'text'.",
        "The model `vendors/model-20250101` or 'model-20250101' does not exist",
        "Unknown model m-2024-08-06, 'm-2024-08-06'",
        "Invalid base64 image_url",
        "messages.3.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        "Invalid 'messages[12].content[0].text': string too long",
        "tools.0.custom.name: 'get_w3ather!' is not allowed; see '$defs'",
        "Invalid type for 'messages[0].content': expected array<object> or string, got {\"type\":\"text\"}",
        "max_tokens=100000 is above max_output_tokens=16384",
        "Rate limit reached: Limit 30000, Used 29000, Requested 2000. Please try again in 2.5s.",
    ];
    let prompt = messages.join(" and ").replace(' ', " of ");
    for message in messages {
        assert_eq!(hide_in(&prompt, message), message);
    }
}

#[test]
fn of_a_long_prompt_addresses_are_taken_for_its_own() {
    let request = parse(&json!({"model": "m", "messages": [{"content": "x ".repeat(LONGEST)}]})).text();
    let hidden = |message: &str| without_excerpts(&Message::of(message), &request, "model-20250101");
    assert_eq!(hidden("no a.b@c.example").as_deref(), Some("no [13 characters of the request]"));
    assert_eq!(hidden("no '123456'").as_deref(), Some("no '[6 characters of the request]'"));
    for message in
        ["request req_011CSHoEeqs5C35K2UUqR7Fy", "model 'model-20250101' is full", "1048576 tokens"]
    {
        assert_eq!(hidden(message), None, "{message}");
    }
}
