//! The operator's own sentences: a dated file that extends the built-in table, for messages that a vendor has changed
//! since the release.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;
use serde::Deserialize;

use super::mapping::SHORTEST_PART;
use super::message::Message;
use super::{Meaning, SentenceClass, SentenceScope, built_in, normalized, scope};

/// The largest file that is read, in bytes.
pub const LONGEST_FILE: usize = 256 * 1024;
/// The most sentences that it may hold.
const MOST_SENTENCES: usize = 1_000;

/// The operator's sentences, followed by the built-in table.
#[derive(Debug, Default)]
pub struct Sentences {
    /// The date in the operator's file.
    pub dated: Option<NaiveDate>,
    own: Vec<OperatorSentence>,
}

#[derive(Debug)]
struct OperatorSentence {
    rule: &'static str,
    says: SentenceMeaning,
    status: Vec<u16>,
    parts: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum SentenceMeaning {
    Class(Meaning),
    Request,
}

/// Why a file of sentences is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusableSentences(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// A TOML date or a string.
    dated: toml::Value,
    #[serde(default)]
    sentence: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    contains: Vec<String>,
    #[serde(default)]
    class: Option<SentenceClass>,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    status: Vec<u16>,
    /// Where the sentence was seen; a note for people.
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Request,
}

impl Sentences {
    /// Parses the operator's file.
    ///
    /// # Errors
    /// One line that names the place, the cause and the remedy.
    pub fn parse(text: &str) -> Result<Self, UnusableSentences> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            UnusableSentences(format!("line {line}: {}", error.message()))
        })?;
        if file.sentence.len() > MOST_SENTENCES {
            let message =
                format!("it contains {} sentences; keep at most {MOST_SENTENCES}", file.sentence.len());
            return Err(UnusableSentences(message));
        }
        let dated = date(&file.dated)?;
        let mut names = BTreeSet::new();
        let mut own = Vec::with_capacity(file.sentence.len());
        for entry in file.sentence {
            let name = entry.name.clone();
            if !names.insert(name.clone()) {
                return Err(UnusableSentences(format!("two sentences are named '{name}'; rename one")));
            }
            own.push(
                OperatorSentence::new(entry)
                    .map_err(|cause| UnusableSentences(format!("sentence '{name}': {cause}")))?,
            );
        }
        Ok(Self { dated: Some(dated), own })
    }

    /// The number of sentences that the operator has added.
    #[must_use]
    pub fn added(&self) -> usize {
        self.own.len()
    }

    /// The meaning of a message and the rule that matched. `status` is that of the response, or 200 for an error
    /// inside a successful response.
    #[must_use]
    pub fn meaning(&self, status: u16, message: &str) -> Option<(Meaning, &'static str)> {
        let message = Message::of(message);
        let own = self.own.iter().find_map(|own| match own.says {
            SentenceMeaning::Class(meaning) if own.fits(status, &message) => Some((meaning, own.rule)),
            SentenceMeaning::Class(_) | SentenceMeaning::Request => None,
        });
        own.or_else(|| built_in(status, &message))
    }

    /// Whether the message is about the request or about the model, whatever its class; `None` if it does not say.
    #[must_use]
    pub fn sentence_scope(&self, status: u16, message: &str) -> Option<SentenceScope> {
        let message = Message::of(message);
        let of_the_request = |own: &OperatorSentence| {
            matches!(own.says, SentenceMeaning::Request) && own.fits(status, &message)
        };
        if self.own.iter().any(of_the_request) {
            return Some(SentenceScope::Request);
        }
        // A prompt that is too long or forbidden is always a problem of the request, whatever the status.
        match built_in(400, &message) {
            Some((Meaning::ContextWindow | Meaning::ContentPolicy, _)) => Some(SentenceScope::Request),
            Some(_) | None => scope::sentence_scope(status, &message),
        }
    }
}

