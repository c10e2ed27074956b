//! Writes a request for Gemini.
//!
//! The body names its model, whether it is a stream, and how much the model is to think in members of ours: what of them a model
//! takes, and where, is known only when the request is adapted to it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::contents::{self, Content, Part};
use super::schema;
use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::{Block, Choice, Request, Role, Tool};

/// The most stop sequences of a request.
const MOST_STOPS: usize = 5;

const UNWRITTEN: Need = Need::Translation("it cannot be written");

/// Writes a request for the model of this name.
///
/// # Errors
/// Gemini cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    if request.stop.len() > MOST_STOPS {
        return Err(Need::StopSequences);
    }
    if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        return Err(Need::Prefill);
    }
    let leading = request.turns.iter().take_while(|turn| turn.role == Role::System).count();
    let (system, turns) = request.turns.split_at(leading);
    let texts = system.iter().flat_map(|turn| &turn.blocks).filter_map(|block| match block {
        Block::Text(text) if !text.trim().is_empty() => Some(Part::text(text)),
        _ => None,
    });
    let instruction: Vec<Part<'_>> = texts.collect();
    let declarations = request.tools.iter().map(|tool| declaration(tool, changes)).collect();
    note_dropped(request, changes);
    let asks = request.effort.is_some() || request.budget.is_some();
    let body = Body {
        model,
        contents: contents::of(turns, changes)?,
        system_instruction: (!instruction.is_empty()).then_some(Instruction { parts: instruction }),
        tools: tools(declarations),
        tool_config: request.choice.as_ref().filter(|_| !request.tools.is_empty()).map(tool_config),
        generation_config: config(request, changes),
        stream: request.stream.then_some(true),
        reasoning: asks
            .then_some(Reasoning { effort: request.effort.as_deref(), max_tokens: request.budget }),
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Box<RawValue>>,
}

/// What the caller asks of the reasoning. No model gets it.
#[derive(Serialize)]
struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

fn tools(function_declarations: Vec<Declaration<'_>>) -> Vec<Declarations<'_>> {
    if function_declarations.is_empty() { Vec::new() } else { vec![Declarations { function_declarations }] }
}

fn declaration<'a>(tool: &'a Tool<'a>, changes: &mut Changes) -> Declaration<'a> {
    let Tool { name, description, schema, strict } = tool;
    if *strict == Some(true) {
        changes.stripped("strict");
    }
    Declaration {
        name,
        description: description.as_deref(),
        parameters_json_schema: schema.map(|schema| schema::fitting(schema, changes)),
    }
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
        stop_sequences: &request.stop,
        response_mime_type: request.schema.map(|_| "application/json"),
        response_json_schema: request.schema.map(|schema| schema::fitting(schema, changes)),
    }
}

/// Names what Gemini has no place for.
fn note_dropped(request: &Request<'_>, changes: &mut Changes) {
    if request.user.is_some() {
        changes.note(Verb::Dropped, "user");
    }
    if request.parallel == Some(false) && !request.tools.is_empty() {
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
        ] {
            assert!(written(&body).is_none(), "{body}");
        }
    }
}
