//! What a request says, in the normal form of [`letters`](super::letters): made at the first failure that needs it, and
//! shared by all that compare an error with the request.
//!
//! Strings that follow each other are joined, because a provider may print a list of words as a sentence. Names of members,
//! and values that only say of which kind a message or a part is, are kept apart, so that they do not come between.

use std::ops::Range;

use bytes::Bytes;

use super::letters::{self, Folded};
use crate::gateway::request::json_object::lossy;

/// The fields with the prompt of each dialect.
const PROMPT: [&str; 8] =
    ["messages", "prompt", "input", "system", "instructions", "documents", "prediction", "stop"];
/// Fields that name models, parameters, tools and users, which an error has to name, too: of a tool or a format that is
/// wrong it quotes the schema. Texts of all other fields may be a part of the prompt, whatever their vendor calls them.
const NAMES: [&str; 29] = [
    "anthropic_version",
    "betas",
    "container",
    "end_user",
    "function_call",
    "functions",
    "guided_json",
    "inference_geo",
    "litellm_metadata",
    "logit_bias",
    "metadata",
    "modalities",
    "model",
    "models",
    "output_config",
    "output_format",
    "plugins",
    "prompt_cache_key",
    "provider",
    "reasoning",
    "response_format",
    "safety_identifier",
    "service_tier",
    "stream_options",
    "tags",
    "thinking",
    "tool_choice",
    "tools",
    "user",
];
/// Members that say of which kind something is.
const KINDS: [&str; 2] = ["\"type\"", "\"role\""];
/// The longest request that is compared whole, in bytes.
pub(in crate::gateway) const LONGEST: usize = 512 * 1024;
/// Of each field of a longer one, the bytes that are compared at its start, and as many at its end.
const END: usize = 128 * 1024;
/// The most bytes of a prompt that are kept for an error after the request, half of them at its end.
const KEPT: usize = 16 * 1024;

/// What a request says.
#[derive(Debug, Clone, Default)]
pub(in crate::gateway) struct RequestText {
    /// Names of the prompt, its values and texts of fields that may belong to it, other values, other names.
    text: Folded,
    prompt: usize,
    values: Range<usize>,
    /// Whether nothing is left out.
    whole: bool,
}

impl RequestText {
    /// Reads the fields of a request with a body of so many bytes. Of a long one, only the ends of its prompt.
    pub(in crate::gateway) fn of<'a>(
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
        length: usize,
    ) -> Self {
        let whole = length <= LONGEST;
        let (mut prompt, mut others) = (Parted::default(), Parted::default());
        for (name, value) in fields {
            let is_prompt = PROMPT.contains(&name);
            let pieces = if whole { [value, &[]] } else { ends(value, END) };
            if is_prompt {
                pieces.into_iter().for_each(|piece| prompt.add(piece));
            } else if may_be_prompt(name, value) {
                let names = &mut others.names;
                pieces.into_iter().for_each(|piece| add(piece, names, &mut prompt.values));
            } else if whole {
                others.add(value);
            }
            letters::add(name, &mut others.names);
        }
        Self::new(prompt, others, whole)
    }

    fn new(prompt: Parted, others: Parted, whole: bool) -> Self {
        let mut text = prompt.names;
        // There is a gap after each but the last.
        let more = [&prompt.values, &others.values, &others.names].map(|part| part.letters.len() + 1);
        text.letters.reserve_exact(more.iter().sum());
        text.add_gap();
        let from = text.letters.len();
        text.append(&prompt.values);
        let prompt = text.letters.len();
        text.add_gap();
        text.append(&others.values);
        let values = from..text.letters.len();
        text.add_gap();
        text.append(&others.names);
        Self { text, prompt, values, whole }
    }

    /// All names and values of the request.
    pub(super) fn all(&self) -> &[u8] {
        &self.text.letters
    }

    /// The values of the request, without names.
    pub(super) fn values(&self) -> &[u8] {
        self.all().get(self.values.clone()).unwrap_or_default()
    }

    /// The prompt of the request.
    pub(super) fn prompt(&self) -> &[u8] {
        self.all().get(..self.prompt).unwrap_or_default()
    }

    /// The [spine](super::letters) of the prompt.
    pub(super) fn spine(&self) -> Vec<u8> {
        self.text.spine(self.prompt)
    }

    /// Everything but the values of the prompt: what names something.
    pub(super) fn beside_the_prompt(&self) -> [&[u8]; 2] {
        let all = self.all();
        [all.get(..self.values.start), all.get(self.prompt..)].map(Option::unwrap_or_default)
    }

    /// Whether nothing of the request is left out.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The size in memory, in bytes.
    pub(in crate::gateway) fn len(&self) -> usize {
        self.text.size()
    }
}

