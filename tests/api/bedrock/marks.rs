//! What only newer models of Claude take in Converse: marks for the cache, and calls of tools one at a time.

use serde_json::{Value, json};

use super::{Bedrock, post};
use crate::support::app::App;
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// Models of Claude at the provider, by their names in the catalog.
const OLDER: [(&str, &str); 2] = [
    ("older", "eu.anthropic.claude-3-7-sonnet-20250219-v1:0"),
    ("oldest", "anthropic.claude-3-haiku-20240307-v1:0"),
];

async fn with_older_models(app: &App) -> Bedrock {
    let bedrock = Bedrock::arrange(app).await;
    bedrock.fake.always(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
    let provider = bedrock.id.parse().expect("an id");
    for (name, upstream) in OLDER {
        app.organization
            .model_like(name, provider, |model| upstream.clone_into(&mut model.upstream_model))
            .await;
    }
    bedrock
}

/// A request of Claude Code's kind: marks in the tools, in what the operator says, and in the conversation.
fn marked(model: &str) -> Value {
    let (usual, hour) = (json!({"type": "ephemeral"}), json!({"type": "ephemeral", "ttl": "1h"}));
    json!({
        "model": model, "max_tokens": 64,
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": hour}],
        "system": [{"type": "text", "text": "S", "cache_control": hour}],
        "messages": [
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": "R", "cache_control": usual},
                {"type": "text", "text": "And?", "cache_control": usual},
            ]},
        ],
    })
}

/// The changes to the first attempt of the last request.
async fn adapted(app: &App) -> String {
    let row = app.requests(1).await.pop().expect("a row");
    row["attempts"][0]["adapted"].to_string()
}

on_both_databases! {
    async fn marks_for_the_cache_reach_the_models_that_take_them(app: App) {
        let bedrock = with_older_models(&app).await;
        let (usual, hour) = (json!({"cachePoint": {"type": "default"}}), json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
        for (model, long, change) in [
            ("claude", Some(&hour), None),
            ("older", Some(&usual), Some("clamped:cache_control")),
            ("oldest", None, Some("stripped:cache_control")),
            ("nova", None, Some("stripped:cache_control")),
        ] {
            let answer = post(&app, "/v1/messages", &marked(model)).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let sent = bedrock.fake.requests().pop().expect("a call").json();
            let with = |block: Value, mark: Option<&Value>| Value::from_iter([block].into_iter().chain(mark.cloned()));
            let tool = json!({"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}});
            assert_eq!(sent["toolConfig"]["tools"], with(tool, long), "{model}");
            assert_eq!(sent["system"], with(json!({"text": "S"}), long), "{model}");
            let short = long.map(|_| &usual);
            let result = json!({"toolResult": {"toolUseId": "t", "content": [{"text": "R"}]}});
            let asked = json!({"text": "And?"});
            let blocks = [Some(&result), short, Some(&asked), short].into_iter().flatten().cloned();
            assert_eq!(sent["messages"][2]["content"], Value::from_iter(blocks), "{model}");
            let noted = adapted(&app).await;
            assert_eq!(noted.contains("cache_control"), change.is_some(), "{model}: {noted}");
            assert!(change.is_none_or(|change| noted.contains(change)), "{model}: {noted}");
        }
    }

    async fn a_caller_of_completions_marks_what_is_cached_too(app: App) {
        let bedrock = with_older_models(&app).await;
        let mark = json!({"type": "ephemeral"});
        let body = json!({"model": "claude", "messages": [
            {"role": "system", "content": [{"type": "text", "text": "S", "cache_control": mark}]},
            {"role": "user", "content": "Hi"},
        ]});
        assert_eq!(app.chat(&body).await.status, 200);
        let sent = bedrock.fake.requests().pop().expect("a call").json();
        assert_eq!(sent["system"], json!([{"text": "S"}, {"cachePoint": {"type": "default"}}]));
        // A mark of the whole request is at its end.
        let body = json!({"model": "claude", "max_tokens": 64, "cache_control": mark, "messages": [{"role": "user", "content": "Hi"}]});
        assert_eq!(post(&app, "/v1/messages", &body).await.status, 200);
        let sent = bedrock.fake.requests().pop().expect("a call").json();
        assert_eq!(sent["messages"][0]["content"], json!([{"text": "Hi"}, {"cachePoint": {"type": "default"}}]));
    }

    async fn tools_are_called_one_at_a_time_by_the_models_that_can(app: App) {
        let bedrock = with_older_models(&app).await;
        let tools = json!([{"type": "function", "function": {"name": "f"}}]);
        for (model, choice, sent_choice, additional) in [
            ("claude", json!(null), json!(null), json!({"type": "auto", "disable_parallel_tool_use": true})),
            ("claude", json!("auto"), json!({"auto": {}}), json!({"disable_parallel_tool_use": true})),
            ("claude", json!("required"), json!({"any": {}}), json!({"disable_parallel_tool_use": true})),
            ("claude", json!("none"), json!(null), json!(null)),
            ("older", json!("auto"), json!({"auto": {}}), json!(null)),
            ("nova", json!("auto"), json!({"auto": {}}), json!(null)),
        ] {
            let body = json!({
                "model": model, "messages": [{"role": "user", "content": "Hi"}], "tools": tools,
                "tool_choice": choice, "parallel_tool_calls": false,
            });
            let answer = app.chat(&body).await;
            assert_eq!(answer.status, 200, "{model} {choice}: {}", answer.text());
            let sent = bedrock.fake.requests().pop().expect("a call").json();
            assert_eq!(sent["toolConfig"]["toolChoice"], sent_choice, "{model}: {sent}");
            assert_eq!(sent["additionalModelRequestFields"]["tool_choice"], additional, "{model}: {sent}");
            assert!(!sent.to_string().contains("parallelToolCalls"), "{model}: {sent}");
            let is_dropped = adapted(&app).await.contains("dropped:parallel_tool_calls");
            assert_eq!(is_dropped, model != "claude", "{model} {choice}");
        }
        // Reasoning is beside it.
        let body = json!({
            "model": "claude", "messages": [{"role": "user", "content": "Hi"}], "tools": tools,
            "parallel_tool_calls": false, "reasoning_effort": "low", "max_tokens": 8_192,
        });
        assert_eq!(app.chat(&body).await.status, 200);
        let sent = bedrock.fake.requests().pop().expect("a call").json();
        let fields = sent["additionalModelRequestFields"].as_object().expect("fields");
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["thinking", "tool_choice"], "{sent}");
    }
}
