//! What an answer shall be like, read from the name of a model. Imports nothing.

/// How the provider answers one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behavior {
    /// Answer 503 with an error object instead.
    pub(crate) fails: bool,
    /// Content chunks of a stream, the one with the role included.
    pub(crate) chunks: usize,
    /// Pause before each content chunk after the first, in milliseconds.
    pub(crate) gap_ms: u64,
}

impl Behavior {
    /// Reads words joined by `_`: `fail-503`, `chunks-<N>`, `gap-<N>ms`. Any other word changes nothing, so `ok` and
    /// every real model's name mean a good answer of 100 chunks without pauses.
    pub(crate) fn named(name: &str) -> Self {
        let mut behavior = Self { fails: false, chunks: 100, gap_ms: 0 };
        for word in name.split('_') {
            if word == "fail-503" {
                behavior.fails = true;
            } else if let Some(count) = number(word, "chunks-", "") {
                behavior.chunks = count as usize;
            } else if let Some(pause) = number(word, "gap-", "ms") {
                behavior.gap_ms = pause;
            }
        }
        behavior
    }
}

fn number(word: &str, before: &str, after: &str) -> Option<u64> {
    word.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_name_add_up_and_unknown_ones_change_nothing() {
        let usual = Behavior { fails: false, chunks: 100, gap_ms: 0 };
        assert_eq!(Behavior::named("ok"), usual);
        assert_eq!(Behavior::named("gpt-4o_chunks-x_gap-5"), usual);
        assert_eq!(Behavior::named("chunks-7_gap-20ms"), Behavior { chunks: 7, gap_ms: 20, ..usual });
        assert_eq!(Behavior::named("fail-503"), Behavior { fails: true, ..usual });
    }
}
