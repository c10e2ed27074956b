//! Unrecognized provider messages, reduced to the text that does not vary between requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};

use crate::console::components::format::counted;
use crate::console::components::timestamp::Timestamp;
use crate::providers::{MappingMeaning, MessageRules, Sentences};
use crate::store::FallbackEventRow;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// Maximum number of messages listed.
const LISTED: usize = 50;
/// Shorter parts are too unspecific to match on.
const SHORTEST_PART: usize = 6;
/// Longest part, and most parts, of a mapping.
const LONGEST_PART: usize = 80;
const MOST_PARTS: usize = 4;
/// Longest name of a rule.
const LONGEST_NAME: usize = 48;

/// A message of one provider, with the text of its latest event.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub(crate) provider: String,
    pub(crate) message: String,
    pub(crate) status: String,
    /// How often it was seen: `3 times`.
    pub(crate) times: String,
    pub(crate) last: Timestamp,
    /// Path of the latest event.
    pub(crate) event: String,
    /// The text that a mapping would match, for display; empty if none is left.
    pub(crate) stable: String,
    /// How the message is classified by now; empty if it still is not.
    pub(crate) known: String,
    /// Configuration lines that map it for the whole installation.
    pub(crate) lines: String,
    /// Report for the project, without data of the organization.
    pub(crate) report: String,
}

/// The messages of these events, most frequent first. Messages that are classified by now come last.
pub(crate) fn sentences(
    rows: &[FallbackEventRow],
    organization: &OrganizationSnapshot,
    installation: &Sentences,
    now: DateTime<Utc>,
) -> Vec<Sentence> {
    let mut groups: HashMap<(String, String), (&FallbackEventRow, i64)> = HashMap::new();
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
    let mut groups: Vec<(&FallbackEventRow, i64)> = groups.into_values().collect();
    groups.sort_by_key(|(event, count)| std::cmp::Reverse((*count, event.created_at)));
    let read = |(row, times)| sentence(row, times, organization, installation, now);
    let (mut open, known): (Vec<_>, Vec<_>) =
        groups.into_iter().map(read).partition(|sentence| sentence.known.is_empty());
    open.extend(known);
    open.truncate(LISTED);
    open
}

/// Whether neither an error code nor a message rule classified the event.
pub(super) fn by_status_alone(row: &FallbackEventRow) -> bool {
    let rule = row.matched_rule.as_deref().unwrap_or_default();
    matches!(rule, "status:400" | "status:413" | "status:422" | "answer:bad_request")
}

/// Name of the model's provider and its vendor; both empty for a deleted model.
fn provider_of(model: &str, organization: &OrganizationSnapshot) -> (String, &'static str) {
    organization.models.get(model).map_or_else(
        || (format!("provider of {model}"), "custom"),
        |model| (model.provider.name.to_string(), model.provider.preset.name),
    )
}

fn sentence(
    row: &FallbackEventRow,
    times: i64,
    organization: &OrganizationSnapshot,
    installation: &Sentences,
    now: DateTime<Utc>,
) -> Sentence {
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
        "Unclassified sentence of a provider\n\nVendor: {vendor}\nStatus: {status}\nRule: {}\nSentence, without its values: {}\nIt should be classified as: \n",
        row.matched_rule.as_deref().unwrap_or_default(),
        parts.join(" … "),
    );
    let model = organization.models.get(&row.failed_model).map(AsRef::as_ref);
    Sentence {
        provider,
        known: known(row, &message, model, installation),
        message,
        status,
        times: counted(times, "time", "times"),
        last: row.created_at.into(),
        event: format!("/events/{}", row.id.0),
        stable: shown(&parts),
        lines,
        report,
    }
}

/// The rule that would classify the event's message now; empty if there is still none.
fn known(
    row: &FallbackEventRow,
    message: &str,
    model: Option<&ModelEntry>,
    installation: &Sentences,
) -> String {
    let status = row.status_code.and_then(|status| u16::try_from(status).ok()).unwrap_or(400);
    let own = model.and_then(|model| model.provider.mappings.find(status, message));
    match own.map(|mapping| mapping.means()) {
        Some(MappingMeaning::Class(class)) => format!("Mapped as {}", class.as_str()),
        Some(MappingMeaning::Request) => "Mapped for the request".to_owned(),
        None => match MessageRules::from(installation).meaning(status, message) {
            Some((_, rule)) => format!("Now known to this installation, as {rule}"),
            None => String::new(),
        },
    }
}

