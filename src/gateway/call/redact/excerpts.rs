//! Hides runs of the request's own text that a provider repeats in its error without quotes.
//!
//! Only letters and digits are compared, because providers change the rest: escapes, line breaks and quotes. The error
//! is short, so all of its runs are hashed, and one pass over the prompt looks each of its own runs up. The work is
//! bounded, and done only for errors.

use std::collections::HashMap;
use std::ops::Range;

use crate::gateway::request::chat_request::ChatRequest;

/// A shorter run may be a name, or words that any two texts have in common. In letters and digits.
const RUN: usize = 32;
/// The most bytes of a field that are searched, half of them at its end.
const SEARCHED: usize = 256 * 1024;
/// The fields with the prompt. Others name models, parameters and tools, which an error has to name, too.
pub(super) const PROMPT: [&str; 5] = ["messages", "prompt", "input", "system", "instructions"];

/// The factor of the rolling hash.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// Its power for the first letter of a run.
const FIRST: u64 = FACTOR.wrapping_pow(32);

/// Replaces every run of 32 letters or more of the request's prompt, and more if it continues, by its length.
pub(in crate::gateway) fn without_excerpts(message: String, request: &ChatRequest) -> String {
    let letters = letters_of(&message);
    if letters.len() < RUN {
        return message;
    }
    let runs = Runs::of(&letters);
    let mut found = vec![false; letters.len()];
    for part in request.parts.iter().filter(|part| PROMPT.contains(&part.name.as_str())) {
        let value = request.value(part);
        let ends = value.len().checked_sub(SEARCHED).and_then(|_| {
            let half = SEARCHED / 2;
            Some([value.get(..half)?, value.get(value.len() - half..)?])
        });
        match ends {
            Some(ends) => ends.into_iter().for_each(|end| runs.search(end, &mut found)),
            None => runs.search(value, &mut found),
        }
    }
    hidden(&message, &letters, &found)
}

/// The letters and digits of a text, and the bytes that they take. The text may hold JSON with its escapes.
pub(super) fn letters_of(text: &str) -> Vec<(char, Range<usize>)> {
    let mut letters = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        let letter = if letter == '\\' { escaped(&mut rest) } else { Some(letter) };
        let end = rest.peek().map_or(text.len(), |(at, _)| *at);
        letters.extend(letter.and_then(folded).map(|letter| (letter, at..end)));
    }
    letters
}

/// The character of an escape after its backslash. Those with a letter of their own mean blanks.
fn escaped(rest: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    match rest.next()? {
        (_, 'u') => {
            let code: String = rest.take(4).map(|(_, letter)| letter).collect();
            u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)
        }
        (_, _) => None,
    }
}

/// A letter or digit, in lower case.
fn folded(letter: char) -> Option<char> {
    letter.is_alphanumeric().then(|| letter.to_lowercase().next().unwrap_or(letter))
}

/// The runs of a message: hashes, with the places where they begin.
struct Runs(HashMap<u64, Vec<usize>, foldhash::fast::RandomState>);

impl Runs {
    fn of(letters: &[(char, Range<usize>)]) -> Self {
        let mut runs: HashMap<u64, Vec<usize>, _> = HashMap::default();
        let mut window = Window::default();
        for (place, (letter, _)) in letters.iter().enumerate() {
            if let Some(hash) = window.push(*letter) {
                runs.entry(hash).or_default().push(place + 1 - RUN);
            }
        }
        Self(runs)
    }

    /// Marks the letters of runs that occur in the strings of a JSON text.
    fn search(&self, json: &[u8], found: &mut [bool]) {
        let text = String::from_utf8_lossy(json);
        let mut window = Window::default();
        let mut rest = text.char_indices();
        while let Some((_, letter)) = rest.next() {
            let letter = match letter {
                // A string begins or ends.
                '"' => {
                    window = Window::default();
                    continue;
                }
                '\\' => escaped(&mut rest),
                letter => Some(letter),
            };
            let Some(hash) = letter.and_then(folded).and_then(|letter| window.push(letter)) else { continue };
            for place in self.0.get(&hash).into_iter().flatten() {
                found.iter_mut().skip(*place).take(RUN).for_each(|found| *found = true);
            }
        }
    }
}

