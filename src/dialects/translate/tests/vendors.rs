//! What providers of each dialect send: a stream as an example, and any answer as the events of a stream.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Streams of providers: the data of their events.
pub(super) const STREAMS: [(Dialect, &[&str]); 4] = [
    (
        Dialect::ChatCompletions,
        &[
            r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"T"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t0","function":{"name":"f","arguments":"{"}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        ],
    ),
    (
        Dialect::Messages,
        &[
            r#"{"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":3}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"T"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t0","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}"#,
            r#"{"type":"message_stop"}"#,
        ],
    ),
    (
        Dialect::Gemini,
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"T","thought":true}]},"index":0}],"responseId":"r"}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","index":0}],"responseId":"r"}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"t0","name":"f","args":{}},"thoughtSignature":"c2ln"}]},"finishReason":"STOP","index":0}],"responseId":"r"}"#,
            r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2},"responseId":"r"}"#,
        ],
    ),
    (
        Dialect::Converse,
        &[
            r#"{"messageStart":{"role":"assistant"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"T"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"text":"Hi"}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":1}}"#,
            r#"{"contentBlockStart":{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t0","name":"f"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":2}}"#,
            r#"{"messageStop":{"stopReason":"tool_use"}}"#,
            r#"{"metadata":{"usage":{"inputTokens":3,"outputTokens":2}}}"#,
        ],
    ),
];

/// A part of what a model writes.
#[derive(Debug, Clone)]
pub(super) enum Written {
    Text(String),
    Reasoning(String),
    Call(&'static str),
}

pub(super) fn parts() -> impl Strategy<Value = Vec<Written>> {
    let inputs = ["{}", "", r#"{"a":1}"#, "{\"é\": \"\\n\", \"b\": [1, {\"c\": \"}\"}]}"];
    let part = prop_oneof![
        "[a-c é漢🎉\"\n]{1,8}".prop_map(Written::Text),
        "[a-c é漢🎉\"\n]{1,8}".prop_map(Written::Reasoning),
        prop::sample::select(inputs.to_vec()).prop_map(Written::Call),
    ];
    prop::collection::vec(part, 0..5)
}

/// The pieces of a text, cut between its characters.
fn pieces(text: &str, cuts: &[Index]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(letters.len() + 1)).collect();
    at.extend([0, letters.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| letters[pair[0]..pair[1]].iter().collect()).collect()
}

/// The events of an answer as a provider of completions sends them.
fn chunks_of(parts: &[Written], cuts: &[Index], stop: &str) -> Vec<String> {
    let chunk = |delta: Value| json!({"id": "c", "choices": [{"index": 0, "delta": delta}]}).to_string();
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}))];
    let mut calls = 0;
    for part in parts {
        match part {
            Written::Text(text) => {
                events.extend(pieces(text, cuts).iter().map(|piece| chunk(json!({"content": piece}))));
            }
            Written::Reasoning(text) => {
                events.extend(
                    pieces(text, cuts).iter().map(|piece| chunk(json!({"reasoning_content": piece}))),
                );
            }
            Written::Call(input) => {
                let begun = json!({"index": calls, "id": format!("t{calls}"), "type": "function", "function": {"name": "f", "arguments": ""}});
                events.push(chunk(json!({"tool_calls": [begun]})));
                events.extend(pieces(input, cuts).iter().map(|piece| {
                    chunk(json!({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]}))
                }));
                calls += 1;
            }
        }
    }
    if !stop.is_empty() {
        events.push(finish(stop));
    }
    events
}

/// The same as a provider of messages sends it.
fn events_of(parts: &[Written], cuts: &[Index], stop: &str) -> Vec<String> {
    let mut events = vec![json!({"type": "message_start", "message": {"id": "m"}}).to_string()];
    let mut calls = 0;
    for (index, part) in parts.iter().enumerate() {
        let (block, kind, name, text) = match part {
            Written::Text(text) => (json!({"type": "text", "text": ""}), "text_delta", "text", text.as_str()),
            Written::Reasoning(text) => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                "thinking_delta",
                "thinking",
                text.as_str(),
            ),
            Written::Call(input) => {
                calls += 1;
                let id = format!("t{}", calls - 1);
                (
                    json!({"type": "tool_use", "id": id, "name": "f", "input": {}}),
                    "input_json_delta",
                    "partial_json",
                    *input,
                )
            }
        };
        events
            .push(json!({"type": "content_block_start", "index": index, "content_block": block}).to_string());
        events.extend(pieces(text, cuts).iter().map(|piece| {
            json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}})
                .to_string()
        }));
        events.push(json!({"type": "content_block_stop", "index": index}).to_string());
    }
    if !stop.is_empty() {
        events.push(ended_with(stop));
    }
    events
}

