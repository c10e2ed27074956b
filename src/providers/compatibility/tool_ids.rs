//! Which tool call ids a vendor accepts, and aliases for those that it refuses.

/// Which tool call ids a vendor accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolIds {
    /// Any id of any length.
    Any,
    /// At most 40 bytes ("string too long. Expected a string with maximum length 40", R vercel/ai#13326).
    AtMost40,
    /// 1 to 64 letters, digits, `_` and `-` (V platform.claude.com: `^[a-zA-Z0-9_-]+$`).
    Word,
    /// Exactly nine letters and digits ("Tool call id was ... but must be a-z, A-Z, 0-9, with a length of 9", R
    /// karthink/gptel#1203).
    Nine,
}

const NINE: usize = 9;
/// 24 characters out of 62 are more than 128 bits.
const LONG: usize = 24;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Mistral's models use Mistral's chat template, and its rule for ids, wherever they are served.
const MISTRALS: &[&str] =
    &["mistral", "ministral", "magistral", "devstral", "codestral", "pixtral", "mixtral", "voxtral"];

/// A vendor's rule, adjusted for one of its models.
pub(super) fn of_model(vendor: ToolIds, model: &str) -> ToolIds {
    let model = model.to_ascii_lowercase();
    if MISTRALS.iter().any(|family| model.contains(family)) { ToolIds::Nine } else { vendor }
}

impl ToolIds {
    /// Whether an id is accepted.
    #[must_use]
    pub fn takes(self, id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::AtMost40 => id.len() <= 40,
            Self::Word => {
                let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                (1..=64).contains(&id.len()) && id.bytes().all(word)
            }
            Self::Nine => id.len() == NINE && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        }
    }

    /// A replacement for `id`. The same `id` and `turn` always give the same alias, so a conversation keeps its ids
    /// from request to request. If an alias is already taken, use a higher turn.
    #[must_use]
    pub fn alias(self, id: &str, turn: u8) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(id.as_bytes());
        hasher.update(&[turn]);
        let mut random = [0; LONG];
        hasher.finalize_xof().fill(&mut random);
        // 256 is not a multiple of 62, so the first letters are slightly more frequent, which is harmless here.
        let letters = random
            .iter()
            .map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map_or('0', char::from));
        match self {
            Self::Nine => letters.take(NINE).collect(),
            Self::Any | Self::AtMost40 | Self::Word => format!("call_{}", letters.collect::<String>()),
        }
    }
}
