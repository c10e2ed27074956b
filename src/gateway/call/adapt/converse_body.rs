//! The body of a request for Amazon Bedrock's Converse. Its address names the model.
//!
//! It is always a translation. What is special of Claude is known by the name of the model: an address of an inference profile
//! of the customer's own does not say what it leads to, and gets no reasoning.

use super::body::{Adapted, Out, member};
use super::draft::Draft;
use super::messages_body::limit_of;
use super::parameters::at_most;
use super::reasoning::{self, Conversation, Reasoning};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::converse::cache_points::fitted;
use crate::dialects::converse::history::{is_missing_in_turn, without_reasoning};
use crate::gateway::request::chat_request::{ChatRequest, is_own};
use crate::providers::claude::{Claude, OnBedrock};
use crate::store::snapshot::ModelEntry;

/// The members with the settings, the form of the answer, and what only some models have.
const INFERENCE: &str = "inferenceConfig";
const OUTPUT: &str = "outputConfig";
const ADDITIONAL: &str = "additionalModelRequestFields";
/// The members with the tools, and with what the operator says.
const TOOLS: &str = "toolConfig";
const SYSTEM: &str = "system";
/// What a translation says if tools are to be called one at a time.
const PARALLEL: &str = "parallelToolCalls";
/// What Claude is to say beside its answer: the stop sequence that ended it.
const PATHS: &str = "additionalModelResponseFieldPaths";
const SAYS_STOP: &str = r#"["/stop_sequence"]"#;
/// The stop sequences among the settings.
const STOPS: &str = "stopSequences";
/// The limit of the answer among the settings.
const LIMIT: &str = "maxTokens";

/// The settings, with the names that rules of models and changes have for them.
const SETTINGS: [(&str, &str); 3] = [("temperature", "temperature"), ("topP", "top_p"), (STOPS, "stop")];

/// Writes the body of a translation for `model`, without what only the address says. `bare`: without any reasoning in the
/// history, which the provider refused.
pub(super) fn adapt(request: &ChatRequest, model: &ModelEntry, bare: bool) -> Adapted {
    let mut out = Out::new(request, request.body.len() + model.upstream_model.len());
    let mut changes = Changes::after(request.translated_with.as_deref().unwrap_or_default());
    let is_claude = model.upstream_model.to_ascii_lowercase().contains("claude");
    let history = Some(request.named("messages")).filter(|_| bare || !is_claude).and_then(without_reasoning);
    if history.is_some() {
        changes.stripped("thinking");
    }
    let messages = history.as_deref().map_or_else(|| request.named("messages"), str::as_bytes);
    let reasoning = reasoning(request, model, is_claude, messages, &mut changes);
    let taken = OnBedrock::of(&model.upstream_model);
    out.text.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = if name == "messages" { messages } else { request.value(part) };
        match name {
            "model" | "stream" | reasoning::NAME | INFERENCE | OUTPUT | PARALLEL => {}
            "messages" | SYSTEM | TOOLS => match fitted(value, taken.marks, &mut changes) {
                Some(fitting) => member(&mut out, name, fitting.as_bytes()),
                None => member(&mut out, name, value),
            },
            _ if is_own(request.dialect, name) => {}
            _ => member(&mut out, name, value),
        }
    }
    let settings = settings(request, model, is_claude, &reasoning, &mut changes);
    let stops = settings.as_deref().filter(|_| is_claude).and_then(Draft::of);
    let paths = stops.is_some_and(|settings| settings.get(STOPS).is_some()).then(|| SAYS_STOP.to_owned());
    let additional = additional(request, &reasoning, taken, &mut changes);
    let output = reasoning.output_config(request.named(OUTPUT));
    let added = [(INFERENCE, settings), (ADDITIONAL, additional), (PATHS, paths), (OUTPUT, output)];
    for (name, value) in added {
        if let Some(value) = value {
            member(&mut out, name, value.as_bytes());
        }
    }
    out.text.push(b'}');
    out.into_body(changes)
}

