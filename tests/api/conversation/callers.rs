//! Callers of each dialect, who put a stream together as official clients do, and send back what they got.

use serde_json::{Map, Value, json};

use crate::support::app::Answer;

/// The dialect of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Chat,
    Messages,
    Responses,
}

impl Caller {
    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// The dialects into which requests are translated for the models of the chain, of which the first has this preset.
    pub(super) fn translated_to(self, first: &str) -> [Option<&'static str>; 4] {
        let claude = (self == Self::Responses || self == Self::Chat && first == "custom-messages")
            .then_some("messages");
        let gpt = (self == Self::Messages).then_some("chat_completions");
        [claude, Some("converse"), gpt, Some("gemini")]
    }
}

/// What a caller got of a turn.
pub(super) struct Said {
    pub(super) text: String,
    /// The id of the call, and the city that it asks about.
    pub(super) call: Option<(String, String)>,
    /// The tokens of the prompt, those of them from a cache, and those of the answer.
    pub(super) tokens: (u64, u64, u64),
}

/// A conversation as its caller keeps it.
pub(super) struct Talk {
    caller: Caller,
    turns: Vec<Value>,
}

fn data(answer: &Answer) -> Vec<Value> {
    let events = answer.events();
    let data = events.iter().filter(|data| data.as_str() != "[DONE]");
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Appends a text to a member of an object.
fn append(object: &mut Value, name: &str, piece: &Value) {
    if let Some(piece) = piece.as_str() {
        object[name] = format!("{}{piece}", object[name].as_str().unwrap_or_default()).into();
    }
}

fn city_of(arguments: &str) -> String {
    let arguments: Value = serde_json::from_str(arguments).expect("JSON");
    arguments["city"].as_str().expect("a city").to_owned()
}

impl Talk {
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller, turns: vec![json!({"role": "user", "content": "Compare the weather."})] }
    }

    /// The request for the next turn.
    pub(super) fn request(&self) -> Value {
        let schema =
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        match self.caller {
            Caller::Chat => json!({
                "model": "claude", "stream": true, "stream_options": {"include_usage": true}, "messages": self.turns,
                "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}],
                "reasoning_effort": "medium", "max_tokens": 8_000,
            }),
            Caller::Messages => json!({
                "model": "claude", "stream": true, "max_tokens": 8_000, "messages": self.turns,
                "tools": [{"name": "weather", "input_schema": schema}],
                "thinking": {"type": "enabled", "budget_tokens": 2_000},
            }),
            Caller::Responses => json!({
                "model": "claude", "stream": true, "store": false, "input": self.turns, "max_output_tokens": 8_000,
                "tools": [{"type": "function", "name": "weather", "parameters": schema}],
                "reasoning": {"effort": "medium"}, "include": ["reasoning.encrypted_content"],
            }),
        }
    }

    /// Adds the result of a call.
    pub(super) fn give(&mut self, id: &str, result: &str) {
        self.turns.push(match self.caller {
            Caller::Chat => json!({"role": "tool", "tool_call_id": id, "content": result}),
            Caller::Messages => {
                let block = json!({"type": "tool_result", "tool_use_id": id, "content": result});
                json!({"role": "user", "content": [block]})
            }
            Caller::Responses => json!({"type": "function_call_output", "call_id": id, "output": result}),
        });
    }

    /// Puts a stream together, and adds it to the conversation.
    pub(super) fn hear(&mut self, answer: &Answer) -> Said {
        match self.caller {
            Caller::Chat => self.hear_chunks(answer),
            Caller::Messages => self.hear_blocks(answer),
            Caller::Responses => self.hear_items(answer),
        }
    }

    fn hear_chunks(&mut self, answer: &Answer) -> Said {
        assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"), "{}", answer.text());
        let (mut message, mut call) = (json!({"role": "assistant"}), Value::Null);
        let (mut details, mut usage, mut reasons) = (Vec::new(), Value::Null, Vec::new());
        for chunk in data(answer) {
            if chunk["usage"].is_object() {
                usage = chunk["usage"].clone();
            }
            let choice = &chunk["choices"][0];
            reasons.extend(choice["finish_reason"].as_str().map(str::to_owned));
            let delta = &choice["delta"];
            append(&mut message, "content", &delta["content"]);
            details.extend(delta["reasoning_details"].as_array().cloned().unwrap_or_default());
            for piece in delta["tool_calls"].as_array().into_iter().flatten() {
                if piece["id"].is_string() {
                    assert!(call.is_null(), "two calls: {}", answer.text());
                    call = piece.clone();
                    if let Some(call) = call.as_object_mut() {
                        call.remove("index");
                    }
                } else {
                    append(&mut call["function"], "arguments", &piece["function"]["arguments"]);
                }
            }
        }
        let reason = if call.is_null() { "stop" } else { "tool_calls" };
        assert_eq!(reasons, [reason], "{}", answer.text());
        let text = message["content"].as_str().unwrap_or_default().to_owned();
        if !details.is_empty() {
            message["reasoning_details"] = details.into();
        }
        let called = call.is_object().then(|| {
            let arguments = call["function"]["arguments"].as_str().expect("arguments");
            (call["id"].as_str().expect("an id").to_owned(), city_of(arguments))
        });
        if called.is_some() {
            message["tool_calls"] = json!([call]);
        }
        self.turns.push(message);
        let cached = number(&usage["prompt_tokens_details"]["cached_tokens"]);
        let tokens = (number(&usage["prompt_tokens"]), cached, number(&usage["completion_tokens"]));
        Said { text, call: called, tokens }
    }

    fn hear_blocks(&mut self, answer: &Answer) -> Said {
        let (mut blocks, mut usage, mut ends): (Vec<Value>, Map<String, Value>, Vec<Value>) =
            Default::default();
        for data in data(answer) {
            match data["type"].as_str().expect("a type") {
                "message_start" => usage.extend(data["message"]["usage"].as_object().expect("usage").clone()),
                "content_block_start" => {
                    assert_eq!(data["index"], blocks.len(), "{}", answer.text());
                    blocks.push(data["content_block"].clone());
                }
                "content_block_delta" => {
                    let (delta, block) = (&data["delta"], blocks.last_mut().expect("a block"));
                    append(block, "text", &delta["text"]);
                    append(block, "thinking", &delta["thinking"]);
                    append(block, "input_json", &delta["partial_json"]);
                    if delta["signature"].is_string() {
                        block["signature"] = delta["signature"].clone();
                    }
                }
                "message_delta" => {
                    usage.extend(data["usage"].as_object().expect("usage").clone());
                    ends.push(data["delta"]["stop_reason"].clone());
                }
                "message_stop" => ends.push(json!("message_stop")),
                _ => {}
            }
        }
        let mut called = None;
        for block in blocks.iter_mut().filter(|block| block["type"] == "tool_use") {
            let json = block.as_object_mut().and_then(|block| block.remove("input_json")).expect("an input");
            let json = json.as_str().expect("a text");
            block["input"] = serde_json::from_str(json).expect("JSON");
            called = Some((block["id"].as_str().expect("an id").to_owned(), city_of(json)));
        }
        let reason = if called.is_some() { "tool_use" } else { "end_turn" };
        assert_eq!(ends, [reason, "message_stop"], "{}", answer.text());
        let texts = blocks.iter().filter(|block| block["type"] == "text");
        let text = texts.filter_map(|block| block["text"].as_str()).collect();
        self.turns.push(json!({"role": "assistant", "content": blocks}));
        let of = |name: &str| number(&usage[name]);
        let cached = of("cache_read_input_tokens");
        Said { text, call: called, tokens: (of("input_tokens") + cached, cached, of("output_tokens")) }
    }

    fn hear_items(&mut self, answer: &Answer) -> Said {
        let events = data(answer);
        let ends = ["response.completed", "response.incomplete", "response.failed"];
        let ended = events.iter().filter(|event| ends.iter().any(|end| event["type"] == *end)).count();
        let last = events.last().expect("an event");
        assert_eq!((ended, &last["type"]), (1, &json!("response.completed")), "{}", answer.text());
        let (response, mut said) =
            (&last["response"], Said { text: String::new(), call: None, tokens: (0, 0, 0) });
        for item in response["output"].as_array().expect("items") {
            match item["type"].as_str() {
                Some("function_call") => {
                    let id = item["call_id"].as_str().expect("an id").to_owned();
                    said.call = Some((id, city_of(item["arguments"].as_str().expect("arguments"))));
                }
                Some("message") => said.text += item["content"][0]["text"].as_str().expect("a text"),
                _ => {}
            }
            self.turns.push(item.clone());
        }
        let usage = &response["usage"];
        let cached = number(&usage["input_tokens_details"]["cached_tokens"]);
        said.tokens = (number(&usage["input_tokens"]), cached, number(&usage["output_tokens"]));
        said
    }
}
