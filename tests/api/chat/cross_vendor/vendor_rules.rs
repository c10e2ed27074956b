//! What each vendor refuses, according to its documentation and reports of its behavior. Deliberately independent of
//! the product's tables.

use serde_json::{Map, Value};

use super::foreign;

pub(super) type Refusal = Option<(u16, String)>;

/// The vendor's refusal of a body; `None` if it answers.
pub(super) fn refusal(preset: &str, body: &Value) -> Refusal {
    let request = Request { body, model: body["model"].as_str().expect("a model") };
    let foreign = foreign::allowed_tools(preset, body).or_else(|| foreign::thoughts(preset, body));
    foreign.or_else(|| request.of_vendor(preset))
}

const COMMON_ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
const EVERYBODYS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "reasoning_effort",
    "n",
];

pub(super) fn bad(status: u16, message: impl Into<String>) -> Refusal {
    Some((status, message.into()))
}

struct Request<'a> {
    body: &'a Value,
    model: &'a str,
}

impl<'a> Request<'a> {
    fn of_vendor(&self, preset: &str) -> Refusal {
        let request = self;
        match preset {
            "openai" | "azure" | "azure-deployments" => request.openai(),
            "anthropic" => request.anthropic(),
            "gemini" => request.gemini(),
            "groq" => request.groq(),
            "mistral" => request.mistral(),
            "deepseek" => request.deepseek(),
            "xai" => request.xai(),
            "fireworks" => request.fireworks(),
            "together" | "custom" => {
                request.roles(&COMMON_ROLES, 400).or_else(|| request.without("functions"))
            }
            "ollama" => {
                let roles = request.roles(&COMMON_ROLES, 400);
                roles.or_else(|| request.effort(&[])).or_else(|| request.without("functions"))
            }
            "vllm" => request.vllm(),
            "openrouter" => request.without("functions"),
            other => panic!("no vendor is called {other}"),
        }
    }

    fn openai(&self) -> Refusal {
        let more = [
            "max_completion_tokens",
            "parallel_tool_calls",
            "verbosity",
            "store",
            "metadata",
            "prompt_cache_key",
            "safety_identifier",
            "service_tier",
            "seed",
            "user",
            "logit_bias",
            "logprobs",
            "functions",
            "function_call",
        ];
        let thinks = ["o3", "o4", "gpt-5"].iter().any(|family| self.model.starts_with(family));
        let (chat, o_series) = (self.model.starts_with("gpt-4"), self.model.starts_with('o'));
        let known = self.known(&more, 400, "Unrecognized request argument supplied");
        known
            .or_else(|| if thinks { self.without("stop") } else { None })
            .or_else(|| self.roles(&["system", "developer", "user", "assistant", "tool", "function"], 400))
            .or_else(|| self.members("assistant", &["role", "content", "refusal", "annotations", "audio", "name", "tool_calls", "function_call"], 400))
            .or_else(|| self.calls(&["id", "type", "function"]))
            .or_else(|| self.ids(|id| id.len() <= 40))
            .or_else(|| if chat { self.effort(&[]).or_else(|| self.without("verbosity")) } else { None })
            .or_else(|| if o_series { self.without("parallel_tool_calls").or_else(|| self.without("verbosity")) } else { None })
            .or_else(|| if o_series { self.effort(&["low", "medium", "high"]) } else { None })
            .or_else(|| {
                let effort = self.body["reasoning_effort"].as_str();
                let refused = match self.model {
                    "gpt-5.4" => effort.is_some_and(|effort| effort != "none"),
                    "gpt-5.6-terra" => effort != Some("none"),
                    _ => false,
                };
                if refused { bad(400, "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions.") } else { None }
            })
    }

