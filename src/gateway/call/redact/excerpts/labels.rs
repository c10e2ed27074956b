//! The pieces of a code, or of the name of a parameter, that may be a value of the caller's.

/// The most words of a piece.
const MOST_WORDS: usize = 4;

/// The length of a piece of digits alone: vendors have shorter codes.
const DIGITS: usize = 6;

/// The signs between the words of a name.
const BETWEEN: [char; 2] = ['_', '-'];

/// The runs of up to four words in each step of a path, such as `hunter2` in `input[0].hunter2_is_wrong`.
pub(super) fn pieces(label: &str) -> Vec<&str> {
    let ends_step = |letter: char| !letter.is_alphanumeric() && !BETWEEN.contains(&letter);
    label.split(ends_step).flat_map(of_step).collect()
}

fn of_step(step: &str) -> Vec<&str> {
    let mut ends: Vec<usize> = step.match_indices(BETWEEN).map(|(at, _)| at).collect();
    ends.push(step.len());
    let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
    let runs = starts.enumerate().flat_map(|(word, from)| {
        let ends = ends.iter().skip(word).take(MOST_WORDS);
        ends.map(move |to| from..*to)
    });
    let says_something = |piece: &&str| piece.contains(char::is_alphabetic) || piece.len() >= DIGITS;
    runs.filter_map(|run| step.get(run)).filter(says_something).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_runs_of_its_words() {
        assert_eq!(pieces("input[0].ab_c"), ["input", "ab", "ab_c", "c"]);
        assert_eq!(
            pieces("a-b-c-d-e"),
            [
                "a", "a-b", "a-b-c", "a-b-c-d", "b", "b-c", "b-c-d", "b-c-d-e", "c", "c-d", "c-d-e", "d",
                "d-e", "e"
            ]
        );
        assert!(pieces("").is_empty() && pieces("__[12345]").is_empty());
    }
}
