//! The models and requests used for each preset.

use super::vendor::Case;

/// A preset, the path of an installation if the preset has no address of its own, and models of the vendor. The first
/// is also tested as the primary; the others are included because their rules differ.
pub(super) const VENDORS: &[(&str, &str, &[&str])] = &[
    ("openai", "", &["gpt-4o", "o1", "gpt-5-chat-latest"]),
    ("anthropic", "", &["claude-sonnet-4-5", "claude-opus-4-7"]),
    ("gemini", "", &["gemini-2.5-flash-lite"]),
    ("azure", "/openai/v1", &["gpt-4o", "codex-mini"]),
    ("azure-deployments", "/openai", &["gpt-4o", "codex-mini"]),
    ("openrouter", "", &["anthropic/claude-sonnet-4.5"]),
    ("groq", "", &["llama-3.3-70b-versatile"]),
    ("mistral", "", &["mistral-large-latest"]),
    ("together", "", &["meta-llama/Llama-3.3-70B-Instruct-Turbo"]),
    ("deepseek", "", &["deepseek-chat", "deepseek-reasoner"]),
    ("xai", "", &["grok-4.3", "grok-3-mini"]),
    ("fireworks", "", &["accounts/fireworks/models/gpt-oss-120b"]),
    ("ollama", "", &["llama3.2"]),
    ("vllm", "/v1", &["Qwen/Qwen3-32B"]),
    ("custom", "/some/path/v1?api-version=2024-10-21", &["some model \"of\" theirs"]),
    ("simulated", "", &["steady"]),
];

const PLAIN: Case =
    Case { title: "plain", rest: r#""messages":[{"role":"user","content":"Hello"}],"temperature":0.5"# };
const STREAM: Case = Case { title: "stream", rest: r#""stream":true,"messages":[]"# };
const STREAM_USAGE: Case = Case {
    title: "stream, the caller asks for its usage",
    rest: r#""stream":true,"stream_options":{ "include_usage" : true,"x":1.50 },"messages":[]"#,
};
const STREAM_NO_USAGE: Case = Case {
    title: "stream, the caller asks for no usage",
    rest: r#""stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false},"messages":[]"#,
};
const OPTIONS_ALONE: Case = Case {
    title: "stream options without a stream",
    rest: r#""stream":false,"stream_options":{"include_usage":true},"messages":[]"#,
};
const ROUTER: Case = Case {
    title: "members for a router",
    rest: r#""messages":[],"provider":{"order":["x"],"data_collection":"deny"},"route":"fallback","transforms":["middle-out"],"plugins":[{"id":"web"}],"usage":{"include":true}"#,
};
const OWN: Case = Case {
    title: "members of the gateway's own",
    rest: r#""messages":[],"fallbacks":null,"disable_fallbacks":false,"max_fallbacks":3,"num_retries":0,"session_id":"s-1","mock_testing_fallbacks":false,"mock_testing_context_fallbacks":null,"mock_testing_content_policy_fallbacks":false,"metadata":{"session_id":"stays"}"#,
};
const ODD: Case = Case {
    title: "unknown fields, written oddly",
    rest: "\"messages\" :[ {\"role\" : \"user\",\"content\":\"\\u003c \\ud83e\\udd80 é 🦀 \\/ \\\"model\\\":\\\"x\\\"\",\"model\":\"not me\"} ],\t\"x_unknown\":{\"model\":\"inner\",\"models\":[\"a\"],\"n\":1.0E+2,\"big\":12345678901234567890123,\"small\":0.1000,\"minus\":-0.0,\"deep\":[[{\"stream_options\":{\"include_usage\":false},\"usage\":1,\r\n\"provider\":{}}]]},\"x_null\":null,\"x_empty\":{ },\"us\\u0065r\":\"\\u00fc\",\"x \\\"y\\\"\":[1,2 ,3]",
};
const LIMITS: Case = Case {
    title: "a limit and sampling",
    rest: r#""messages":[],"max_tokens":9999999,"temperature":0.70,"top_p":0.9,"presence_penalty":0.1,"frequency_penalty":0.2,"logprobs":true,"top_logprobs":2,"logit_bias":{"50256":-100},"seed":7,"reasoning_effort":"low","user":"u","store":false,"service_tier":"auto","stop":["x"]"#,
};
const LIMITS_BY_NEW_NAME: Case =
    Case { title: "a limit by its new name", rest: r#""messages":[],"max_completion_tokens":12,"n":1"# };
const LIMITS_BY_BOTH_NAMES: Case = Case {
    title: "a limit by both names",
    rest: r#""messages":[],"max_tokens":1e9,"max_completion_tokens":20"#,
};

const AGENT: Case = Case {
    title: "an agent's request",
    rest: r#""stream":true,"messages":[{"role":"developer","content":"JSON, please."},{"role":"user","content":"Go on."},{"role":"assistant","content":null,"refusal":null,"reasoning_content":"Well.","tool_calls":[{"id":"call_zQ3hN8vYc1TtRkX0mB7LwPsd","type":"function","function":{"name":"f","arguments":"{\"a\": 1.50}"}}]},{"role":"tool","tool_call_id":"call_zQ3hN8vYc1TtRkX0mB7LwPsd","content":"ok"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"parallel_tool_calls":false,"reasoning_effort":"xhigh","verbosity":"low","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}},"store":false,"metadata":{"a":"b"},"prompt_cache_key":"k""#,
};

/// As the request's primary: the body is unchanged.
pub(super) const AS_PRIMARY: &[Case] = &[
    PLAIN,
    STREAM,
    STREAM_USAGE,
    STREAM_NO_USAGE,
    OPTIONS_ALONE,
    ROUTER,
    OWN,
    ODD,
    LIMITS,
    LIMITS_BY_NEW_NAME,
    AGENT,
];

/// As a fallback: the rules for the vendor's models apply.
pub(super) const BEHIND: &[Case] = &[
    PLAIN,
    STREAM,
    STREAM_USAGE,
    STREAM_NO_USAGE,
    OPTIONS_ALONE,
    ROUTER,
    OWN,
    ODD,
    LIMITS_BY_NEW_NAME,
    LIMITS_BY_BOTH_NAMES,
];

/// As a fallback, once for each of the vendor's models.
pub(super) const BEHIND_EACH: &[&Case] = &[&LIMITS, &AGENT];
