//! Rejects names with invisible characters, with characters that change the text direction, and with combining
//! marks that have no base letter. All scripts are accepted; joiners are allowed where a script needs them.

use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The most combining marks on one letter. Hebrew with accents needs three, Tibetan four.
const MARKS: usize = 4;
const JOINER: char = '\u{200d}';
const NON_JOINER: char = '\u{200c}';

/// Why the first invalid character of a text is invalid, as a clause; none if all characters are valid.
#[must_use]
pub fn violation(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut marks = 0;
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before)).copied();
        let after = letters.get(index + 1).copied();
        let is_mark = is_mark(*letter) && !is_selector(*letter);
        marks = if is_mark { marks + 1 } else { 0 };
        let wrong = fault(*letter, before, after).or((marks > MARKS).then_some(Fault::Piled));
        if let Some(fault) = wrong {
            return Some(format!("holds U+{:04X}, {}: remove it", u32::from(*letter), fault.describe()));
        }
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Control,
    Direction,
    Invisible,
    Blank,
    Unknown,
    Alone,
    Piled,
}

impl Fault {
    fn describe(self) -> &'static str {
        match self {
            Self::Control => "a control character",
            Self::Direction => "which turns the direction of writing",
            Self::Invisible => "which cannot be seen",
            Self::Blank => "a blank other than the ordinary one",
            Self::Unknown => "which has no meaning of its own",
            Self::Alone => "a mark without a letter below it",
            Self::Piled => "one mark too many on one letter",
        }
    }
}

fn fault(letter: char, before: Option<char>, after: Option<char>) -> Option<Fault> {
    use GeneralCategory as Category;
    match letter {
        ' ' | '\u{3000}' => return None,
        JOINER => return (!joins(before, after)).then_some(Fault::Invisible),
        NON_JOINER => return (!parts(before, after)).then_some(Fault::Invisible),
        '\u{fe0e}' | '\u{fe0f}' => return (!before.is_some_and(is_picture)).then_some(Fault::Invisible),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            return Some(Fault::Direction);
        }
        // Letters, marks and symbols by category, but invisible: fillers, grapheme joiners, variation selectors.
        '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => {
            return Some(Fault::Invisible);
        }
        _ => {}
    }
    match letter.general_category() {
        Category::Control => Some(Fault::Control),
        Category::Format => Some(Fault::Invisible),
        Category::LineSeparator | Category::ParagraphSeparator | Category::SpaceSeparator => {
            Some(Fault::Blank)
        }
        Category::Unassigned | Category::PrivateUse | Category::Surrogate => Some(Fault::Unknown),
        Category::NonspacingMark | Category::EnclosingMark | Category::SpacingMark => {
            (!before.is_some_and(carries)).then_some(Fault::Alone)
        }
        _ => None,
    }
}

fn is_mark(letter: char) -> bool {
    use GeneralCategory as Category;
    matches!(
        letter.general_category(),
        Category::NonspacingMark | Category::EnclosingMark | Category::SpacingMark
    )
}

fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe0e}' | '\u{fe0f}')
}

/// Whether the character can carry a combining mark. Digits can: keycap emoji consist of a digit and a mark.
fn carries(letter: char) -> bool {
    let joined = matches!(letter, JOINER | NON_JOINER);
    joined || is_mark(letter) || is_selector(letter) || letter.is_alphanumeric() || is_picture(letter)
}

/// Whether the character is a symbol that can be part of an emoji or has a text and an emoji form.
fn is_picture(letter: char) -> bool {
    use GeneralCategory as Category;
    let symbol = matches!(
        letter.general_category(),
        Category::OtherSymbol | Category::MathSymbol | Category::ModifierSymbol
    );
    symbol || letter.is_ascii_digit() || matches!(letter, '#' | '*' | '\u{203c}' | '\u{2049}' | '\u{fe0f}')
}

/// Whether a zero-width joiner is valid here: between emoji, and after a virama in scripts that have one.
fn joins(before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    is_virama(before) && after.is_alphabetic() || is_picture(before) && is_picture(after)
}

