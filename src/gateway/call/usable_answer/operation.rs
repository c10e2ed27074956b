//! Judges the answer to a request other than a chat: it has the result that its endpoint is for.

use bytes::Bytes;
use serde::Deserializer;

use super::vectors::{Embeddings, Encoding};
use super::{Judged, failed, no_answer_fault};
use crate::domain::operation::Operation;
use crate::gateway::call::classify::{Fault, Filter, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::{RawObject, RawText};
use crate::gateway::usage::pricing::{Flag, Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{LARGE, Share};
use crate::providers::finish_reasons::finish;
use crate::providers::{FinishMeaning, error_in_answer, error_instead_of_answer, is_empty_error};

/// What the answer to a request other than a chat must have.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    operation: Operation,
    /// The number of inputs that get a result each, or of documents or images, if it is known.
    inputs: Option<usize>,
    /// Whether the caller asked for nothing, so that a list without results is one.
    may_be_empty: bool,
    /// The numbers of each embedding, if the caller asked for so many.
    dimensions: Option<usize>,
    encoding: Encoding,
    /// Whether the answer is a text without JSON, such as subtitles.
    is_text: bool,
    /// Whether the caller gets the event of a stream that has nothing but its usage.
    include_usage: bool,
    /// Whether a completion begins with its prompt.
    echoes: bool,
}

impl Expectation {
    /// What the answer to a request must have; `None` for a chat.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Option<Self> {
        if request.operation == Operation::Chat {
            return None;
        }
        let part = |name: &str| request.parts.iter().find(|part| part.name == name);
        let value = |name: &str| part(name).map(|part| request.value(part));
        let transcribes = matches!(request.operation, Operation::Transcriptions | Operation::Translations);
        Some(Self {
            operation: request.operation,
            is_text: transcribes
                && matches!(value("response_format"), Some(b"\"text\"" | b"\"srt\"" | b"\"vtt\"")),
            include_usage: request.include_usage || request.operation != Operation::Completions,
            echoes: value("echo") == Some(b"true"),
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

    /// Whether the caller gets the event of a stream that has nothing but its usage. The gateway may have asked for it.
    pub(in crate::gateway::call) fn includes_usage(self) -> bool {
        self.include_usage
    }

    /// Whether a completion begins with its prompt, so that its text is not the size of the answer.
    pub(in crate::gateway::call) fn echoes(self) -> bool {
        self.echoes
    }

    /// The content type of a usable answer, if it is not JSON.
    pub(in crate::gateway::call) fn content_type(self) -> Option<String> {
        self.is_text.then(|| "text/plain; charset=utf-8".to_owned())
    }

    /// The size of the texts of a completion; empty for other answers, and for one that begins with its prompt.
    fn size(self, members: &RawObject<'_>) -> TextSize {
        if self.operation != Operation::Completions || self.echoes {
            return TextSize::default();
        }
        let choices = members.present("choices").and_then(objects).unwrap_or_default();
        let texts = choices.iter().filter_map(|choice| choice.present("text"));
        texts.fold(TextSize::default(), |size, text| size.then(TextSize::of_json(text.get())))
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
            let is_silence = self.is_text && !body.is_empty();
            return if is_silence { Self::text() } else { failed(Fault::Garbage(Garbage::Empty)) };
        }
        let Ok(members) = RawObject::parse(body) else {
            let begin = body.trim_ascii_start().first();
            return match begin {
                Some(b'<' | b'{') => failed(no_answer_fault(NoAnswer::Broken, body)),
                _ if self.is_text && std::str::from_utf8(body).is_ok() => Self::text(),
                _ => failed(no_answer_fault(NoAnswer::Broken, body)),
            };
        };
        let usage = self.usage(&members);
        let error = members.present("error").filter(|error| !is_empty_error(error.get()));
        if let Some(error) = error {
            let error = Box::new(error_in_answer(error.bytes()));
            return Judged::Failed(Fault::Upstream(error), usage);
        }
        let answer = || Inspected::of_operation(body, &members, usage, self.size(&members));
        match self.missing(&members) {
            None => Judged::Usable(answer()),
            Some(fault @ Fault::Filtered(_)) => Judged::Withheld(Some(answer()), fault),
            Some(fault) => {
                let error = error_instead_of_answer(body).map(Box::new);
                Judged::Failed(error.map_or(fault, Fault::Upstream), usage)
            }
        }
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
        if self.may_be_empty && self.has_no_result(members) {
            return None;
        }
        let lacks_result = Some(Fault::Garbage(Garbage::NoResult));
        let list = |name: &str| members.present(name).filter(|list| begins_with_object(*list));
        match self.operation {
            Operation::Embeddings => {
                let usable = list("data").is_some_and(|list| self.has_embeddings(list));
                (!usable).then_some(Fault::Garbage(Garbage::Embeddings))
            }
            Operation::Moderations if !list("results").is_some_and(|list| self.has_all(list)) => lacks_result,
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
            Operation::Completions => match list("choices") {
                Some(choices) if self.has_all(choices) => without_text(choices),
                Some(_) | None => Some(Fault::Garbage(Garbage::NoChoice)),
            },
            Operation::Chat
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

/// Whether each image of a list is there, or at an address.
fn has_images(list: RawText<'_>) -> bool {
    let filled = |image: &RawObject<'_>, name| image.present(name).is_some_and(|value| value.get() != "\"\"");
    let is_image = |image: &RawObject<'_>| filled(image, "b64_json") || filled(image, "url");
    objects(list).is_some_and(|images| images.iter().all(is_image))
}

/// Why no completion of a list is usable; `None` if one has text, or ended normally.
fn without_text(list: RawText<'_>) -> Option<Fault> {
    let Some(choices) = objects(list) else { return Some(Fault::Garbage(Garbage::NoChoice)) };
    let is_text =
        |choice: &RawObject<'_>| choice.present("text").is_some_and(|text| text.get().starts_with('"'));
    let has_text = |choice: &RawObject<'_>| {
        is_text(choice) && choice.present("text").is_some_and(|text| text.get() != "\"\"")
    };
    if choices.iter().any(has_text) {
        return None;
    }
    let reason = |choice: &RawObject<'_>| {
        let reason = choice.present("finish_reason")?;
        finish(&serde_json::from_str::<String>(reason.get()).ok()?)
    };
    let mut endings = choices.iter().filter(|choice| is_text(choice)).filter_map(reason);
    match endings.next() {
        Some(ending) if ending.finish == FinishMeaning::Complete => None,
        Some(ending) if ending.finish == FinishMeaning::Filtered => {
            Some(Fault::Filtered(Filter::FinishReason(ending.rule)))
        }
        Some(_) | None => Some(Fault::Garbage(Garbage::NoContent)),
    }
}

#[cfg(test)]
mod tests;
