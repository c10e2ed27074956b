//! Removes text that looks like a credential: by its prefix, by the name before it, or because it looks random.

use super::REMOVED;

/// Prefixes of vendors' credentials and customer ids, with the least number of characters that must follow.
const BEGINNINGS: &[(&str, usize)] = &[
    ("sk-", 8),
    ("sk_", 8),
    ("fsk_", 8),
    ("gsk_", 8),
    ("rk_", 16),
    ("pk_", 16),
    ("csk-", 16),
    ("xai-", 16),
    ("AIza", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ABSK", 16),
    ("ya29.", 16),
    ("eyJ", 16),
    ("hf_", 16),
    ("r8_", 16),
    ("fw_", 16),
    ("tgp_v1_", 16),
    ("nvapi-", 16),
    ("pplx-", 16),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("org-", 16),
    ("proj_", 16),
];
/// Endings of the names of secrets.
const SECRET_NAMES: &[&str] = &[
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "authorization",
    "credential",
    "credentials",
    "signature",
];
/// Parts of names that always mean a secret; `key` and `token` alone are also ordinary JSON names.
const CERTAIN: &[&str] = &["api", "auth", "secret", "passw", "pwd", "access", "credential", "private"];
/// The shortest value that counts as a secret if its name is ambiguous.
const DOUBTFUL_LENGTH: usize = 16;
/// Words that follow `Bearer` or `Basic` in plain English.
const PLAIN: &[&str] = &[
    "token",
    "tokens",
    "auth",
    "authentication",
    "authorization",
    "scheme",
    "credential",
    "credentials",
    "header",
    "key",
    "realm",
    "plan",
    "tier",
    "is",
    "or",
    "and",
];
/// From this length on, a mixed run of letters and digits is not a word.
const RANDOM_LENGTH: usize = 32;
/// Prefixes of ids that help a vendor's support and grant no access.
const HARMLESS_IDS: &[&str] = &["req_", "chatcmpl-", "gen-", "resp_", "msg_"];

/// Removes everything that looks like a credential from a line.
pub(super) fn without(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    let mut result = String::with_capacity(line.len());
    let mut position = 0;
    // A name is examined once, however many parts it has.
    let mut named_until = 0;
    while let Some(letter) = letters.get(position) {
        let secret = if at_boundary(&letters, position) {
            beginning(&letters, position).or_else(|| random(&letters, position)).or_else(|| {
                if position < named_until {
                    return None;
                }
                named_until = run(&letters, position, is_name);
                named(&letters, position, named_until)
            })
        } else {
            None
        };
        match secret {
            Some((from, to)) => {
                result.extend(letters.get(position..from).into_iter().flatten());
                result.push_str(REMOVED);
                position = to;
            }
            None => {
                result.push(*letter);
                position += 1;
            }
        }
    }
    result
}

/// The first position of a secret and the one after its last.
type Span = (usize, usize);

fn at_boundary(letters: &[char], position: usize) -> bool {
    let before = position.checked_sub(1).and_then(|before| letters.get(before));
    !before.is_some_and(char::is_ascii_alphanumeric)
}

/// A run that begins with the prefix of a credential.
fn beginning(letters: &[char], position: usize) -> Option<Span> {
    let first = u8::try_from(*letters.get(position)?).ok()?;
    BEGINNINGS.iter().filter(|(beginning, _)| beginning.as_bytes().first() == Some(&first)).find_map(
        |(beginning, least)| {
            // Each of them is ASCII.
            let from = position + beginning.len();
            let begins = letters.get(position..from)?.iter().copied().eq(beginning.chars());
            let to = if begins { run(letters, from, is_credential) } else { from };
            (to >= from + least).then_some((position, to))
        },
    )
}

/// A run of letters and digits that is too long and too mixed for a word.
fn random(letters: &[char], position: usize) -> Option<Span> {
    let to = run(letters, position, |letter| letter.is_ascii_alphanumeric());
    let text = letters.get(position..to).filter(|text| text.len() >= RANDOM_LENGTH)?;
    let mixed = text.iter().any(char::is_ascii_digit) && text.iter().any(char::is_ascii_alphabetic);
    let harmless = HARMLESS_IDS.iter().any(|id| {
        let from = position.checked_sub(id.len());
        from.and_then(|from| letters.get(from..position))
            .is_some_and(|before| before.iter().copied().eq(id.chars()))
    });
    (mixed && !harmless).then_some((position, to))
}

/// The value after the name of a secret, which is at `position..end`.
fn named(letters: &[char], position: usize, end: usize) -> Option<Span> {
    // Names of secrets are short, so only the end of a long name is examined.
    let from = position.max(end.saturating_sub(48));
    let name: String = letters.get(from..end)?.iter().map(char::to_ascii_lowercase).collect();
    if name.ends_with("bearer") || name.ends_with("basic") {
        return after_scheme(letters, end);
    }
    if !SECRET_NAMES.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let separator = run(letters, end, |letter| is_quote(letter) || letter == ' ');
    let sign = letters.get(separator)?;
    if !matches!(sign, '=' | ':') {
        return None;
    }
    let from = run(letters, separator, |letter| matches!(letter, '=' | ':' | '>' | ' '));
    let (from, to) = scheme(letters, from).unwrap_or_else(|| value(letters, from));
    let certain = *sign == '=' || CERTAIN.iter().any(|part| name.contains(part));
    let long = to - from >= DOUBTFUL_LENGTH;
    (to > from && (certain || long)).then_some((from, to))
}

/// The credential after `Bearer` or `Basic` in the value of a header.
fn scheme(letters: &[char], position: usize) -> Option<Span> {
    let from = run(letters, position, is_quote);
    let end = run(letters, from, is_name);
    let word: String = letters.get(from..end)?.iter().map(char::to_ascii_lowercase).collect();
    if word == "bearer" || word == "basic" { after_scheme(letters, end) } else { None }
}

fn after_scheme(letters: &[char], end: usize) -> Option<Span> {
    let from = run(letters, end, |letter| matches!(letter, ' ' | ':'));
    let (from, to) = value(letters, from);
    let word: String = letters.get(from..to)?.iter().map(char::to_ascii_lowercase).collect();
    let word = word.trim_end_matches(['.', ':', '!', '?']);
    (from > end && to > from && !PLAIN.contains(&word)).then_some((from, to))
}

/// The span of a value: up to the closing quote if it is quoted, otherwise up to the end of the word.
fn value(letters: &[char], position: usize) -> Span {
    let from = run(letters, position, is_quote);
    let quote = from.checked_sub(1).filter(|_| from > position).and_then(|at| letters.get(at));
    let closing = quote.and_then(|quote| {
        let length = letters.iter().skip(from).position(|letter| letter == quote)?;
        // In JSON within JSON the closing quote is escaped.
        let inside = letters.get(from..from + length)?;
        Some(from + inside.iter().rposition(|letter| *letter != '\\').map_or(0, |last| last + 1))
    });
    let to = closing.unwrap_or_else(|| run(letters, from, |letter| !ends_value(letter)));
    (from, to)
}

fn run(letters: &[char], from: usize, belongs: impl Fn(char) -> bool) -> usize {
    let length = letters.iter().skip(from).take_while(|letter| belongs(**letter)).count();
    from + length
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// Includes stars, with which vendors mask the middle of a credential.
fn is_credential(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '*' | '~')
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '`' | '\\' | '\u{2018}'..='\u{201f}')
}

fn ends_value(letter: char) -> bool {
    let bracket = matches!(letter, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}');
    bracket || letter == ' ' || is_quote(letter) || matches!(letter, ',' | ';' | '&')
}