/// The end of a message, by the word of a completion.
fn ended_with(stop: &str) -> String {
    ended(match stop {
        "tool_calls" => "tool_use",
        "length" => "max_tokens",
        "content_filter" => "refusal",
        "of_next_year" => stop,
        _ => "end_turn",
    })
}

/// The same as Gemini sends it, with the end in its last piece, or in all of them.
fn pieces_of(parts: &[Written], cuts: &[Index], (stop, repeated): (&str, bool)) -> Vec<String> {
    let mut contents = Vec::new();
    let mut calls = 0;
    for part in parts {
        match part {
            Written::Text(text) => {
                contents.extend(pieces(text, cuts).iter().map(|piece| json!({"text": piece}).to_string()));
            }
            Written::Reasoning(text) => contents.extend(
                pieces(text, cuts).iter().map(|piece| json!({"text": piece, "thought": true}).to_string()),
            ),
            Written::Call(input) => {
                // The input keeps its bytes.
                let input = if input.is_empty() { String::new() } else { format!(r#","args":{input}"#) };
                contents.push(format!(r#"{{"functionCall":{{"id":"t{calls}","name":"f"{input}}}}}"#));
                calls += 1;
            }
        }
    }
    contents.push(r#"{"text":""}"#.to_owned());
    let last = contents.len() - 1;
    let word = match stop {
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        "of_next_year" => "OF_NEXT_YEAR",
        _ => "STOP",
    };
    let piece = |(number, part): (usize, String)| {
        let ends = !stop.is_empty() && (repeated || number == last);
        let end = if ends { format!(r#","finishReason":"{word}""#) } else { String::new() };
        format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}}{end},"index":0}}],"responseId":"r"}}"#)
    };
    let usage = r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2},"responseId":"r"}"#;
    contents.into_iter().enumerate().map(piece).chain([usage.to_owned()]).collect()
}

/// The same as Bedrock's Converse sends it, with the usage after the end.
fn conversed(parts: &[Written], cuts: &[Index], stop: &str) -> Vec<String> {
    let mut events = vec![json!({"messageStart": {"role": "assistant"}}).to_string()];
    let mut calls = 0;
    for (index, part) in parts.iter().enumerate() {
        let delta = |delta: Value| {
            json!({"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}).to_string()
        };
        match part {
            Written::Text(text) => {
                events.extend(pieces(text, cuts).iter().map(|piece| delta(json!({"text": piece}))));
            }
            Written::Reasoning(text) => events.extend(
                pieces(text, cuts).iter().map(|piece| delta(json!({"reasoningContent": {"text": piece}}))),
            ),
            Written::Call(input) => {
                let start = json!({"toolUse": {"toolUseId": format!("t{calls}"), "name": "f"}});
                events.push(
                    json!({"contentBlockStart": {"contentBlockIndex": index, "start": start}}).to_string(),
                );
                events.extend(
                    pieces(input, cuts).iter().map(|piece| delta(json!({"toolUse": {"input": piece}}))),
                );
                calls += 1;
            }
        }
        events.push(json!({"contentBlockStop": {"contentBlockIndex": index}}).to_string());
    }
    let word = match stop {
        "tool_calls" => "tool_use",
        "length" => "max_tokens",
        "content_filter" => "content_filtered",
        "of_next_year" => stop,
        _ => "end_turn",
    };
    if !stop.is_empty() {
        events.push(json!({"messageStop": {"stopReason": word}}).to_string());
    }
    events.push(json!({"metadata": {"usage": {"inputTokens": 3, "outputTokens": 2}}}).to_string());
    events
}

/// The events of an answer as a provider of this dialect sends them. `stop` is the word of a completion for its end, and
/// `repeated` says whether it is in each piece, where a dialect can have that.
pub(super) fn sent(
    dialect: Dialect,
    parts: &[Written],
    cuts: &[Index],
    (stop, repeated): (&str, bool),
) -> Vec<String> {
    match dialect {
        Dialect::Messages => events_of(parts, cuts, stop),
        Dialect::Gemini => pieces_of(parts, cuts, (stop, repeated)),
        Dialect::Converse => conversed(parts, cuts, stop),
        Dialect::ChatCompletions | Dialect::Responses => chunks_of(parts, cuts, stop),
    }
}
