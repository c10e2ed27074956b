//! Reads a request of Responses into turns of blocks.

use serde_json::value::RawValue;

use super::items::Conversation;
use super::tools;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::fate::{Fate, check, strip, typed};
use crate::dialects::members::{Members, list, text};
use crate::dialects::need::{Need, ServerTool};
use crate::dialects::turns::{Choice, Chosen, Request, Role, allowed};

/// The members of a request, besides those of the gateway.
const MEMBERS: &[(&str, Fate)] = &[
    ("input", Fate::Read),
    ("include", Fate::Read),
    ("instructions", Fate::Read),
    ("max_output_tokens", Fate::Read),
    ("parallel_tool_calls", Fate::Read),
    ("reasoning", Fate::Read),
    ("store", Fate::Read),
    ("stream", Fate::Read),
    ("stream_options", Fate::Read),
    ("temperature", Fate::Read),
    ("text", Fate::Read),
    ("tool_choice", Fate::Read),
    ("tools", Fate::Read),
    ("top_p", Fate::Read),
    ("user", Fate::Read),
    ("client_metadata", Fate::Dropped),
    ("context_management", Fate::Dropped),
    ("max_tool_calls", Fate::Dropped),
    ("metadata", Fate::Dropped),
    ("moderation", Fate::Dropped),
    ("prompt_cache_key", Fate::Dropped),
    ("prompt_cache_options", Fate::Dropped),
    ("prompt_cache_retention", Fate::Dropped),
    ("safety_identifier", Fate::Dropped),
    ("service_tier", Fate::Dropped),
    ("truncation", Fate::Dropped),
    ("background", Fate::Needed(Need::Background)),
    ("conversation", Fate::Needed(Need::StoredState)),
    ("previous_response_id", Fate::Needed(Need::PreviousResponse)),
    ("prompt", Fate::Needed(Need::StoredState)),
    ("top_logprobs", Fate::Needed(Need::Logprobs)),
];

/// What may be included in an answer: the probabilities of tokens, which other dialects do not report.
const LOGPROBS: &str = "message.output_text.logprobs";

const INPUT: Need = Need::Translation("'input' must be a text or a list of items");
const INSTRUCTIONS: Need = Need::Translation("'instructions' must be a text");
const CHOICE: Need = Need::Translation("'tool_choice' must be a known word, or name a tool");
const INCLUDE: Need = Need::Translation("'include' must be a list of texts");
const PARALLEL: Need = Need::Translation("'parallel_tool_calls' must be true or false");
const USER: Need = Need::Translation("'user' must be a text");

/// Reads a request.
///
/// # Errors
/// It needs something that no model of another dialect can do, or is not a valid request.
pub fn read<'a>(members: &Members<'a>, changes: &mut Changes) -> Result<Request<'a>, Need> {
    check(members, MEMBERS, changes)?;
    include(members, changes)?;
    if members.object("stream_options").is_some_and(|options| options.names().next().is_some()) {
        changes.stripped("stream_options");
    }
    if members.value("store") == Some(true) {
        changes.note(Verb::Dropped, "store");
    }
    let tools = tools::read(members, changes)?;
    let mut conversation = Conversation::default();
    if let Some(instructions) = members.raw("instructions") {
        conversation.say(Role::System, text(instructions).ok_or(INSTRUCTIONS)?);
    }
    let input = members.raw("input").ok_or(INPUT)?;
    match text(input) {
        Some(said) => conversation.say(Role::User, said),
        None => {
            for item in list(input).ok_or(INPUT)? {
                conversation.add(item, changes)?;
            }
        }
    }
    let (choice, names) = choice(members)?;
    Ok(Request {
        turns: conversation.into_turns(changes),
        tools: allowed(tools.offered, names, changes),
        choice,
        parallel: typed(members, "parallel_tool_calls", PARALLEL)?,
        limit: members.raw("max_output_tokens"),
        temperature: members.raw("temperature"),
        top_p: members.raw("top_p"),
        top_k: None,
        seed: None,
        stop: Vec::new(),
        stream: members.value("stream").unwrap_or_default(),
        user: typed(members, "user", USER)?,
        effort: effort(members, changes),
        budget: None,
        adaptive: false,
        cache: None,
        json: format_of(members).is_some_and(|format| is_json(&format)),
        schema: schema(members, changes),
        schema_name: format_of(members).and_then(|format| format.text("name")),
        strict_schema: format_of(members).and_then(|format| format.value("strict")),
    })
}

/// What the caller wants in the answer besides. Other dialects report none of it.
fn include(members: &Members<'_>, changes: &mut Changes) -> Result<(), Need> {
    let included: Vec<String> = typed(members, "include", INCLUDE)?.unwrap_or_default();
    if included.iter().any(|name| name == LOGPROBS) {
        return Err(Need::Logprobs);
    }
    if !included.is_empty() {
        changes.note(Verb::Dropped, "include");
    }
    Ok(())
}

fn choice(members: &Members<'_>) -> Result<Chosen, Need> {
    let of_object = |kind: Option<&str>, choice: &Members<'_>| match kind {
        Some("function" | "custom") => Ok(Choice::Named(known_as(choice).ok_or(CHOICE)?)),
        Some(kind) => Err(Need::ServerTool(ServerTool::of(kind))),
        None => Err(CHOICE),
    };
    Choice::read(members, CHOICE, of_object, known_as)
}