/// What only Claude takes, as JSON; `None` if there is nothing.
fn additional(
    request: &ChatRequest,
    reasoning: &Reasoning,
    taken: OnBedrock,
    changes: &mut Changes,
) -> Option<String> {
    let thinking = reasoning.thinking.as_ref().map(|thinking| format!("\"thinking\":{thinking}"));
    let is_alone = request.named(PARALLEL) == b"false";
    if is_alone && !taken.takes_tool_choice {
        changes.note(Verb::Dropped, "parallel_tool_calls");
    }
    let choice = (is_alone && taken.takes_tool_choice).then(|| {
        // The type is in one of both places.
        let kind = if has_choice(request.named(TOOLS)) { "" } else { r#""type":"auto","# };
        format!(r#""tool_choice":{{{kind}"disable_parallel_tool_use":true}}"#)
    });
    let members: Vec<String> = thinking.into_iter().chain(choice).collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

/// Whether the request has Converse's own choice of a tool.
fn has_choice(tools: &[u8]) -> bool {
    let tools = std::str::from_utf8(tools).ok().and_then(Draft::of);
    tools.is_some_and(|tools| tools.present("toolChoice").is_some())
}

/// What is sent of the reasoning.
fn reasoning(
    request: &ChatRequest,
    model: &ModelEntry,
    is_claude: bool,
    messages: &[u8],
    changes: &mut Changes,
) -> Reasoning {
    let reasons = if is_claude { model.settings.capabilities.reasoning } else { Some(false) };
    let asked = setting(request, LIMIT).unwrap_or_default();
    let conversation = || Conversation {
        is_forced: is_forced(request.named(TOOLS)),
        lacks_reasoning: is_missing_in_turn(messages),
    };
    let claude = Claude::of(&model.upstream_model, reasons);
    let limit = limit_of(request, model, asked.as_bytes());
    Reasoning::of_asked(request, claude, limit, conversation, changes)
}

/// The settings that the model takes, as JSON; `None` if there are none.
fn settings(
    request: &ChatRequest,
    model: &ModelEntry,
    is_claude: bool,
    reasoning: &Reasoning,
    changes: &mut Changes,
) -> Option<String> {
    let rules = model.parameter_rules();
    let most = model.settings.max_output_tokens.map(|most| most as f64);
    let mut written = Vec::new();
    match setting(request, LIMIT) {
        Some(asked) => {
            let limit = at_most(most, "max_tokens", asked.as_bytes(), changes);
            written.push(format!("\"{LIMIT}\":{}", String::from_utf8_lossy(&limit)));
        }
        // A budget has to be below it.
        None if reasoning.thinking.is_some() => {
            changes.note(Verb::Placeholder, "max_tokens");
            written.push(format!("\"{LIMIT}\":{}", limit_of(request, model, b"")));
        }
        None => {}
    }
    // Claude takes only one of the two.
    let has_temperature = is_claude && setting(request, "temperature").is_some();
    for (name, usual) in SETTINGS {
        let Some(value) = setting(request, name) else { continue };
        let is_refused = rules.drop.iter().any(|dropped| dropped == usual)
            || reasoning.left_out.contains(&usual)
            || (has_temperature && usual == "top_p");
        if is_refused {
            changes.note(Verb::Dropped, usual);
        } else {
            written.push(format!("\"{name}\":{value}"));
        }
    }
    (!written.is_empty()).then(|| format!("{{{}}}", written.join(",")))
}

/// A setting of the request, as JSON.
fn setting(request: &ChatRequest, name: &str) -> Option<String> {
    let settings = std::str::from_utf8(request.named(INFERENCE)).ok()?;
    Draft::of(settings)?.present(name).map(str::to_owned)
}

/// Whether the model has to call a tool.
fn is_forced(tools: &[u8]) -> bool {
    let choice = std::str::from_utf8(tools).ok().and_then(Draft::of);
    let choice = choice.and_then(|tools| tools.present("toolChoice").map(str::to_owned));
    let choice = choice.as_deref().and_then(Draft::of);
    choice.is_some_and(|choice| ["any", "tool"].iter().any(|kind| choice.get(kind).is_some()))
}
