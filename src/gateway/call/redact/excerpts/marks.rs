//! Finds marks that a provider puts between the words of a prompt, such as the tags of HTML and of tokenizers.

use std::collections::HashSet;
use std::ops::Range;

use super::super::letters::Letters;

/// The most bytes of a tag.
const TAG: usize = 64;
/// The farthest that a mark is from the one before, in words.
const FARTHEST: usize = 8;
/// How often in a row a mark comes at the same distance.
const REPEATED: usize = 3;

type State = foldhash::fast::RandomState;

/// The letters of a message's spine outside of marks: tags, escapes of quoted-printable text, and words that come again
/// and again at the same distance, such as `[SEP]`. `None` if there is no mark.
pub(super) fn without_marks(text: &str, letters: &Letters) -> Option<Vec<usize>> {
    let tags = tags(text.as_bytes());
    if tags.is_empty() && !may_recur(letters) {
        return None;
    }
    let outside = outside(&tags, letters);
    let words: Vec<&[usize]> = outside.chunk_by(|one, two| is_one_word(*one, *two, letters)).collect();
    let marks = recurring(&words, letters);
    if tags.is_empty() && marks.is_empty() {
        return None;
    }
    let kept = words.iter().filter(|word| !marks.contains(spelled(word, letters)));
    Some(kept.flat_map(|word| word.iter().copied()).collect())
}

/// Whether there are only letters between two letters.
fn is_one_word(one: usize, two: usize, letters: &Letters) -> bool {
    let follows = |pair: &[Range<usize>]| matches!(pair, [one, two] if one.end == two.start);
    let has_digit = letters.text.get(one..two).unwrap_or_default().iter().any(u8::is_ascii_digit);
    !has_digit && letters.places.get(one..=two).is_some_and(|places| places.windows(2).all(follows))
}

/// The letters of a word, which follow each other.
fn spelled<'l>(word: &[usize], letters: &'l Letters) -> &'l [u8] {
    let (Some(first), Some(last)) = (word.first(), word.last()) else { return &[] };
    letters.text.get(*first..=*last).unwrap_or_default()
}

/// The places of tags and of escapes of quoted-printable text, in order.
fn tags(text: &[u8]) -> Vec<Range<usize>> {
    let (mut tags, mut at) = (Vec::new(), 0);
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'<', b'=', rest)) {
        let from = at + found;
        let length = text.get(from..).and_then(tag);
        tags.extend(length.map(|length| from..from + length));
        at = from + length.unwrap_or(1);
    }
    tags
}

/// The length of the tag or the escape that begins here.
fn tag(rest: &[u8]) -> Option<usize> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    match rest {
        [b'=', high, low, ..] if is_digit(*high) && is_digit(*low) => Some(3),
        // A sign between two numbers has a blank after it.
        [b'<', inside @ ..] if inside.first().is_some_and(|first| !first.is_ascii_whitespace()) => {
            let end = inside.iter().take(TAG).position(|byte| matches!(byte, b'<' | b'>'))?;
            (inside.get(end) == Some(&b'>')).then_some(end + 2)
        }
        _ => None,
    }
}

/// The letters of the spine outside of these places.
fn outside(tags: &[Range<usize>], letters: &Letters) -> Vec<usize> {
    let mut tags = tags.iter().peekable();
    let is_outside = |at: &usize| {
        let start = letters.places.get(*at).map_or(0, |place| place.start);
        while tags.next_if(|tag| tag.end <= start).is_some() {}
        tags.peek().is_none_or(|tag| start < tag.start)
    };
    letters.spine().iter().copied().filter(is_outside).collect()
}

/// Whether a word may come often enough for a mark: so many words begin with one letter.
fn may_recur(letters: &Letters) -> bool {
    let place = |at: usize| letters.places.get(at);
    let (mut begun, mut last) = ([0_usize; 256], None);
    letters.spine().iter().any(|&at| {
        let goes_on = last.replace(at).is_some_and(|last: usize| {
            last + 1 == at && place(last).zip(place(at)).is_some_and(|(one, two)| one.end == two.start)
        });
        let letter = letters.text.get(at).copied().unwrap_or_default();
        begun[usize::from(letter)] += usize::from(!goes_on);
        begun[usize::from(letter)] > REPEATED
    })
}

/// How a word came again.
#[derive(Clone, Copy, Default)]
struct Again {
    /// The words since the time before; 0 if it did not come a short time before.
    distance: usize,
    /// How often in a row it came at this distance.
    times: usize,
}

/// The words that come again and again at the same distance.
fn recurring<'l>(words: &[&[usize]], letters: &'l Letters) -> HashSet<&'l [u8], State> {
    let mut marks = HashSet::default();
    let mut seen: Vec<(&[u8], Again)> = Vec::with_capacity(words.len());
    for word in words.iter().map(|word| spelled(word, letters)) {
        let before = seen.iter().rev().take(FARTHEST).enumerate().find(|(_, (other, _))| *other == word);
        let again = before.map_or(Again::default(), |(between, (_, before))| {
            let distance = between + 1;
            let times = if distance == before.distance { before.times + 1 } else { 1 };
            Again { distance, times }
        });
        if again.times >= REPEATED {
            marks.insert(word);
        }
        seen.push((word, again));
    }
    marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_recurs_may_recur(text in "([ab]{1,2}[ ,1\u{e9}]){0,14}") {
            let letters = Letters::of(&text);
            let outside = outside(&[], &letters);
            let words: Vec<&[usize]> =
                outside.chunk_by(|one, two| is_one_word(*one, *two, &letters)).collect();
            prop_assert!(recurring(&words, &letters).is_empty() || may_recur(&letters), "{text}");
        }
    }

    fn unmarked(text: &str) -> Option<String> {
        let letters = Letters::of(text);
        let kept = without_marks(text, &letters)?;
        Some(kept.iter().map(|at| char::from(letters.text[*at])).collect())
    }

    #[test]
    fn words_between_marks_are_joined() {
        for mark in [
            "</w>",
            "<0x20>",
            "<br>",
            "</span><span class=\"w\">",
            "=20",
            "_x0020_",
            " [SEP] ",
            " token: ",
            " -0.31e- ",
        ] {
            let text = ["my", "cat", "sat", "on", "a", "mat"].join(mark);
            assert_eq!(unmarked(&text).as_deref(), Some("mycatsatonamat"), "{text}");
        }
        let accented = ["m\u{e9}", "c\u{e9}t", "sat", "on", "a", "m\u{e9}t"].join(" [SEP] ");
        assert_eq!(unmarked(&accented).as_deref(), Some("mctsatonamt"));
        let logged =
            ["my", "cat", "sat", "on"].map(|word| format!(r#"{{"token":"{word}","logprob":-0.1}}"#)).concat();
        assert_eq!(unmarked(&logged).as_deref(), Some("mycatsaton"));
    }

    #[test]
    fn words_of_a_sentence_are_no_marks() {
        for text in [
            "a sentence of the kind that people write, with the words of the language and the like",
            "a < b and c > d",
            "x=1 y=2",
            "",
        ] {
            assert_eq!(unmarked(text), None, "{text}");
        }
    }

    #[test]
    fn work_is_linear() {
        for piece in ["<", "<a", "=", "a ", "<a>", "a b "] {
            let hostile = piece.repeat(256 * 1024 / piece.len());
            assert!(unmarked(&hostile).is_none_or(|kept| kept.len() <= hostile.len()));
        }
    }
}
