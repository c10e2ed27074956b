//! `GET /v1/models` and `GET /v1/models/{id}`: the models that the key may use.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::app::beginning;
use crate::support::fake_provider::FakeProvider;
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_list_is_the_callers_own_catalog(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["b", "openai/gpt-4o", "a"]).await;
        let off = app.organization.provider("second", &fake).await;
        app.organization.model_like("off", off, |model| model.enabled = false).await;
        let other = app.other_organization("other").await;
        other.catalog(&fake, &["theirs"]).await;
        let model = |name: &str| {
            json!({"id": name, "object": "model", "created": beginning().timestamp(), "owned_by": "fake"})
        };
        for path in ["/v1/models", "/api/v1/models"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.json(), json!({"object": "list", "data": [model("a"), model("b"), model("openai/gpt-4o")]}));
        }
        let key = app.organization.key_like(&[Scope::Inference], |new| new.models = Some(vec!["b".into()])).await;
        let narrowed = app.call(app.request(Method::GET, "/v1/models"), &key).await;
        assert_eq!(narrowed.json()["data"], json!([model("b")]));
        let hidden = app.call(app.request(Method::GET, "/v1/models/a"), &key).await;
        assert_eq!((hidden.status, hidden.json()["error"]["code"].clone()), (404, json!("model_not_found")));
    }

    async fn a_name_with_slashes_is_found_raw_and_encoded(app: App) {
        let fake = FakeProvider::start().await;
        let names = ["openai/gpt-4o", "a/b/c", "plain", "~x.y_z:1@2+3-4", "models"];
        app.organization.catalog(&fake, &names).await;
        for (path, name) in [
            ("openai/gpt-4o", "openai/gpt-4o"),
            ("openai%2Fgpt-4o", "openai/gpt-4o"),
            ("openai%2fgpt-4o", "openai/gpt-4o"),
            ("a/b%2Fc", "a/b/c"),
            ("plain", "plain"),
            ("%70lain", "plain"),
            ("models", "models"),
            ("~x.y_z:1@2+3-4", "~x.y_z:1@2+3-4"),
            ("%7Ex.y_z%3A1%402%2B3-4", "~x.y_z:1@2+3-4"),
        ] {
            for prefix in ["/v1/models/", "/api/v1/models/"] {
                let answer = app.get(&format!("{prefix}{path}")).await;
                assert_eq!((answer.status, answer.json()["id"].clone()), (200, json!(name)), "{path}: {}", answer.text());
            }
        }
        for path in ["nobody", "openai", "openai/", "openai//gpt-4o", "%00", "a%2", "%ff"] {
            let answer = app.get(&format!("/v1/models/{path}")).await;
            assert!(matches!(answer.status, 400 | 404), "{path}: {} {}", answer.status, answer.text());
            assert!(answer.json()["error"]["message"].is_string(), "{path}");
        }
    }
}
