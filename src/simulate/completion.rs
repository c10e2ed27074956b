//! A simulated answer and its bodies: complete, or in chunks.

use bytes::Bytes;
use serde::Serialize;

use super::behavior::Pace;
use super::request::ChatRequest;
use super::shape::{
    CalledFunction, Chunk, ChunkChoice, CompletionDetails, Delta, FunctionPiece, Message, PromptDetails,
    THOUGHT, ToolCall, ToolCallPiece, Usage, Whole, WholeChoice,
};
use super::tool::Call;

/// The usual estimate for English; a real tokenizer would cost more than the rest of the answer.
pub(super) const BYTES_PER_PROMPT_TOKEN: usize = 4;

/// How many characters of the caller's text an answer or an error repeats.
const MOST_REPEATED: usize = 200;

pub(super) const FINGERPRINT: &str = "fp_simulated";

/// One answer; its bodies are rendered on demand.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    created: u64,
    model: String,
    /// Words with their trailing blank; a longer answer repeats them.
    words: Vec<String>,
    /// The name of the called tool. The words are then its arguments, after an empty one in place of the name.
    called: Option<String>,
    /// The namespace of that tool.
    namespace: Option<String>,
    /// Whether the input of that tool is free text.
    has_free_text: bool,
    length: usize,
    finish_reason: &'static str,
    /// Whether it thinks after its first content chunk.
    thinks_late: bool,
    /// Whether a checksum of its stream is wrong, in dialects that have one.
    is_corrupted: bool,
    usage: Usage,
}

/// A chunk of a streamed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Role,
    /// The content chunk with this index, starting at 0.
    Content(usize),
    /// A thought in the middle of the content.
    Thought,
    Finish,
    Usage,
}

impl Answer {
    /// The answer to `request`, at the length that `pace` asks for, but within the request's own limit.
    pub(super) fn to(request: &ChatRequest<'_>, pace: Pace, id: String, created: u64) -> Self {
        if let Some(call) = request.call() {
            return Self::calling(request, call, id, created);
        }
        let mut text = match request.tool_text() {
            Some(said) => format!("The tool said: {}", bounded(&said)),
            None => reply(&request.last_user_text()),
        };
        if pace.chunks.is_some() {
            // Keeps repeated words apart.
            text.push(' ');
        }
        let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        let wanted = pace.chunks.unwrap_or(words.len());
        let length = request.most_tokens().map_or(wanted, |most| most.min(wanted));
        let finish_reason = if length < wanted { "length" } else { "stop" };
        let usage = estimate(request, length);
        let model = request.model.clone().into_owned();
        Self { model, words, length, finish_reason, ..Self::empty(id, created, usage) }
    }

    /// An answer without words.
    fn empty(id: String, created: u64, usage: Usage) -> Self {
        Self {
            id,
            created,
            model: String::new(),
            words: Vec::new(),
            called: None,
            namespace: None,
            has_free_text: false,
            length: 0,
            finish_reason: "stop",
            thinks_late: false,
            is_corrupted: false,
            usage,
        }
    }

    /// An answer that calls a tool. It is never truncated, because partial arguments are useless.
    fn calling(request: &ChatRequest<'_>, call: Call, id: String, created: u64) -> Self {
        let pieces = call.arguments.split_inclusive([',', ':']).map(str::to_owned);
        let words: Vec<String> = std::iter::once(String::new()).chain(pieces).collect();
        let length = words.len();
        let usage = estimate(request, length);
        let model = request.model.clone().into_owned();
        Self {
            model,
            words,
            called: Some(call.name),
            namespace: call.namespace,
            has_free_text: call.has_free_text,
            length,
            finish_reason: "tool_calls",
            ..Self::empty(id, created, usage)
        }
    }

    /// The id of the only tool call: letters and digits, as strict providers require.
    fn call_id(&self) -> String {
        self.id.replace("chatcmpl-", "call_")
    }

    /// An answer that a content filter stopped before its first word.
    pub(super) fn filtered(request: &ChatRequest<'_>, id: String, created: u64) -> Self {
        let usage = estimate(request, 0);
        let model = request.model.clone().into_owned();
        Self { model, finish_reason: "content_filter", ..Self::empty(id, created, usage) }
    }