/// A copy of the prompt, for an error of its stream after the request is gone.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct KeptPrompt {
    json: Bytes,
    whole: bool,
}

impl KeptPrompt {
    /// Copies the prompt of a request, or the ends of a long one. `hold` counts the copy against the memory share.
    pub(in crate::gateway) fn of<'a>(
        fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
        hold: impl FnOnce(Vec<u8>) -> Bytes,
    ) -> Self {
        let is_prompt = |name: &str, value: &[u8]| PROMPT.contains(&name) || may_be_prompt(name, value);
        let values = fields.filter(move |(name, value)| is_prompt(name, value)).map(|(_, value)| value);
        let (count, length) =
            values.clone().fold((0, 0), |(count, length), value| (count + 1, length + value.len()));
        let whole = length <= KEPT;
        let each = if whole { length } else { KEPT / 2 / count };
        let mut json = Vec::with_capacity(length.min(KEPT) + 2 * count);
        for piece in values.flat_map(|value| ends(value, each)) {
            json.extend_from_slice(piece);
            json.push(b' ');
        }
        Self { json: hold(json), whole }
    }

    /// Reads what was kept.
    pub(in crate::gateway) fn text(&self) -> RequestText {
        let mut prompt = Parted::default();
        prompt.add(&self.json);
        RequestText::new(prompt, Parted::default(), self.whole)
    }
}

/// Whether a field that is not known as the prompt may be a part of it: it has texts, and not for names.
fn may_be_prompt(name: &str, value: &[u8]) -> bool {
    value.contains(&b'"') && !NAMES.contains(&name)
}

/// The start and the end of a value; of a short one all, and nothing.
fn ends(value: &[u8], each: usize) -> [&[u8]; 2] {
    match value.len().checked_sub(2 * each) {
        Some(between) => [value.get(..each), value.get(each + between..)].map(Option::unwrap_or_default),
        None => [value, &[]],
    }
}

/// The normal form of JSON texts, names apart from values.
#[derive(Default)]
struct Parted {
    names: Folded,
    values: Folded,
}

impl Parted {
    fn add(&mut self, json: &[u8]) {
        add(json, &mut self.names, &mut self.values);
    }
}

/// Adds the normal form of a JSON text, with names and values apart.
fn add(json: &[u8], names: &mut Folded, values: &mut Folded) {
    let text = lossy(json);
    values.letters.reserve(text.len());
    let mut of_a_kind = false;
    let mut rest = Some(&*text);
    while let Some(before) = rest {
        let Some(start) = memchr::memchr(b'"', before.as_bytes()) else {
            letters::add(before, values);
            break;
        };
        letters::add(before.get(..start).unwrap_or_default(), values);
        let length = string(before.as_bytes().get(start + 1..).unwrap_or_default());
        let inside = before.get(start + 1..start + 1 + length).unwrap_or_default();
        rest = before.get(start + length + 2..);
        let is_name = rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(':'));
        letters::add(inside, if is_name || of_a_kind { &mut *names } else { &mut *values });
        let name = before.get(start..start + length + 2).unwrap_or_default();
        of_a_kind = is_name && KINDS.contains(&name);
    }
}

