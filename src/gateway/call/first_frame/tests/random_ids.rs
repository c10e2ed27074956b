//! Streams with random ids, for comparisons.

use super::Heard;

impl Heard {
    /// The same with one word in place of random ids, so that two streams can be compared.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Done(text, end) => Self::Done(without_random_ids(&text), without_random_ids(&end)),
            Self::Finished(text) => Self::Finished(without_random_ids(&text)),
            Self::Broken(text) => Self::Broken(without_random_ids(&text)),
        }
    }
}

fn without_random_ids(text: &str) -> String {
    let (mut settled, mut digits) = (String::with_capacity(text.len()), String::new());
    // What follows the last letter ends the last id.
    for letter in text.chars().chain(['\0']) {
        if matches!(letter, '0'..='9' | 'a'..='f') {
            digits.push(letter);
            continue;
        }
        settled += if digits.len() == 32 { "random" } else { &digits };
        digits.clear();
        settled.push(letter);
    }
    settled.pop();
    settled
}