    /// The answer with a reason for its end that does not fit what it holds.
    pub(super) fn contradicting(self) -> Self {
        let finish_reason = if self.called.is_some() { "stop" } else { "tool_calls" };
        Self { finish_reason, ..self }
    }

    /// The answer with a thought after its beginning.
    pub(super) fn thinking_late(self) -> Self {
        Self { thinks_late: true, ..self }
    }

    /// The answer with a wrong checksum in its stream.
    pub(super) fn corrupted(self) -> Self {
        Self { is_corrupted: true, ..self }
    }

    /// Whether a checksum of its stream is wrong.
    pub(super) fn is_corrupted(&self) -> bool {
        self.is_corrupted
    }

    /// The namespace of the tool that is called.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Whether the input of the call is free text.
    pub(super) fn has_free_text(&self) -> bool {
        self.has_free_text
    }

    /// When it was made, in Unix seconds.
    pub(super) fn created(&self) -> u64 {
        self.created
    }

    /// Whether it thinks after its beginning.
    pub(super) fn thinks_late(&self) -> bool {
        self.thinks_late
    }

    /// The number of content chunks.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The id of the answer.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The model, as the caller named it.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// The tool that is called, if one is.
    pub(super) fn called(&self) -> Option<&str> {
        self.called.as_deref()
    }

