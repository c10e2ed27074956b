//! Redacts error messages of providers before they are stored, logged or shown.
//!
//! A provider's message may contain our credential, a URL with a password, or the caller's prompt. Each has its own
//! pass, which removes too much rather than too little: only a detail of an error message is lost.
//!
//! The text is normalized once before the passes. The known credential is searched last, in the text that would be
//! shown.

mod credential;
mod encodings;
mod excerpts;
mod letters;
pub(in crate::gateway) mod message;
pub(in crate::gateway) mod own_words;
mod prose;
mod quotations;
mod quotes;
pub(in crate::gateway) mod request_text;
mod secrets;
mod shared_runs;
mod urls;

pub use credential::Credential;
pub(in crate::gateway) use excerpts::{is_excerpt, without_excerpts, without_the_unknown};

/// The replacement for removed text.
const REMOVED: &str = "[redacted]";
/// The longest message, in characters.
const LONGEST: usize = 2_000;
/// The longest code or parameter name, in characters.
const LONGEST_LABEL: usize = 128;

/// Removes credentials, the users, passwords and queries of URLs, quotations of more than 64 characters and control
/// characters. The result is one line of at most 2,000 characters; an empty message stays empty.
pub fn redact(message: &str) -> String {
    if prose::is_plain(message) { message.to_owned() } else { redact_thoroughly(message) }
}

fn redact_thoroughly(message: &str) -> String {
    let line = one_line(message);
    let line = urls::without_secrets(&line);
    let line = secrets::without(&line);
    capped(&quotes::shortened(&line))
}

/// Characters that no code and no name of a parameter has, but e-mail addresses, passwords and the queries of URLs.
const ODD: &str = "@!#%^&+=?~";

/// Redacts an error code or a parameter name. `None` means that it cannot be shown.
pub fn redact_label(label: &str) -> Option<String> {
    let label = redact(label);
    let is_plain = |letter: char| (letter.is_ascii_graphic() || letter == ' ') && !ODD.contains(letter);
    let plain = label.chars().all(is_plain);
    (plain && !label.is_empty() && label.len() <= LONGEST_LABEL).then_some(label)
}

/// Removes control characters, which could forge log lines, and invisible ones, which could hide a secret from the
/// passes.
fn one_line(message: &str) -> String {
    let visible = message.chars().filter(|letter| !is_invisible(*letter));
    let spaced: String = visible.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a character is not drawn: zero-width characters, fillers, selectors, tags and direction marks. The ranges
/// are Unicode's Default_Ignorable_Code_Point and the annotations.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn capped(message: &str) -> String {
    if message.chars().nth(LONGEST).is_none() {
        return message.to_owned();
    }
    message.chars().take(LONGEST - 1).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests;
