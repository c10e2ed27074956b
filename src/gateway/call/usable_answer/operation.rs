//! Judges the answer to a request other than a chat: it has the result that its endpoint is for.

use bytes::Bytes;
use serde::Deserializer;

use super::event_error::error_of;
use super::vectors::{Embeddings, Encoding};
use super::{Judged, end_fault, failed, is_withheld, no_answer_fault};
use crate::domain::operation::Operation;
use crate::gateway::call::choices::{ChoicesSoFar, Texts, Verdict};
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::{RawObject, RawText};
use crate::gateway::usage::pricing::{Flag, Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{LARGE, Share};
use crate::providers::{error_in_answer, error_instead_of_answer, is_empty_error};

/// A transcript that is a text without JSON.
#[derive(Debug, Clone, Copy)]
enum Transcript {
    /// The text alone, without times.
    Plain,
    /// Subtitles in the format of SubRip.
    Srt,
    /// Subtitles in the format of the web (WebVTT).
    Vtt,
}

impl Transcript {
    /// The form with this name as a JSON string; `None` for JSON.
    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"\"text\"" => Some(Self::Plain),
            b"\"srt\"" => Some(Self::Srt),
            b"\"vtt\"" => Some(Self::Vtt),
            _ => None,
        }
    }

    /// Whether a text that is not JSON has this form. Servers send errors as texts, too.
    fn is_of(self, body: &[u8]) -> bool {
        let text = body.trim_ascii_start();
        let is_form = match self {
            Self::Plain => true,
            Self::Srt => memchr::memmem::find(text, b"-->").is_some(),
            Self::Vtt => text.starts_with(b"WEBVTT"),
        };
        is_form && !text.starts_with(b"{") && std::str::from_utf8(body).is_ok()
    }
}

/// What the answer to a request other than a chat must have.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    operation: Operation,
    /// The number of choices of a completion.
    choices: usize,
    /// The number of inputs that get a result each, or of documents or images, if it is known.
    inputs: Option<usize>,
    /// Whether the caller asked for nothing, so that a list without results is one.
    may_be_empty: bool,
    /// The numbers of each embedding, if the caller asked for so many.
    dimensions: Option<usize>,
    encoding: Encoding,
    /// The form of a transcript that is a text without JSON.
    text: Option<Transcript>,
}

impl Expectation {
    /// What the answer to a request must have, of which a completion has so many choices; `None` for a chat.
    #[must_use]
    pub fn of(request: &ChatRequest, choices: usize) -> Option<Self> {
        if request.operation == Operation::Chat {
            return None;
        }
        let part = |name: &str| request.parts.iter().find(|part| part.name == name);
        let value = |name: &str| part(name).map(|part| request.value(part));
        let transcribes = matches!(request.operation, Operation::Transcriptions | Operation::Translations);
        Some(Self {
            operation: request.operation,
            choices,
            text: value("response_format").filter(|_| transcribes).and_then(Transcript::of),
            inputs: request.inputs,
            may_be_empty: request.asks_for_nothing(),
            dimensions: value("dimensions").and_then(|value| serde_json::from_slice(value).ok()),
            encoding: match value("encoding_format") {
                None | Some(b"null" | b"\"float\"") => Encoding::Float,
                Some(b"\"base64\"") => Encoding::Base64,
                Some(_) => Encoding::Other,
            },
        })
    }

    /// What the endpoint is for.
    pub(in crate::gateway::call) fn operation(self) -> Operation {
        self.operation
    }

    /// The number of choices or images that a stream is to have.
    pub(in crate::gateway::call) fn results(self) -> usize {
        match self.operation {
            Operation::Completions => self.choices,
            Operation::Images => self.inputs.unwrap_or(1).max(1),
            Operation::Chat
            | Operation::Embeddings
            | Operation::Moderations
            | Operation::Rerank
            | Operation::Speech
            | Operation::Transcriptions
            | Operation::Translations => 1,
        }
    }

    /// The content type of a usable answer, if it is not JSON.
    pub(in crate::gateway::call) fn content_type(self) -> Option<String> {
        self.text.map(|_| "text/plain; charset=utf-8".to_owned())
    }

    /// Judges a whole answer; a large one is parsed off the event loop.
    pub(in crate::gateway::call) async fn judge_off_event_loop(self, body: &Bytes, share: &Share) -> Judged {
        if body.len() <= LARGE {
            return self.judge(body);
        }
        let text = body.clone();
        let judged = share.read_large(move || self.judge(&text)).await;
        judged.unwrap_or_else(|_| failed(Fault::Garbage(Garbage::NoRoom)))
    }

