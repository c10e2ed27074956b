//! Speech: silence that is as long as the text, as sound or as events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::asked::Asked;
use super::written::{EVENTS, Pieces, Terms, Written, event};
use crate::simulate::completion::BYTES_PER_PROMPT_TOKEN;
use crate::simulate::refusal::Refusal;

/// The words of a text that are spoken, unless the name of the model asks for more.
const MOST_WORDS: usize = 1_000;

/// The samples of a word: 100 ms at 24 kHz, each of two bytes.
const SAMPLES: usize = 2_400;

/// A silent frame of MPEG-1 layer 3 with 32 kbit/s at 44.1 kHz for one speaker: its header, and bits that are zero.
const MP3_HEADER: [u8; 4] = [0xff, 0xfb, 0x10, 0xc0];
const MP3_FRAME: usize = 104;

/// The header of a WAV of unknown length with 16 bits at 24 kHz for one speaker.
const WAV_HEADER: &[u8; 44] = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\xff\xff\xff\xff";

/// # Errors
/// 400 without a text, or for a format that it cannot write.
pub(super) fn answer(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let text = asked.required("input")?.as_str().unwrap_or_default();
    let (kind, first, piece) = match asked.text("response_format") {
        None | Some("mp3") => ("audio/mpeg", Vec::new(), mp3_frame()),
        Some("wav") => ("audio/wav", WAV_HEADER.to_vec(), vec![0; 2 * SAMPLES]),
        Some("pcm") => ("audio/pcm", Vec::new(), vec![0; 2 * SAMPLES]),
        Some(_) => {
            let message = "Simulated models speak in the formats mp3, wav and pcm.";
            return Err(Refusal::bad_request(Some("response_format"), None, message));
        }
    };
    let words = text.split_whitespace().take(MOST_WORDS).count().max(1);
    let length = terms.pace.chunks.unwrap_or(words);
    let (first, piece): (Bytes, Bytes) = ([first, piece.clone()].concat().into(), piece.into());
    let sound = move |index: usize| if index == 0 { first.clone() } else { piece.clone() };
    if asked.text("stream_format") != Some("sse") {
        return Ok(Written::Stream { kind, pieces: Pieces::new(length, sound, Vec::new()) });
    }
    let input = text.len().div_ceil(BYTES_PER_PROMPT_TOKEN);
    let usage = json!({ "input_tokens": input, "output_tokens": length, "total_tokens": input + length });
    let done = event(&json!({ "type": "speech.audio.done", "usage": usage }));
    let delta = move |index: usize| {
        event(&json!({ "type": "speech.audio.delta", "audio": STANDARD.encode(sound(index)) }))
    };
    Ok(Written::Stream { kind: EVENTS, pieces: Pieces::new(length, delta, vec![done]) })
}

fn mp3_frame() -> Vec<u8> {
    let mut frame = MP3_HEADER.to_vec();
    frame.resize(MP3_FRAME, 0);
    frame
}
