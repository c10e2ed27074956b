//! Writes a request for Gemini.
//!
//! The body names its model, whether it is a stream, and how much the model is to think in members of ours: what of them a model
//! takes, and where, is known only when the request is adapted to it.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::value::RawValue;

use super::contents::{self, Content, Part};
use super::schema;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::written::{Reasoning, UNWRITTEN};
use crate::dialects::turns::{Choice, Request, Tool, tool_schema};

/// The `topK` that every model takes; some models have a larger one.
const TOP_K: RangeInclusive<i32> = 1..=40;
/// The longest name of a tool, in bytes.
const LONGEST_NAME: usize = 128;
/// The most stop sequences of a request.
const MOST_STOPS: usize = 5;

const BAD_NAME: Need = Need::Translation(
    "the name of a tool in it does not begin with a letter or '_', is longer than 128 characters, or has others than letters, digits and '_-.:'",
);

/// Writes a request for the model of this name.
///
/// # Errors
/// Gemini cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    if request.stop.len() > MOST_STOPS {
        return Err(Need::StopSequences);
    }
    let (system, turns) = request.conversation()?;
    if request.tools.iter().any(|tool| !is_name(&tool.name)) {
        return Err(BAD_NAME);
    }
    let said = system.iter().flat_map(|turn| &turn.blocks);
    let instruction: Vec<Part<'_>> = said.filter_map(|block| block.spoken().map(Part::text)).collect();
    let declarations =
        request.tools.iter().map(|tool| declaration(tool, changes)).collect::<Result<_, _>>()?;
    note_dropped(request, changes);
    let body = Body {
        model,
        contents: contents::of(turns, changes)?,
        system_instruction: (!instruction.is_empty()).then_some(Instruction { parts: instruction }),
        tools: tools(declarations),
        tool_config: request.choice.as_ref().filter(|_| !request.tools.is_empty()).map(tool_config),
        generation_config: config(request, changes),
        stream: request.stream.then_some(true),
        reasoning: request.reasoning(),
    };
    serde_json::to_vec(&body).map_err(|_| UNWRITTEN)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    model: &'a str,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Declarations<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    generation_config: GenerationConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
}

#[derive(Serialize)]
struct Instruction<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declarations<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Box<RawValue>>,
}

fn tools(function_declarations: Vec<Declaration<'_>>) -> Vec<Declarations<'_>> {
    if function_declarations.is_empty() { Vec::new() } else { vec![Declarations { function_declarations }] }
}

/// Whether a tool may have this name.
fn is_name(name: &str) -> bool {
    let may_follow = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= LONGEST_NAME
        && name.bytes().all(may_follow)
}

fn declaration<'a>(tool: &'a Tool<'a>, changes: &mut Changes) -> Result<Declaration<'a>, Need> {
    let Tool { name, description, schema, strict, .. } = tool;
    if *strict == Some(true) {
        changes.stripped("strict");
    }
    let parameters = schema.map(|schema| tool_schema::object(schema, changes)).transpose()?;
    Ok(Declaration {
        name,
        description: description.as_deref(),
        parameters_json_schema: parameters.map(|schema| schema::fitting(&schema, changes)),
    })
}

fn tool_config(choice: &Choice) -> ToolConfig<'_> {
    let (mode, allowed_function_names) = match choice {
        Choice::Auto => ("AUTO", None),
        Choice::None => ("NONE", None),
        Choice::Any => ("ANY", None),
        Choice::Named(name) => ("ANY", Some([name.as_str()])),
    };
    ToolConfig { function_calling_config: Calling { mode, allowed_function_names } }
}

fn config<'a>(request: &'a Request<'a>, changes: &mut Changes) -> GenerationConfig<'a> {
    GenerationConfig {
        max_output_tokens: request.limit,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: whole(request.top_k, TOP_K, "top_k", changes),
        seed: whole(request.seed, i32::MIN..=i32::MAX, "seed", changes),
        stop_sequences: &request.stop,
        response_mime_type: (request.json || request.schema.is_some()).then_some("application/json"),
        response_json_schema: request.schema.map(|schema| schema::fitting(schema, changes)),
    }
}

