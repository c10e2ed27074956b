//! The most common request of 2026 (tools with earlier calls, reasoning effort, a developer message, a schema) fails
//! over from each kind of provider to each kind. Every target is as strict as its vendor is known to be.

mod foreign;
mod history;
mod vendor_rules;

use std::collections::BTreeSet;

use failsoft::providers::PRESETS;
use serde_json::{Value, json};

use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;
use history::{HISTORIES, messages};

/// Presets with models that have different rules. The first model of each preset represents it in the pairs.
const TARGETS: &[(&str, &str)] = &[
    ("openai", "gpt-4.1"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5.6-terra"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-flash-lite"),
    ("gemini", "gemini-3-flash-preview"),
    ("azure", "o4-mini"),
    ("azure-deployments", "o4-mini"),
    ("openrouter", "anthropic/claude-sonnet-4.5"),
    ("groq", "llama-3.3-70b-versatile"),
    ("groq", "openai/gpt-oss-120b"),
    ("groq", "qwen/qwen3-32b"),
    ("mistral", "mistral-large-latest"),
    ("mistral", "mistral-small-latest"),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ("deepseek", "deepseek-v4-flash"),
    ("xai", "grok-4.3"),
    ("xai", "grok-4.20-0309-non-reasoning"),
    ("fireworks", "accounts/fireworks/models/gpt-oss-120b"),
    ("ollama", "llama3.2"),
    ("vllm", "Qwen/Qwen3-32B"),
    ("vllm", "mistralai/Devstral-Small-2-24B-Instruct-2512"),
    ("custom", "some-model"),
    ("simulated", "steady"),
];

/// An agent's default request, for the model that it was written for.
fn request(preset: &str, primary: &str, target: &str) -> Value {
    json!({
        "model": primary, "models": [target], "messages": messages(preset),
        "tools": [{"type": "function", "function": {
            "name": "weather", "description": "The weather of a city", "strict": true,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}}}],
        "tool_choice": "auto", "parallel_tool_calls": true, "reasoning_effort": "medium", "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": {
            "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false}}},
        "max_completion_tokens": 500, "store": false, "metadata": {"user_id": "7"}, "prompt_cache_key": "agent",
        "safety_identifier": "7f3a", "service_tier": "auto", "seed": 7, "user": "u-7",
        "stream": true, "stream_options": {"include_usage": true}
    })
}

/// Refuses what the vendor in the path refuses; primaries refuse everything, in a way without lasting effects.
fn judge(received: &Received) -> Option<Script> {
    if received.model.as_deref() == Some("first") {
        return Some(Script::error(400, "no", "never"));
    }
    let preset = received.path.split('/').nth(1)?;
    Some(match vendor_rules::refusal(preset, &received.json()) {
        Some((status, message)) => Script::error(status, "invalid_request_error", &message),
        None => Script::stream().text("Hi").finish("stop").done(),
    })
}

async fn catalog(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    fake.judge(judge);
    let mut provider = None;
    for (index, (preset, upstream)) in TARGETS.iter().enumerate() {
        if index == 0 || TARGETS[index - 1].0 != *preset {
            let address = (*preset != "simulated").then(|| format!("http://{}/{preset}/v1", fake.address()));
            let id = app.organization.provider_at(preset, preset, address.as_deref()).await;
            let first = if *preset == "simulated" { "error-400" } else { "first" };
            app.organization
                .model_like(&format!("from-{preset}"), id, |model| model.upstream_model = first.into())
                .await;
            provider = Some(id);
        }
        let change = |model: &mut failsoft::store::ModelFields| model.upstream_model = (*upstream).to_owned();
        app.organization.model_like(&name(preset, upstream), provider.expect("a provider"), change).await;
    }
    fake
}

fn name(preset: &str, upstream: &str) -> String {
    format!("{preset}.{}", upstream.replace('/', "."))
}

/// Checks that the conversation is complete, and that calls and results still match.
fn assert_same_conversation(sent: &Value, received: &Value, pair: &str) {
    let [sent, received] = [sent, received].map(|body| body["messages"].as_array().expect("a list").clone());
    assert_eq!(sent.len(), received.len(), "{pair}");
    let mut calls = Vec::new();
    for (before, after) in sent.iter().zip(&received) {
        assert_eq!(before["content"], after["content"], "{pair}");
        for (call, kept) in each(&before["tool_calls"]).zip(each(&after["tool_calls"])) {
            assert_eq!(call["function"]["name"], kept["function"]["name"], "{pair}");
            assert_eq!(kept["type"], "function", "{pair}");
            calls.push(kept["id"].clone());
        }
        if after["role"] == "tool" {
            assert_eq!(after["tool_call_id"], calls.remove(0), "{pair}");
        }
    }
    assert!(calls.is_empty(), "{pair}");
}

