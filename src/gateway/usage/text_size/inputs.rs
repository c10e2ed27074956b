//! Measures the inputs of requests other than chats.

use serde_json::value::RawValue;

use super::{TOKEN, TextSize};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::form::Form;
use crate::gateway::request::json_object::lossy;

/// The bytes of a recording per token, which no usual format is below.
const RECORDED: u64 = 128;

impl TextSize {
    /// A form: its recording, and the text that guides the model.
    pub(super) fn of_form(form: &Form, request: &ChatRequest) -> Self {
        let prompts = request.parts.iter().filter(|part| part.name == "prompt");
        prompts.fold(Self::of_recording(form.file_bytes() as u64), |size, part| {
            size.then(Self::as_it_stands(&lossy(request.value(part))).doubtful())
        })
    }

    /// A recording, of which only the bytes are known. A token of sound has more of them in all usual formats.
    fn of_recording(bytes: u64) -> Self {
        Self { bytes, weight: (bytes * TOKEN).div_ceil(RECORDED), ..Self::default() }.unknown()
    }

    /// What is to be moderated: texts, or parts of a content with pictures.
    pub(super) fn of_moderated(value: &[u8]) -> Self {
        match serde_json::from_slice::<&RawValue>(value) {
            Ok(parts) if value.contains(&b'{') => Self::of_content(parts),
            Ok(_) | Err(_) => Self::of_texts(value),
        }
    }

    /// The input of embeddings, or the prompt of a completion: texts, or tokens, of which each is a number.
    pub(super) fn of_texts(value: &[u8]) -> Self {
        let first = value.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != b'[');
        if !first.is_some_and(u8::is_ascii_digit) || value.contains(&b'"') {
            return Self::as_it_stands(&lossy(value));
        }
        let tokens = value.iter().filter(|byte| **byte == b',').count() as u64 + 1;
        Self { bytes: value.len() as u64, floor: tokens * TOKEN, ..Self::weighing(tokens * TOKEN) }
    }
}
