//! Removes users, passwords, queries and fragments from URLs.

use super::REMOVED;

/// Removes the user, the query and the fragment of every URL in a line.
pub(super) fn without_secrets(line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        result.push_str(before);
        result.push_str("://");
        let end = after.find(ends_address).unwrap_or(after.len());
        let (address, following) = after.split_at(end);
        result.push_str(&bare(address));
        rest = following;
    }
    result.push_str(rest);
    result
}

/// Whether a character ends a URL. A password may contain almost anything, so only characters that no URL can contain
/// do.
fn ends_address(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '<' | '>' | '`' | '\u{201c}' | '\u{201d}')
}

fn bare(address: &str) -> String {
    // The last @ ends the user part, because a password may contain slashes and question marks.
    let (user, address) = match address.rsplit_once('@') {
        Some((_, address)) => (format!("{REMOVED}@"), address),
        None => (String::new(), address),
    };
    match address.find(['?', '#']) {
        Some(start) => {
            let (path, query) = address.split_at(start);
            let mark = query.chars().next().unwrap_or('?');
            format!("{user}{path}{mark}{REMOVED}")
        }
        None => format!("{user}{address}"),
    }
}
