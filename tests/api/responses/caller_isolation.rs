//! What one caller's response refers to of the provider's account closes no model to the others.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{body, respond};
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// More failures in a row than close a model.
const BAD: usize = 8;

/// A bare 401, as OpenAI sends it for what another account has.
fn refusal() -> Script {
    Script::json(
        401,
        &json!({"error": {"message": "Unauthorized", "type": "invalid_request_error", "code": null}}),
    )
}

fn answer() -> Script {
    let said = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]});
    Script::json(
        200,
        &json!({"id": "resp_1", "created_at": 1, "status": "completed", "model": "m", "output": [said]}),
    )
}

async fn ask(app: &App, key: &str, fields: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, "/v1/responses"), &body(fields)), key).await
}

on_both_databases! {
    async fn what_one_response_refers_to_closes_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        let bad = app.organization.key_with(&[Scope::Inference]).await;
        let part = |part: Value| json!({"input": [{"role": "user", "content": [part]}]});
        for (number, fields) in [
            part(json!({"type": "input_file", "file_id": "file-1"})),
            part(json!({"type": "input_image", "file_id": "file-1"})),
            part(json!({"type": "input_image", "image_url": "https://x.example/a.png"})),
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            json!({"input": [{"type": "compaction", "encrypted_content": "x"}, {"role": "user", "content": "Hi"}]}),
            json!({"input": [{"role": "assistant", "content": [{"type": "output_audio", "id": "audio_1"}]}, {"role": "user", "content": "Hi"}]}),
            json!({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"}, {"role": "user", "content": "Hi"}]}),
            json!({"previous_response_id": format!("resp_0_p{}", provider.simple())}),
            json!({"conversation": "conv_1"}),
            json!({"prompt": {"id": "pmpt_1"}}),
            json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
            json!({"tools": [{"type": "mcp", "server_label": "x", "connector_id": "connector_x"}]}),
            json!({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}),
        ].into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model(&name, provider).await;
            fake.always_for(&format!("{name}-upstream"), refusal());
            for turn in 0..BAD {
                let mut asked = fields.clone();
                (asked["model"], asked["instructions"]) = (json!(name), json!(format!("Turn {turn}.")));
                let answer = ask(&app, &bad, &asked).await;
                assert_ne!(answer.status, 200, "{asked}");
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{asked}: {}", answer.text());
            }
            fake.always_for(&format!("{name}-upstream"), answer());
            let answer = respond(&app, &json!({"model": name})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, name.as_str()), "{fields}: {}", answer.text());
        }
    }

    async fn a_bare_refusal_of_a_plain_response_closes_the_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        let functions = json!([{"type": "namespace", "name": "n", "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"file_id": {"type": "string"}}}}]}]);
        for (number, fields) in [json!({}), json!({"tools": functions, "previous_response_id": null})].into_iter().enumerate() {
            let (name, other) = (format!("m{number}"), format!("good{number}"));
            app.organization.model(&name, provider).await;
            app.organization.model(&other, provider).await;
            fake.always_for(&format!("{name}-upstream"), refusal());
            fake.always_for(&format!("{other}-upstream"), answer());
            for attempts in ["2", "1"] {
                let mut asked = fields.clone();
                (asked["model"], asked["models"]) = (json!(name), json!([other]));
                let answer = respond(&app, &asked).await;
                assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, attempts), "{fields}: {}", answer.text());
            }
        }
    }
}