/// Whether a zero-width non-joiner is valid here: after a virama, and in cursive scripts.
fn parts(before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let cursive = |letter: char| {
        let scripts = matches!(letter, '\u{600}'..='\u{8ff}' | '\u{1800}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
        scripts && (letter.is_alphabetic() || is_mark(letter))
    };
    (is_virama(before) || cursive(before) && cursive(after)) && (after.is_alphabetic() || is_mark(after))
}

fn is_virama(letter: char) -> bool {
    canonical_combining_class(letter) == 9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_scripts_are_fine() {
        for name in [
            "Acme GmbH & Co. KG (100 %)",
            "\u{d6}sterreich",
            "o\u{308}sterreich",
            "\u{645}\u{624}\u{633}\u{633}\u{629} \u{627}\u{644}\u{641}\u{62c}\u{631}",
            "\u{634}\u{650}\u{631}\u{652}\u{643}\u{64e}\u{629}",
            // Persian uses non-joiners; Hindi and Sinhala use joiners.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}\u{947}\u{924}\u{94d}\u{930}",
            "\u{930}\u{93e}\u{91c}\u{94d}\u{200c}\u{92f}",
            "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3} \u{dbd}\u{d82}\u{d9a}\u{dcf}",
            "\u{5d7}\u{5d1}\u{5e8}\u{5d4} \u{5d1}\u{5e2}\u{5f4}\u{5de}",
            "\u{5d1}\u{5bc}\u{5b0}\u{5e8}\u{5b5}\u{5d0}\u{5e9}\u{5c1}\u{5b4}\u{5d9}\u{5ea}",
            "\u{682a}\u{5f0f}\u{4f1a}\u{793e}\u{3000}\u{9752}\u{7a7a}",
            "\u{c8fc}\u{c2dd}\u{d68c}\u{c0ac}",
            "\u{e1a}\u{e23}\u{e34}\u{e29}\u{e31}\u{e17}\u{e17}\u{e35}\u{e48}",
            "\u{54}\u{1ea1}p",
            // Emoji: a family, a flag, a heart, a keycap, a skin tone.
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
            "\u{2764}\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "\u{1f44d}\u{1f3fd}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f4bb}",
            "\u{1f1e9}\u{1f1ea}",
        ] {
            assert_eq!(violation(name), None, "{name:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_or_turns_the_writing_is_named() {
        for (name, named) in [
            ("Acme\u{202e}emcA", "U+202E, which turns the direction"),
            ("\u{200f}Acme", "U+200F, which turns the direction"),
            ("Ac\u{61c}me", "U+061C"),
            ("Ac\u{2066}me", "U+2066"),
            ("Ac\u{200b}me", "U+200B, which cannot be seen"),
            ("Ac\u{200d}me", "U+200D"),
            ("Ac\u{200c}me", "U+200C"),
            ("Acme\u{200d}", "U+200D"),
            ("Ac\u{2060}me", "U+2060"),
            ("\u{feff}Acme", "U+FEFF"),
            ("Ac\u{ad}me", "U+00AD"),
            ("Acme\u{e0061}", "U+E0061"),
            ("Acme\u{fe0f}", "U+FE0F"),
            ("Acme\u{e0100}", "U+E0100"),
            ("Ac\u{3164}me", "U+3164"),
            ("\u{2800}", "U+2800"),
            ("a\u{34f}b", "U+034F"),
            ("\u{301}Acme", "U+0301, a mark without a letter"),
            ("Acme \u{301}", "U+0301, a mark without a letter"),
            ("a\u{301}\u{301}\u{301}\u{301}\u{301}", "U+0301, one mark too many"),
            ("Ac\u{a0}me", "U+00A0, a blank other"),
            ("Ac\u{2003}me", "U+2003"),
            ("Ac\u{2028}me", "U+2028"),
            ("Ac\u{7}me", "U+0007, a control character"),
            ("Ac\u{0}me", "U+0000"),
            ("Ac\u{378}me", "U+0378, which has no meaning"),
            ("Ac\u{e000}me", "U+E000"),
            ("Ac\u{ffff}me", "U+FFFF"),
        ] {
            let found = violation(name).unwrap_or_else(|| panic!("{name:?} is taken"));
            assert!(found.contains(named), "{name:?}: {found}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_shows_every_character(name in "\\PC{0,12}") {
            if violation(&name).is_none() {
                for letter in name.chars() {
                    let joiner = matches!(letter, JOINER | NON_JOINER | '\u{fe0e}' | '\u{fe0f}');
                    prop_assert!(joiner || letter.general_category() != GeneralCategory::Format);
                }
            }
        }
    }
}