/// The name under which a tool is offered that a choice names; `None` for one without a name.
fn known_as(tool: &Members<'_>) -> Option<String> {
    Some(tools::flat(tool.text("namespace").as_deref(), &tool.text("name")?))
}

/// How much the model is to think.
fn effort(members: &Members<'_>, changes: &mut Changes) -> Option<String> {
    let reasoning = members.object("reasoning")?;
    match reasoning.text("effort") {
        Some(effort) => {
            // Every answer has a summary.
            strip(&reasoning, &["effort", "summary", "generate_summary"], changes);
            changes.note(Verb::Mapped, "reasoning");
            Some(effort)
        }
        None => {
            if reasoning.names().next().is_some() {
                changes.note(Verb::Dropped, "reasoning");
            }
            None
        }
    }
}

/// The format of the answer.
fn format_of<'a>(members: &Members<'a>) -> Option<Members<'a>> {
    members.object("text")?.object("format")
}

/// Whether a format is JSON of any form.
fn is_json(format: &Members<'_>) -> bool {
    format.text("type").as_deref() == Some("json_object") && format.raw("schema").is_none()
}

/// The schema of the answer. Other formats than text and JSON have no equivalent.
fn schema<'a>(members: &Members<'a>, changes: &mut Changes) -> Option<&'a RawValue> {
    let text = members.object("text")?;
    if text.raw("verbosity").is_some() {
        changes.note(Verb::Dropped, "verbosity");
    }
    strip(&text, &["format", "verbosity"], changes);
    let format = text.object("format")?;
    strip(&format, &["type", "name", "schema", "strict"], changes);
    let schema = format.raw("schema");
    let is_known = is_json(&format) || format.text("type").is_none_or(|kind| kind == "text");
    if schema.is_none() && !is_known {
        changes.note(Verb::Dropped, "text");
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(more: &str) -> Result<(usize, Vec<String>), Need> {
        let body = format!(r#"{{"input":"Hi","max_output_tokens":9{more}}}"#);
        let members: Members<'_> = serde_json::from_str(&body).expect(&body);
        let mut changes = Changes::default();
        let request = read(&members, &mut changes)?;
        Ok((request.turns.len(), changes.into_names()))
    }

    #[test]
    fn members_are_read_or_named() {
        for (more, turns, changes) in [
            ("", 1, vec![]),
            (
                r#","instructions":"Be brief.","store":false,"include":["reasoning.encrypted_content"]"#,
                2,
                vec!["dropped:include"],
            ),
            (
                r#","include":[],"stream_options":{"include_obfuscation":false}"#,
                1,
                vec!["stripped:stream_options"],
            ),
            (
                r#","reasoning":{"effort":"low","context":"all_turns"}"#,
                1,
                vec!["stripped:context", "mapped:reasoning"],
            ),
            (r#","reasoning":{"effort":"low","summary":"auto"}"#, 1, vec!["mapped:reasoning"]),
            (r#","reasoning":{"summary":"auto"}"#, 1, vec!["dropped:reasoning"]),
            (r#","reasoning":{}"#, 1, vec![]),
            (
                r#","text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"}"#,
                1,
                vec!["dropped:verbosity"],
            ),
            (r#","text":{"format":{"type":"json_object"}}"#, 1, vec![]),
            (r#","text":{"format":{"type":"grammar"}}"#, 1, vec!["dropped:text"]),
            (
                r#","store":true,"prompt_cache_key":"k","of_next_year":1"#,
                1,
                vec!["dropped:member", "dropped:prompt_cache_key", "dropped:store"],
            ),
            (r#","background":false,"previous_response_id":null,"top_logprobs":0"#, 1, vec![]),
            (
                r#","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}],"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"}]}"#,
                1,
                vec!["mapped:tool_choice", "mapped:tools"],
            ),
        ] {
            let changes: Vec<String> = changes.into_iter().map(str::to_owned).collect();
            assert_eq!(request(more), Ok((turns, changes)), "{more}");
        }
    }

    #[test]
    fn what_only_a_provider_of_the_dialect_has_is_needed() {
        for (more, need) in [
            (r#","previous_response_id":"resp_1""#, Need::PreviousResponse),
            (r#","conversation":"conv_1""#, Need::StoredState),
            (r#","conversation":{"id":"conv_1"}"#, Need::StoredState),
            (r#","prompt":{"id":"pmpt_1"}"#, Need::StoredState),
            (r#","background":true"#, Need::Background),
            (r#","include":["message.output_text.logprobs"]"#, Need::Logprobs),
            (r#","top_logprobs":2"#, Need::Logprobs),
            (r#","tools":[{"type":"file_search"}]"#, Need::ServerTool(ServerTool::FileSearch)),
            (r#","tool_choice":{"type":"web_search"}"#, Need::ServerTool(ServerTool::WebSearch)),
            (r#","tool_choice":"some""#, CHOICE),
            (r#","tool_choice":{"type":"allowed_tools","mode":"none","tools":[]}"#, CHOICE),
            (r#","instructions":["x"]"#, INSTRUCTIONS),
            (r#","include":"all""#, INCLUDE),
            (r#","parallel_tool_calls":1"#, PARALLEL),
            (r#","user":7"#, USER),
        ] {
            assert_eq!(request(more), Err(need), "{more}");
        }
        let members: Members<'_> = serde_json::from_str("{}").expect("JSON");
        assert_eq!(read(&members, &mut Changes::default()).err(), Some(INPUT));
    }
}
