//! Streams as vendors send them, and stranger ones: each a list of events, with what passes of it.

/// How the lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Lf,
    CrLf,
    Cr,
}

impl Ends {
    pub(super) const ALL: [Self; 3] = [Self::Lf, Self::CrLf, Self::Cr];

    fn of(self, text: &str) -> String {
        match self {
            Self::Lf => text.to_owned(),
            Self::CrLf => text.replace('\n', "\r\n"),
            Self::Cr => text.replace('\n', "\r"),
        }
    }
}

/// An event as it is written down here: `MODEL` and `MORE` are where we write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// Held until content comes.
    Held(&'static str),
    /// An event with content.
    Real(&'static str),
    /// Kept from a caller who did not ask for it.
    Dropped(&'static str),
    /// The end of the stream.
    Done(&'static str),
}

use Event::{Done, Dropped, Held, Real};

/// An event as it is sent and as it passes.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) sent: String,
    pub(super) passes: String,
    pub(super) real: bool,
    pub(super) done: bool,
}

/// What comes of an event that was cut, at a body's clean end.
#[derive(Debug)]
pub(super) enum Tail {
    /// It is no JSON.
    Breaks,
    /// This passes; whether it has a `finish_reason`.
    Passes(String, bool),
    /// It is `[DONE]`, without its blank line.
    Done(String),
}

impl Piece {
    pub(super) fn finishes(&self) -> bool {
        self.sent.contains(r#""finish_reason":""#)
    }

    pub(super) fn prefix(&mut self, text: &str) {
        self.sent.insert_str(0, text);
        self.passes.insert_str(0, text);
    }

    /// The mark belongs to the encoding and does not pass.
    pub(super) fn without_byte_order_mark(&mut self) {
        self.passes = self.passes.trim_start_matches('\u{feff}').to_owned();
    }

    pub(super) fn without_its_end(&mut self) {
        self.sent.truncate(self.sent.trim_end().len());
        self.passes.truncate(self.passes.trim_end().len());
    }

    /// What its first `length` bytes are taken for.
    pub(super) fn tail(&self, length: usize) -> Tail {
        let bytes = &self.sent.as_bytes()[..length];
        // Where its data begins and ends.
        let begin = self.sent.find("data:").map_or(self.sent.len(), |at| at + "data:".len());
        let end = self.sent.trim_end().len();
        let blank = bytes.get(begin..).is_none_or(|data| data.trim_ascii().is_empty());
        if blank {
            let text = std::str::from_utf8(bytes).expect("ASCII before the data");
            return Tail::Passes(passing(text), false);
        }
        if length < end {
            return Tail::Breaks;
        }
        let missing = self.sent.len() - length;
        if self.done {
            return Tail::Done(self.sent.split_at(length).0.to_owned());
        }
        let passes = self.passes.split_at(self.passes.len().saturating_sub(missing)).0;
        Tail::Passes(passes.to_owned(), self.finishes())
    }
}

/// What passes of an event: its fields, comments without their texts, and nothing if it has neither comments alone nor data.
fn passing(text: &str) -> String {
    const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];
    let is_end = |letter: char| matches!(letter, '\n' | '\r');
    let comments = |line: &str| line.is_empty() || line.starts_with(':');
    let has_data = |line: &str| line.strip_prefix("data:").is_some_and(|data| !data.trim().is_empty());
    if !text.split(is_end).all(comments) && !text.split(is_end).any(has_data) {
        return String::new();
    }
    let mut passes = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, ended) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        let length = if ended.starts_with("\r\n") { 2 } else { ended.len().min(1) };
        let (end, next) = ended.split_at(length);
        let name = line.split(':').next().unwrap_or_default();
        match name {
            "" if line.is_empty() => passes += end,
            "" => passes.extend([":", end]),
            name if FIELDS.contains(&name) => passes.extend([line, end]),
            _ => {}
        }
        rest = next;
    }
    passes
}

/// The events of a stream, their lines ending so.
pub(super) fn pieces(stream: &[Event], ends: Ends) -> Vec<Piece> {
    let piece = |event: &Event| {
        let (Held(text) | Real(text) | Dropped(text) | Done(text)) = event;
        let text = ends.of(text);
        let passes = match event {
            Dropped(_) => String::new(),
            Held(_) | Real(_) | Done(_) => {
                passing(&text).replace("MODEL", "\"ours\"").replace("MORE", ",\"provider\":\"house\"")
            }
        };
        let sent = text.replace("MODEL", "\"theirs\"").replace("MORE", "");
        Piece { sent, passes, real: matches!(event, Real(_)), done: matches!(event, Done(_)) }
    };
    stream.iter().map(piece).collect()
}

/// As OpenAI sends it: a role, words in several scripts, usage, `[DONE]`.
const USUAL: &[Event] = &[
    Held(
        "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":MODEL,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"finish_reason\":null}]MORE}\n\n",
    ),
    Real(
        "data: {\"id\":\"c-1\",\"model\":MODEL,\"choices\":[{\"delta\":{\"content\":\"Grüße \u{1f980}\"}}]MORE}\n\n",
    ),
    Real(
        "data: {\"id\":\"c-1\",\"model\":MODEL,\"choices\":[{\"delta\":{\"content\":\"\u{4f60}\u{597d}\"}}],\"usage\":nullMORE}\n\n",
    ),
    Real(
        "data: {\"id\":\"c-1\",\"model\":MODEL,\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]MORE}\n\n",
    ),
    Dropped(
        "data: {\"id\":\"c-1\",\"model\":\"theirs\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\n",
    ),
    Done("data: [DONE]\n\n"),
];

/// Everything that the format allows around the data, odd JSON, and no `[DONE]`.
const ODD: &[Event] = &[
    Held("\n\n"),
    Held(": PROCESSING\n\n"),
    Held("retry: 3000\nid: 0\n\n"),
    Held("event: ping\n\n"),
    Held("data:\n\n"),
    Held(
        "data:{\"id\":\"\",\"model\":MODEL,\"choices\":[],\"prompt_filter_results\":[{\"x\":{\"model\":\"inner\"}}]MORE}\n\n",
    ),
    Held(
        "event: message\nid: 7\ndata:   {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}] , \"model\" :\tMODEL MORE}  \n\n",
    ),
    Real(
        ": why not\ndata: {\"mod\\u0065l\":MODEL,\"big\":1.50E+2000,\"choices\":[{\"delta\":{\"reasoning\":\"h\\u00e9\"}}]MORE}\nunknown: 1\n\n",
    ),
    Held(": PROCESSING\n\n"),
    Held("id: 0\n{\"key\":\"hidden\"}\ndata: {\"id\":\"\",\"model\":MODEL,\"choices\":[]MORE}\n\n"),
    Held("data: {\"unknown\":{\"deep\":[[{}]]},\"model\":MODEL,\"choices\":[]MORE}\n\n"),
    Real(
        "data: {\"provider\":\"house\",\"model\":MODEL,\"choices\":[{\"delta\":{\"content\":\"\\\"model\\\":\\\"x\\\"\"},\"finish_reason\":\"length\"}]}\n\n",
    ),
];

/// As the smallest server sends it: no blanks, no role, every field in one event.
const SMALL: &[Event] = &[
    Real("data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"model\":MODELMORE}\n\n"),
    Real(
        "data:{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"model\":MODELMORE}\n\n",
    ),
    Done("data:[DONE]\n\n"),
];

pub(super) const STREAMS: [&[Event]; 3] = [USUAL, ODD, SMALL];
