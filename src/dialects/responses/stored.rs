//! The ids of what a provider stores: a response and its items.
//!
//! Those that callers get end in a mark that names the provider, so that a later request finds it without any record. Providers
//! get their own ids back.

use std::collections::BTreeSet;

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::answer::object;
use crate::dialects::members::{Members, list, text};

/// The beginning of a mark. The id of the provider follows, in hexadecimal digits.
const BEGINNING: &str = "_p";

/// The number of digits in a mark.
const DIGITS: usize = 32;

/// The length of a mark in bytes.
pub const MARK_LENGTH: usize = BEGINNING.len() + DIGITS;

/// The mark of a provider in the ids of what it stores.
#[must_use]
pub fn mark(provider: Uuid) -> String {
    format!("{BEGINNING}{}", provider.simple())
}

/// The provider that the mark of an id names. `None` if the id has no mark.
#[must_use]
pub fn provider_of(id: &str) -> Option<Uuid> {
    let at = id.len().checked_sub(DIGITS)?;
    let digits = id.get(at..)?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let own = id.get(..at)?.strip_suffix(BEGINNING)?;
    let is_mark = !own.is_empty() && digits.bytes().all(is_digit);
    if is_mark { Uuid::try_parse(digits).ok() } else { None }
}

/// The members of an answer, of an event or of an item with an id of what is stored.
#[derive(Deserialize)]
struct Holder<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// The ids in a whole response or in the data of an event, as JSON strings: those of the response, of the one before it, and of
/// their items.
#[must_use]
pub fn ids(answer: &[u8]) -> Vec<&RawValue> {
    let mut found = Vec::new();
    let whole = Holder::read(answer);
    let inside = whole.as_ref().and_then(|whole| Holder::of(whole.response?));
    for holder in whole.iter().chain(&inside) {
        found.extend([holder.id, holder.previous_response_id, holder.item_id]);
        let items = holder.output.and_then(list).unwrap_or_default();
        let items = items.into_iter().chain(holder.item);
        found.extend(items.filter_map(Holder::of).map(|item| item.id));
    }
    found.into_iter().flatten().filter(|id| id.get().len() > 2 && id.get().starts_with('"')).collect()
}

impl<'a> Holder<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_str(object(text)?).ok()
    }

    fn of(value: &'a RawValue) -> Option<Self> {
        Self::read(value.get().as_bytes())
    }
}

/// The ids with marks in the items of an input, as JSON strings.
#[must_use]
pub fn marked(input: &[u8]) -> Vec<&RawValue> {
    if !may_have(input, BEGINNING.as_bytes()) {
        return Vec::new();
    }
    elements(input).into_iter().filter_map(Members::of).flat_map(|item| marked_in(&item)).collect()
}

/// Whether a JSON text may have a word, as it is or with escapes.
fn may_have(json: &[u8], word: &[u8]) -> bool {
    memmem::find(json, word).is_some() || memmem::find(json, b"\\u").is_some()
}

fn marked_in<'a>(item: &Members<'a>) -> Vec<&'a RawValue> {
    let names = item.names().filter(|name| *name == "id" || name.ends_with("_id"));
    let is_marked = |id: &&RawValue| text(id).is_some_and(|id| provider_of(&id).is_some());
    names.filter_map(|name| item.raw(name)).filter(is_marked).collect()
}

/// The elements of a list; none of any other value.
fn elements(value: &[u8]) -> Vec<&RawValue> {
    serde_json::from_slice::<&RawValue>(value).ok().and_then(list).unwrap_or_default()
}

/// What an input refers to by its id.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct References {
    /// The items that are referred to, each with the provider that its id names.
    pub items: Vec<Option<Uuid>>,
    /// Whether there are files or sound by id.
    pub files: bool,
}

/// Members of items that may be an id of what the provider keeps, and the type of an item that always is one.
const IDS_IN_ITEMS: [&[u8]; 4] =
    [b"\"id\"", b"\"file_id\"", b"\"approval_request_id\"", b"\"item_reference\""];

/// Reads what an input refers to by its id.
#[must_use]
pub fn references(input: &[u8]) -> References {
    let mut found = References::default();
    if !IDS_IN_ITEMS.iter().any(|id| may_have(input, id)) {
        return found;
    }
    // Approvals of requests that are in the input as well refer to nothing else.
    let mut asked = BTreeSet::new();
    for item in elements(input).into_iter().filter_map(Members::of) {
        let kind = item.text("type");
        if kind.as_deref() == Some("mcp_approval_request") {
            asked.extend(item.text("id"));
        }
        match reference(&item, kind.as_deref()) {
            Some(Some(id)) if asked.contains(&id) => {}
            Some(id) => found.items.push(id.and_then(|id| provider_of(&id))),
            None => {
                let mut contents = ["content", "output"].into_iter().filter_map(|name| item.raw(name));
                found.files |= contents.any(has_file);
            }
        }
    }
    found
}

