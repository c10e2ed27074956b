//! A price is judged by what a provider was sent: what translation or adaptation leaves out of a request does not make the
//! cost of its answer unknown.

use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Models at a price of 1,000 nano-dollars for each token: `gpt` and `claude`, one for each dialect; `primary`, which fails,
/// and `steady`, which the organization's rules adapt; and `router` of a vendor that has plugins.
async fn models(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    for (name, preset) in
        [("gpt", "custom"), ("claude", "custom-messages"), ("primary", "custom"), ("router", "openrouter")]
    {
        let provider = app.organization.provider_at(name, preset, Some(&fake.base_url())).await;
        app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
        if name == "primary" {
            let rules = json!({"drop": ["service_tier", "speed", "enable_search", "search_parameters", "extra_body"]});
            let new = json!({"name": "steady", "upstream_model": "steady-upstream", "provider_id": provider, "price": {"input": 1_000_000, "output": 1_000_000}, "parameter_rules": rules});
            let created = app.post("/v1/model-router/models", &new).await;
            assert_eq!(created.status, 201, "{}", created.text());
        }
    }
    fake.always_for("primary-upstream", Script::error(400, "invalid_request_error", "No."));
    fake
}

/// An answer with 9 prompt and 9 answer tokens, in the dialect of the model.
fn answered(model: &str, stream: bool) -> Script {
    let usage = json!({"input_tokens": 9, "output_tokens": 9, "cache_creation_input_tokens": 0});
    match (model == "claude", stream) {
        (true, true) => {
            let start = json!({"message": {"id": "m", "type": "message", "role": "assistant", "model": "claude-upstream", "content": [], "usage": usage}});
            Script::stream()
                .named("message_start", start)
                .text_start()
                .text_delta("Hi")
                .named(
                    "message_delta",
                    json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
                )
                .message_stop()
        }
        (true, false) => Script::json(
            200,
            &json!({
                "id": "m", "type": "message", "role": "assistant", "model": "claude-upstream",
                "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage
            }),
        ),
        (false, true) => Script::stream().text("Hi").finish("stop").usage(9, 9).done(),
        (false, false) => {
            let choice = json!({"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"});
            Script::json(
                200,
                &json!({"id": "x", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9, "prompt_tokens_details": {"cache_write_tokens": 4}}}),
            )
        }
    }
}

/// The row of a request with these fields to the first of these models, which the last one answers.
async fn row(
    app: &App,
    fake: &FakeProvider,
    path: &str,
    models: &[&str],
    fields: &Value,
    stream: bool,
) -> Value {
    let served = models.last().expect("a model");
    fake.next_for(&format!("{served}-upstream"), answered(served, stream));
    row_of(app, path, models, fields, stream).await
}

async fn row_of(app: &App, path: &str, models: &[&str], fields: &Value, stream: bool) -> Value {
    let served = models.last().expect("a model");
    let mut body = json!({
        "model": models[0], "models": models, "stream": stream, "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hi"}]
    });
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().expect("an object"));
    let request = with_json(app.request(Method::POST, path), &body);
    let answer = app.call(request, &app.organization.key).await;
    assert_eq!(
        (answer.status, answer.header("x-failsoft-model")),
        (200, *served),
        "{fields}: {}",
        answer.text()
    );
    let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
    eventually(async || Some(app.get(&path).await.json()).filter(|row| row["outcome"] == "answered")).await
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

on_both_databases! {
    async fn what_translation_drops_does_not_make_the_cost_unknown(app: App) {
        let fake = models(&app).await;
        let hour = json!({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]});
        for (path, models, fields) in [
            (MESSAGES, ["claude", "gpt"], json!({"service_tier": "priority"})),
            (MESSAGES, ["claude", "gpt"], json!({"speed": "fast"})),
            (MESSAGES, ["claude", "gpt"], hour),
            (CHAT, ["gpt", "claude"], json!({"service_tier": "flex"})),
            (CHAT, ["gpt", "claude"], json!({"enable_search": true})),
            (CHAT, ["gpt", "claude"], json!({"search_parameters": {"mode": "on"}})),
            (CHAT, ["gpt", "claude"], json!({"prediction": {"type": "content", "content": "x"}})),
            (CHAT, ["gpt", "claude"], json!({"extra_body": {"service_tier": "priority", "inference_geo": "us"}})),
        ] {
            for stream in [false, true] {
                for chain in [&models[1..], &models[..]] {
                    if chain.len() > 1 {
                        fake.next_for(&format!("{}-upstream", models[0]), Script::error(400, "invalid_request_error", "No."));
                    }
                    let row = row(&app, &fake, path, chain, &fields, stream).await;
                    assert_eq!(row["cost_nano_dollars"], 18_000, "{fields} {stream} {chain:?}: {row}");
                }
            }
        }
    }

    async fn what_adaptation_drops_does_not_make_the_cost_unknown(app: App) {
        let fake = models(&app).await;
        for fields in [
            json!({"service_tier": "flex"}), json!({"speed": "fast"}), json!({"enable_search": true}),
            json!({"search_parameters": {"mode": "on"}}), json!({"extra_body": {"service_tier": "priority"}}),
        ] {
            for stream in [false, true] {
                // The rules are for fallbacks; the primary gets what its caller wrote.
                let kept = row(&app, &fake, CHAT, &["steady"], &fields, stream).await;
                assert_eq!(kept["cost_nano_dollars"], Value::Null, "{fields} {stream}: {kept}");
                let dropped = row(&app, &fake, CHAT, &["primary", "steady"], &fields, stream).await;
                assert_eq!(dropped["cost_nano_dollars"], 18_000, "{fields} {stream}: {dropped}");
            }
        }
        // What a search finds is no part of a prompt that is not counted, if there is no search.
        for (chain, known) in [(&["steady"][..], false), (&["primary", "steady"], true)] {
            fake.next_for("steady-upstream", Script::stream().text("Hi").finish("stop").done());
            let row = row_of(&app, CHAT, chain, &json!({"enable_search": true}), true).await;
            assert_eq!((row["cost_nano_dollars"].is_number(), &row["estimated"]), (known, &json!(true)), "{row}");
        }
        // Plugins reach only vendors that have them.
        let plugins = json!({"plugins": [{"id": "web"}]});
        for stream in [false, true] {
            assert_eq!(row(&app, &fake, CHAT, &["gpt"], &plugins, stream).await["cost_nano_dollars"], 18_000);
            assert_eq!(row(&app, &fake, CHAT, &["router"], &plugins, stream).await["cost_nano_dollars"], Value::Null);
        }
    }
}
