//! Addresses: who is logged in and what is asked for are nobody's business.

use super::REMOVED;

/// Every address in the line without its user, its query and its fragment.
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

/// A password may hold anything, so only what no address can hold ends one.
fn ends_address(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '<' | '>' | '`' | '\u{201c}' | '\u{201d}')
}

fn bare(address: &str) -> String {
    // The last @ decides, wherever it stands: a password may hold slashes and question marks.
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
