//! The size of a text for token estimates: characters are counted by kind in one pass over raw JSON.
//!
//! Long texts are sampled, so that a request does not wait for its prompt to be counted.
//!
//! No vendor's tokenizer is used, and they differ. They have in common which kinds of characters they split: the
//! weights below were fitted to OpenAI's `o200k_base` over prose, code and messages in 24 languages. Estimates for
//! English, code and most scripts are within 6 % on average; some languages are 15 % off.
//! [`calibration`](super::calibration) corrects that for each model. Pure; prompts are measured in `prompt` and
//! `messages`.

mod inputs;
mod members;
mod messages;
mod open_ended;
mod prompt;

use serde_json::value::RawValue;

pub(in crate::gateway) use members::{in_lower_case, is_off, members, string};
pub(super) use open_ended::is_search;

/// Texts of more bytes than this are sampled.
const LONG: usize = 2_048;
/// The number of samples of a long text.
const SAMPLES: usize = 16;
/// The bytes of a sample.
const SAMPLE: usize = 64;
/// Fields with values that models do not generate.
const UNGENERATED: [&str; 6] =
    ["id", "type", "signature", "thought_signature", "thoughtSignature", "encrypted_content"];
/// The units of weight in one token.
const TOKEN: u64 = 256;

/// The size of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextSize {
    /// The bytes of JSON.
    pub bytes: u64,
    /// The chunks of a stream; 0 for a whole text.
    pub pieces: u64,
    /// The weight by kinds of characters, in units of [`TOKEN`].
    weight: u64,
    /// The weight that any tokenizer comes to, in the same units: of text that is known to count, without what begins a word
    /// and without repetitions of a character, of which one token can hold many.
    floor: u64,
    first: Kind,
    last: Kind,
    /// The last character of the text.
    latest: char,
    /// Whether there is more than text: images, files, sound, searches, or what cannot be read.
    pub mixed: bool,
    /// Whether there may be sound.
    pub sounds: bool,
    /// Whether there may be content of unknown size, such as a file that the request only names.
    pub open_ended: bool,
    /// Whether that is so because of more than a search that the provider is asked for.
    pub names_content: bool,
}

/// Kinds of characters that tokenizers treat alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// The start of a text.
    #[default]
    Edge,
    Latin,
    Accented,
    GreekOrCyrillic,
    Semitic,
    Indic,
    SouthEastAsian,
    Kana,
    Han,
    Hangul,
    Digit,
    Space,
    Mark,
    Other,
}

impl Kind {
    const fn of(code: u32) -> Self {
        match code {
            0x30..=0x39 => Self::Digit,
            0x41..=0x5a | 0x61..=0x7a => Self::Latin,
            0x09 | 0x0a | 0x0d | 0x20 => Self::Space,
            0x00..=0x7f => Self::Mark,
            0xc0..=0x24f | 0x1e00..=0x1eff => Self::Accented,
            0x250..=0x52f => Self::GreekOrCyrillic,
            0x530..=0x6ff => Self::Semitic,
            0x900..=0xdff => Self::Indic,
            0xe00..=0x109f => Self::SouthEastAsian,
            0x3040..=0x30ff => Self::Kana,
            0x3000..=0x303f | 0x3400..=0x9fff | 0xff00..=0xffef => Self::Han,
            0xac00..=0xd7af => Self::Hangul,
            _ => Self::Other,
        }
    }

    /// The weight of one character of this kind.
    const fn weight(self) -> u16 {
        match self {
            Self::Edge => 0,
            Self::Latin => 62,
            Self::Accented => 250,
            Self::GreekOrCyrillic => 89,
            Self::Semitic => 97,
            Self::Indic => 108,
            Self::SouthEastAsian => 116,
            Self::Kana => 184,
            Self::Han => 259,
            Self::Hangul => 217,
            Self::Digit => 85,
            Self::Space => 0,
            Self::Mark => 68,
            Self::Other => 478,
        }
    }

    const fn is_of_words(self) -> bool {
        matches!(self, Self::Latin | Self::Accented | Self::GreekOrCyrillic | Self::Semitic)
    }

