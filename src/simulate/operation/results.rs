//! Moderations and rerank: a judgment of each text, and the order of documents.

use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::vectors::{likeness, vector};
use super::written::{Terms, Written};
use crate::simulate::completion::BYTES_PER_PROMPT_TOKEN;
use crate::simulate::refusal::Refusal;

/// The word that makes a text harmful.
const HARMFUL: &str = "harmful";

/// What a text is judged for. Harmful texts are violent.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// The numbers of the vectors that are compared.
const DIMENSIONS: usize = 64;

/// # Errors
/// 400 without an input.
pub(super) fn moderations(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let inputs = match asked.required("input")? {
        // Parts, such as a text and an image, are judged together.
        parts @ Value::Array(list) if list.iter().any(Value::is_object) => vec![parts],
        _ => asked.inputs("input")?,
    };
    let kept = inputs.iter().take(terms.kept(inputs.len()));
    let results: Vec<Value> = kept.map(|input| judged(&input.to_string())).collect();
    let id = format!("modr-{}", terms.number);
    Ok(Written::json(&json!({ "id": id, "model": asked.model(), "results": results })))
}

fn judged(text: &str) -> Value {
    let flagged = text.to_lowercase().contains(HARMFUL);
    let of_category = |of: fn(bool) -> Value| {
        let judged = CATEGORIES.iter().map(|name| ((*name).to_owned(), of(flagged && *name == "violence")));
        judged.collect::<Map<_, _>>()
    };
    let score = |is_meant| json!(if is_meant { 0.99 } else { 0.01 });
    json!({ "flagged": flagged, "categories": of_category(Value::Bool), "category_scores": of_category(score) })
}

/// # Errors
/// 400 without a query or documents.
pub(super) fn rerank(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let query = asked.required("query")?;
    let documents = asked.elements("documents")?;
    let top = asked.number("top_n", 1..=usize::MAX)?.unwrap_or(usize::MAX);
    let own = vector(query, DIMENSIONS);
    let score_of = |document: &&Value| likeness(&own, &vector(text_of(document), DIMENSIONS));
    let mut scores: Vec<(usize, f32)> = documents.iter().map(score_of).enumerate().collect();
    scores.sort_by(|one, other| other.1.total_cmp(&one.1));
    let result = |(index, score): &(usize, f32)| {
        let mut result = json!({ "index": index, "relevance_score": score });
        if asked.is_true("return_documents") {
            result["document"] = json!({ "text": documents.get(*index).map(|document| text_of(document)) });
        }
        result
    };
    let mut results: Vec<Value> = scores.iter().take(top).map(result).collect();
    if let Some(last) = results.last_mut().filter(|_| terms.lacks_one()) {
        // A document that was not sent. A shorter list is no fault, because callers ask for the best ones.
        last["index"] = documents.len().into();
    }
    let bytes: usize = documents.iter().map(|document| document.to_string().len()).sum();
    let tokens = (bytes + query.to_string().len()).div_ceil(BYTES_PER_PROMPT_TOKEN);
    let usage = json!({ "total_tokens": tokens });
    let id = format!("rerank-{}", terms.number);
    Ok(Written::json(&json!({ "id": id, "model": asked.model(), "results": results, "usage": usage })))
}

/// The text of a document: itself, or its member.
fn text_of(document: &Value) -> &Value {
    document.get("text").unwrap_or(document)
}
