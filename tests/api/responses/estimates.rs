//! What budgets reserve for a response: what the provider of each model gets.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};

use super::{catalog, respond};
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const BUDGETS: &str = "/v1/model-router/budgets";

/// A whole response of a provider that speaks the dialect.
const ANSWER: &str = r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"theirs","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}}"#;

/// The models `gpt`, `claude` and `own` of three dialects, each with a window of 10,000 tokens at 1,000 nano-dollars, and the
/// path of a budget.
async fn limited(app: &App) -> (FakeProvider, String) {
    let fake = FakeProvider::start().await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    for (name, preset) in [("gpt", "custom"), ("claude", "custom-messages"), ("own", "openai")] {
        let provider = app.organization.provider_at(name, preset, Some(&fake.base_url())).await;
        app.organization
            .model_like(name, provider, |fields| {
                fields.settings.price = Some(price);
                fields.settings.context_window = Some(10_000);
            })
            .await;
    }
    fake.always_for("gpt-upstream", Script::answer("Hi"));
    fake.always_for("claude-upstream", Script::message("Hi"));
    fake.always_for("own-upstream", Script::respond(200, &[("content-type", "application/json")], ANSWER));
    let budget = app.post(BUDGETS, &json!({"period": "day", "hard_limit_nano_dollars": 1})).await;
    assert_eq!(budget.status, 201, "{}", budget.text());
    let path = format!("{BUDGETS}/{}", budget.json()["id"].as_str().expect("an id"));
    (fake, path)
}

/// The status of a request, of which nothing but so many nano-dollars are left.
async fn status(app: &App, path: &str, room: i64, asked: &Value) -> u16 {
    let spent = app.get(path).await.json()["spent_nano_dollars"].as_i64().expect("a sum");
    let limit = app.patch(path, &json!({"hard_limit_nano_dollars": room + spent})).await;
    assert_eq!(limit.status, 200, "{}", limit.text());
    respond(app, asked).await.status
}

on_both_databases! {
    async fn tools_of_the_caller_and_dropped_ones_reserve_no_window(app: App) {
        let (_fake, path) = limited(&app).await;
        let schema = json!({"type": "object", "properties": {"file": {"type": "string"}, "day": {"type": "date"}}});
        let function = json!({"type": "function", "name": "f", "description": "Reads a file.", "parameters": schema});
        let namespace = json!({"type": "namespace", "name": "n", "description": "D", "tools": [function]});
        let item = json!({"type": "additional_tools", "role": "developer", "tools": [namespace]});
        let said = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]});
        let cached = json!({"type": "web_search", "external_web_access": false});
        for (fields, own) in [
            (json!({"tools": [namespace]}), 200),
            (json!({"input": [item, said]}), 200),
            // Its own provider searches.
            (json!({"tools": [cached]}), 402),
            (json!({"tools": [function, cached]}), 402),
        ] {
            for (model, expected) in [("gpt", 200), ("claude", 200), ("own", own)] {
                let mut asked = fields.clone();
                (asked["model"], asked["max_output_tokens"]) = (json!(model), json!(16));
                // A fifth of the window.
                assert_eq!(status(&app, &path, 2_000_000, &asked).await, expected, "{asked}");
                assert_eq!(status(&app, &path, 12_000_000, &asked).await, 200, "{asked}");
            }
        }
    }

    async fn a_short_input_is_a_prompt(app: App) {
        let (_fake, path) = limited(&app).await;
        for model in ["own", "gpt", "claude"] {
            let asked = json!({"model": model, "input": "Hello", "max_output_tokens": 16});
            // The answer alone, and with a turn.
            assert_eq!(status(&app, &path, 16_000 + 2_000, &asked).await, 402, "{asked}");
            assert_eq!(status(&app, &path, 16_000 + 20_000, &asked).await, 200, "{asked}");
        }
    }

    async fn a_response_that_is_made_later_is_refused_however_it_is_asked_for(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let openai = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        app.organization.model("own", openai).await;
        for asked in [
            json!({"background": true}),
            json!({"background": "true"}),
            json!({"background": "True"}),
            json!({"background": 1}),
            json!({"Background": true}),
            json!({"BACKGROUND": "yes"}),
        ] {
            for model in ["own", "gpt", "claude"] {
                let mut asked = asked.clone();
                asked["model"] = json!(model);
                let answer = respond(&app, &asked).await;
                let error = &answer.json()["error"];
                assert_eq!((answer.status, &error["param"]), (400, &json!("background")), "{asked}: {error}");
            }
        }
        assert_eq!(fake.served(), 0);
        fake.always(Script::respond(200, &[("content-type", "application/json")], ANSWER));
        for background in [json!(false), json!(null)] {
            let answer = respond(&app, &json!({"model": "own", "background": background})).await;
            assert_eq!(answer.status, 200, "{background}: {}", answer.text());
        }
    }
}
