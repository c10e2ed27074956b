//! Transcriptions and translations: a text that names the size of the recording.

use serde_json::{Value, json};

use super::asked::Asked;
use super::written::{EVENTS, Pieces, Terms, Written, event};
use crate::simulate::refusal::Refusal;

/// The bytes of a recording for which a token is counted.
const BYTES_PER_TOKEN: usize = 128;

/// # Errors
/// 400 without a recording, or for a format that it cannot write.
pub(super) fn answer(asked: &Asked, task: &'static str, terms: &Terms) -> Result<Written, Refusal> {
    let bytes = asked.recording()?;
    let text = format!("A recording of {bytes} bytes.");
    if asked.is_true("stream") {
        return Ok(streamed(&text, bytes, terms));
    }
    let usage = usage(&text, bytes);
    let plain = |body: String| Written::Whole { kind: "text/plain; charset=utf-8", body: body.into() };
    Ok(match asked.text("response_format") {
        None | Some("json") => Written::json(&json!({ "text": text, "usage": usage })),
        Some("text") => plain(format!("{text}\n")),
        Some("srt") => plain(format!("1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n")),
        Some("vtt") => plain(format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n\n")),
        Some("verbose_json") => {
            let segment = json!({ "id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": text, "tokens": [], "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0 });
            Written::json(&json!({
                "task": task, "language": "english", "duration": 1.0, "text": text, "segments": [segment], "usage": usage,
            }))
        }
        Some(_) => {
            let message = "Simulated models write in the formats json, text, srt, vtt and verbose_json.";
            return Err(Refusal::bad_request(Some("response_format"), None, message));
        }
    })
}

/// The words as events. A longer stream repeats them, and its last event has them all.
fn streamed(text: &str, bytes: usize, terms: &Terms) -> Written {
    let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    let length = terms.pace.chunks.unwrap_or(words.len());
    let whole: String = words.iter().cycle().take(length).map(String::as_str).collect();
    let usage = usage(&whole, bytes);
    let done = event(&json!({ "type": "transcript.text.done", "text": whole, "usage": usage }));
    let delta = move |index: usize| {
        let word = words.get(index % words.len().max(1)).map_or("", String::as_str);
        event(&json!({ "type": "transcript.text.delta", "delta": word }))
    };
    Written::Stream { kind: EVENTS, pieces: Pieces::new(length, delta, vec![done]) }
}

fn usage(text: &str, bytes: usize) -> Value {
    let (input, output) = (bytes.div_ceil(BYTES_PER_TOKEN), text.split_whitespace().count());
    let details = json!({ "text_tokens": 0, "audio_tokens": input });
    json!({ "type": "tokens", "input_tokens": input, "output_tokens": output, "total_tokens": input + output, "input_token_details": details })
}