    /// The extra weight after a character of the kind `before`: words, numbers and punctuation have a start, spaces
    /// are merged.
    const fn seam(self, before: Self) -> u16 {
        if self.is_of_words() {
            return if before.is_of_words() { 0 } else { 33 };
        }
        match (self, before as u8 == self as u8) {
            (Self::Digit, false) => 256,
            (Self::Mark, false) => 51,
            (Self::Space, true) => 26,
            _ => 0,
        }
    }
}

/// Lookup tables for ASCII, because most text is ASCII and every character of an answer is counted.
struct Ascii {
    /// The kind of each byte; [`Kind::Edge`] for bytes that need more work.
    kind: [Kind; 256],
    /// The weight of each byte, by the kind before it.
    adds: [[u16; 256]; KINDS],
    /// The weight of each byte alone.
    weight: [u16; 256],
}

const KINDS: usize = Kind::Other as usize + 1;

static ASCII: Ascii = Ascii::new();

impl Ascii {
    const fn new() -> Self {
        let mut tables = Self { kind: [Kind::Edge; 256], adds: [[0; 256]; KINDS], weight: [0; 256] };
        let mut byte: u8 = 0;
        while byte < 128 {
            if byte != b'"' && byte != b'\\' {
                let kind = Kind::of(byte as u32);
                tables.kind[byte as usize] = kind;
                tables.weight[byte as usize] = kind.weight();
                let mut before = 0;
                while before < KINDS {
                    tables.adds[before][byte as usize] = kind.weight() + kind.seam(ALL_KINDS[before]);
                    before += 1;
                }
            }
            byte += 1;
        }
        tables
    }
}

/// All kinds, in the order of their discriminants.
const ALL_KINDS: [Kind; KINDS] = [
    Kind::Edge,
    Kind::Latin,
    Kind::Accented,
    Kind::GreekOrCyrillic,
    Kind::Semitic,
    Kind::Indic,
    Kind::SouthEastAsian,
    Kind::Kana,
    Kind::Han,
    Kind::Hangul,
    Kind::Digit,
    Kind::Space,
    Kind::Mark,
    Kind::Other,
];

impl TextSize {
    /// The size of a JSON value that is one piece of a stream.
    #[must_use]
    pub fn of_piece(text: &str) -> Self {
        Self { pieces: 1, ..Self::of_json(text) }
    }

