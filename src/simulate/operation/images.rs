//! Images from a text, whole and streamed: one pixel, with a color that is the same for the same text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};

use super::asked::Asked;
use super::written::{EVENTS, Pieces, Terms, Written};
use crate::simulate::completion::BYTES_PER_PROMPT_TOKEN;
use crate::simulate::refusal::Refusal;

/// The images that one request may ask for, and the unfinished ones of a stream, as at OpenAI.
const MOST_IMAGES: usize = 10;
const MOST_PARTIAL: usize = 3;

/// The tokens of an image of OpenAI at its lowest quality.
const TOKENS: usize = 272;

/// # Errors
/// 400 without a prompt, or for too many images.
pub(super) fn answer(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let prompt = asked.required("prompt")?.to_string();
    let count = terms.kept(asked.number("n", 1..=MOST_IMAGES)?.unwrap_or(1));
    let partial = asked.number("partial_images", 0..=MOST_PARTIAL)?.unwrap_or_default();
    let image = STANDARD.encode(pixel(&prompt));
    let usage = usage(&prompt, count);
    if asked.is_true("stream") {
        let created = terms.created;
        let done =
            json!({ "b64_json": image, "created_at": created, "output_format": "png", "usage": usage });
        let after = (0..count).map(|_| named("image_generation.completed", done.clone())).collect();
        let content = move |index: usize| {
            let data = json!({ "b64_json": image, "created_at": created, "output_format": "png", "partial_image_index": index });
            named("image_generation.partial_image", data)
        };
        return Ok(Written::Stream { kind: EVENTS, pieces: Pieces::new(partial, content, after) });
    }
    let entry = match asked.text("response_format") {
        // Nothing is stored, so the address holds the image.
        Some("url") => json!({ "url": format!("data:image/png;base64,{image}") }),
        Some(_) | None => json!({ "b64_json": image }),
    };
    let data = vec![entry; count];
    let created = terms.created;
    Ok(Written::json(&json!({ "created": created, "data": data, "output_format": "png", "usage": usage })))
}

fn usage(prompt: &str, count: usize) -> Value {
    let (input, output) = (prompt.len().div_ceil(BYTES_PER_PROMPT_TOKEN), count * TOKENS);
    let details = json!({ "text_tokens": input, "image_tokens": 0 });
    json!({ "input_tokens": input, "output_tokens": output, "total_tokens": input + output, "input_tokens_details": details })
}

fn named(kind: &str, mut data: Value) -> Bytes {
    data["type"] = kind.into();
    format!("event: {kind}\ndata: {data}\n\n").into()
}

/// A PNG of one pixel.
fn pixel(text: &str) -> Bytes {
    let [red, green, blue, _] = crc32fast::hash(text.as_bytes()).to_be_bytes();
    let row = [0, red, green, blue];
    // One block that is not compressed, between the header and the checksum of zlib.
    let mut data = vec![0x78, 0x01, 0x01, 4, 0, 0xfb, 0xff];
    data.extend(row);
    data.extend(adler32(&row).to_be_bytes());
    let mut image = BytesMut::from(b"\x89PNG\r\n\x1a\n".as_slice());
    // The width and the height, then eight bits for each of three colors.
    put(&mut image, *b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
    put(&mut image, *b"IDAT", &data);
    put(&mut image, *b"IEND", &[]);
    image.freeze()
}

/// Adds a chunk of a PNG: its length, its name, its data, and the checksum of both.
fn put(image: &mut BytesMut, name: [u8; 4], data: &[u8]) {
    image.put_u32(u32::try_from(data.len()).unwrap_or(u32::MAX));
    image.put_slice(&name);
    image.put_slice(data);
    image.put_u32(crc32fast::hash(&[name.as_slice(), data].concat()));
}

fn adler32(bytes: &[u8]) -> u32 {
    let sums = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (sums.1 << 16) | sums.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_sound_checksums() {
        // As RFC 1950 and others give it for this word.
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        let image = pixel("a fox");
        assert_eq!(image, pixel("a fox"));
        assert_ne!(image, pixel("a wolf"));
        // The signature, and chunks with 13, 15 and 0 bytes between 12 others each.
        assert_eq!(image.len(), 8 + 25 + 27 + 12);
        assert_eq!(&image[8..16], b"\0\0\0\x0dIHDR");
        assert!(image.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }
}