/// Formats the parts of a message for display: `“beyond the” … “window”`.
pub(super) fn shown(parts: &[String]) -> String {
    parts.iter().map(|part| format!("“{part}”")).collect::<Vec<_>>().join(" … ")
}

/// The stable parts of a message: without numbers, ids, quotations and redacted text, in lower case as rules compare
/// them.
pub(super) fn parts(message: &str) -> Vec<String> {
    let mut gaps = StableText::default();
    let mut rest = message;
    while let Some(letter) = rest.chars().next() {
        let length = match closing(letter) {
            Some(end) => quotation(rest, letter, end),
            None if letter == '[' => placeholder(rest).unwrap_or(0),
            None if is_of_a_word(letter) => {
                let word = rest.find(|letter| !is_of_a_word(letter)).unwrap_or(rest.len());
                let text = rest.get(..word).unwrap_or_default();
                if !text.contains(|letter: char| letter.is_ascii_digit()) {
                    gaps.push(text);
                    rest = rest.get(word..).unwrap_or_default();
                    continue;
                }
                word
            }
            None => 0,
        };
        if length == 0 {
            gaps.push(letter.encode_utf8(&mut [0; 4]));
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        } else {
            gaps.open();
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    let trimmed = gaps.parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let trimmed = trimmed.map(|part| part.trim_matches([' ', '.', ',', ':', ';', '(', ')']).to_owned());
    trimmed.filter(|part| part.chars().count() >= SHORTEST_PART).take(MOST_PARTS).collect()
}

/// Pieces of text separated by gaps.
struct StableText {
    parts: Vec<String>,
}

impl Default for StableText {
    fn default() -> Self {
        Self { parts: vec![String::new()] }
    }
}

impl StableText {
    fn open(&mut self) {
        self.parts.push(String::new());
    }

    fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if let Some(part) = self.parts.last_mut().filter(|part| part.chars().count() < LONGEST_PART) {
                // Only ASCII letters are lowered, as in the comparison of rules.
                part.push(letter.to_ascii_lowercase());
            }
        }
    }
}

/// The closing quotation mark for an opening one.
fn closing(letter: char) -> Option<char> {
    match letter {
        '"' | '`' => Some(letter),
        '\u{201c}' => Some('\u{201d}'),
        '\u{2018}' => Some('\u{2019}'),
        _ => None,
    }
}

/// Length of the quotation at the start of the text; an unterminated one extends to the end.
fn quotation(text: &str, opening: char, end: char) -> usize {
    let inside = text.get(opening.len_utf8()..).unwrap_or_default();
    inside.find(end).map_or(text.len(), |at| opening.len_utf8() + at + end.len_utf8())
}

/// Length of a redaction placeholder at the start: `[redacted]`, `[180 characters]`.
fn placeholder(text: &str) -> Option<usize> {
    let (inside, _) = text.strip_prefix('[')?.split_once(']')?;
    let is_one = inside == "redacted" || inside.ends_with(" characters");
    is_one.then_some(inside.len() + 2)
}

/// Whether the character can be part of a number or an id.
fn is_of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

/// A rule name from the vendor and the first words of the message.
fn name(vendor: &str, parts: &[String]) -> String {
    let words = parts.iter().flat_map(|part| part.split(|letter: char| !letter.is_ascii_alphanumeric()));
    let words = [vendor].into_iter().chain(words.filter(|word| !word.is_empty()).take(5));
    let name = words.collect::<Vec<_>>().join("_").replace('-', "_");
    name.chars().filter(char::is_ascii).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_loses_its_values_and_its_rule_matches_it() {
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

    #[test]
    fn ids_and_redacted_text_are_not_part_of_a_message() {
        for (message, expected) in [
            ("Beyond the window (request id: req_011CSHoEeqsKuR7Fy)", vec!["beyond the window (request id"]),
            ("gpt-4o takes less than that", vec!["takes less than that"]),
            ("The key [redacted] is beyond its plan", vec!["the key", "is beyond its plan"]),
            ("You said [180 characters] and more", vec!["you said", "and more"]),
            ("Beyond the [window] of \u{c9}tude", vec!["beyond the [window] of \u{c9}tude"]),
            (
                "\u{8f93}\u{5165}\u{957f}\u{5ea6}1015\u{8d85}\u{51fa}\u{6700}\u{5927}\u{9650}\u{5236}",
                vec!["\u{8d85}\u{51fa}\u{6700}\u{5927}\u{9650}\u{5236}"],
            ),
            ("400 17", vec![]),
        ] {
            assert_eq!(parts(message), expected, "{message}");
        }
    }
}
