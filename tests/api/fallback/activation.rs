//! A change takes effect when its response arrives: the next chat request uses it.

use serde_json::json;

use super::set;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_next_chat_request_uses_what_was_set(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "too busy"));
        fake.always_for("b-upstream", Script::answer("From b"));
        fake.always_for("c-upstream", Script::answer("From c"));
        let served = async || {
            let answer = app.chat(&json!({"model": "a"})).await;
            (answer.status, answer.header("x-failsoft-model").to_owned())
        };
        assert_eq!(served().await, (503, String::new()));
        for (behind, model) in [("b", "b"), ("c", "c"), ("b", "b")] {
            set(&app, "a", &[behind]).await;
            assert_eq!(served().await, (200, model.to_owned()));
        }
        assert_eq!(app.delete("/fallback/a").await.status, 200);
        assert_eq!(served().await, (503, String::new()));
    }

    async fn an_event_names_the_configuration_and_its_revision(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "too busy"));
        fake.always_for("b-upstream", Script::answer("From b"));
        let mut expected = Vec::new();
        for _ in 0..2 {
            let set = set(&app, "a", &["b"]).await.json();
            assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
            expected.push((set["router_config_id"].clone(), set["revision"].clone()));
            assert_eq!(app.delete("/fallback/a").await.status, 200);
        }
        let events = app.events().await;
        let named = events.iter().map(|event| {
            (event["router_config_id"].clone(), event["router_config_revision"].clone())
        });
        assert_eq!(named.collect::<Vec<_>>(), expected);
        assert_eq!(expected[0].0, expected[1].0, "the id survives a delete");
        assert_eq!([&expected[0].1, &expected[1].1], [&json!(1), &json!(3)]);
    }

    async fn triggers_narrow_a_list_to_their_classes(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::answer("From b"));
        let body = json!({"model": "a", "fallback_models": ["b"], "triggers": ["rate_limited", "timeout"]});
        let answer = app.post("/fallback", &body).await;
        assert_eq!(answer.json()["triggers"], json!(["rate_limited", "timeout"]), "{}", answer.text());
        assert_eq!(app.get("/fallback/a").await.json()["triggers"], body["triggers"]);
        for (script, status) in [
            (Script::error(503, "overloaded", "too busy"), 503),
            (Script::error(429, "rate_limit_exceeded", "slow down"), 200),
        ] {
            fake.next_for("a-upstream", script);
            let chat = app.chat(&json!({"model": "a"})).await;
            assert_eq!(chat.status, status, "{}", chat.text());
        }
        set(&app, "a", &["b"]).await;
        fake.next_for("a-upstream", Script::error(503, "overloaded", "too busy"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200, "without triggers every class uses the list");
    }
}
