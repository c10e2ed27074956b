//! A credential in the forms in which a provider may send it back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use proptest::prelude::*;

use super::super::redact;
use super::forms::PART;
use super::*;

const SECRET: &str = "Zq7-fLm2_Xw9.Tn4kPd8Rb6";

fn hidden(text: &str) -> String {
    hide(SECRET, &redact(text))
}

fn hide(secret: &str, text: &str) -> String {
    Credential::new(secret).hide(text).unwrap_or_else(|| text.to_owned())
}

#[test]
fn invisible_and_other_signs_inside_do_not_help() {
    for sign in [
        "\u{200b}",
        "\u{200d}",
        "\u{ad}",
        "\u{feff}",
        "\u{2060}",
        "\u{202e}",
        "\u{34f}",
        "\u{61c}",
        "\u{180e}",
        "\u{3164}",
        "\u{fe0f}",
        "\u{e0061}",
        "\u{336}",
        " ",
        "\n",
        "\r\n",
        "\0",
        "-",
        "\", \"",
        "' + '",
        "\\n",
        "%00",
        "%E2%80%8B",
        "\\u200b",
        "&#8203;",
        "&shy;",
        "&zwnj;",
    ] {
        let letters: Vec<String> = SECRET.chars().map(String::from).collect();
        assert_eq!(
            hidden(&format!("bad key {} here", letters.join(sign))),
            "bad key [redacted] here",
            "{sign:?}"
        );
    }
}

#[test]
fn encodings_and_other_forms_do_not_help() {
    let each = |write: &dyn Fn(char) -> String| SECRET.chars().map(write).collect::<String>();
    let percent = each(&|letter| format!("%{:02X}", u32::from(letter)));
    for form in [
        SECRET.to_owned(),
        SECRET.to_uppercase(),
        SECRET.to_lowercase(),
        format!("BEARER {SECRET}"),
        format!("bEaReR\u{a0}{SECRET}"),
        percent.clone(),
        percent.replace('%', "%25"),
        percent.replace('%', "%2525"),
        each(&|letter| format!("\\u{:04x}", u32::from(letter))),
        each(&|letter| format!("\\\\u{:04X}", u32::from(letter))),
        each(&|letter| format!("\\u{{{:x}}}", u32::from(letter))),
        each(&|letter| format!("\\x{:02x}", u32::from(letter))),
        each(&|letter| format!("\\{:03o}", u32::from(letter))),
        each(&|letter| format!("&#{};", u32::from(letter))),
        each(&|letter| format!("&#X{:X};", u32::from(letter))),
        each(&|letter| format!("&amp;#{};", u32::from(letter))),
        // Full-width forms.
        each(&|letter| char::from_u32(u32::from(letter) + 0xfee0).map(String::from).unwrap_or_default()),
        STANDARD_NO_PAD.encode(SECRET),
        STANDARD_NO_PAD.encode(format!("user:{SECRET}")),
        base64::engine::general_purpose::URL_SAFE.encode(format!("x{SECRET}\n")),
        each(&|letter| format!("{:02X}", u32::from(letter))),
        each(&|letter| format!("{:02x}:", u32::from(letter))),
    ] {
        let shown = hidden(&format!("no such key: <{form}>, sorry"));
        let rest = shown.replace(REMOVED, "");
        let left: Vec<&str> = rest.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
        let expected = ["no", "such", "key", "sorry", "BEARER", "bEaReR"];
        let unknown: Vec<&&str> =
            left.iter().filter(|word| word.len() > 3 && !expected.contains(word)).collect();
        assert!(shown.contains(REMOVED) && unknown.is_empty(), "{form} -> {shown}");
    }
}

/// As Python's `base64` writes them, and Z85. Signs and the ends of other groups may be left.
#[test]
fn rarer_encodings_do_not_help() {
    let each = |write: &dyn Fn(char) -> String| SECRET.chars().map(write).collect::<Vec<_>>();
    let encoded = [
        r#"LJYTOLLGJRWTEX2YO44S4VDOGRVVAZBYKJRDM==="#,
        r#"NNSXSIC2OE3S2ZSMNUZF6WDXHEXFI3RUNNIGIOCSMI3A===="#,
        r#">&cJQAk[%s?W_M4/lZ^FCJ\P$;IVN"#,
        r#"G^4U=EAoI]9PlOl=EcbX<,OO.:h2O`@Q""#,
        r#"T5&fmW=w4|Us!iJE>vzbYfxl3Qerj"#,
        r#"cv^8cEoMw@GGADCIWAOgG;2^~I8tIZc>"#,
        r#"CZiFjh.wSnz8bE2Cr4oPzzVc9wh)E@huiZS"#,
    ];
    let others = [
        SECRET.chars().rev().collect(),
        each(&|letter| u32::from(letter).to_string()).join(" "),
        format!("[{}]", each(&|letter| u32::from(letter).to_string()).join(", ")),
        each(&|letter| format!("0x{:02X}", u32::from(letter))).join(", "),
    ];
    for form in encoded.map(str::to_owned).into_iter().chain(others) {
        let shown = hide(SECRET, &format!("no such key: <{form}>, sorry"));
        let left = shown.replace(REMOVED, "").len() - "no such key: <>, sorry".len();
        assert!(shown.contains(REMOVED) && left <= 16, "{form} -> {shown}");
    }
}

