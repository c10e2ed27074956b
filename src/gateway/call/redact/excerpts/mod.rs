//! Hides what a provider's error repeats of the prompt: runs of its letters, quotations and values, and runs as base64.

mod labels;
mod marks;
mod spellings;
mod values;

use std::cell::LazyCell;
use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use self::marks::without_marks;
use self::values::Values;
use super::letters::{Folded, folded};
use super::message::Message;
use super::quotations::{Search, quotations};
use super::request_text::RequestText;
use super::shared_runs::runs;

/// A shorter run may be a name, or words that any two texts have in common. In bytes of letters and digits.
const RUN: usize = 32;
/// A shorter quotation says nothing about the prompt.
const NAME: usize = 6;
/// The characters of the shortest base64 that is decoded, and the letters that it must share with the prompt.
const ENCODED: usize = 24;
const ENCODED_RUN: usize = 12;
/// A byte between two pieces, which no text has.
const BETWEEN: u8 = 0xff;

/// Decodes a piece of a longer text, of which the last bits do not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The message with the length in place of what it repeats of the prompt: runs of 32 letters or more, quotations unless
/// they look like a name, and values such as e-mail addresses. `sent` is the provider's name of the model. `None` means
/// that it repeats nothing.
pub(in crate::gateway) fn without_excerpts(
    message: &Message<'_>,
    request: &RequestText,
    sent: &str,
) -> Option<String> {
    let spine = LazyCell::new(|| request.spine());
    let mut found = message.runs_in(request.prompt(), RUN);
    if message.letters.spine().len() >= RUN {
        found.extend(message.runs_of(message.letters.spine(), &spine, RUN));
        let unmarked = without_marks(message.text, &message.letters);
        found.extend(unmarked.iter().flat_map(|letters| message.runs_of(letters, &spine, RUN)));
    }
    let message = message.text;
    let mut values = Values::of(request, sent);
    let mut searches: Option<[Search<'_>; 2]> = None;
    found.extend(quotations(message).filter(|place| {
        let quoted = message.get(place.clone()).unwrap_or_default();
        if has_blank(quoted) {
            let mut is_repeated = || {
                let searches =
                    searches.get_or_insert_with(|| [request.prompt(), spine.as_slice()].map(Search::of));
                repeats(&Folded::of(quoted), searches)
            };
            is_prose(quoted) && (!request.is_whole() || is_repeated())
        } else {
            values.has_quoted(quoted)
        }
    }));
    found.extend(values.unquoted_in(message));
    found.extend(values.numbers_in(message));
    found.extend(values.spelled_in(message));
    found.extend(repeated_as_base64(message, request.prompt()));
    (!found.is_empty()).then(|| hidden(message, found))
}

/// Whether a code or the name of a parameter is an excerpt of the prompt, or has one of its values in it. `sent` is the
/// provider's name of the model.
pub(in crate::gateway) fn is_excerpt(label: &str, request: &RequestText, sent: &str) -> bool {
    let folded = Folded::of(label);
    let letters = &folded.letters;
    let mut values = Values::of(request, sent);
    let is_quoted = || {
        let spine = request.spine();
        let mut searches = [request.prompt(), spine.as_slice()].map(Search::of);
        let found = !request.is_whole() || repeats(&folded, &mut searches);
        is_prose(label) && !letters.is_empty() && found
    };
    let shares = |own: &[u8], other: &[u8]| !runs(own, other, RUN).is_empty();
    let mut has_a_value = || {
        values.has_quoted(label)
            || labels::pieces(label).into_iter().any(|piece| values.has_quoted(piece))
            || !values.unquoted_in(label).is_empty()
            || !values.numbers_in(label).is_empty()
            || !values.spelled_in(label).is_empty()
    };
    has_blank(label) && is_quoted()
        || shares(letters, request.prompt())
        || letters.len() >= RUN && shares(&folded.spine(letters.len()), &request.spine())
        || has_a_value()
}

/// Of a message that could be compared with a part of the prompt only, its length, if it could hold more of it.
pub(in crate::gateway) fn without_the_unknown(
    message: &Message<'_>,
    request: &RequestText,
) -> Option<String> {
    let unknown = !request.is_whole() && message.len() >= RUN;
    let length = || message.text.chars().count();
    unknown.then(|| format!("[{} characters; the prompt is too long to be compared]", length()))
}

/// Whether a quotation is more than a word or two letters.
fn is_prose(quoted: &str) -> bool {
    quoted.len() >= NAME && has_blank(quoted)
}

/// Whether there are several words. Tokenizers print a letter of their own for a blank.
fn has_blank(quoted: &str) -> bool {
    quoted.contains(|letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{120}' | '\u{10a}' | '\u{2581}')
    })
}

/// Whether the prompt, or its spine, has a quotation.
fn repeats(quoted: &Folded, [letters, spine]: &mut [Search<'_>; 2]) -> bool {
    let own = quoted.spine(quoted.letters.len());
    letters.finds(&quoted.letters) || own.len() >= NAME && spine.finds(&own)
}

/// The places of what may be base64, of either alphabet.
fn encoded(message: &str) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    let pieces = message.as_bytes().split(|byte| !is_base64(*byte));
    let places = pieces.map(move |piece| {
        let from = next;
        next += piece.len() + 1;
        from..from + piece.len()
    });
    places.filter(|place| place.len() >= ENCODED)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// The places of base64 that says something of the prompt. All pieces are compared at once, because a message can
/// have hundreds.
fn repeated_as_base64(message: &str, prompt: &[u8]) -> Vec<Range<usize>> {
    let (mut letters, mut pieces) = (Vec::new(), Vec::new());
    for place in encoded(message) {
        let text = message.get(place.clone()).unwrap_or_default();
        // It may begin within a group of four.
        for skipped in 0..4 {
            letters.extend(decoded_letters(text.get(skipped..).unwrap_or_default()));
            letters.push(BETWEEN);
        }
        pieces.push((letters.len(), place));
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    for run in runs(&letters, prompt, ENCODED_RUN) {
        let at = pieces.partition_point(|(end, _)| *end <= run.start);
        places.extend(pieces.get(at).map(|(_, place)| place.clone()));
    }
    places
}

/// The letters of what base64 that begins here encodes.
fn decoded_letters(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    // A last character alone encodes nothing.
    let length = if text.len() % 4 == 1 { text.len() - 1 } else { text.len() };
    let decoded = text.get(..length).and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
    folded(&String::from_utf8_lossy(&decoded))
}

/// The message with lengths in these places, which may overlap.
fn hidden(message: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_unstable_by_key(|place| place.start);
    let mut result = String::with_capacity(message.len());
    let mut from = 0;
    let mut places = places.into_iter().peekable();
    while let Some(Range { start, mut end }) = places.next() {
        while let Some(next) = places.next_if(|next| next.start <= end) {
            end = end.max(next.end);
        }
        let length = message.get(start..end).unwrap_or_default().chars().count();
        result.push_str(message.get(from..start).unwrap_or_default());
        result.push_str(&format!("[{length} characters of the request]"));
        from = end;
    }
    result.push_str(message.get(from..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests;
