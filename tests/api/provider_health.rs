//! `health` of `/v1/model-router/providers`: what calls have revealed about the credential.

use serde_json::{Value, json};

use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PROVIDERS: &str = "/v1/model-router/providers";

/// Waits until the provider has this health, and returns it.
async fn with_health(app: &App, id: &str, health: &str) -> Value {
    eventually(async || {
        let row = app.get(&format!("{PROVIDERS}/{id}")).await.json();
        (row["health"] == health).then_some(row)
    })
    .await
}

/// The audit entries about providers' health, oldest first.
async fn entries(app: &App) -> Vec<(Value, Value)> {
    use entity::audit_entries::{Column, Entity};
    use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
    let rows = Entity::find().filter(Column::Action.eq("provider.health")).order_by_asc(Column::Id);
    let rows = rows.all(&app.database().await).await.expect("the audit log");
    let health = |state: Option<Value>| state.map_or(Value::Null, |state| state["health"].clone());
    rows.into_iter().map(|row| (health(row.before), health(row.after))).collect()
}

on_both_databases! {
    async fn a_refused_credential_shows_until_the_provider_answers_again(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider("fake", &fake).await.to_string();
        let before = app.get(&format!("{PROVIDERS}/{id}")).await.json();
        app.organization.model("a", id.parse().expect("an id")).await;
        app.clock.advance(std::time::Duration::from_secs(1));
        fake.next(Script::error(401, "invalid_api_key", "Incorrect API key provided: sk-upstream-secret-0001"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.status, 502, "never the caller's own 401");
        let row = with_health(&app, &id, "failing").await;
        let message = row["health_message"].as_str().expect("a message");
        assert!(message.starts_with("Incorrect API key provided") && !message.contains("0001"), "{message}");
        assert_eq!(row["updated_at"], before["updated_at"], "nobody has changed it");
        assert_ne!(row["health_at"], Value::Null);

        fake.always(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let row = with_health(&app, &id, "ok").await;
        assert_eq!(row["health_message"], Value::Null);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let told = [("unknown", "failing"), ("failing", "ok")].map(|(from, to)| (json!(from), json!(to)));
        assert_eq!(entries(&app).await, told);
    }

    async fn a_flapping_provider_is_noted_once_and_reloads_nothing(app: App) {
        use failsoft::store::ProviderHealth;
        let id = app.organization.provider_at("fake", "custom", Some("http://127.0.0.1:9/v1")).await;
        let row = app.organization.store.provider_find(id.into()).await.expect("read").expect("there");
        let version = async || {
            use sea_orm::EntityTrait as _;
            let organization = entity::organizations::Entity::find_by_id(app.organization.id);
            organization.one(&app.database().await).await.expect("read").expect("there").version
        };
        let before = version().await;
        let flap = async |times: usize| {
            for _ in 0..times {
                for health in [ProviderHealth::Failing("no".to_owned()), ProviderHealth::Ok] {
                    let store = &app.organization.store;
                    store.provider_health_set(id.into(), row.updated_at, health).await.expect("written");
                }
            }
        };
        flap(9).await;
        assert_eq!(version().await, before);
        let path = format!("{PROVIDERS}/{id}");
        assert_eq!(app.get(&path).await.json()["health"], "ok", "the row has the last word");
        let noted = [("unknown", "failing"), ("failing", "ok")].map(|(from, to)| (json!(from), json!(to)));
        assert_eq!(entries(&app).await, noted);
        app.clock.advance(std::time::Duration::from_secs(3_600));
        flap(1).await;
        assert_eq!(entries(&app).await.len(), 4);
        use entity::audit_entries::{Column, Entity};
        use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
        let rows = Entity::find().filter(Column::Action.eq("provider.health")).order_by_asc(Column::Id);
        let rows = rows.all(&app.database().await).await.expect("the audit log");
        assert_eq!(rows[2].after.as_ref().map(|after| after["changes_not_listed"].clone()), Some(json!(16)));
    }

    async fn other_failures_say_nothing_about_the_credential(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider("fake", &fake).await.to_string();
        app.organization.model("a", id.parse().expect("an id")).await;
        fake.next(Script::error(500, "server_error", "broken"));
        fake.next(Script::error(403, "permission_denied", "no access"));
        app.chat(&json!({"model": "a"})).await;
        app.chat(&json!({"model": "a"})).await;
        let row = with_health(&app, &id, "failing").await;
        assert_eq!(row["health_message"], "no access");
    }
}