#[test]
fn parts_go_as_well_and_the_sentence_stays() {
    assert_eq!(
        hidden("key Zq7-fLm2_Xw9 and Tn4kPd8Rb6 do not match"),
        "key [redacted] and [redacted] do not match"
    );
    assert_eq!(hidden("a: 'Zq7-fLm2_Xw9', b: '.Tn4kPd8Rb6'"), "a: '[redacted]', b: '.[redacted]'");
    assert_eq!(hidden("your key begins with Zq7"), "your key begins with Zq7");
    let plain = "This model's maximum context length is 8192 tokens: see https://h.example/a%20b?";
    assert_eq!(hide(SECRET, plain), plain);
}

#[test]
fn placeholders_are_hidden_exactly_and_nothing_is_no_credential() {
    assert_eq!(hide("x-y", "x-y is not xy"), "[redacted] is not xy");
    assert_eq!(hide("", "as it is"), "as it is");
    assert_eq!(hide("hunter2", "h\u{200b}unter2 HUNTER2 hunter"), "[redacted] [redacted] hunter");
}

#[test]
fn hostile_texts_cost_linear_work() {
    for piece in ["%", "%25", "\\", "\\u", "&", "&#", "&amp;", "Zq7fLm2Xw", "\u{fdfa}"] {
        let text = piece.repeat(64 * 1024 / piece.len());
        assert!(hide(SECRET, &text).len() <= 2 * text.len());
    }
}

/// Writes one character in one of the ways in which texts are written.
fn written(letter: char, way: u8, sign: &str) -> String {
    let number = u32::from(letter);
    let form = match way % 8 {
        0 => format!("%{number:02x}"),
        1 => format!("\\u{number:04x}"),
        2 => format!("&#{number};"),
        3 => format!("%25{number:02X}"),
        4 => format!("\\x{number:02x}"),
        5 => char::from_u32(number + 0xfee0).map(String::from).unwrap_or_default(),
        _ => letter.to_string(),
    };
    form + sign
}

/// As a reader would do it: everything decoded, and only what is drawn.
fn read(text: &str) -> String {
    let mut reading = letters(text);
    while let Some(next) = without_a_layer(&reading) {
        reading = next;
    }
    bytes(&skeleton(&reading)).into_iter().map(char::from).collect()
}

proptest! {
    #[test]
    fn no_form_of_a_credential_shows(
        before in "[ a-z.,:]{0,40}",
        secret in "[A-Za-z0-9]{4}[A-Za-z0-9_.~-]{8,80}",
        ways in proptest::collection::vec(any::<u8>(), 84),
        sign in prop::sample::select(vec!["", "\u{200b}", "\u{ad}", "\u{2060}\u{feff}", " ", "%E2%80%8B", "\\u00ad"]),
        after in "[ a-z.,:]{0,40}",
    ) {
        let form: String = secret.chars().zip(&ways).map(|(letter, way)| written(letter, *way, sign)).collect();
        let shown = hide(&secret, &redact(&format!("{before} {form} {after}")));
        let reading = read(&shown.replace(REMOVED, " "));
        let plain = read(&secret);
        prop_assert!(!reading.contains(&plain), "{form} -> {shown}");
        for part in plain.as_bytes().windows(PART) {
            let part: String = part.iter().copied().map(char::from).collect();
            prop_assert!(!reading.contains(&part), "{part} of {form} -> {shown}");
        }
    }

    #[test]
    fn any_text_and_credential_can_be_combined(text in any::<String>(), secret in any::<String>()) {
        let shown = hide(&secret, &text);
        prop_assert!(read(&secret).len() < PLACEHOLDER || !shown.contains(&secret));
    }
}
