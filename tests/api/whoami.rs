//! `/v1/identity/whoami`.

use chrono::TimeDelta;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::app::beginning;
use crate::support::management::refusal;
use crate::support::on_both_databases;

const WHOAMI: &str = "/v1/identity/whoami";

on_both_databases! {
    async fn any_key_may_ask_who_it_is(app: App) {
        let own = app.get(WHOAMI).await;
        assert_eq!(own.status, 200, "{}", own.text());
        let own = own.json();
        assert_eq!(own["organization"], json!({"id": app.organization.id, "name": "first"}));
        assert_eq!(
            own["api_key"]["scopes"],
            json!(["inference", "router:read", "router:manage", "keys:manage", "budgets:manage", "drill"])
        );
        assert_eq!((&own["api_key"]["models"], &own["api_key"]["expires_at"]), (&json!(null), &json!(null)));

        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        for name in ["b", "a"] {
            app.organization.model(name, provider).await;
        }
        let lesser = app.organization.key_like(&[Scope::Drill], |key| {
            key.name = "drills".to_owned();
            key.models = Some(vec!["b".to_owned(), "a".to_owned()]);
            key.expires_at = Some(beginning() + TimeDelta::hours(1));
        });
        let lesser = lesser.await;
        let answer = app.send(app.request(Method::GET, WHOAMI).header("x-api-key", &lesser)).await.json();
        let key = &answer["api_key"];
        assert_eq!(
            *key,
            json!({"id": key["id"], "name": "drills", "scopes": ["drill"], "models": ["a", "b"],
                   "expires_at": "2024-10-04T01:00:00Z"})
        );
        // The id is the one in the list of keys.
        let listed = app.get(&format!("/v1/identity/api-keys/{}", key["id"].as_str().expect("an id"))).await;
        assert_eq!(listed.json()["name"], "drills");
    }

    async fn an_invalid_key_is_unauthenticated(app: App) {
        let nobody = app.send(app.request(Method::GET, WHOAMI)).await;
        assert_eq!(refusal(&nobody), (401, "unauthorized".to_owned()));
        let both = app.request(Method::GET, WHOAMI).header("x-api-key", &app.organization.key);
        let other = app.organization.key_with(&[Scope::Inference]).await;
        assert_eq!(refusal(&app.call(both, &other).await), (401, "unauthorized".to_owned()));
        let ending =
            |key: &mut failsoft::store::NewApiKey| key.expires_at = Some(beginning() + TimeDelta::hours(1));
        let expiring = app.organization.key_like(&[Scope::Inference], ending).await;
        assert_eq!(app.call(app.request(Method::GET, WHOAMI), &expiring).await.status, 200);
        app.clock.advance(std::time::Duration::from_secs(3_600));
        let expired = app.call(app.request(Method::GET, WHOAMI), &expiring).await;
        assert_eq!(refusal(&expired), (401, "unauthorized".to_owned()));
        assert!(expired.text().contains("expired"), "{}", expired.text());
    }
}