/// Checks that every member that the target received otherwise is named among the changes.
fn assert_all_named(sent: &Value, received: &Value, adapted: &[String], pair: &str) {
    let [sent, received] = [sent, received].map(|body| body.as_object().expect("an object").clone());
    for member in sent.keys().filter(|member| !matches!(member.as_str(), "model" | "models")) {
        let words: &[&str] = match member.as_str() {
            "messages" => &[""],
            "tools" => &["tools", "strict"],
            other => &[other],
        };
        let named = adapted.iter().any(|change| words.iter().any(|word| change.contains(word)));
        let (before, after) = (&sent[member], received.get(member));
        assert!(after == Some(before) || named, "{pair}: {member} is {after:?}, named {adapted:?}");
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

async fn crossed(app: &App, body: &Value) -> Answer {
    app.post("/v1/chat/completions", body).await
}

on_both_databases! {
    async fn the_most_common_request_works_across_all_vendors(app: App) {
        let fake = catalog(&app).await;
        let serving = PRESETS.iter().filter(|preset| preset.chat_completions.is_some());
        let mut presets: Vec<&str> = serving.map(|preset| preset.name).collect();
        presets.sort_unstable();
        for tested in [HISTORIES.iter().map(|(from, _)| *from).collect(), TARGETS.iter().map(|(preset, _)| *preset).collect::<BTreeSet<&str>>()] {
            assert_eq!(tested.into_iter().collect::<Vec<_>>(), presets);
        }
        for (from, _) in HISTORIES {
            for (preset, upstream) in TARGETS {
                let (primary, target) = (format!("from-{from}"), name(preset, upstream));
                let pair = format!("{from} to {target}");
                let body = request(from, &primary, &target);
                let answer = crossed(&app, &body).await;
                assert_eq!(answer.status, 200, "{pair}: {}", answer.text());
                assert_eq!(answer.header("x-failsoft-model"), target, "{pair}");
                assert_eq!(answer.header("x-failsoft-attempts"), "2", "{pair}");
                if *preset != "simulated" {
                    let received = fake.requests().pop().expect("a request");
                    assert_eq!(received.model.as_deref(), Some(*upstream), "{pair}: {}", answer.text());
                    assert_same_conversation(&body, &received.json(), &pair);
                    let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
                    let row = app.get(&path).await.json();
                    let adapted = each(&row["attempts"][1]["adapted"]).map(|change| change.as_str().expect("a text").to_owned());
                    assert_all_named(&body, &received.json(), &adapted.collect::<Vec<_>>(), &pair);
                }
            }
        }
    }

    /// As older agents still write it, for any fallback model.
    async fn deprecated_functions_work_across_all_vendors(app: App) {
        let fake = catalog(&app).await;
        for (preset, upstream) in TARGETS {
            let target = name(preset, upstream);
            let body = history::of_functions("from-openai", &target);
            let answer = crossed(&app, &body).await;
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            assert_eq!((answer.header("x-failsoft-model"), answer.header("x-failsoft-attempts")), (&*target, "2"));
            if *preset == "simulated" {
                continue;
            }
            let received = fake.requests().pop().expect("a request").json();
            assert_eq!(received["messages"].as_array().map(Vec::len), Some(5), "{target}");
            if matches!(*preset, "openai" | "azure" | "azure-deployments") {
                assert_eq!(received["functions"], body["functions"], "{target}");
                assert_eq!(received["messages"][3], body["messages"][3], "{target}");
                continue;
            }
            assert_eq!(received["tools"][0]["function"]["name"], "weather", "{target}");
            let forced = json!({"type": "function", "function": {"name": "weather"}});
            let expected = if *preset == "deepseek" { json!(null) } else { forced };
            assert_eq!(received["tool_choice"], expected, "{target}");
            let call = &received["messages"][2]["tool_calls"][0];
            assert_eq!(call["function"], body["messages"][2]["function_call"], "{target}");
            assert_eq!(received["messages"][3]["tool_call_id"], call["id"], "{target}");
            assert_eq!(received["messages"][3]["content"], body["messages"][3]["content"], "{target}");
            assert_eq!(received["messages"][3]["role"], "tool", "{target}");
        }
    }

    /// Stop sequences, a choice among some of the tools, and reasoning that Anthropic signed.
    async fn newer_requests_work_across_all_vendors(app: App) {
        let fake = catalog(&app).await;
        for (index, (preset, upstream)) in TARGETS.iter().enumerate() {
            let target = name(preset, upstream);
            let mut body = request("openai", "from-openai", &target);
            body["stop"] = json!(["END"]);
            let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
            body["tools"].as_array_mut().expect("tools").push(json!({"type": "function", "function": {"name": "forecast"}}));
            body["tool_choice"] = json!({
                "type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool("weather")]}
            });
            body["messages"][2]["content"] = json!([
                {"type": "thinking", "thinking": "Two cities.", "signature": "AAAA"},
                {"type": "redacted_thinking", "data": "AAAA"},
                {"type": "text", "text": "Let me look."},
            ]);
            let answer = crossed(&app, &body).await;
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            assert_eq!((answer.header("x-failsoft-model"), answer.header("x-failsoft-attempts")), (&*target, "2"));
            if *preset == "simulated" {
                continue;
            }
            let received = fake.requests().pop().expect("a request").json();
            let names: Vec<&str> =
                each(&received["tools"]).map(|tool| tool["function"]["name"].as_str().expect("a name")).collect();
            let adapted = app.requests(index + 1).await[index]["attempts"][1]["adapted"].to_string();
            if matches!(*preset, "openai" | "azure" | "azure-deployments") {
                assert_eq!((names.len(), &received["tool_choice"]), (2, &body["tool_choice"]), "{target}");
            } else {
                let choice = if *preset == "deepseek" { json!(null) } else { json!("required") };
                assert_eq!((names, &received["tool_choice"]), (vec!["weather"], &choice), "{target}");
                assert!(adapted.contains("\"mapped:tools\""), "{target}: {adapted}");
                let named = if *preset == "deepseek" { "\"dropped:tool_choice\"" } else { "\"mapped:tool_choice\"" };
                assert!(adapted.contains(named), "{target}: {adapted}");
            }
            let takes_stop = received.get("stop").is_some();
            assert_ne!(takes_stop, adapted.contains("\"dropped:stop\""), "{target}: {adapted}");
            let said = received["messages"][2]["content"].to_string();
            let whole = said.contains("AAAA");
            assert_eq!(whole, !adapted.contains("\"stripped:thinking\""), "{target}: {adapted}");
            assert!(said.contains("Let me look."), "{target}: {said}");
        }
    }

    /// The same pair again: the vendor's prompt cache must recognize the conversation.
    async fn a_request_is_adapted_the_same_way_every_time(app: App) {
        let fake = catalog(&app).await;
        let body = request("openai", "from-openai", "mistral.mistral-large-latest");
        let mut bodies = Vec::new();
        for _ in 0..2 {
            assert_eq!(crossed(&app, &body).await.status, 200);
            bodies.push(fake.requests().pop().expect("a request").body);
        }
        assert_eq!(bodies[0], bodies[1]);
    }

    async fn changes_are_reported(app: App) {
        let _fake = catalog(&app).await;
        let body = request("openai", "from-openai", "mistral.mistral-large-latest");
        assert_eq!(crossed(&app, &body).await.status, 200);
        let attempts = app.requests(1).await[0]["attempts"].clone();
        let mut adapted: Vec<&str> =
            each(&attempts[1]["adapted"]).map(|change| change.as_str().expect("a text")).collect();
        adapted.sort_unstable();
        assert_eq!(adapted, [
            "aliased:tool_id", "dropped:prompt_cache_key", "dropped:reasoning_effort", "dropped:safety_identifier",
            "dropped:service_tier", "dropped:store", "dropped:stream_options", "dropped:user", "dropped:verbosity",
            "mapped:developer_role", "renamed:max_completion_tokens", "renamed:seed", "stripped:annotations",
            "stripped:refusal",
        ]);
        assert_eq!(attempts[0]["adapted"], json!([]));
    }
}