/// The length of a string up to its closing quote.
fn string(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if text.get(at + found) == Some(&b'"') {
            return at + found;
        }
        at += found + 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::gateway::request::chat_request::ChatRequest;

    fn read(body: &Value) -> Arc<RequestText> {
        ChatRequest::parse(Bytes::from(body.to_string())).expect("a request").text()
    }

    fn shown(letters: &[u8]) -> String {
        String::from_utf8_lossy(letters).replace('\0', "|")
    }

    #[test]
    fn strings_are_joined_and_names_and_kinds_kept_apart() {
        let text = read(&json!({
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "You \"exceeded\""}, {"type": "text", "text": "your"}]},
                {"content": ["current", "quota\\n"], "role": "my role"},
            ],
            "model": "m-1",
            "seed": 700,
        }));
        let prompt = "contenttypetexttexttypetexttextrolecontentuserrole";
        let shown_prompt = shown(text.prompt());
        let (names, values) = shown_prompt.split_once('|').expect("two texts");
        assert_eq!(values, "youexceededyourcurrentquota");
        assert_eq!(names.len(), prompt.len() + "myrole".len());
        assert_eq!(shown(text.values()), "youexceededyourcurrentquota|m1700");
        assert!(shown(text.all()).ends_with("|m1700|messagesmodelseed"));
        assert!(text.is_whole());
    }

    #[test]
    fn texts_of_fields_that_are_not_known_may_be_the_prompt() {
        for name in ["suffix", "system_instruction", "stop_sequences", "extra_body", "chat_template_kwargs"] {
            let text = read(&json!({"model": "m-1", "messages": [], name: {"a_name": ["The secret plan"]}}));
            assert!(shown(text.prompt()).ends_with("thesecretplan"), "{name}");
            assert!(!shown(text.prompt()).contains("aname"), "{name}");
            let kept = ChatRequest::parse(Bytes::from(
                json!({"model": "m", "messages": [], name: "The plan"}).to_string(),
            ));
            let kept = kept.expect("a request").kept_prompt(Bytes::from);
            assert!(shown(kept.text().prompt()).ends_with("theplan"), "{name}");
        }
        for name in ["tools", "response_format", "user", "metadata"] {
            let text = read(&json!({"model": "m-1", "messages": [], name: {"a_name": ["The secret plan"]}}));
            assert!(!shown(text.prompt()).contains("thesecretplan"), "{name}");
        }
    }

    #[test]
    fn of_a_long_request_the_ends_of_its_prompt_are_read() {
        let content = format!("the start {} the end", "x ".repeat(LONGEST));
        let text = read(&json!({"model": "m", "messages": [{"content": content}], "user": "u1"}));
        let prompt = shown(text.prompt());
        assert!(prompt.contains("thestartx") && prompt.ends_with("theend"), "{}", prompt.len());
        assert!(!text.is_whole() && text.len() < 2 * END && !shown(text.all()).contains("u1"));
    }

    #[test]
    fn a_kept_prompt_is_small() {
        let request = |content: &str| {
            let body =
                json!({"model": "m", "messages": [{"content": content}], "input": "more", "user": "u1"});
            ChatRequest::parse(Bytes::from(body.to_string())).expect("a request")
        };
        let kept = request("the prompt").kept_prompt(Bytes::from);
        assert_eq!(shown(kept.text().prompt()), "content|moretheprompt");
        assert!(kept.text().is_whole());
        let kept = request(&format!("the start {} the end", "x ".repeat(KEPT))).kept_prompt(Bytes::from);
        let (text, json) = (kept.text(), kept.json.len());
        let prompt = shown(text.prompt());
        assert!(prompt.contains("thestart") && prompt.contains("theend") && json <= KEPT + 4, "{json}");
        assert!(!text.is_whole());
    }
}
