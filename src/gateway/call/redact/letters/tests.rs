//! Texts in different spellings, and their normal forms.

use proptest::prelude::*;

use super::*;

fn form(text: &str) -> String {
    String::from_utf8(folded(text)).expect("UTF-8")
}

#[test]
fn however_letters_are_spelled_they_are_the_same() {
    for spelled in [
        "Zo\u{eb} has 12 \u{20ac}",
        "ZOE\u{308} HAS\n12",
        r"Zo\u00eb has\n12",
        r"Zo\\\\u00EB\\thas \\\\u0031\u{32}",
        r"\x5ao\u{eb} has \u0031\x32",
        "Zo%C3%AB%20has%2012%",
        "Zo&#235; has&nbsp;&#x31;&amp;#50;&",
        "&#90&#x6f;&#235&nbsp;has&#49&#50",
        "Zo%25C3%2525AB%2520has%25312",
        r"\U0000005ao\U000000eb has 12",
        "\u{ff3a}\u{ff4f}\u{eb}\u{3000}\u{ff48}\u{ff41}\u{ff53} \u{2460}\u{ff12}",
        "Z-o'e \"has\" [1, 2]\\",
    ] {
        assert_eq!(form(spelled), "zoehas12", "{spelled}");
    }
    assert_eq!(form(r"\ud835\udc00 \\ud835\\udc01 \ud835"), "ab");
    assert_eq!(form("\u{6211}\u{7684} 50% off & more; AT&T"), "\u{6211}\u{7684}50offmoreatt");
}

#[test]
fn latin_letters_have_plain_spellings() {
    assert_eq!(
        form("Stra\u{df}e \u{c6}r\u{f8} \u{141}\u{f3}d\u{17a} \u{110}\u{f0} \u{130}\u{131}"),
        "strasseaerolodzddii"
    );
}

#[test]
fn the_spine_is_what_no_provider_garbles() {
    let texts = [
        "Se\u{f1}or 7 N\u{fa}\u{f1}ez: na\u{ef}ve",
        r"Se\u00f1or N&uacute;&#241;ez: na%C3%AFve",
        "Se?or N??ez: na\u{fffd}ve",
        "Se\u{c3}\u{b1}or N\u{c3}\u{ba}\u{c3}\u{b1}ez: na\u{c3}\u{af}ve",
        "Seor Nez: nave",
        "0:Se\u{f1}or 1:N\u{fa}\u{f1}ez\u{120} 2:na\u{ef}ve\u{10a}",
    ];
    for text in texts {
        let folded = Folded::of(text);
        assert_eq!(folded.spine(folded.letters.len()), b"seorneznave", "{text}");
        let letters = Letters::of(text);
        let spine: Vec<u8> = letters.spine().iter().map(|at| letters.text[*at]).collect();
        assert_eq!(spine, b"seorneznave", "{text}");
    }
    let mut all = Folded::of("\u{e9}a");
    all.add_gap();
    all.append(&Folded::of("b\u{e9}c 7"));
    assert_eq!(
        (all.letters.as_slice(), all.spine(3), all.spine(9)),
        (&b"ea\0bec7"[..], b"a\0".to_vec(), b"a\0bc".to_vec())
    );
}

#[test]
fn each_place_of_a_word_is_looked_at() {
    for at in 0..20 {
        for other in ["7", "0", "9", "\u{e9}", "\u{6211}", "a", "z"] {
            let (before, after) = ("s".repeat(at), "t".repeat(19 - at));
            let folded = Folded::of(&[before.as_str(), other, &after].concat());
            let own = if matches!(other, "a" | "z") { other } else { "" };
            let spine = [before.as_str(), own, &after].concat();
            assert_eq!(folded.spine(folded.letters.len()), spine.as_bytes(), "{other} at {at}");
        }
        let mut gap = Folded::of(&"s".repeat(at));
        gap.add_gap();
        gap.append(&Folded::of("tttttttttt"));
        assert_eq!(gap.spine(gap.letters.len()), gap.letters);
    }
}

#[test]
fn a_word_is_joined_whatever_it_skips() {
    for skipped in 0..=u8::MAX {
        let letters = "abcdefgh".char_indices();
        let word: String =
            letters.map(|(at, letter)| if skipped >> at & 1 == 0 { letter } else { ' ' }).collect();
        let joined: String = word.chars().filter(|letter| *letter != ' ').collect();
        assert_eq!(form(&word), joined, "{word}");
        assert_eq!(
            form(&[word.as_str(), "z-", &word].concat()),
            [joined.as_str(), "z", &joined].concat(),
            "{word}"
        );
    }
}

#[test]
fn places_are_those_of_the_spelling() {
    let text = r"x \u0041%42&#67; d";
    let letters = Letters::of(text);
    assert_eq!(letters.text, b"xabcd");
    let place = letters.place(&(1..4)).expect("a place");
    assert_eq!(text.get(place), Some(r"\u0041%42&#67;"));
    assert_eq!(letters.place(&(0..0)), None);
}

#[test]
fn work_is_linear() {
    for piece in ["\\", "%", "%25", "&", "&amp;", "%41", "\\u", "\\ud835", "&#", "\u{fdfa}"] {
        let hostile = piece.repeat(256 * 1024 / piece.len());
        assert!(folded(&hostile).len() <= 32 * hostile.len());
    }
}

proptest! {
    #[test]
    fn any_text_has_a_form_with_places(text in any::<String>()) {
        let letters = Letters::of(&text);
        prop_assert_eq!(&letters.text, &folded(&text));
        for at in 0..letters.text.len() {
            let place = letters.place(&(at..at + 1)).expect("a place");
            prop_assert!(text.get(place).is_some());
        }
    }

    #[test]
    fn plain_text_is_read_eight_bytes_at_a_time(text in "[a-cX-Z0-2 .,\\\\%&\u{e9}]{0,150}", short in "[a-c .]{0,16}") {
        prop_assert_eq!(folded(&text), Letters::of(&text).text);
        prop_assert_eq!(folded(&short), Letters::of(&short).text);
    }

    #[test]
    fn json_in_json_says_the_same(text in "[ -~\u{e4}-\u{ff}]{0,40}") {
        let once = serde_json::json!(text.replace(['\\', '%', '&'], "")).to_string();
        let twice = serde_json::json!(once).to_string();
        prop_assert_eq!(folded(&once), folded(&twice));
    }
}
