//! The format of an API key: `fsk_`, 30 random base62 characters, and a CRC32 of those in 6 base62 characters.
//!
//! The checksum makes it possible to refuse a mistyped key without a lookup, and helps secret scanners to recognize
//! leaked keys.

use secrecy::SecretString;

use crate::store::vault::{self, VaultError};

const PREFIX: &str = "fsk_";
const RANDOM: usize = 30;
const CHECKSUM: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM + CHECKSUM;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new key, and the parts of it that are shown later.
pub struct NewKey {
    /// The whole key, which is shown only once.
    pub key: SecretString,
    /// Its first eight characters.
    pub prefix: String,
    /// Its last four characters.
    pub last_four: String,
}

/// Generates a key.
///
/// # Errors
/// The operating system provides no random bytes.
pub fn generate() -> Result<NewKey, VaultError> {
    let mut text = String::with_capacity(LENGTH);
    text.push_str(PREFIX);
    while text.len() < PREFIX.len() + RANDOM {
        // 248 is the largest multiple of 62 that fits: skipping larger bytes makes every character equally likely.
        for byte in vault::random::<64>()?.into_iter().filter(|byte| *byte < 248) {
            if text.len() == PREFIX.len() + RANDOM {
                break;
            }
            text.push(character(u32::from(byte)));
        }
    }
    text.extend(checksum(&text));
    Ok(NewKey {
        prefix: text.chars().take(PREFIX.len() + 4).collect(),
        last_four: text.chars().skip(LENGTH - 4).collect(),
        key: text.into(),
    })
}

/// Whether the text has the format of a key and a correct checksum.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    let Some((body, sum)) = text.split_at_checked(LENGTH - CHECKSUM) else { return false };
    text.len() == LENGTH
        && body.starts_with(PREFIX)
        && body.bytes().skip(PREFIX.len()).all(|byte| byte.is_ascii_alphanumeric())
        && sum.chars().eq(checksum(body))
}

fn checksum(text: &str) -> impl Iterator<Item = char> + use<> {
    let sum = crc32fast::hash(text.as_bytes());
    // Most significant digit first. Six digits are enough, because 62^6 is larger than 2^32.
    [5, 4, 3, 2, 1, 0].into_iter().map(move |place| character(sum / 62_u32.pow(place)))
}

fn character(value: u32) -> char {
    ALPHABET.get((value % 62) as usize).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    #[expect(clippy::string_slice, reason = "a key is ASCII")]
    fn a_new_key_is_well_formed_and_every_changed_character_is_noticed() {
        let new = generate().expect("random bytes");
        let key = new.key.expose_secret().to_owned();
        assert!(
            is_well_formed(&key)
                && key.len() == 40
                && key.starts_with(&new.prefix)
                && key.ends_with(&new.last_four)
        );
        for index in 0..key.len() {
            let mut changed = key.clone().into_bytes();
            changed[index] = if changed[index] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(std::str::from_utf8(&changed).expect("ascii")), "character {index}");
        }
        for text in
            ["", "fsk_", "sk-123", &key[..39], &format!("{key}0"), "fsk_äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"]
        {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
