//! What a vendor gets of the conversation, read in its own dialect and as strictly as it is known to be.

use serde_json::Value;

use super::answers::signature;
use super::{ANTHROPIC, BEDROCK, GEMINI};

/// What Google documents for calls of other models.
const SKIPPED: &str = "skip_thought_signature_validator";

/// What was found in a request.
#[derive(Default)]
pub(super) struct Found {
    /// The city of each call, and the result of the call.
    pub(super) rounds: Vec<(String, String)>,
    /// The signatures of reasoning or of calls, in order.
    pub(super) signatures: Vec<String>,
    /// Something that must not reach the vendor.
    pub(super) fault: Option<String>,
    /// Whether the request is to reason, although the turn did not begin with reasoning.
    pub(super) lacks_reasoning: bool,
}

/// The signatures that a vendor gets of turns that were answered by these vendors: its own, and those of the other vendor of
/// Claude, if callers got them. Anthropic's own chat completions get what the caller sends, which is `None`.
pub(super) fn expected_signatures(
    place: usize,
    path: &str,
    answered: &[(usize, bool)],
) -> Option<Vec<String>> {
    if place == ANTHROPIC && path.ends_with("/chat/completions") {
        return None;
    }
    let of_turn = |(number, (vendor, shown)): (usize, &(usize, bool))| match place {
        ANTHROPIC | BEDROCK => {
            (*shown && matches!(*vendor, ANTHROPIC | BEDROCK)).then(|| signature(*vendor, number))
        }
        GEMINI if *shown && *vendor == GEMINI => Some(signature(GEMINI, number)),
        GEMINI => Some(SKIPPED.to_owned()),
        // OpenAI takes those of the same provider at most, and is not the first model here.
        _ => None,
    };
    Some(answered.iter().enumerate().filter_map(of_turn).collect())
}

/// Reads a request at this path.
pub(super) fn read(path: &str, body: &Value) -> Found {
    let mut found = Found::default();
    if path.ends_with("/messages") {
        messages(body, &mut found);
    } else if path.ends_with("/chat/completions") {
        completions(body, &mut found);
    } else if path.ends_with("/responses") {
        responses(body, &mut found);
    } else if path.ends_with("/converse-stream") {
        converse(body, &mut found);
    } else if path.contains(":streamGenerateContent") {
        gemini(body, &mut found);
    } else {
        found.fault = Some("an unknown path".to_owned());
    }
    found
}

impl Found {
    fn fault(&mut self, fault: &str) {
        self.fault.get_or_insert_with(|| fault.to_owned());
    }

    /// Adds a round, if the result is that of the call.
    fn round(&mut self, call: (&Value, &Value), result: Option<(&Value, String)>) {
        let (id, city) = call;
        match result {
            Some((of, text)) if of == id => self.rounds.push((word(city), text)),
            Some(_) => self.fault("a result of another call"),
            None => self.fault("a call without its result"),
        }
    }

    /// Refuses ids with other characters, and those that are too long.
    fn check_id(&mut self, id: &Value, more: &str) {
        let id = id.as_str().unwrap_or_default();
        let is_valid =
            |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter) || more.contains(letter);
        if id.is_empty() || id.len() > 64 || !id.chars().all(is_valid) {
            self.fault("an invalid id of a call");
        }
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The text of a content, which is a text or a list of parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => each(parts).map(|part| word(&part["text"])).collect(),
    }
}

/// The city in arguments, which are JSON in a text.
fn city_of(arguments: &Value) -> Value {
    let arguments: Value = serde_json::from_str(arguments.as_str().unwrap_or_default()).unwrap_or_default();
    arguments["city"].clone()
}

/// Refuses roles that do not alternate, of which the first must be the user's.
fn check_roles(turns: &Value, found: &mut Found) {
    let is_user: Vec<bool> = each(turns).map(|turn| turn["role"] == "user").collect();
    let expected: Vec<bool> = (0..is_user.len()).map(|number| number % 2 == 0).collect();
    if is_user != expected {
        found.fault("roles that do not alternate");
    }
}

