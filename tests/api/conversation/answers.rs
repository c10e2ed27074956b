//! What the vendors answer: reasoning with a signature and the call of a tool, or a text at last. Each counts the same tokens, in its
//! own words.

use serde_json::{Value, json};

use super::{ANTHROPIC, BEDROCK, GEMINI, OPENAI};
use crate::support::fake_provider::Script;

/// The tokens of each prompt that no cache held.
pub(super) const FRESH: u64 = 40;
/// The tokens of each prompt from a cache.
pub(super) const CACHED: u64 = 60;
/// The tokens of each answer, of which some are reasoning.
pub(super) const OUTPUT: u64 = 9;
const REASONING: u64 = 4;

/// The beginning of each signature of a vendor, in base64 as they are.
pub(super) const fn signature_of(place: usize) -> &'static str {
    match place {
        ANTHROPIC => "QW50aHJvcGlj",
        BEDROCK => "QmVkcm9ja19f",
        OPENAI => "T3BlbkFJX19f",
        _ => "R2VtaW5pX19f",
    }
}

/// The signature of a turn.
pub(super) fn signature(place: usize, number: usize) -> String {
    format!("{}{number:04}", signature_of(place))
}

/// The failure of a vendor that is overloaded.
pub(super) fn overloaded(place: usize, path: &str) -> Script {
    match place {
        ANTHROPIC if path.ends_with("/messages") => {
            Script::anthropic_error(529, "overloaded_error", "Overloaded")
        }
        BEDROCK => Script::exception(503, "ServiceUnavailableException", "The service is unavailable."),
        GEMINI => {
            let error = json!({"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"});
            Script::json(503, &json!({ "error": error }))
        }
        _ => Script::error(503, "server_is_overloaded", "Overloaded"),
    }
}

/// Claude's refusal of a turn that did not begin with reasoning, although it is to reason.
pub(super) fn refused() -> Script {
    let message = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.";
    Script::anthropic_error(400, "invalid_request_error", message)
}

/// The turn with this number: a call for a city, or the end of the conversation. Claude reasons only if the request asks for it.
pub(super) fn of(
    place: usize,
    path: &str,
    body: &Value,
    number: usize,
    city: Option<&'static str>,
) -> Script {
    let thinking = [&body["thinking"], &body["additionalModelRequestFields"]["thinking"]];
    let reasons = thinking.iter().any(|thinking| thinking["type"] == "enabled");
    let turn = Turn { signature: signature(place, number), number, city, reasons };
    match place {
        BEDROCK => turn.converse(),
        GEMINI => turn.gemini(),
        _ if path.ends_with("/messages") => turn.messages(),
        _ if path.ends_with("/responses") => turn.responses(),
        _ => turn.completions(),
    }
}

struct Turn {
    signature: String,
    number: usize,
    city: Option<&'static str>,
    /// Whether Claude reasons first.
    reasons: bool,
}

impl Turn {
    /// The input of the call, in pieces.
    fn pieces(city: &str) -> [String; 2] {
        ["{\"city\":".to_owned(), format!("\"{city}\"}}")]
    }

