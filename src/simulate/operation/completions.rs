//! Completions of texts, whole and streamed: one or more choices for each prompt.

use std::num::NonZeroUsize;

use serde_json::{Value, json};

use super::asked::Asked;
use super::written::{EVENTS, Pieces, Terms, Written, event};
use crate::simulate::behavior::Behavior;
use crate::simulate::completion::{Answer, FINGERPRINT, bounded};
use crate::simulate::refusal::Refusal;
use crate::simulate::request::{ChatRequest, Message};

/// The choices that a prompt may ask for.
const MOST_CHOICES: usize = 16;
/// The words of all choices together, as many as a chat may have.
const MOST_WORDS: usize = 1_000_000;

/// The choices of an answer: so many for each prompt.
struct Choices {
    id: String,
    created: u64,
    model: String,
    /// The answer to each prompt, after the beginning that repeats it.
    answers: Vec<(String, Answer)>,
    /// The choices for each of them.
    each: usize,
    /// Where the words of each choice end in a stream.
    ends: Vec<usize>,
    /// Whether each event of a stream has a member for its usage.
    with_usage: bool,
}

/// # Errors
/// 400 for a prompt without an answer, or for more words than an answer may have.
pub(super) fn answer(asked: &Asked, terms: &Terms) -> Result<Written, Refusal> {
    let most = asked.number("max_tokens", 1..=usize::MAX)?;
    let each = asked.number("n", 1..=MOST_CHOICES)?.unwrap_or(1);
    let echoes = asked.is_true("echo");
    let answered = |prompt: &Value| {
        let said = prompt.as_str().filter(|_| echoes).map(bounded).unwrap_or_default();
        (said, answer_to(prompt, asked.model(), most, terms))
    };
    let answers: Vec<_> = asked.inputs("prompt")?.into_iter().map(answered).collect();
    let count = terms.kept(answers.len() * each);
    let lengths = answers.iter().flat_map(|(_, answer)| std::iter::repeat_n(answer.length(), each));
    let ends: Vec<usize> = lengths
        .take(count)
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect();
    if ends.last().is_some_and(|words| *words > MOST_WORDS) {
        let message = format!("The choices have more than {MOST_WORDS} words: ask for fewer.");
        return Err(Refusal::bad_request(Some("prompt"), None, message));
    }
    let options = asked.get("stream_options");
    let choices = Choices {
        id: format!("cmpl-{}", terms.number),
        created: terms.created,
        model: asked.model().to_owned(),
        answers,
        each,
        ends,
        with_usage: options.is_some_and(|options| options["include_usage"] == true),
    };
    Ok(if asked.is_true("stream") { choices.streamed() } else { choices.whole() })
}

/// The answer to one prompt, as to a message. Tokens say nothing.
fn answer_to(prompt: &Value, model: &str, most: Option<usize>, terms: &Terms) -> Answer {
    let said = serde_json::value::to_raw_value(prompt).ok();
    let request = ChatRequest {
        model: model.into(),
        messages: vec![Message { role: "user".into(), content: said.as_deref() }],
        max_tokens: most.and_then(NonZeroUsize::new),
        ..ChatRequest::default()
    };
    let (id, created) = (terms.number.clone(), terms.created);
    match terms.behavior {
        Behavior::FilteredFinish => Answer::filtered(&request, id, created),
        _ => Answer::to(&request, terms.pace, id, created),
    }
}

impl Choices {
    /// The answer of a choice, and the beginning that repeats its prompt.
    fn of(&self, choice: usize) -> Option<&(String, Answer)> {
        self.answers.get(choice / self.each)
    }

    /// A body with these choices.
    fn body(&self, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id, "object": "text_completion", "created": self.created, "model": self.model,
            "choices": choices, "system_fingerprint": FINGERPRINT,
        })
    }

    fn usage(&self) -> Value {
        let tokens = self.answers.iter().map(|(_, answer)| answer.tokens());
        let (prompt, one) = tokens.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let completion = one * self.each;
        json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
    }

    fn whole(&self) -> Written {
        let of_choice = |index: usize| {
            let (said, answer) = self.of(index)?;
            let text = [said.as_str(), answer.text().as_str()].concat();
            Some(choice(index, &text, Some(answer.finish_reason())))
        };
        let mut body = self.body((0..self.ends.len()).filter_map(of_choice).collect());
        body["usage"] = self.usage();
        Written::json(&body)
    }

    /// The words of all choices, one choice after the other.
    fn streamed(self) -> Written {
        let end_of = |index: usize| self.of(index).map(|(_, answer)| answer.finish_reason());
        let ended = |index: usize| self.chunk(vec![choice(index, "", end_of(index))]);
        let mut after: Vec<_> = (0..self.ends.len()).map(|index| event(&ended(index))).collect();
        if self.with_usage {
            let mut last = self.body(Vec::new());
            last["usage"] = self.usage();
            after.push(event(&last));
        }
        after.push("data: [DONE]\n\n".into());
        let length = self.ends.last().copied().unwrap_or_default();
        let pieces = Pieces::new(length, move |index| event(&self.word(index)), after);
        Written::Stream { kind: EVENTS, pieces }
    }

    /// The chunk with the word at this place of a stream.
    fn word(&self, place: usize) -> Value {
        let index = self.ends.partition_point(|end| *end <= place);
        let before = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let word = place - before.unwrap_or_default();
        let text = self.of(index).map(|(said, answer)| {
            let said = if word == 0 { said.as_str() } else { "" };
            [said, answer.word(word)].concat()
        });
        self.chunk(vec![choice(index, &text.unwrap_or_default(), None)])
    }

    fn chunk(&self, choices: Vec<Value>) -> Value {
        let mut chunk = self.body(choices);
        if self.with_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

fn choice(index: usize, text: &str, finish_reason: Option<&str>) -> Value {
    json!({ "text": text, "index": index, "logprobs": null, "finish_reason": finish_reason })
}