fn messages(body: &Value, found: &mut Found) {
    let turns: Vec<&Value> = each(&body["messages"]).collect();
    check_roles(&body["messages"], found);
    for (at, turn) in turns.iter().enumerate().filter(|(_, turn)| turn["role"] == "assistant") {
        for block in each(&turn["content"]) {
            match block["type"].as_str() {
                Some("thinking") => found.signatures.push(word(&block["signature"])),
                Some("tool_use") => {
                    found.check_id(&block["id"], "");
                    let result = turns.get(at + 1).map(|next| &next["content"][0]);
                    let result = result.filter(|result| result["type"] == "tool_result");
                    let result = result.map(|result| (&result["tool_use_id"], text(&result["content"])));
                    found.round((&block["id"], &block["input"]["city"]), result);
                }
                Some("text") => {}
                _ => found.fault("a block of another type"),
            }
        }
    }
    let reasons = body["thinking"]["type"] == "enabled";
    found.lacks_reasoning =
        reasons && turns.get(1).is_some_and(|first| first["content"][0]["type"] != "thinking");
}

fn converse(body: &Value, found: &mut Found) {
    let turns: Vec<&Value> = each(&body["messages"]).collect();
    check_roles(&body["messages"], found);
    for (at, turn) in turns.iter().enumerate().filter(|(_, turn)| turn["role"] == "assistant") {
        for block in each(&turn["content"]) {
            let (reasoning, call) = (&block["reasoningContent"]["reasoningText"], &block["toolUse"]);
            if reasoning.is_object() {
                found.signatures.push(word(&reasoning["signature"]));
            } else if call.is_object() {
                found.check_id(&call["toolUseId"], ".:");
                let result = turns.get(at + 1).map(|next| &next["content"][0]["toolResult"]);
                let result = result.map(|result| (&result["toolUseId"], text(&result["content"])));
                found.round((&call["toolUseId"], &call["input"]["city"]), result);
            } else {
                found.fault("a block of another type");
            }
        }
    }
    let reasons = body["additionalModelRequestFields"]["thinking"]["type"] == "enabled";
    found.lacks_reasoning =
        reasons && turns.get(1).is_some_and(|first| first["content"][0]["reasoningContent"].is_null());
    if body["toolConfig"]["tools"][0]["toolSpec"]["name"] != "weather" {
        found.fault("no tool");
    }
}

fn completions(body: &Value, found: &mut Found) {
    let turns: Vec<&Value> = each(&body["messages"]).collect();
    for (at, turn) in turns.iter().enumerate() {
        for call in each(&turn["tool_calls"]) {
            found.check_id(&call["id"], "");
            let result = turns.get(at + 1).filter(|next| next["role"] == "tool");
            let result = result.map(|result| (&result["tool_call_id"], text(&result["content"])));
            found.round((&call["id"], &city_of(&call["function"]["arguments"])), result);
            found.signatures.extend(signature_in(&call["extra_content"]["google"]["thought_signature"]));
        }
        let details = each(&turn["reasoning_details"]);
        found.signatures.extend(details.filter_map(|detail| signature_in(&detail["signature"])));
    }
    if body["stream_options"]["include_usage"] != true {
        found.fault("a stream without its usage");
    }
}

fn signature_in(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn responses(body: &Value, found: &mut Found) {
    let items: Vec<&Value> = each(&body["input"]).collect();
    for item in &items {
        match item["type"].as_str() {
            Some("reasoning") => found.signatures.push(word(&item["encrypted_content"])),
            Some("function_call") => {
                found.check_id(&item["call_id"], "");
                let result = items.iter().find(|result| {
                    result["type"] == "function_call_output" && result["call_id"] == item["call_id"]
                });
                let result = result.map(|result| (&result["call_id"], text(&result["output"])));
                found.round((&item["call_id"], &city_of(&item["arguments"])), result);
            }
            _ => {}
        }
    }
}

fn gemini(body: &Value, found: &mut Found) {
    let contents: Vec<&Value> = each(&body["contents"]).collect();
    check_roles(&body["contents"], found);
    for (at, content) in contents.iter().enumerate().filter(|(_, content)| content["role"] == "model") {
        for part in each(&content["parts"]) {
            let call = &part["functionCall"];
            if call.is_null() {
                continue;
            }
            found.signatures.push(word(&part["thoughtSignature"]));
            let result = contents.get(at + 1).map(|next| &next["parts"][0]["functionResponse"]);
            let result = result.map(|result| (&result["name"], word(&result["response"]["result"])));
            found.round((&call["name"], &call["args"]["city"]), result);
        }
    }
}
