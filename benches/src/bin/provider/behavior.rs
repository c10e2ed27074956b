//! How the provider responds, parsed from the model name.

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A 503 with an error object.
    Overloaded,
    /// A 429 with an error object.
    RateLimited,
    /// The connection breaks without an answer.
    Reset,
    /// No answer until the caller disconnects; for a stream, the head and a ping.
    Hang,
}

/// How the provider answers one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behavior {
    /// The fault that replaces an answer, if any.
    pub(crate) fault: Option<Fault>,
    /// Content chunks of a stream, including the one with the role.
    pub(crate) chunks: usize,
    /// Pause before each content chunk after the first, in milliseconds.
    pub(crate) gap_ms: u64,
}

impl Behavior {
    /// Parses words joined by `_`: `fail-503`, `fail-429`, `reset`, `hang`, `chunks-<N>`, `gap-<N>ms`. Other words
    /// are ignored, so `ok` and every real model name mean a good answer of 100 chunks without pauses.
    pub(crate) fn named(name: &str) -> Self {
        let mut behavior = Self { fault: None, chunks: 100, gap_ms: 0 };
        for word in name.split('_') {
            if let Some(fault) = fault(word) {
                behavior.fault = Some(fault);
            } else if let Some(count) = number(word, "chunks-", "") {
                behavior.chunks = count as usize;
            } else if let Some(pause) = number(word, "gap-", "ms") {
                behavior.gap_ms = pause;
            }
        }
        behavior
    }
}

fn fault(word: &str) -> Option<Fault> {
    Some(match word {
        "fail-503" => Fault::Overloaded,
        "fail-429" => Fault::RateLimited,
        "reset" => Fault::Reset,
        "hang" => Fault::Hang,
        _ => return None,
    })
}

fn number(word: &str, before: &str, after: &str) -> Option<u64> {
    word.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_name_add_up_and_unknown_ones_change_nothing() {
        let usual = Behavior { fault: None, chunks: 100, gap_ms: 0 };
        assert_eq!(Behavior::named("ok"), usual);
        assert_eq!(Behavior::named("gpt-4o_chunks-x_gap-5"), usual);
        assert_eq!(Behavior::named("chunks-7_gap-20ms"), Behavior { chunks: 7, gap_ms: 20, ..usual });
        for (name, fault) in [
            ("fail-503", Fault::Overloaded),
            ("fail-429", Fault::RateLimited),
            ("reset", Fault::Reset),
            ("hang", Fault::Hang),
        ] {
            assert_eq!(Behavior::named(name), Behavior { fault: Some(fault), ..usual });
        }
    }
}
