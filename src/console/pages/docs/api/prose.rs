//! Descriptions with code in backticks.

/// A run of text, either plain or code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text of the run.
    pub text: String,
    /// Whether it is code.
    pub code: bool,
}

/// A paragraph as a list of runs.
pub type Prose = Vec<Run>;

/// Splits a paragraph at its backticks.
pub(super) fn prose(text: &str) -> Prose {
    let runs = text.split('`').enumerate().filter(|(_, run)| !run.is_empty());
    runs.map(|(index, run)| Run { text: run.to_owned(), code: index % 2 == 1 }).collect()
}

/// Splits a text into paragraphs at empty lines.
pub(super) fn paragraphs(text: &str) -> Vec<Prose> {
    let text = text.trim();
    let parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| prose(&part.replace('\n', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_mark_code_and_empty_lines_separate_paragraphs() {
        let shown = |text| {
            let mark = |run: &Run| if run.code { format!("[{}]", run.text) } else { run.text.clone() };
            let line = |prose: &Prose| prose.iter().map(mark).collect::<String>();
            paragraphs(text).iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(shown("Send `a` or\n`b`.\n\nThen wait.\n"), ["Send [a] or [b].", "Then wait."]);
        assert!(shown("").is_empty());
    }
}
