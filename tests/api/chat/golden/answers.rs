//! Vendors' answers, and what the caller gets: our names, and every other byte unchanged.

use std::fmt::Write as _;

use serde_json::json;

use super::{hold, visible};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// (vendor, the complete answer)
#[rustfmt::skip]
const WHOLE: &[(&str, &str)] = &[
    ("OpenAI", r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_1"}"#),
    ("Azure, with its filters' findings", r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"Hi","role":"assistant"}}],"created":1700000000,"id":"chatcmpl-1","model":"gpt-4o-2024-08-06","object":"chat.completion","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"jailbreak":{"filtered":false,"detected":false}}}],"system_fingerprint":"fp_1","usage":{"completion_tokens":2,"prompt_tokens":8,"total_tokens":10}}"#),
    ("Anthropic, without a fingerprint", r#"{"id":"msg_1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"created":1700000000,"model":"claude-sonnet-4-5","object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":8,"total_tokens":10}}"#),
    ("Gemini, with a signature", r#"{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Hi","extra_content":{"google":{"thought_signature":"AB/+=="}},"role":"assistant"}}],"created":1700000000,"id":"x","model":"models/gemini-2.5-flash","object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":8,"total_tokens":40}}"#),
    ("DeepSeek, with its reasoning", r#"{"id":"1","object":"chat.completion","created":1700000000,"model":"deepseek-reasoner","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"They said hello.\n"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":9,"total_tokens":17,"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":8},"system_fingerprint":"fp_1_prod"}"#),
    ("Groq, with its times", r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"llama-3.3-70b-versatile","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":"stop"}],"usage":{"queue_time":0.037493756,"prompt_tokens":8,"prompt_time":0.000680594,"completion_tokens":2,"completion_time":1e-3,"total_tokens":10},"usage_breakdown":null,"system_fingerprint":"fp_1","x_groq":{"id":"req_1"},"service_tier":"on_demand"}"#),
    ("OpenRouter, with a provider of its own", r#"{"id":"gen-1","provider":"Azure","model":"openai/gpt-4o","object":"chat.completion","created":1700000000,"choices":[{"logprobs":null,"finish_reason":"stop","native_finish_reason":"STOP","index":0,"message":{"role":"assistant","content":"Hi","refusal":null,"reasoning":null}}],"system_fingerprint":null,"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"cost":0.00001230,"is_byok":false}}"#),
    ("Mistral, a tool call", r#"{"id":"1","created":1700000000,"model":"mistral-large-latest","usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2},"object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","tool_calls":[{"id":"D681PevKs","function":{"name":"model","arguments":"{\"model\": \"x\"}"},"index":0}],"content":""}}]}"#),
    ("Perplexity, with its sources", r#"{"id":"1","model":"sonar","created":1700000000,"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"search_context_size":"low","cost":{"total_cost":0.005}},"citations":["https://example.com/?a=1&b=2"],"search_results":[{"title":"T","url":"https://example.com","date":null}],"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hi[1]"},"delta":{"role":"assistant","content":""}}]}"#),
    ("llama.cpp, with its timings and no provider's habits", "{\n  \"choices\": [ { \"finish_reason\": \"stop\", \"index\": 0, \"message\": { \"role\": \"assistant\", \"content\": \"Hi\" } } ],\r\n\t\"created\": 1700000000, \"model\" : null, \"object\": \"chat.completion\", \"usage\": { \"completion_tokens\": 2, \"prompt_tokens\": 8, \"total_tokens\": 10 }, \"id\": \"chatcmpl-1\", \"timings\": { \"prompt_ms\": 29.909999999999997 } }\n"),
];

/// (vendor, the stream)
#[rustfmt::skip]
const STREAMS: &[(&str, &str)] = &[
    ("OpenAI, the usage by itself", concat!(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"1kQ\"}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"\"}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null,\"obfuscation\":\"x\"}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":2,\"total_tokens\":10},\"obfuscation\":\"y\"}\n\n",
        "data: [DONE]\n\n",
    )),
    ("Azure, its filter's findings before and after", concat!(
        "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n",
        "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"\",\"refusal\":null,\"role\":\"assistant\"},\"finish_reason\":null,\"index\":0,\"logprobs\":null}],\"created\":1700000000,\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"fp_1\"}\n\n",
        "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null,\"index\":0,\"logprobs\":null}],\"created\":1700000000,\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"fp_1\"}\n\n",
        "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{},\"finish_reason\":\"stop\",\"index\":0,\"logprobs\":null}],\"created\":1700000000,\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"fp_1\"}\n\n",
        "data: {\"choices\":[],\"created\":1700000000,\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\",\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":8,\"total_tokens\":10}}\n\n",
        "data: [DONE]\n\n",
    )),
    ("OpenRouter, with comments", concat!(
        ": OPENROUTER PROCESSING\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"Azure\",\"model\":\"openai/gpt-4o\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null,\"native_finish_reason\":null,\"logprobs\":null}]}\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"Azure\",\"model\":\"openai/gpt-4o\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\",\"native_finish_reason\":\"stop\",\"logprobs\":null}]}\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"Azure\",\"model\":\"openai/gpt-4o\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":2,\"total_tokens\":10,\"cost\":1e-05}}\n\n",
        "data: [DONE]\n\n",
    )),
    ("Mistral, the usage beside the end", concat!(
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mistral-large-latest\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mistral-large-latest\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mistral-large-latest\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":8,\"total_tokens\":10,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    )),
    ("DeepSeek, with comments that keep the line open", concat!(
        ": keep-alive\n\n",
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"deepseek-reasoner\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"deepseek-reasoner\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"content\":null,\"reasoning_content\":\"Hm\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"deepseek-reasoner\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\",\"reasoning_content\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":9,\"total_tokens\":17}}\n\n",
        "data: [DONE]\n\n",
    )),
    ("Groq, the usage in a member of its own", concat!(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"llama-3.3-70b-versatile\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}],\"x_groq\":{\"id\":\"req_1\"}}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"llama-3.3-70b-versatile\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"llama-3.3-70b-versatile\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"req_1\",\"usage\":{\"queue_time\":0.06,\"prompt_tokens\":8,\"completion_tokens\":2,\"total_tokens\":10}}}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"llama-3.3-70b-versatile\",\"system_fingerprint\":\"fp\",\"choices\":[],\"usage\":{\"queue_time\":0.06,\"prompt_tokens\":8,\"completion_tokens\":2,\"total_tokens\":10}}\n\n",
        "data: [DONE]\n\n",
    )),
    ("a server with Windows' line ends, names of events, and no model", concat!(
        "event: message\r\nid: 1\r\ndata: {\"choices\" : [ {\"delta\":{\"content\":\"h\\u00e9 🦀\"}} ] , \"x\":1.0}\r\n\r\n",
        "retry: 10\r\ndata:{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n",
        "data: [DONE]\r\n\r\n",
    )),
];

on_both_databases! {
    async fn what_reaches_the_caller_of_answers(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("house \"provider\"", &fake).await;
        app.organization.model("ours", provider).await;
        let mut text = String::new();
        for (who, said) in WHOLE {
            fake.next(Script::respond(200, &[("content-type", "application/json")], said));
            let answer = app.chat(&json!({"model": "ours"})).await;
            assert_eq!(answer.status, 200, "{who}: {}", answer.text());
            let parts = [visible(said), visible(&answer.text())];
            write!(text, "## {who}\n\n{}\n\nbecomes\n\n{}\n\n", parts[0].trim(), parts[1].trim()).expect("a text");
        }
        for (who, said) in STREAMS {
            write!(text, "## {who}\n\n{}\n", visible(said)).expect("a text");
            for asked in [false, true] {
                fake.next(Script::stream().chunk(said).end());
                let body = json!({"model": "ours", "stream": true, "stream_options": {"include_usage": asked}});
                let answer = app.chat(&body).await;
                let how = if asked { ", if the usage was asked for," } else { "" };
                write!(text, "becomes{how}\n\n{}\n", visible(&answer.text())).expect("a text");
            }
        }
        hold("answers", &text);
    }
}