/// The id of what the provider keeps, if an item is nothing but a reference to it. It may lack its type, as a message may.
fn reference(item: &Members<'_>, kind: Option<&str>) -> Option<Option<String>> {
    match kind {
        Some("item_reference") => Some(item.text("id")),
        Some("mcp_approval_response") => Some(item.text("approval_request_id")),
        Some("image_generation_call") => item.raw("result").is_none().then(|| item.text("id")),
        // Without a mark, it is unknown which provider can read it.
        Some("compaction" | "compaction_summary") => {
            item.text("id").filter(|id| provider_of(id).is_some()).map(Some)
        }
        Some(_) => None,
        None if item.raw("role").is_none() && item.raw("content").is_none() => item.text("id").map(Some),
        None => None,
    }
}

/// Whether a content is a file or sound by id, or has one among its parts.
fn has_file(content: &RawValue) -> bool {
    let is_kept = |part: &RawValue| Members::of(part).is_some_and(|part| is_file(&part));
    is_kept(content) || list(content).unwrap_or_default().into_iter().any(is_kept)
}

fn is_file(part: &Members<'_>) -> bool {
    let is_sound = || part.text("type").as_deref() == Some("output_audio") && part.raw("id").is_some();
    part.raw("file_id").is_some() || is_sound() && part.raw("data").is_none()
}

