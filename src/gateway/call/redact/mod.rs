//! The one function that makes a foreign error message fit to be stored, logged and shown.
//!
//! A provider's message may hold our credential, an address with a password in it, or the
//! caller's prompt. Each has a pass of its own; a pass rather removes too much than too
//! little, since what is lost is a detail of an error message.
//!
//! A text is made legible first, once, and looked through afterwards; the credential that we
//! know is looked for last, in what would be shown.

mod credential;
mod encodings;
mod quotes;
mod secrets;
mod urls;

pub use credential::Credential;

/// What stands in the place of something removed.
const REMOVED: &str = "[redacted]";
/// The longest message, in characters.
const LONGEST: usize = 2_000;
/// The longest code or parameter name, in characters.
const LONGEST_LABEL: usize = 128;

/// The message without credentials, without users, passwords and queries of addresses,
/// without quotations of more than 64 characters and without control characters; on one
/// line, at most 2,000 characters. Empty stays empty.
pub fn redact(message: &str) -> String {
    let line = one_line(message);
    let line = urls::without_secrets(&line);
    let line = secrets::without(&line);
    capped(&quotes::shortened(&line))
}

/// A code or a parameter's name, if it is fit to be shown as one.
pub fn redact_label(label: &str) -> Option<String> {
    let label = redact(label);
    let plain = label.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ');
    (plain && !label.is_empty() && label.len() <= LONGEST_LABEL).then_some(label)
}

/// Control characters forge log lines, and invisible ones hide a secret from the passes.
fn one_line(message: &str) -> String {
    let visible = message.chars().filter(|letter| !is_invisible(*letter));
    let spaced: String = visible.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that are not drawn: zero-width ones, fillers, selectors, tags, and those that turn the direction of
/// writing. The ranges are Unicode's Default_Ignorable_Code_Point and the annotations.
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
