//! Shortens long quotations, which are most likely the caller's own text.

/// The longest quotation that is kept, in characters: enough for names of models and parameters.
const LONGEST: usize = 64;

/// Replaces every quotation of more than 64 characters by its length. One without a closing mark extends to the end
/// of the line, where the message was probably cut.
pub(super) fn shortened(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    let mut result = String::with_capacity(line.len());
    let mut position = 0;
    while let Some(&letter) = letters.get(position) {
        result.push(letter);
        position += 1;
        let Some(closing) = closing_of(letter) else { continue };
        let before = position.checked_sub(2).and_then(|index| letters.get(index));
        if before.is_some_and(|before| before.is_alphanumeric()) {
            continue;
        }
        let end = end_of_quotation(&letters, position, closing);
        let length = end.unwrap_or(letters.len()) - position;
        if length > LONGEST {
            result.push_str(&format!("[{length} characters]"));
            position += length;
        } else if let Some(end) = end {
            // A short quotation is copied whole, so that its closing mark does not open another one.
            result.extend(letters.get(position..=end).into_iter().flatten());
            position = end + 1;
        }
    }
    result
}

fn closing_of(opening: char) -> Option<char> {
    match opening {
        '"' | '\'' | '`' => Some(opening),
        '\u{2018}' | '\u{201a}' => Some('\u{2019}'),
        '\u{201c}' | '\u{201e}' => Some('\u{201d}'),
        '\u{ab}' => Some('\u{bb}'),
        _ => None,
    }
}

/// The position of the closing mark, which is neither escaped nor an apostrophe inside a word.
fn end_of_quotation(letters: &[char], from: usize, closing: char) -> Option<usize> {
    let mut escaped = false;
    for (index, letter) in letters.iter().enumerate().skip(from) {
        let next = letters.get(index + 1);
        if escaped {
            escaped = false;
        } else if *letter == '\\' {
            escaped = true;
        } else if *letter == closing && !next.is_some_and(|next| next.is_alphanumeric()) {
            return Some(index);
        }
    }
    None
}