/// Whether a list of tools has one that uses files, containers or stores of its provider by id. Tools of the caller never do,
/// whatever the members of their schemas are called.
#[must_use]
pub fn tools_refer(tools: &[u8]) -> bool {
    const IDS: [&[u8]; 4] = [b"\"vector_store_ids\"", b"\"file_ids\"", b"\"file_id\"", b"\"container_id\""];
    elements(tools).into_iter().any(|tool| {
        let Some(members) = Members::of(tool) else { return false };
        let kind = members.text("type");
        if matches!(kind.as_deref(), None | Some("function" | "custom" | "namespace")) {
            return false;
        }
        // A name may have escapes, which are not written again.
        let text = tool.get();
        let plain = if text.contains("\\u") { serde_json::from_str::<Value>(text).ok() } else { None };
        let plain = plain.map_or_else(|| text.to_owned(), |tool| tool.to_string());
        let has_id = IDS.iter().any(|id| memmem::find(plain.as_bytes(), id).is_some());
        has_id || members.text("container").is_some_and(|container| container != "auto")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_00ab);

    fn texts(ids: Vec<&RawValue>) -> Vec<&str> {
        ids.into_iter().map(RawValue::get).collect()
    }

    #[test]
    fn an_id_names_its_provider_by_its_last_mark() {
        let mark = mark(PROVIDER);
        assert_eq!(mark.len(), MARK_LENGTH);
        assert_eq!(provider_of(&format!("resp_1{mark}")), Some(PROVIDER));
        let other = super::mark(Uuid::from_u128(7));
        assert_eq!(provider_of(&format!("resp_1{other}{mark}")), Some(PROVIDER));
        for id in
            ["", "resp_1", &mark, &format!("resp_1{}", mark.to_uppercase()), &format!("resp_1{mark}0"), "é"]
        {
            assert_eq!(provider_of(id), None, "{id}");
        }
    }

    #[test]
    fn the_ids_of_a_response_and_of_its_items_are_found() {
        for (answer, expected) in [
            (
                r#"{"id":"resp_1","previous_response_id":"resp_0","output":[{"type":"message","id":"msg_1","content":[{"id":"x"}]},{"type":"function_call","id":"fc_1","call_id":"call_1"}]}"#,
                vec!["\"resp_1\"", "\"resp_0\"", "\"msg_1\"", "\"fc_1\""],
            ),
            (
                r#"{"type":"response.created","response":{"id":"resp_1","previous_response_id":null,"output":[]}}"#,
                vec!["\"resp_1\""],
            ),
            (
                r#"{"type":"response.output_item.added","item":{"id":"msg_1","status":"in_progress"}}"#,
                vec!["\"msg_1\""],
            ),
            (
                r#"{"type":"response.output_text.delta","item_id":"msg_1","delta":"\"id\":\"x\""}"#,
                vec!["\"msg_1\""],
            ),
            (r#"{"id":"","item_id":7,"output":"x"}"#, vec![]),
            ("[\"id\"]", vec![]),
            ("{", vec![]),
        ] {
            assert_eq!(texts(ids(answer.as_bytes())), expected, "{answer}");
        }
    }

    #[test]
    fn marks_are_found_in_ids_only() {
        let id = |own: &str| format!("\"{own}{}\"", mark(PROVIDER));
        let (reasoning, approved, said) = (id("rs_1"), id("mcpr_1"), id("_p"));
        let input = format!(
            r#"[{{"type":"reasoning","id":{reasoning}}},{{"type":"mcp_approval_response","approval_request_id":{approved}}},{{"role":"user","content":{said}}},{{"type":"function_call","id":"fc_p1","call_id":"c"}}]"#
        );
        assert_eq!(texts(marked(input.as_bytes())), [reasoning.as_str(), approved.as_str()]);
        assert!(marked(said.as_bytes()).is_empty() && marked(b"[{\"id\":\"msg_1\"}]").is_empty());
    }

    #[test]
    fn what_is_referred_to_by_id_is_found() {
        let of_provider = format!(r#"[{{"type":"item_reference","id":"msg_1{}"}}]"#, mark(PROVIDER));
        for (input, items, files) in [
            (of_provider.as_str(), vec![Some(PROVIDER)], false),
            (r#"[{"type":"item_reference","id":"msg_1"}]"#, vec![None], false),
            (r#"[{"type":"item\u005freference","id":"msg_1"}]"#, vec![None], false),
            (r#"[{"id":"rs_1"},{"role":"user","content":"Hi"}]"#, vec![None], false),
            (r#"[{"type":null,"id":"rs_1","status":"completed"}]"#, vec![None], false),
            (of_provider.replace(r#""type":"item_reference","#, "").as_str(), vec![Some(PROVIDER)], false),
            (r#"[{"id":"msg_1","role":"assistant","content":"Hi"}]"#, vec![], false),
            (r#"[{"type":"reasoning","id":"rs_1","summary":[]}]"#, vec![], false),
            (
                r#"[{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}]"#,
                vec![],
                false,
            ),
            (r#"[{"type":"image_generation_call","id":"ig_1"}]"#, vec![None], false),
            (r#"[{"type":"image_generation_call","id":"ig_1","result":"AA"}]"#, vec![], false),
            (
                r#"[{"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true}]"#,
                vec![None],
                false,
            ),
            (
                r#"[{"type":"mcp_approval_request","id":"mcpr_1","name":"f"},{"type":"mcp_approval_response","approval_request_id":"mcpr_1"}]"#,
                vec![],
                false,
            ),
            (r#"[{"type":"compaction","id":"cmp_1","encrypted_content":"x"}]"#, vec![], false),
            (of_provider.replace("item_reference", "compaction").as_str(), vec![Some(PROVIDER)], false),
            (r#"[{"role":"assistant","content":[{"type":"output_audio","id":"audio_1"}]}]"#, vec![], true),
            (r#"[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]"#, vec![], true),
            (
                r#"[{"type":"function_call_output","output":[{"type":"input_image","file_id":"f"}]}]"#,
                vec![],
                true,
            ),
            (r#"[{"type":"computer_call_output","output":{"file_id":"f"}}]"#, vec![], true),
            (
                r#"[{"role":"user","content":[{"type":"input_text","text":"\"file_id\""},{"file_id":null}]}]"#,
                vec![],
                false,
            ),
            ("\"item_reference\"", vec![], false),
        ] {
            assert_eq!(references(input.as_bytes()), References { items, files }, "{input}");
        }
        for (tools, refer) in [
            (r#"[{"type":"file_search","vector_store_ids":["v"]}]"#, true),
            (r#"[{"type":"file_search","vector\u005fstore_ids":["v"]}]"#, true),
            (r#"[{"type":"code_interpreter","container":"cntr_1"}]"#, true),
            (r#"[{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}}]"#, true),
            (r#"[{"type":"code_interpreter","container":{"type":"auto"}}]"#, false),
            (r#"[{"type":"function","name":"f","parameters":{"properties":{"file_id":{}}}}]"#, false),
            (r#"[{"type":"web_search"}]"#, false),
        ] {
            assert_eq!(tools_refer(tools.as_bytes()), refer, "{tools}");
        }
    }
}
