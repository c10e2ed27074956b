//! Whether the answer to a request may be spoken.

use memchr::memmem;

use super::ChatRequest;

/// Longer values are no settings.
const MAX_SETTING: usize = 16 * 1024;

impl ChatRequest {
    /// Whether the answer may be spoken: a field of the request, other than its prompt, asks for audio.
    #[must_use]
    pub fn asks_for_audio(&self) -> bool {
        const PROMPT: [&str; 8] =
            ["messages", "tools", "functions", "prompt", "input", "response_format", "metadata", "user"];
        self.parts.iter().any(|part| {
            let value = self.value(part);
            let named = |text: &[u8]| {
                let text = text.to_ascii_lowercase();
                // An escape may hide the word.
                memmem::find(&text, b"audio").is_some() || memmem::find(&text, b"\\u").is_some()
            };
            !PROMPT.contains(&part.name.as_str())
                && value != b"null"
                && value.len() <= MAX_SETTING
                && (named(part.name.as_bytes()) || named(value))
        })
    }
}
