//! Writes a request as a message.

mod content;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use self::content::{Content, Message, instructions, messages};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::need::Need;
use crate::dialects::turns::cache_mark::Written;
use crate::dialects::turns::written::{Reasoning, UNWRITTEN};
use crate::dialects::turns::{Choice, Request, Tool, tool_schema};

/// The highest temperature that is accepted.
const HOTTEST: f64 = 1.0;
/// The type of every mark for the cache.
const EPHEMERAL: &str = "ephemeral";

/// Writes a request for the model of this name. The limit of the answer, which is required, is added later if it is absent.
///
/// # Errors
/// Messages cannot express it.
pub fn write(request: &Request<'_>, model: &str, changes: &mut Changes) -> Result<Vec<u8>, Need> {
    let (system, turns) = request.conversation()?;
    if request.stop.iter().any(|stop| stop.trim().is_empty()) {
        return Err(Need::StopSequences);
    }
    let temperature = request.temperature.map(|value| temperature(value, changes));
    let body = Body {
        model,
        max_tokens: request.limit,
        system: instructions(system, changes),
        messages: messages(turns, changes),
        tools: request.tools.iter().map(|tool| self::tool(tool, changes)).collect::<Result<_, _>>()?,
        tool_choice: choice(request),
        stop_sequences: &request.stop,
        top_p: request.top_p.filter(|_| only_one(temperature.is_some(), changes)),
        temperature,
        stream: request.stream.then_some(true),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        output_config: request
            .schema
            .map(|schema| OutputConfig { format: Format { kind: "json_schema", schema } }),
        reasoning: request.reasoning(),
    };
    if body.metadata.is_some() {
        changes.note(Verb::Renamed, "user");
    }
    serde_json::to_vec(&body).map_err(|_| UNWRITTEN)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Content<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Definition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
}

#[derive(Serialize)]
struct Definition<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Written>,
}

#[derive(Serialize)]
struct ToolChoice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

/// The temperature, at most the highest one.
pub(in crate::dialects) fn temperature<'a>(value: &'a RawValue, changes: &mut Changes) -> Cow<'a, RawValue> {
    let too_hot = value.get().parse::<f64>().is_ok_and(|temperature| temperature > HOTTEST);
    match RawValue::from_string("1".to_owned()) {
        Ok(hottest) if too_hot => {
            changes.note(Verb::Clamped, "temperature");
            Cow::Owned(hottest)
        }
        Ok(_) | Err(_) => Cow::Borrowed(value),
    }
}

/// Whether there is no temperature: Claude accepts only one of the two.
fn only_one(temperature: bool, changes: &mut Changes) -> bool {
    if temperature {
        changes.note(Verb::Dropped, "top_p");
    }
    !temperature
}

fn tool<'a>(tool: &'a Tool<'a>, changes: &mut Changes) -> Result<Definition<'a>, Need> {
    let Tool { name, description, schema, strict, mark } = tool;
    let input_schema = tool_schema::without_alternatives(*schema, changes)?;
    let cache_control = mark.map(|mark| mark.written(EPHEMERAL));
    Ok(Definition { name, description: description.as_deref(), input_schema, strict: *strict, cache_control })
}

fn choice<'a>(request: &'a Request<'a>) -> Option<ToolChoice<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let alone = request.calls_one_at_a_time().then_some(true);
    let (kind, name) = match &request.choice {
        None if alone.is_none() => return None,
        None | Some(Choice::Auto) => ("auto", None),
        Some(Choice::Any) => ("any", None),
        Some(Choice::Named(name)) => ("tool", Some(name.as_str())),
        Some(Choice::None) => ("none", None),
    };
    // Of no tool, none is called at once.
    let disable_parallel_tool_use = alone.filter(|_| request.choice != Some(Choice::None));
    Some(ToolChoice { kind, name, disable_parallel_tool_use })
}
