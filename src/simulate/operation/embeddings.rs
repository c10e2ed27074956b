//! Embeddings: a vector for each input.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::asked::Asked;
use super::vectors::vector;
use super::written::{Terms, Written};
use crate::simulate::behavior::Behavior;
use crate::simulate::completion::BYTES_PER_PROMPT_TOKEN;
use crate::simulate::refusal::Refusal;

/// The numbers of a vector, unless the caller asks for others.
const DIMENSIONS: usize = 64;
const MOST_DIMENSIONS: usize = 4_096;
/// The numbers of all vectors of an answer, which is built in memory.
const MOST_NUMBERS: usize = 1 << 20;

#[derive(Serialize)]
struct Embeddings<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Numbers,
}

/// Numbers, or their bytes in Base64.
#[derive(Serialize)]
#[serde(untagged)]
enum Numbers {
    Plain(Vec<f32>),
    Packed(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// # Errors
/// 400 for an input without a result, or for more numbers than an answer may have.
pub(super) fn answer(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let inputs = asked.inputs("input")?;
    let dimensions = asked.number("dimensions", 1..=MOST_DIMENSIONS)?.unwrap_or(DIMENSIONS);
    if inputs.len() * dimensions > MOST_NUMBERS {
        let message = format!("The vectors have more than {MOST_NUMBERS} numbers: send fewer inputs.");
        return Err(Refusal::bad_request(Some("input"), None, message));
    }
    let is_packed = asked.text("encoding_format") == Some("base64");
    let last = inputs.len() - 1;
    let of_input = |(index, input): (usize, &&Value)| {
        let mut numbers = vector(input, dimensions);
        if terms.behavior == Behavior::WrongDimension && index == last {
            numbers.push(0.0);
        }
        let embedding = if is_packed { packed(&numbers) } else { Numbers::Plain(numbers) };
        Embedding { object: "embedding", index, embedding }
    };
    let data = inputs.iter().enumerate().take(terms.kept(inputs.len())).map(of_input).collect();
    let bytes: usize = inputs.iter().map(|input| input.to_string().len()).sum();
    let prompt_tokens = bytes.div_ceil(BYTES_PER_PROMPT_TOKEN);
    let usage = Usage { prompt_tokens, total_tokens: prompt_tokens };
    Ok(Written::json(&Embeddings { object: "list", data, model: asked.model(), usage }))
}

fn packed(numbers: &[f32]) -> Numbers {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Numbers::Packed(STANDARD.encode(bytes))
}