/// A whole number that Gemini takes. Others are left out, because it refuses them.
fn whole(
    value: Option<&RawValue>,
    taken: RangeInclusive<i32>,
    name: &str,
    changes: &mut Changes,
) -> Option<i32> {
    let value = value?;
    let number = serde_json::from_str::<i32>(value.get()).ok().filter(|number| taken.contains(number));
    if number.is_none() {
        changes.note(Verb::Dropped, name);
    }
    number
}

/// Names what Gemini has no place for.
fn note_dropped(request: &Request<'_>, changes: &mut Changes) {
    if request.user.is_some() {
        changes.note(Verb::Dropped, "user");
    }
    if request.calls_one_at_a_time() {
        changes.note(Verb::Dropped, "parallel_tool_calls");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialects::chat;
    use crate::dialects::members::Members;

    /// The translation of a chat completion, and the changes; `None` if it cannot be written.
    fn written(body: &Value) -> Option<(Value, Vec<String>)> {
        let body = body.to_string();
        let members: Members<'_> = serde_json::from_str(&body).expect("an object");
        let mut changes = Changes::default();
        let request = chat::read_request::read(&members, &mut changes).expect("a request");
        let written = write(&request, "m", &mut changes).ok()?;
        Some((serde_json::from_slice(&written).expect("JSON"), changes.into_names()))
    }

    #[test]
    fn a_completion_becomes_contents_and_settings() {
        let tool = json!({"type": "function", "function": {"name": "f", "description": "D", "strict": true, "parameters": {"type": "object", "properties": {"b": {"const": "x"}}}}});
        let schema =
            json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}});
        let (found, changes) = written(&json!({
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "tools": [tool], "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false,
            "max_tokens": 7, "temperature": 0.5, "top_p": 1, "stop": ["x"], "stream": true, "user": "u",
            "reasoning_effort": "low", "response_format": schema
        }))
        .expect("a request");
        let expected = json!({
            "model": "m", "stream": true, "reasoning": {"effort": "low"},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "f", "description": "D", "parametersJsonSchema": {"type": "object", "properties": {"b": {"enum": ["x"]}}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            "generationConfig": {
                "maxOutputTokens": 7, "temperature": 0.5, "topP": 1, "stopSequences": ["x"],
                "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}
            }
        });
        assert_eq!(found, expected);
        let names = [
            "stripped:name",
            "stripped:strict",
            "mapped:schema",
            "dropped:user",
            "dropped:parallel_tool_calls",
        ];
        assert_eq!(changes, names);
    }

    #[test]
    fn what_gemini_cannot_do_is_needed() {
        let user = json!({"role": "user", "content": "Hi"});
        for body in [
            json!({"messages": [user], "stop": ["a", "b", "c", "d", "e", "f"]}),
            json!({"messages": [user, {"role": "assistant", "content": "A"}]}),
            json!({"messages": [user], "tools": [{"type": "function", "function": {"name": "1st"}}]}),
            json!({"messages": [user], "tools": [{"type": "function", "function": {"name": "my tool"}}]}),
        ] {
            assert!(written(&body).is_none(), "{body}");
        }
    }

    #[test]
    fn settings_that_gemini_takes_arrive() {
        let user = json!({"role": "user", "content": "Hi"});
        for (more, expected, changes) in [
            (json!({"seed": 7, "top_k": 40}), json!({"seed": 7, "topK": 40}), vec![]),
            (
                json!({"seed": 3_000_000_000_u32, "top_k": 41}),
                json!({}),
                vec!["dropped:top_k", "dropped:seed"],
            ),
            (
                json!({"response_format": {"type": "json_object"}}),
                json!({"responseMimeType": "application/json"}),
                vec![],
            ),
            // Most models refuse it.
            (json!({"presence_penalty": 0.5}), json!({}), vec!["dropped:presence_penalty"]),
        ] {
            let mut body = json!({"messages": [user]});
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let (found, noted) = written(&body).expect("a request");
            assert_eq!(
                (&found["generationConfig"], noted),
                (&expected, changes.into_iter().map(str::to_owned).collect())
            );
        }
    }
}