    /// The estimated tokens by kinds of characters.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.weight.div_ceil(TOKEN)
    }

    /// A lower bound of the tokens: no tokenizer needs fewer than one for eight bytes.
    #[must_use]
    pub fn least_tokens(&self) -> i64 {
        i64::try_from(self.bytes.div_ceil(8)).unwrap_or(i64::MAX)
    }

    /// The tokens that the text has at least, for whatever tokenizer, but for a factor of two or so. Far fewer contradict it.
    #[must_use]
    pub fn undoubted_tokens(&self) -> i64 {
        i64::try_from(self.floor / TOKEN).unwrap_or(i64::MAX)
    }

    /// The size of the prompt for a provider that was asked for a search, or was not because the field was left out.
    #[must_use]
    pub fn searching(self, searches: bool) -> Self {
        Self { open_ended: self.open_ended && (self.names_content || searches), ..self }
    }

    /// Says that a provider may not count it.
    #[must_use]
    pub fn doubtful(self) -> Self {
        Self { floor: 0, ..self }
    }

    /// The size of this text followed by another one.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // The extra weight was computed as at the start of a text.
        let alone = u64::from(next.first.seam(Kind::Edge));
        Self {
            bytes: self.bytes + next.bytes,
            pieces: self.pieces + next.pieces,
            weight: (self.weight + next.weight + u64::from(next.first.seam(self.last))).saturating_sub(alone),
            floor: self.floor + next.floor,
            first: if self.first == Kind::Edge { next.first } else { self.first },
            last: if next.last == Kind::Edge { self.last } else { next.last },
            latest: if next.last == Kind::Edge { self.latest } else { next.latest },
            mixed: self.mixed || next.mixed,
            sounds: self.sounds || next.sounds,
            open_ended: self.open_ended || next.open_ended,
            names_content: self.names_content || next.names_content,
        }
    }

    fn push(&mut self, character: char) {
        let kind = Kind::of(u32::from(character));
        self.weight += u64::from(kind.weight() + kind.seam(self.last));
        if character != std::mem::replace(&mut self.latest, character) {
            self.floor += u64::from(kind.weight());
        }
        if self.first == Kind::Edge {
            self.first = kind;
        }
        self.last = kind;
    }

    /// The size of a JSON value: the characters of its strings, without field names and without the values of
    /// fields that models do not generate.
    #[must_use]
    pub fn of_value(value: &RawValue) -> Self {
        Self::of_json(value.get())
    }

    /// As [`TextSize::of_value`], for a value as text.
    #[must_use]
    pub fn of_json(text: &str) -> Self {
        if text.len() > LONG && text.starts_with('"') {
            return Self::sampled(text);
        }
        let mut measure = Self { bytes: text.len() as u64, ..Self::default() };
        let mut rest = text;
        let mut skipped = false;
        while let Some(start) = memchr::memchr(b'"', rest.as_bytes()) {
            let inside = rest.get(start + 1..).unwrap_or_default();
            let mut string = Self::default();
            let length = string.read(inside);
            rest = inside.get(length..).unwrap_or_default();
            if rest.trim_ascii_start().starts_with(':') {
                let name = inside.get(..length.saturating_sub(1)).unwrap_or_default();
                skipped = UNGENERATED.contains(&name);
                continue;
            }
            if !std::mem::take(&mut skipped) {
                measure = measure.then(string);
            }
        }
        measure
    }

    /// Estimates the size of raw JSON from samples.
    fn sampled(text: &str) -> Self {
        let mut measure = Self::default();
        let mut seen = 0;
        for number in 0..SAMPLES {
            let start = text.floor_char_boundary(text.len() / SAMPLES * number);
            let mut rest = text.get(start..text.floor_char_boundary(start + SAMPLE)).unwrap_or_default();
            seen += rest.len();
            // A quote ends a string, but not the sample.
            while !rest.is_empty() {
                let took = measure.read(rest);
                rest = rest.get(took..).unwrap_or_default();
            }
        }
        let (all, seen) = (text.len() as u64, seen.max(1) as u64);
        let whole = |part: u64| part * all / seen;
        Self { bytes: all, weight: whole(measure.weight), floor: whole(measure.floor), ..measure }
    }

    /// Reads a string up to its closing quote. Returns the number of bytes, including the quote.
    fn read(&mut self, text: &str) -> usize {
        let mut at = 0;
        loop {
            at += self.read_ascii(text.as_bytes().get(at..).unwrap_or_default());
            let mut characters = text.get(at..).unwrap_or_default().char_indices();
            match characters.next() {
                Some((_, '"')) => return at + 1,
                Some((_, '\\')) => match characters.next() {
                    Some((_, 'u')) => {
                        let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        let code = u32::from_str_radix(&digits, 16).unwrap_or_default();
                        // Each half of a surrogate pair is counted.
                        self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    Some((_, 'n' | 't' | 'r')) => self.push('\n'),
                    Some((_, escaped)) => self.push(escaped),
                    None => {}
                },
                Some((_, character)) => self.push(character),
                None => return text.len(),
            }
            at += characters.offset();
        }
    }

    /// Counts the plain ASCII at the start of a text. Returns its length.
    fn read_ascii(&mut self, text: &[u8]) -> usize {
        let (mut weight, mut last) = (0, self.last);
        let (mut floor, mut latest) = (0, u8::try_from(self.latest).unwrap_or_default());
        let mut length = 0;
        for &byte in text {
            let kind = ASCII.kind[usize::from(byte)];
            if kind == Kind::Edge {
                break;
            }
            weight += u64::from(ASCII.adds[last as usize][usize::from(byte)]);
            floor += u64::from(ASCII.weight[usize::from(byte)]) * u64::from(byte != latest);
            (last, latest) = (kind, byte);
            length += 1;
        }
        if length > 0 && self.first == Kind::Edge {
            self.first = text.first().map_or(Kind::Edge, |byte| ASCII.kind[usize::from(*byte)]);
        }
        if length > 0 {
            self.latest = char::from(latest);
        }
        self.weight += weight;
        self.floor += floor;
        self.last = last;
        length
    }
}

#[cfg(test)]
mod tests;