    fn anthropic(&self) -> Refusal {
        let word = |id: &str| {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        self.ids(word)
            .or_else(|| self.one_choice())
            .or_else(|| self.roles(&["system", "developer", "user", "assistant", "tool"], 400))
            .or_else(|| self.without("functions"))
    }

    fn gemini(&self) -> Refusal {
        let known =
            self.known(&["max_completion_tokens"], 400, "Invalid JSON payload received. Unknown name");
        let old = self.model.starts_with("gemini-2");
        known
            .or_else(|| self.roles(&COMMON_ROLES, 400))
            .or_else(|| self.members("", &["role", "content", "name", "tool_calls", "tool_call_id"], 400))
            .or_else(|| self.calls(&["id", "type", "function", "extra_content"]))
            .or_else(|| {
                self.loose_tools("Invalid JSON payload received. Unknown name \"strict\": Cannot find field.")
            })
            .or_else(|| self.effort(&["none", "minimal", "low", "medium", "high"]))
            .or_else(|| {
                if old {
                    self.tools_alone(
                        "Function calling with a response mime type: 'application/json' is unsupported",
                    )
                } else {
                    None
                }
            })
            .or_else(|| {
                let signed = self
                    .called()
                    .all(|calls| calls[0]["extra_content"]["google"]["thought_signature"].is_string());
                if old || signed {
                    None
                } else {
                    bad(400, "Function call is missing a thought_signature in functionCall parts.")
                }
            })
    }

    fn groq(&self) -> Refusal {
        let more = [
            "max_completion_tokens",
            "parallel_tool_calls",
            "seed",
            "user",
            "frequency_penalty",
            "presence_penalty",
        ];
        let words: &[&str] = if self.model.contains("gpt-oss") {
            &["low", "medium", "high"]
        } else if self.model.contains("qwen3") {
            &["none", "default"]
        } else {
            &[]
        };
        let not_text =
            self.messages().any(|message| message["role"] != "user" && message["content"].is_array());
        self.known(&more, 400, "property is unsupported")
            .or_else(|| self.roles(&COMMON_ROLES, 400))
            .or_else(|| self.members("assistant", &["role", "content", "tool_calls"], 400))
            .or_else(|| self.members("tool", &["role", "content", "tool_call_id"], 400))
            .or_else(|| self.calls(&["id", "type", "function"]))
            .or_else(|| self.effort(words))
            .or_else(|| self.tools_alone("json mode cannot be combined with tool/function calling"))
            .or_else(|| self.one_choice())
            .or_else(
                || if not_text { bad(400, "'messages.0.content' : value must be a string") } else { None },
            )
    }

    fn mistral(&self) -> Refusal {
        let more = [
            "random_seed",
            "safe_prompt",
            "prompt_mode",
            "metadata",
            "parallel_tool_calls",
            "prediction",
            "frequency_penalty",
            "presence_penalty",
        ];
        let words: &[&str] = if self.model.contains("small") { &["none", "high"] } else { &[] };
        let options = self
            .body
            .get("stream_options")
            .map(|_| (422, "stream_options: Extra inputs are not permitted".to_owned()));
        options
            .or_else(|| self.known(&more, 422, "Extra inputs are not permitted"))
            .or_else(|| self.roles(&COMMON_ROLES, 422))
            .or_else(|| self.members("assistant", &["role", "content", "tool_calls", "prefix"], 422))
            .or_else(|| self.members("tool", &["role", "content", "tool_call_id", "name"], 422))
            .or_else(|| self.members("user", &["role", "content"], 422))
            .or_else(|| self.ids(nine))
            .or_else(|| self.effort(words))
    }

    fn deepseek(&self) -> Refusal {
        let kind = self.body["response_format"]["type"].as_str();
        let silent = self
            .messages()
            .any(|message| message["role"] == "assistant" && !message["reasoning_content"].is_string());
        self.roles(&COMMON_ROLES, 400)
            .or_else(|| {
                if kind == Some("json_schema") {
                    bad(400, "This response_format type is unavailable now")
                } else {
                    None
                }
            })
            .or_else(|| {
                if silent {
                    bad(400, "The `reasoning_content` in the thinking mode must be passed back to the API.")
                } else {
                    None
                }
            })
            .or_else(|| self.effort(&["minimal", "low", "medium", "high", "xhigh", "max"]))
            .or_else(|| self.without("functions"))
            .or_else(|| {
                let choice = &self.body["tool_choice"];
                if choice.is_null() || choice == "auto" || choice == "none" {
                    None
                } else {
                    bad(400, "Thinking mode does not support this tool_choice")
                }
            })
    }

    fn xai(&self) -> Refusal {
        let more = [
            "max_completion_tokens",
            "parallel_tool_calls",
            "seed",
            "user",
            "logprobs",
            "top_logprobs",
            "search_parameters",
        ];
        let words: &[&str] = if self.model == "grok-4.3" { &["none", "low", "medium", "high"] } else { &[] };
        let thinks = !self.model.contains("non-reasoning");
        self.known(&more, 400, "Argument not supported")
            .or_else(|| if thinks { self.without("stop") } else { None })
            .or_else(|| self.roles(&COMMON_ROLES, 422))
            .or_else(|| {
                self.members(
                    "assistant",
                    &["role", "content", "tool_calls", "reasoning_content", "name"],
                    422,
                )
            })
            .or_else(|| self.calls(&["id", "type", "function"]))
            .or_else(|| self.loose_tools("Argument not supported: tools[0].function.strict"))
            .or_else(|| self.effort(words))
    }

    fn fireworks(&self) -> Refusal {
        let more = [
            "max_completion_tokens",
            "parallel_tool_calls",
            "seed",
            "user",
            "metadata",
            "prompt_cache_key",
            "service_tier",
            "top_k",
            "min_p",
            "thinking",
            "logprobs",
            "top_logprobs",
            "logit_bias",
        ];
        self.known(&more, 400, "Extra inputs are not permitted")
            .or_else(|| self.roles(&COMMON_ROLES, 400))
            .or_else(|| {
                self.members(
                    "assistant",
                    &["role", "content", "tool_calls", "reasoning_content", "name", "function_call"],
                    400,
                )
            })
            .or_else(|| self.calls(&["id", "type", "function"]))
            .or_else(|| {
                self.loose_tools(
                    "Extra inputs are not permitted, field: 'tools[0].function.strict', value: True",
                )
            })
            .or_else(|| self.effort(&["none", "low", "medium", "high"]))
    }

    fn vllm(&self) -> Refusal {
        let mistral = self.model.contains("Devstral");
        self.roles(&COMMON_ROLES, 400)
            .or_else(|| self.effort(&["none", "low", "medium", "high"]))
            .or_else(|| self.without("functions"))
            .or_else(|| if mistral { self.ids(nine) } else { None })
    }

    fn members_of(&self) -> &'a Map<String, Value> {
        self.body.as_object().expect("an object")
    }

