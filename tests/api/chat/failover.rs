//! A request's own list: who is tried, what the caller learns, what is recorded.

use serde_json::json;

use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_next_model_answers_and_the_failover_is_on_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalogue(&fake, &["first", "second"]).await;
        fake.next_for("first-upstream", Script::error(503, "overloaded", "too busy"));
        fake.next_for("second-upstream", Script::answer("Hello back"));
        let answer = app.chat(&json!({"model": "first", "models": ["second"], "session_id": "s-1"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["model"], "second");
        assert_eq!(body["provider"], "fake");
        assert_eq!(body["choices"][0]["message"]["content"], "Hello back");
        assert_eq!(answer.header("x-failsoft-model"), "second");
        assert_eq!(answer.header("x-failsoft-attempts"), "2");
        assert_eq!(answer.header("x-failsoft-fallback"), "from=first; class=overloaded; hops=1");
        assert!(answer.header("server-timing").contains("gateway;dur="));

        let sent = fake.requests();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].model.as_deref(), Some("second-upstream"));
        for own in ["models", "session_id"] {
            assert!(sent[1].json().get(own).is_none(), "{own} left the gateway");
        }

        let events = app.events().await;
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!(event["failed_model"], "first");
        assert_eq!(event["next_model"], "second");
        assert_eq!(event["error_class"], "overloaded");
        assert_eq!(event["router_config_id"], json!(null));
        assert_eq!(event["request_id"], answer.header("x-request-id"));
        assert_eq!(event["session_ref"], "s-1");

        let requests = app.requests(1).await;
        assert_eq!(requests[0]["outcome"], "answered");
        assert_eq!(requests[0]["served_model"], "second");
        assert_eq!(requests[0]["upstream_calls"], 2);
    }
}
