//! Numbers in the sentences of errors, beside the words that say what they count.

/// The first number directly after a word: `limit 30000`, `limit: 30,000`.
pub(super) fn number_after(sentence: &str, word: &str) -> Option<u64> {
    sentence.match_indices(word).find_map(|(at, _)| {
        let rest = sentence.get(at + word.len()..)?.trim_start_matches([' ', ':', '=']);
        read(rest.split(is_other).next()?)
    })
}

/// The first number directly before words, in lower case: `30,000 tokens per minute`, `16k tpm`.
pub(super) fn number_before(sentence: &str, words: &str) -> Option<u64> {
    sentence.match_indices(words).find_map(|(at, _)| {
        let before = sentence.get(..at)?.trim_end();
        let thousands = before.strip_suffix('k');
        let number = read(thousands.unwrap_or(before).rsplit(is_other).next()?)?;
        number.checked_mul(if thousands.is_some() { 1_000 } else { 1 })
    })
}

/// The first number between two words, in lower case: `limit is 16,000 tokens`, `above 32k tokens`.
pub(super) fn number_between(sentence: &str, word: &str, then: &str) -> Option<u64> {
    sentence.match_indices(word).find_map(|(at, _)| {
        let rest = sentence.get(at + word.len()..)?.trim_start_matches([' ', ':']);
        let end = rest.find(is_other)?;
        let number = read(rest.get(..end)?)?;
        let after = rest.get(end..)?;
        let thousands = after.strip_prefix('k');
        let is_between = thousands.unwrap_or(after).trim_start().starts_with(then);
        number.checked_mul(if thousands.is_some() { 1_000 } else { 1 }).filter(|_| is_between)
    })
}

/// The first amount, such as one of money, directly after words: `remaining quota: $0.51`, `have 1,200`.
pub(super) fn amount_after(sentence: &str, words: &str) -> Option<f64> {
    sentence.match_indices(words).find_map(|(at, _)| {
        let rest = sentence.get(at + words.len()..)?;
        let rest = rest.trim_start_matches([' ', ':', '=', '$', '＄', '€', '¥', '￥']);
        amount(rest.split(is_of_no_amount).next()?)
    })
}

/// The first amount directly before words: `37 credits remaining`.
pub(super) fn amount_before(sentence: &str, words: &str) -> Option<f64> {
    sentence.match_indices(words).find_map(|(at, _)| {
        let before = sentence.get(..at)?.trim_end();
        amount(before.rsplit(is_of_no_amount).next()?)
    })
}

fn is_of_no_amount(letter: char) -> bool {
    !letter.is_ascii_digit() && !matches!(letter, '.' | ',' | '-')
}

/// An amount without its commas, and without the point or comma that ends a sentence.
fn amount(text: &str) -> Option<f64> {
    text.trim_end_matches(['.', ',']).replace(',', "").parse().ok()
}

/// Whether a letter belongs to no number. Some have commas.
fn is_other(letter: char) -> bool {
    !letter.is_ascii_digit() && letter != ','
}

fn read(number: &str) -> Option<u64> {
    number.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_with_its_sign_and_its_decimals() {
        for (sentence, amount) in [
            ("left: $0.50, need", Some(0.5)),
            ("left ＄-1.25", Some(-1.25)),
            ("left=0", Some(0.0)),
            ("left: none, left 7.", Some(7.0)),
            ("left: 1,200.5", Some(1_200.5)),
            ("left: none", None),
            ("left -", None),
            ("other", None),
        ] {
            assert_eq!(amount_after(sentence, "left"), amount, "{sentence}");
        }
        for (sentence, amount) in [
            ("you have 37 left", Some(37.0)),
            ("$1,200.50 left", Some(1_200.5)),
            ("none left, 3 left", Some(3.0)),
            ("left", None),
            ("none left", None),
        ] {
            assert_eq!(amount_before(sentence, "left"), amount, "{sentence}");
        }
    }

    #[test]
    fn a_number_between_words_touches_both() {
        for (sentence, number) in [
            ("your limit is 16,000 tokens", Some(16_000)),
            ("limit is: 7 tokens", Some(7)),
            ("limit is 16k tokens", Some(16_000)),
            ("limit is 50 requests and 7 tokens", None),
            ("limit is 16", None),
            ("limit is tokens", None),
        ] {
            assert_eq!(number_between(sentence, "limit is", "token"), number, "{sentence}");
        }
    }

    #[test]
    fn a_number_is_read_where_it_touches_its_words() {
        for (sentence, after, before) in [
            ("limit 30000", Some(30_000), None),
            ("the limit is unknown, limit: 30,000; used", Some(30_000), None),
            ("limit=7", Some(7), None),
            ("of 1,234 limit", None, Some(1_234)),
            ("no limit, and 9  limit 8", Some(8), Some(9)),
            ("the 16k limit", None, Some(16_000)),
            ("the weak limit", None, None),
            ("limit -3", None, None),
            ("limit", None, None),
            ("limit 99999999999999999999", None, None),
        ] {
            assert_eq!(number_after(sentence, "limit"), after, "{sentence}");
            assert_eq!(number_before(sentence, "limit"), before, "{sentence}");
        }
    }
}