    /// Judges a whole answer.
    fn judge(self, body: &[u8]) -> Judged {
        if body.trim_ascii().is_empty() {
            // A recording of silence has no words, and its text is a line without any.
            let is_silence = self.text.is_some() && !body.is_empty();
            return if is_silence { Self::text() } else { failed(Fault::Garbage(Garbage::Empty)) };
        }
        let Ok(members) = RawObject::parse(body) else {
            return match no_answer_fault(NoAnswer::Broken, body) {
                Fault::Garbage(Garbage::BrokenJson) if self.text.is_some_and(|text| text.is_of(body)) => {
                    Self::text()
                }
                fault => failed(fault),
            };
        };
        let usage = self.usage(&members);
        let error = members.present("error").filter(|error| !is_empty_error(error.get()));
        if let Some(error) = error {
            let error = Box::new(error_in_answer(error.bytes()));
            return Judged::Failed(Fault::Upstream(error), usage);
        }
        let is_empty = self.may_be_empty && self.has_no_result(&members);
        if self.operation == Operation::Completions && !is_empty {
            return self.judge_texts(body, &members, usage);
        }
        if let Some(fault) = self.missing(&members).filter(|_| !is_empty) {
            return instead_of(fault, body, usage);
        }
        let is_silent = members.present("text").is_some_and(|text| text.get() == "\"\"");
        match is_silent.then(|| error_instead_of_answer(body)).flatten() {
            Some(error) => Judged::Failed(Fault::Upstream(Box::new(error)), usage),
            None => Judged::Usable(Inspected::of_operation(body, &members, usage, TextSize::default())),
        }
    }

    /// Judges a completion by its choices.
    fn judge_texts(self, body: &[u8], members: &RawObject<'_>, usage: Reported) -> Judged {
        let list = members.present("choices").filter(|list| begins_with_object(*list));
        let Some(Texts { choices, far }) = list.and_then(Texts::read) else {
            return instead_of(Fault::Garbage(Garbage::NoChoice), body, usage);
        };
        let mut so_far = ChoicesSoFar::of(self.choices);
        so_far.take_far(&far);
        let verdict = so_far.take(&choices);
        // As in a chat, an error beside a normal end without content is one.
        if verdict == Verdict::Usable
            && !choices.content
            && let Some(error) = error_instead_of_answer(body)
        {
            return Judged::Failed(Fault::Upstream(Box::new(error)), usage);
        }
        let mut size = choices.size;
        // It came whole.
        size.pieces = 0;
        let answer = || {
            let mut answer = Inspected::of_operation(body, members, usage, size);
            answer.choices.error = choices.error;
            answer
        };
        let fault = match verdict {
            Verdict::Usable if so_far.lack_one() => {
                return Judged::Withheld(Some(answer()), Fault::Garbage(Garbage::MissingChoice));
            }
            Verdict::Usable => return Judged::Usable(answer()),
            Verdict::Bad(ending) if is_withheld(ending) => {
                return Judged::Withheld(Some(answer()), end_fault(ending));
            }
            Verdict::Bad(ending) => end_fault(ending),
            Verdict::Error => error_of(body).unwrap_or(Fault::Garbage(Garbage::Inference)),
            Verdict::Nothing => Fault::Garbage(Garbage::NoContent),
        };
        instead_of(fault, body, usage)
    }

    /// An answer that is a text without JSON.
    fn text() -> Judged {
        Judged::Usable(Inspected::of_text(Reported { extras: true, ..Reported::default() }))
    }

    /// The usage that an answer reports.
    fn usage(self, members: &RawObject<'_>) -> Reported {
        let usage = members.present("usage").map(|usage| parse(usage.get())).unwrap_or_default();
        if !self.operation.is_without_output() {
            let counted = self.operation == Operation::Completions || usage.input.is_some();
            // Images and minutes of sound have a price of their own.
            return if counted { usage } else { Reported { extras: true, ..Reported::default() } };
        }
        // Some vendors count nothing but the total, which is the prompt.
        let Some(input) = usage.input.or(usage.total) else {
            // Searches have a price of their own.
            return Reported { extras: usage.extras || self.operation == Operation::Rerank, ..usage };
        };
        let flag = usage.flag.filter(|flag| *flag != Flag::Unusable);
        Reported { input: Some(input), output: usage.output.or(Some(0)), total: None, flag, ..usage }
    }