    fn messages(&self) -> impl Iterator<Item = &'a Value> {
        self.body["messages"].as_array().expect("a list").iter()
    }

    fn called(&self) -> impl Iterator<Item = &'a Value> {
        self.messages().map(|message| &message["tool_calls"]).filter(|calls| calls.is_array())
    }

    fn known(&self, more: &[&str], status: u16, message: &str) -> Refusal {
        let mut names = self.members_of().keys().map(String::as_str);
        let unknown = names.find(|name| !EVERYBODYS.contains(name) && !more.contains(name))?;
        bad(status, format!("{message}: {unknown}"))
    }

    fn without(&self, name: &str) -> Refusal {
        self.body
            .get(name)
            .map(|_| (400, format!("Unsupported parameter: '{name}' is not supported with this model.")))
    }

    fn roles(&self, known: &[&str], status: u16) -> Refusal {
        let role =
            self.messages().find(|message| !known.contains(&message["role"].as_str().expect("a role")))?;
        bad(status, format!("messages[0].role: unknown variant {}", role["role"]))
    }

    fn members(&self, role: &str, known: &[&str], status: u16) -> Refusal {
        let messages = self.messages().filter(|message| role.is_empty() || message["role"] == role);
        let mut names = messages.flat_map(|message| message.as_object().expect("an object").keys());
        let unknown = names.find(|name| !known.contains(&name.as_str()))?;
        bad(status, format!("messages: property '{unknown}' is not known here"))
    }

    fn calls(&self, known: &[&str]) -> Refusal {
        let calls = self.called().flat_map(|calls| calls.as_array().expect("a list"));
        for call in calls {
            if call["type"] != "function" {
                return bad(400, "Missing required parameter: 'messages[2].tool_calls[0].type'.");
            }
            if let Some(name) =
                call.as_object().expect("a call").keys().find(|name| !known.contains(&name.as_str()))
            {
                return bad(400, format!("Unknown parameter: 'messages[2].tool_calls[0].{name}'."));
            }
        }
        None
    }

    fn ids(&self, good: impl Fn(&str) -> bool) -> Refusal {
        let calls = self.called().flat_map(|calls| calls.as_array().expect("a list")).map(|call| &call["id"]);
        let results = self.messages().map(|message| &message["tool_call_id"]);
        let mut ids = calls.chain(results).filter_map(Value::as_str);
        let wrong = ids.find(|id| !good(id))?;
        bad(400, format!("Tool call id was {wrong} but must be another one."))
    }

    fn effort(&self, words: &[&str]) -> Refusal {
        let effort = self.body.get("reasoning_effort")?;
        if effort.as_str().is_some_and(|effort| words.contains(&effort)) {
            return None;
        }
        bad(400, format!("reasoning_effort {effort} is no good; it can be {words:?}"))
    }

    fn tools_alone(&self, message: &str) -> Refusal {
        let both = self.body.get("tools").is_some() && self.body.get("response_format").is_some();
        if both { bad(400, message) } else { None }
    }

    /// No tool may have `strict`.
    fn loose_tools(&self, message: &str) -> Refusal {
        let mut tools = self.body["tools"].as_array().into_iter().flatten();
        tools.find(|tool| tool["function"].get("strict").is_some()).and_then(|_| bad(400, message))
    }

    fn one_choice(&self) -> Refusal {
        if self.body.get("n").is_some_and(|n| n != 1) { bad(400, "n must be 1") } else { None }
    }
}

fn nine(id: &str) -> bool {
    id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