impl OperatorSentence {
    fn new(entry: Entry) -> Result<Self, String> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 64
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if !is_name(&entry.name) {
            return Err("a name is 1 to 64 of a-z, 0-9 and _".to_owned());
        }
        let says = match (entry.class, entry.scope) {
            (Some(class), None) => SentenceMeaning::Class(class.into()),
            (None, Some(Scope::Request)) => SentenceMeaning::Request,
            (Some(_), Some(_)) | (None, None) => {
                return Err("it needs either a class or scope = \"request\"".to_owned());
            }
        };
        let allowed = |status: u16| match says {
            SentenceMeaning::Class(_) => matches!(status, 400 | 413 | 422),
            SentenceMeaning::Request => (400..600).contains(&status),
        };
        if let Some(status) = entry.status.iter().find(|status| !allowed(**status)) {
            return Err(format!(
                "status {status} is not allowed here: a class applies to 400, 413 and 422 only, a scope to 400 to 599"
            ));
        }
        let parts: Vec<String> = entry.contains.iter().map(|part| normalized(part)).collect();
        if parts.is_empty()
            || !parts.iter().any(|part| part.len() >= SHORTEST_PART)
            || parts.contains(&String::new())
        {
            return Err(format!(
                "'contains' needs parts of the sentence, at least one of them {SHORTEST_PART} characters long"
            ));
        }
        Ok(Self { rule: interned(format!("phrase:{}", entry.name)), says, status: entry.status, parts })
    }

    fn fits(&self, status: u16, message: &Message) -> bool {
        (self.status.is_empty() || self.status.contains(&status)) && message.fits(&self.parts)
    }
}

fn date(value: &toml::Value) -> Result<NaiveDate, UnusableSentences> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d");
    date.map_err(|_| UnusableSentences(format!("dated: '{text}' is not a date; write it as 2026-11-29")))
}

/// Rule names live as long as the process, like the built-in ones: events, headers and logs hold them. An operator's
/// file has few names, and a name that occurs again in the next version of the file is reused.
fn interned(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = name.leak();
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
dated = 2026-11-29

[[sentence]]
name = "acme_window"
class = "context_window_exceeded"
contains = ["Prompt of", "tokens is beyond the window"]

[[sentence]]
name = "acme_firewall"
scope = "request"
status = [403]
contains = ["Acme shield"]
"#;

    #[test]
    fn own_sentences_come_before_those_that_are_built_in() {
        let sentences = Sentences::parse(FILE).expect("a good file");
        assert_eq!((sentences.dated, sentences.added()), (NaiveDate::from_ymd_opt(2026, 11, 29), 2));
        let found = sentences.meaning(400, "A PROMPT of 9 tokens is  beyond the window");
        assert_eq!(found, Some((Meaning::ContextWindow, "phrase:acme_window")));
        let found = sentences.meaning(400, "prompt is too long");
        assert_eq!(found, Some((Meaning::ContextWindow, "phrase:anthropic_prompt_too_long")));
        assert_eq!(sentences.sentence_scope(403, "Blocked by Acme Shield"), Some(SentenceScope::Request));
        assert_eq!(sentences.sentence_scope(404, "Blocked by Acme Shield"), None);
    }

    #[test]
    fn a_broken_file_says_where_and_why() {
        let entry = |members: &str| format!("dated = 2026-11-29\n[[sentence]]\nname = \"x\"\n{members}\n");
        for (text, part) in [
            ("dated = 2026-11-29\n[[sentence]\n".to_owned(), "line 2"),
            ("[[sentence]]\nname = \"x\"\ncontains = [\"long enough\"]\n".to_owned(), "dated"),
            ("dated = \"soon\"\n".to_owned(), "'soon' is not a date"),
            (entry("contains = [\"long enough\"]"), "either a class or scope"),
            (entry("class = \"rate_limited\"\ncontains = [\"long enough\"]"), "line 4"),
            (entry("class = \"content_policy\"\ncontains = [\"abc\"]"), "6 characters"),
            (entry("class = \"content_policy\"\ncontains = []"), "6 characters"),
            (entry("class = \"content_policy\"\ncontains = [\"long enough\"]\nstatus = [429]"), "429"),
            (entry("class = \"content_policy\"\ncontains = [\"long enough\"]\nextra = 1"), "extra"),
            (format!("{FILE}{}", FILE.replace("dated = 2026-11-29", "")), "two sentences are named"),
        ] {
            let error = Sentences::parse(&text).expect_err(&text).to_string();
            assert!(error.contains(part), "{error} lacks {part}");
        }
    }
}