    /// Why an answer is not usable; `None` if it is.
    fn missing(self, members: &RawObject<'_>) -> Option<Fault> {
        let lacks_result = Some(Fault::Garbage(Garbage::NoResult));
        let list = |name: &str| members.present(name).filter(|list| begins_with_object(*list));
        match self.operation {
            Operation::Embeddings => {
                let usable = list("data").is_some_and(|list| self.has_embeddings(list));
                (!usable).then_some(Fault::Garbage(Garbage::Embeddings))
            }
            Operation::Moderations
                if !list("results").is_some_and(|list| self.has_all(list) && has_judgments(list)) =>
            {
                lacks_result
            }
            Operation::Rerank
                if !list("results").or_else(|| list("data")).is_some_and(|list| self.has_scores(list)) =>
            {
                lacks_result
            }
            Operation::Images if !list("data").is_some_and(|list| has_images(list) && self.has_all(list)) => {
                lacks_result
            }
            Operation::Transcriptions | Operation::Translations
                if !members.present("text").is_some_and(|text| text.get().starts_with('"')) =>
            {
                lacks_result
            }
            Operation::Chat
            | Operation::Completions
            | Operation::Moderations
            | Operation::Rerank
            | Operation::Images
            | Operation::Speech
            | Operation::Transcriptions
            | Operation::Translations => None,
        }
    }

    /// Whether an answer has the list of its results, without any.
    fn has_no_result(self, members: &RawObject<'_>) -> bool {
        let names: &[&str] = match self.operation {
            Operation::Embeddings | Operation::Images => &["data"],
            Operation::Moderations => &["results"],
            Operation::Rerank => &["results", "data"],
            Operation::Completions => &["choices"],
            Operation::Chat | Operation::Speech | Operation::Transcriptions | Operation::Translations => &[],
        };
        let mut lists = names.iter().filter_map(|name| members.present(name));
        lists.any(|list| objects(list).is_some_and(|results| results.is_empty()))
    }

    /// Whether a list has at least one element for each input, or as many images as were asked for.
    fn has_all(self, list: RawText<'_>) -> bool {
        self.inputs.is_none_or(|inputs| objects(list).is_some_and(|found| found.len() >= inputs))
    }

    /// Whether each result of a list says how relevant one of the documents is.
    fn has_scores(self, list: RawText<'_>) -> bool {
        let is_of_a_document = |index: RawText<'_>| match (index.get().parse::<usize>(), self.inputs) {
            (Ok(index), Some(documents)) => index < documents,
            (Ok(_), None) => true,
            (Err(_), _) => false,
        };
        let is_scored = |result: &RawObject<'_>| {
            result.present("relevance_score").is_some()
                && result.present("index").is_none_or(is_of_a_document)
        };
        objects(list).is_some_and(|results| results.iter().all(is_scored))
    }

    /// Whether there is one embedding for each input, all of one size, which is that asked for.
    fn has_embeddings(self, list: RawText<'_>) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(list.bytes());
        let Ok(found) = reader.deserialize_seq(Embeddings(self.encoding)) else { return false };
        let sized = self.encoding == Encoding::Other
            || self.dimensions.is_none_or(|dimensions| found.size == Some(dimensions));
        found.is_sound()
            && found.size.is_some()
            && sized
            && self.inputs.is_none_or(|inputs| inputs == found.count)
    }
}

/// Whether a value is a list that begins with an object.
fn begins_with_object(list: RawText<'_>) -> bool {
    list.bytes().strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// The elements of a list, if all are objects.
fn objects(list: RawText<'_>) -> Option<Vec<RawObject<'_>>> {
    serde_json::from_slice(list.bytes()).ok()
}

/// Whether each result of a moderation says something: whether it is flagged, or, at some vendors, the categories alone.
fn has_judgments(list: RawText<'_>) -> bool {
    let is_judgment = |result: &RawObject<'_>| match result.present("flagged") {
        Some(flagged) => matches!(flagged.get(), "true" | "false"),
        None => result.present("categories").is_some_and(|categories| categories.get().starts_with('{')),
    };
    objects(list).is_some_and(|results| results.iter().all(is_judgment))
}

/// Whether each image of a list is there, or at an address.
fn has_images(list: RawText<'_>) -> bool {
    let filled = |image: &RawObject<'_>, name| {
        image.present(name).is_some_and(|value| value.get().starts_with('"') && value.get() != "\"\"")
    };
    let is_image = |image: &RawObject<'_>| filled(image, "b64_json") || filled(image, "url");
    objects(list).is_some_and(|images| images.iter().all(is_image))
}

/// The failure of an answer with this fault, unless it reports an error that says more.
fn instead_of(fault: Fault, body: &[u8], usage: Reported) -> Judged {
    let error = error_instead_of_answer(body).map(Box::new);
    Judged::Failed(error.map_or(fault, Fault::Upstream), usage)
}

#[cfg(test)]
mod tests;