    fn messages(&self) -> Script {
        let usage = json!({"input_tokens": FRESH, "cache_read_input_tokens": CACHED, "cache_creation_input_tokens": 0, "output_tokens": 1});
        let message = json!({
            "id": format!("msg_{}", self.number), "type": "message", "role": "assistant", "model": "upstream",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
        });
        let mut index = 0_u64;
        let mut script = Script::stream().named("message_start", json!({ "message": message }));
        let block = |script: Script, index: u64, empty: Value, deltas: &[Value]| {
            let begun = script.named("content_block_start", json!({"index": index, "content_block": empty}));
            let said = deltas.iter().fold(begun, |script, delta| {
                script.named("content_block_delta", json!({"index": index, "delta": delta}))
            });
            said.named("content_block_stop", json!({"index": index}))
        };
        if self.reasons {
            let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
            let thought = json!({"type": "thinking_delta", "thinking": "Hm."});
            let signature = json!({"type": "signature_delta", "signature": self.signature});
            script = block(script, index, empty, &[thought, signature]);
            index += 1;
        }
        let (said, reason) = match self.city {
            Some(city) => {
                let call = json!({"type": "tool_use", "id": format!("toolu_{}", self.number), "name": "weather", "input": {}});
                let deltas = Self::pieces(city)
                    .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
                (block(script, index, call, &deltas), "tool_use")
            }
            None => {
                let empty = json!({"type": "text", "text": ""});
                (block(script, index, empty, &[json!({"type": "text_delta", "text": "Done"})]), "end_turn")
            }
        };
        let end = json!({"delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": OUTPUT}});
        said.named("message_delta", end).message_stop()
    }

    fn completions(&self) -> Script {
        let begun = Script::stream().delta(&json!({"role": "assistant", "content": ""}), None);
        let said = match self.city {
            Some(city) => {
                let call = |call: Value| json!({ "tool_calls": [call] });
                let name = json!({"name": "weather", "arguments": ""});
                let first = json!({"index": 0, "id": format!("call_{}", self.number), "type": "function", "function": name});
                let pieces = Self::pieces(city).into_iter();
                let said = pieces.fold(begun.delta(&call(first), None), |script, piece| {
                    script.delta(&call(json!({"index": 0, "function": {"arguments": piece}})), None)
                });
                said.finish("tool_calls")
            }
            None => begun.text("Done").finish("stop"),
        };
        let usage = json!({
            "prompt_tokens": FRESH + CACHED, "completion_tokens": OUTPUT, "total_tokens": FRESH + CACHED + OUTPUT,
            "prompt_tokens_details": {"cached_tokens": CACHED}, "completion_tokens_details": {"reasoning_tokens": REASONING},
        });
        said.event(&json!({
            "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "upstream",
            "choices": [], "usage": usage,
        }))
        .done()
    }

    fn converse(&self) -> Script {
        let mut begun = Script::converse_stream();
        if self.reasons {
            begun = begun
                .converse_delta(0, &json!({"reasoningContent": {"text": "Hm."}}))
                .converse_delta(0, &json!({"reasoningContent": {"signature": self.signature}}))
                .converse_event("contentBlockStop", &json!({"contentBlockIndex": 0}));
        }
        let (said, reason) = match self.city {
            Some(city) => {
                let call =
                    json!({"toolUse": {"toolUseId": format!("tooluse_{}", self.number), "name": "weather"}});
                let begun = begun
                    .converse_event("contentBlockStart", &json!({"contentBlockIndex": 1, "start": call}));
                let said = Self::pieces(city).into_iter().fold(begun, |script, piece| {
                    script.converse_delta(1, &json!({"toolUse": {"input": piece}}))
                });
                (said, "tool_use")
            }
            None => (begun.converse_delta(1, &json!({"text": "Done"})), "end_turn"),
        };
        let usage = json!({"inputTokens": FRESH, "cacheReadInputTokens": CACHED, "outputTokens": OUTPUT, "totalTokens": FRESH + CACHED + OUTPUT});
        said.converse_event("contentBlockStop", &json!({"contentBlockIndex": 1}))
            .converse_event("messageStop", &json!({"stopReason": reason}))
            .converse_event("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 80}}))
            .end()
    }

    fn gemini(&self) -> Script {
        let piece = |part: Value, reason: Option<&str>| {
            let mut candidate = json!({"content": {"role": "model", "parts": [part]}, "index": 0});
            if let Some(reason) = reason {
                candidate["finishReason"] = reason.into();
            }
            // The thoughts are beside the answer, and the cache is in the prompt.
            let usage = json!({
                "promptTokenCount": FRESH + CACHED, "cachedContentTokenCount": CACHED,
                "candidatesTokenCount": OUTPUT - REASONING, "thoughtsTokenCount": REASONING,
                "totalTokenCount": FRESH + CACHED + OUTPUT,
            });
            json!({"candidates": [candidate], "modelVersion": "upstream", "responseId": "r", "usageMetadata": usage})
        };
        let said = match self.city {
            Some(city) => {
                let call = json!({"name": "weather", "args": {"city": city}});
                json!({"functionCall": call, "thoughtSignature": self.signature})
            }
            None => json!({"text": "Done"}),
        };
        Script::stream()
            .event(&piece(json!({"text": "Hm.", "thought": true}), None))
            .event(&piece(said, None))
            .event(&piece(json!({"text": ""}), Some("STOP")))
            .end()
    }

    fn responses(&self) -> Script {
        let Self { signature, number, city, .. } = self;
        let thought = json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": [], "encrypted_content": signature});
        let said = match city {
            Some(city) => json!({
                "type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"), "name": "weather",
                "arguments": Self::pieces(city).concat(), "status": "completed",
            }),
            None => json!({
                "type": "message", "id": format!("msg_{number}"), "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Done", "annotations": []}],
            }),
        };
        let usage = json!({
            "input_tokens": FRESH + CACHED, "input_tokens_details": {"cached_tokens": CACHED}, "output_tokens": OUTPUT,
            "output_tokens_details": {"reasoning_tokens": REASONING}, "total_tokens": FRESH + CACHED + OUTPUT,
        });
        let response = |status: &str, output: &[&Value], usage: &Value| {
            json!({"response": {
                "id": format!("resp_{number}"), "object": "response", "created_at": 1_700_000_000, "status": status,
                "model": "upstream", "output": output, "usage": usage,
            }})
        };
        let item = |index: u64, item: &Value| json!({"output_index": index, "item": item});
        let mut events = vec![
            ("response.created", response("in_progress", &[], &Value::Null)),
            (
                "response.output_item.added",
                item(0, &json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": []})),
            ),
            ("response.output_item.done", item(0, &thought)),
        ];
        events.extend(self.said_in_responses());
        events.push(("response.output_item.done", item(1, &said)));
        events.push(("response.completed", response("completed", &[&thought, &said], &usage)));
        let numbered = events.into_iter().enumerate();
        let stream = numbered.fold(Script::stream(), |script, (number, (kind, mut data))| {
            data["sequence_number"] = number.into();
            script.named(kind, data)
        });
        stream.end()
    }

    /// The events of the second item, without its end.
    fn said_in_responses(&self) -> Vec<(&'static str, Value)> {
        let number = self.number;
        let Some(city) = self.city else {
            let id = format!("msg_{number}");
            let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
            let of_part = |name: &str, value: Value| json!({"item_id": id, "output_index": 1, "content_index": 0, name: value});
            let empty = json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []});
            return vec![
                ("response.output_item.added", json!({"output_index": 1, "item": empty})),
                ("response.content_part.added", of_part("part", part(""))),
                ("response.output_text.delta", of_part("delta", json!("Done"))),
                ("response.output_text.done", of_part("text", json!("Done"))),
                ("response.content_part.done", of_part("part", part("Done"))),
            ];
        };
        let id = format!("fc_{number}");
        let of_call = |name: &str, value: &str| json!({"item_id": id, "output_index": 1, name: value});
        let empty = json!({
            "type": "function_call", "id": id, "call_id": format!("call_{number}"), "name": "weather", "arguments": "",
            "status": "in_progress",
        });
        let [first, second] = Self::pieces(city);
        vec![
            ("response.output_item.added", json!({"output_index": 1, "item": empty})),
            ("response.function_call_arguments.delta", of_call("delta", &first)),
            ("response.function_call_arguments.delta", of_call("delta", &second)),
            ("response.function_call_arguments.done", of_call("arguments", &(first.clone() + &second))),
        ]
    }
}
