//! The part of an answer that details of a usage are about.

/// What the details of an object are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Prompt,
    Answer,
    Whole,
}

impl Side {
    /// The side of an object of details.
    pub(super) fn of_details(name: &[u8]) -> Option<Self> {
        match name {
            // Transcriptions of OpenAI have the singular.
            b"prompt_tokens_details"
            | b"input_tokens_details"
            | b"prompt_token_details"
            | b"input_token_details" => Some(Self::Prompt),
            b"completion_tokens_details"
            | b"output_tokens_details"
            | b"completion_token_details"
            | b"output_token_details" => Some(Self::Answer),
            _ => None,
        }
    }
}