/// A rolling hash of the last letters.
#[derive(Default)]
struct Window {
    letters: [u32; RUN],
    count: usize,
    hash: u64,
}

impl Window {
    /// Adds a letter. Returns the hash once there are enough.
    fn push(&mut self, letter: char) -> Option<u64> {
        let slot = self.letters.get_mut(self.count % RUN)?;
        let gone = std::mem::replace(slot, u32::from(letter));
        self.hash = self.hash.wrapping_mul(FACTOR).wrapping_add(u64::from(letter));
        self.hash = self.hash.wrapping_sub(u64::from(gone).wrapping_mul(FIRST));
        self.count += 1;
        (self.count >= RUN).then_some(self.hash)
    }
}

/// The message without the letters that were found, and what is between them.
fn hidden(message: &str, letters: &[(char, Range<usize>)], found: &[bool]) -> String {
    let mut result = String::with_capacity(message.len());
    let (mut from, mut place) = (0, 0);
    for run in found.chunk_by(|one, two| one == two) {
        let ends = letters.get(place).zip(letters.get(place + run.len() - 1));
        place += run.len();
        let (Some(true), Some(((_, first), (_, last)))) = (run.first(), ends) else { continue };
        let excerpt = message.get(first.start..last.end).unwrap_or_default();
        result.push_str(message.get(from..first.start).unwrap_or_default());
        result.push_str(&format!("[{} characters of the request]", excerpt.chars().count()));
        from = last.end;
    }
    result.push_str(message.get(from..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "the patient Jane Roe, born 1970-01-02,\nsuffers from \"lupus\" \u{e4}ger";

    fn hide(message: &str) -> String {
        let body = json!({
            "model": "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free",
            "messages": [{"role": "system", "content": "short"}, {"role": "user", "content": [{"type": "text", "text": format!("Say why {SECRET}.")}]}],
            "tools": [{"function": {"name": "a_function_with_a_long_name_of_its_own_here"}}],
        });
        let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
        without_excerpts(message.to_owned(), &request)
    }

    #[test]
    fn what_the_prompt_says_is_hidden_however_it_is_repeated() {
        for repeated in [
            SECRET.to_owned(),
            SECRET.replace('\n', " "),
            SECRET.to_uppercase(),
            SECRET.replace('"', "'"),
            json!(SECRET).to_string(),
        ] {
            let hidden = hide(&format!("Blocked: {repeated} is not allowed"));
            assert!(hidden.starts_with("Blocked: ") && hidden.ends_with(" is not allowed"), "{hidden}");
            assert!(hidden.contains("characters of the request]"), "{hidden}");
            assert!(
                !hidden.to_lowercase().contains("jane") && !hidden.to_lowercase().contains("lupus"),
                "{hidden}"
            );
        }
    }

    #[test]
    fn names_and_the_errors_own_words_stay() {
        for message in [
            "The model meta-llama/Llama-3.3-70B-Instruct-Turbo-Free does not exist",
            "Invalid schema for a_function_with_a_long_name_of_its_own_here",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "the patient Jane Roe",
            "",
        ] {
            assert_eq!(hide(message), message);
        }
    }

    #[test]
    fn of_a_long_prompt_both_ends_are_searched() {
        let (start, end) = (
            "a start that no other text has, of some length",
            "an end that no other text has, of some length",
        );
        let content = format!("{start} {} {end}", "x ".repeat(SEARCHED));
        let body = json!({"model": "m", "messages": [{"content": content}]});
        let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
        for text in [start, end] {
            let hidden = without_excerpts(format!("no: {text}"), &request);
            assert!(hidden.starts_with("no: [") && !hidden.contains("other text"), "{hidden}");
        }
    }
}
