//! `GET /events/unclassified`: bad requests by the providers' sentences that no rule fits, with the lines that would.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::auth::visitor::{Visitor, may};
use crate::clock::Clock;
use crate::error::Result;
use crate::gateway::classify::ErrorClass;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, EventRow, Store};
use crate::web::figures::count;
use crate::web::layout::{Frame, Lit};
use crate::web::moment::Moment;
use crate::web::response::page;

/// The newest bad requests that are looked at.
const LOOKED_AT: u64 = 1_000;
/// The most sentences that are listed.
const LISTED: usize = 50;
/// A part of a sentence shorter than this says nothing about it.
const SHORTEST_PART: usize = 6;
/// The longest part, and the most parts, that the lines name.
const LONGEST_PART: usize = 80;
const MOST_PARTS: usize = 4;
/// The longest name of a sentence.
const LONGEST_NAME: usize = 48;

/// A sentence of one provider, in the words of its last event.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub(crate) provider: String,
    pub(crate) message: String,
    pub(crate) status: String,
    pub(crate) times: String,
    pub(crate) last: Moment,
    /// The path of its last event.
    pub(crate) event: String,
    /// The lines that map it.
    pub(crate) lines: String,
    /// What to send to the project, without anything of the organization's.
    pub(crate) report: String,
}

#[derive(Template)]
#[template(path = "events/unclassified.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) sentences: Vec<Sentence>,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    visitor: Visitor<may::Read>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let filter = EventFilter {
        error_class: Some(ErrorClass::InvalidRequest.as_str().to_owned()),
        origin: Some("live".to_owned()),
        ..EventFilter::default()
    };
    let rows = store.organization(&visitor.tenant).event_batch(&filter, None, LOOKED_AT).await?;
    page(&Page {
        frame: Frame::of(&visitor, "Unclassified failures", Lit::Events),
        sentences: sentences(&rows, &visitor.organization, clock.now()),
    })
}

/// The sentences of these events, newest first, by the most frequent.
pub(crate) fn sentences(
    rows: &[EventRow],
    organization: &OrganizationSnapshot,
    now: DateTime<Utc>,
) -> Vec<Sentence> {
    let mut groups: HashMap<(String, String), (&EventRow, i64)> = HashMap::new();
    for row in rows.iter().filter(|row| by_status_alone(row)) {
        let Some(message) = row.error_message.as_deref() else { continue };
        let (provider, _) = provider_of(&row.failed_model, organization);
        match groups.entry((provider, parts(message).join("…"))) {
            Entry::Occupied(mut group) => group.get_mut().1 += 1,
            Entry::Vacant(group) => {
                group.insert((row, 1));
            }
        }
    }
    let mut groups: Vec<(&EventRow, i64)> = groups.into_values().collect();
    groups.sort_by_key(|(event, count)| std::cmp::Reverse((*count, event.created_at)));
    groups.into_iter().take(LISTED).map(|(row, times)| sentence(row, times, organization, now)).collect()
}

/// No code and no sentence said what it is.
fn by_status_alone(row: &EventRow) -> bool {
    let rule = row.matched_rule.as_deref().unwrap_or_default();
    matches!(rule, "status:400" | "status:413" | "status:422" | "answer:bad_request")
}

/// The name of the model's provider and its vendor; a model that is gone has neither.
fn provider_of(model: &str, organization: &OrganizationSnapshot) -> (String, &'static str) {
    organization.models.get(model).map_or_else(
        || (format!("provider of {model}"), "custom"),
        |model| (model.provider.name.to_string(), model.provider.preset.name),
    )
}

fn sentence(row: &EventRow, times: i64, organization: &OrganizationSnapshot, now: DateTime<Utc>) -> Sentence {
    let message = row.error_message.clone().unwrap_or_default();
    let (provider, vendor) = provider_of(&row.failed_model, organization);
    let parts = parts(&message);
    let status = row.status_code.map(|status| status.to_string()).unwrap_or_default();
    let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
    let contains: Vec<String> = parts.iter().map(quoted).collect();
    let lines = format!(
        "# Choose the class: context_window_exceeded, content_policy, quota_exhausted, authentication, model_not_found\n[[sentence]]\nname = \"{}\"\nclass = \"context_window_exceeded\"\ncontains = [{}]\nsource = \"seen on {}\"\n",
        name(vendor, &parts),
        contains.join(", "),
        now.format("%Y-%m-%d"),
    );
    let report = format!(
        "Unclassified sentence of a provider\n\nVendor: {vendor}\nStatus: {status}\nRule: {}\nSentence, without its values: {}\nIt should be read as: \n",
        row.matched_rule.as_deref().unwrap_or_default(),
        parts.join(" … "),
    );
    Sentence {
        provider,
        message,
        status,
        times: count(times),
        last: row.created_at.into(),
        event: format!("/events/{}", row.id.0),
        lines,
        report,
    }
}

/// A sentence without what differs from one request to the next: numbers and quotations. In lower case, as sentences
/// are compared.
fn parts(message: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for letter in message.to_lowercase().chars() {
        let opens = matches!(letter, '"' | '`' | '\u{201c}' | '\u{2018}');
        match quote {
            Some(end) if letter == end => quote = None,
            Some(_) => {}
            None if opens => {
                quote = Some(match letter {
                    '\u{201c}' => '\u{201d}',
                    '\u{2018}' => '\u{2019}',
                    other => other,
                });
                parts.push(String::new());
            }
            None if letter.is_ascii_digit() => parts.push(String::new()),
            None => {
                if let Some(part) = parts.last_mut().filter(|part| part.chars().count() < LONGEST_PART) {
                    part.push(letter);
                }
            }
        }
    }
    let trimmed = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let trimmed = trimmed.map(|part| part.trim_matches([' ', '.', ',', ':', ';', '(', ')']).to_owned());
    trimmed.filter(|part| part.chars().count() >= SHORTEST_PART).take(MOST_PARTS).collect()
}

/// A name for the sentence: its vendor and its first words.
fn name(vendor: &str, parts: &[String]) -> String {
    let words = parts.iter().flat_map(|part| part.split(|letter: char| !letter.is_ascii_alphanumeric()));
    let words = [vendor].into_iter().chain(words.filter(|word| !word.is_empty()).take(5));
    let name = words.collect::<Vec<_>>().join("_").replace('-', "_");
    name.chars().filter(char::is_ascii).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Sentences;

    #[test]
    fn a_sentence_loses_its_values_and_its_lines_fit_it() {
        let message = "Prompt of 1015 tokens is beyond the `tiny-model` window, see \"docs\".";
        let parts = parts(message);
        assert_eq!(parts, ["prompt of", "tokens is beyond the", "window, see"]);
        assert_eq!(name("vllm", &parts), "vllm_prompt_of_tokens_is_beyond");
        let quoted: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
        let file = format!(
            "dated = 2026-11-29\n[[sentence]]\nname = \"x\"\nclass = \"context_window_exceeded\"\ncontains = [{}]\n",
            quoted.join(", ")
        );
        let sentences = Sentences::parse(&file).expect("a good file");
        assert!(sentences.meaning(400, message).is_some());
        assert!(sentences.meaning(400, &message.replace("1015", "77")).is_some());
    }
}