    /// Why the answer ended, in the words of chat completions.
    pub(super) fn finish_reason(&self) -> &'static str {
        self.finish_reason
    }

    /// The tokens of the prompt and of the answer.
    pub(super) fn tokens(&self) -> (usize, usize) {
        (self.usage.prompt_tokens, self.usage.completion_tokens)
    }

    /// The whole text, or the arguments of the call.
    pub(super) fn text(&self) -> String {
        self.words.iter().cycle().take(self.length).map(String::as_str).collect()
    }

    /// The body of an answer that is not streamed.
    pub(super) fn whole(&self) -> Bytes {
        let content = self.text();
        let (content, tool_calls) = match &self.called {
            Some(name) => {
                let function = CalledFunction { name: name.clone(), arguments: content };
                (None, Some([ToolCall { id: self.call_id(), r#type: "function", function }]))
            }
            None => ((self.length > 0).then_some(content), None),
        };
        let reasoning_content = self.thinks_late.then_some(THOUGHT);
        let message = Message { role: "assistant", content, refusal: None, reasoning_content, tool_calls };
        to_json(&Whole {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: &self.model,
            choices: [WholeChoice { index: 0, message, logprobs: None, finish_reason: self.finish_reason }],
            usage: self.usage,
            system_fingerprint: FINGERPRINT,
        })
        .into()
    }

    /// A chunk as a server-sent event. `with_usage` tells whether the caller asked for usage.
    pub(super) fn event(&self, piece: Piece, with_usage: bool) -> Bytes {
        let (delta, finish_reason) = match piece {
            Piece::Role => (Delta::Role { role: "assistant", content: "", refusal: None }, None),
            Piece::Content(index) => (self.delta(index), None),
            Piece::Thought => (Delta::Thought { reasoning_content: THOUGHT }, None),
            Piece::Finish | Piece::Usage => (Delta::Nothing {}, Some(self.finish_reason)),
        };
        let choice = [ChunkChoice { index: 0, delta, logprobs: None, finish_reason }];
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            system_fingerprint: FINGERPRINT,
            choices: if piece == Piece::Usage { &[] } else { &choice },
            usage: with_usage.then(|| (piece == Piece::Usage).then_some(self.usage)),
        };
        [b"data: ".as_slice(), &to_json(&chunk), b"\n\n"].concat().into()
    }

    fn delta(&self, index: usize) -> Delta<'_> {
        let Some(name) = &self.called else { return Delta::Content { content: self.word(index) } };
        let is_first = index == 0;
        let function = FunctionPiece { name: is_first.then_some(name.as_str()), arguments: self.word(index) };
        let id = is_first.then(|| self.call_id());
        Delta::Call {
            tool_calls: [ToolCallPiece { index: 0, id, r#type: is_first.then_some("function"), function }],
        }
    }

    /// The words of the content chunk with this index.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index % self.words.len().max(1)).map_or("", String::as_str)
    }
}

/// The token estimate described in the documentation of `simulate`.
fn estimate(request: &ChatRequest<'_>, completion_tokens: usize) -> Usage {
    let prompt_tokens = request.content_bytes().div_ceil(BYTES_PER_PROMPT_TOKEN);
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        prompt_tokens_details: PromptDetails::default(),
        completion_tokens_details: CompletionDetails::default(),
    }
}

fn reply(said: &str) -> String {
    if said.is_empty() { "You said nothing.".to_owned() } else { format!("You said: {}", bounded(said)) }
}

/// The beginning of a caller's text, with an ellipsis if it was truncated.
pub(super) fn bounded(text: &str) -> String {
    let mut characters = text.chars();
    let mut start: String = characters.by_ref().take(MOST_REPEATED).collect();
    if characters.next().is_some() {
        start.push_str("...");
    }
    start
}

/// Serializing plain data into memory cannot fail, so there is no error to report.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    fn answer(said: &str, chunks: Option<usize>, max_tokens: Option<usize>) -> Answer {
        let messages = [json!({ "role": "user", "content": said })];
        let body =
            json!({ "model": "sim/steady", "messages": messages, "max_tokens": max_tokens }).to_string();
        let request = ChatRequest::parse(body.as_bytes()).expect(&body);
        let pace = Pace { chunks, gap: Some(Duration::ZERO) };
        Answer::to(&request, pace, "chatcmpl-1".to_owned(), 7)
    }

    fn whole(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.whole()).expect("JSON")
    }

    fn content(answer: &Answer) -> String {
        whole(answer)["choices"][0]["message"]["content"].as_str().expect("content").to_owned()
    }

    #[test]
    fn an_answer_has_the_shape_of_a_chat_completion() {
        let expected = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "sim/steady",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": "You said: hello there", "refusal": null },
                "logprobs": null, "finish_reason": "stop",
            }],
            // "hello there" with its quotes is 13 bytes: 4 tokens of 4 bytes each.
            "usage": {
                "prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8,
                "prompt_tokens_details": { "cached_tokens": 0 },
                "completion_tokens_details": { "reasoning_tokens": 0 },
            },
            "system_fingerprint": "fp_simulated",
        });
        assert_eq!(whole(&answer("hello there", None, None)), expected);
    }

    #[test]
    fn the_text_is_bounded_at_whole_characters() {
        let said = "ä".repeat(MOST_REPEATED + 1);
        assert_eq!(
            content(&answer(&said, None, None)),
            format!("You said: {}...", "ä".repeat(MOST_REPEATED))
        );
        let exact = "ä".repeat(MOST_REPEATED);
        assert_eq!(content(&answer(&exact, None, None)), format!("You said: {exact}"));
        assert_eq!(content(&answer("", None, None)), "You said nothing.");
    }

    #[test]
    fn a_length_is_reached_by_running_through_the_words_again() {
        assert_eq!(content(&answer("a \"b\"", Some(6), None)), "You said: a \"b\" You said: ");
        assert_eq!(content(&answer("a b", Some(2), None)), "You said: ");
    }

    #[test]
    fn a_token_limit_cuts_the_answer_and_says_so() {
        let cut = whole(&answer("a b c", None, Some(3)));
        assert_eq!(cut["choices"][0]["message"]["content"], "You said: a ");
        assert_eq!(cut["choices"][0]["finish_reason"], "length");
        assert_eq!(cut["usage"]["completion_tokens"], 3);
        let exact = whole(&answer("a b c", None, Some(5)));
        assert_eq!(exact["choices"][0]["finish_reason"], "stop");
    }

    #[test]
    fn usage_is_a_key_of_every_chunk_or_of_none() {
        let answer = answer("x", None, None);
        let event = |piece, with_usage| {
            let bytes = answer.event(piece, with_usage);
            let text = std::str::from_utf8(&bytes).expect("UTF-8").to_owned();
            let data =
                text.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n")).expect("an event");
            serde_json::from_str::<Value>(data).expect("JSON")
        };
        assert!(event(Piece::Finish, false).get("usage").is_none());
        assert_eq!(event(Piece::Finish, true).get("usage"), Some(&Value::Null));
        assert_eq!(event(Piece::Usage, true)["choices"], json!([]));
        assert_eq!(event(Piece::Usage, true)["usage"]["completion_tokens"], 3);
        assert_eq!(event(Piece::Finish, false)["choices"][0]["delta"], json!({}));
        assert_eq!(event(Piece::Content(0), false)["choices"][0]["delta"], json!({ "content": "You " }));
    }
}
