//! Vectors of texts: the same for the same text, and close to each other for texts with the same words.

use serde_json::Value;

/// The words of a text that count, and the text as a whole if it has more.
const MOST_WORDS: usize = 256;

/// The vector of a text, or of tokens: of the length 1, with so many numbers. Fewer numbers are the first ones of more, but for the
/// length.
pub(super) fn vector(input: &Value, dimensions: usize) -> Vec<f32> {
    let mut numbers = vec![0.0_f32; dimensions];
    for word in words(input) {
        let mut state = hash(word.as_bytes());
        for number in &mut numbers {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let [high, low, ..] = mixed(state).to_be_bytes();
            *number += f32::from(i16::from_be_bytes([high, low]));
        }
    }
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        numbers.iter_mut().for_each(|number| *number /= length);
    } else if let Some(first) = numbers.first_mut() {
        *first = 1.0;
    }
    numbers
}

/// How much two vectors of the length 1 have in common: from 0 for opposite ones to 1 for equal ones.
pub(super) fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let cosine: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
    f32::midpoint(cosine.clamp(-1.0, 1.0), 1.0)
}

/// The words of a text in lowercase, or the tokens of a list. A text without words is one.
fn words(input: &Value) -> Vec<String> {
    let mut words: Vec<String> = match input {
        Value::String(text) => text.split_whitespace().take(MOST_WORDS).map(str::to_lowercase).collect(),
        Value::Array(list) => list.iter().take(MOST_WORDS).map(Value::to_string).collect(),
        _ => Vec::new(),
    };
    if words.is_empty() || words.len() == MOST_WORDS {
        words.push(input.to_string());
    }
    words
}

/// The hash FNV-1a of a word.
fn hash(bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The output of the generator `SplitMix64` for a state.
fn mixed(state: u64) -> u64 {
    let once = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_has_one_vector_of_the_length_one() {
        for text in [json!("Hello there"), json!(""), json!([1, 2]), json!({ "text": "x" })] {
            let found = vector(&text, 64);
            assert_eq!(found, vector(&text, 64), "{text}");
            let length: f32 = found.iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5, "{text}: {length}");
        }
        assert_eq!(vector(&json!("a"), 1).len(), 1);
        let [short, long] = [2, 4].map(|dimensions| vector(&json!("a"), dimensions));
        assert!((short[0] * long[1] - short[1] * long[0]).abs() < 1e-5, "{short:?} {long:?}");
    }

    #[test]
    fn texts_with_common_words_are_close() {
        let of = |text: &str| vector(&json!(text), 64);
        let query = of("how do I bake bread");
        let near = likeness(&query, &of("I bake bread in an oven"));
        let far = likeness(&query, &of("the train leaves at noon"));
        assert!(near > far && likeness(&query, &query) > 0.999, "{near} {far}");
        // Texts that differ only after the words that count differ, too.
        let long = "word ".repeat(MOST_WORDS);
        assert_ne!(of(&format!("{long} a")), of(&format!("{long} b")));
    }
}
