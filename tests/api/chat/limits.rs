//! A key's limits: requests per minute by the clock, and concurrent requests.

use std::time::Duration;

use chrono::TimeDelta;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

async fn chat(app: &App, key: &str) -> Answer {
    let request =
        with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})));
    app.call(request, key).await
}

fn minute(answer: &Answer) -> [&str; 3] {
    ["limit", "remaining", "reset"].map(|what| answer.header(&format!("x-ratelimit-{what}-requests")))
}

on_both_databases! {
    async fn a_minute_has_so_many_requests_and_fills_up_again(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(2)).await;
        let first = chat(&app, &key).await;
        assert_eq!((first.status, minute(&first)), (200, ["2", "1", "1m0s"]));
        let second = chat(&app, &key).await;
        assert_eq!((second.status, minute(&second)), (200, ["2", "0", "1m0s"]));
        let third = chat(&app, &key).await;
        assert_eq!((third.status, minute(&third)), (429, ["2", "0", "1m0s"]), "{}", third.text());
        assert_eq!((third.header("retry-after"), third.header("x-should-retry")), ("60", "false"));
        let error = third.json()["error"].clone();
        assert_eq!((&error["code"], &error["type"]), (&json!("rate_limit_exceeded"), &json!("rate_limit_error")));
        assert_eq!(fake.served(), 2);
        app.clock.advance(Duration::from_secs(59));
        let early = chat(&app, &key).await;
        assert_eq!((early.status, early.header("retry-after")), (429, "1"));
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(chat(&app, &key).await.status, 200);
        assert_eq!(chat(&app, &key).await.status, 200);
        assert_eq!(chat(&app, &key).await.status, 429);
        // A refused request is not recorded, and another key has its own minute.
        assert_eq!(app.requests(4).await.len(), 4);
        assert_eq!(chat(&app, &app.organization.key).await.status, 200);
        assert_eq!(minute(&chat(&app, &app.organization.key).await), ["", "", ""]);
    }

    async fn a_date_that_is_set_neither_fills_a_minute_nor_makes_it_longer(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(1)).await;
        assert_eq!(chat(&app, &key).await.status, 200);
        for hours in [-1, 2, -25] {
            app.clock.set_date_by(TimeDelta::hours(hours));
            let refused = chat(&app, &key).await;
            assert_eq!((refused.status, refused.header("retry-after")), (429, "60"), "{hours}: {}", refused.text());
        }
        app.clock.advance(Duration::from_secs(60));
        assert_eq!(chat(&app, &key).await.status, 200);
        assert_eq!(fake.served(), 2);
    }

    async fn a_failed_request_counts_and_reports_limits_too(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::error(500, "server_error", "broken"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(60)).await;
        let failed = chat(&app, &key).await;
        assert_eq!((failed.status, minute(&failed)), (502, ["60", "59", "1m0s"]));
    }

    async fn a_stream_holds_its_slot_until_it_ends(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.concurrent_requests = Some(1)).await;
        let gate = Gate::new();
        let body = chat_body(&json!({"model": "a", "stream": true}));
        fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&key, &body).await;
        caller.read_until("Hel").await;
        let refused = chat(&app, &key).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.text());
        assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
        gate.open();
        caller.read_until("[DONE]").await;
        eventually(async || (chat(&app, &key).await.status == 200).then_some(())).await;

        // A caller that disconnects releases its slot.
        fake.next(Script::stream().text("Hel").hang());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&key, &body).await;
        caller.read_until("Hel").await;
        assert_eq!(chat(&app, &key).await.status, 429);
        caller.finish().await;
        eventually(async || (chat(&app, &key).await.status == 200).then_some(())).await;

        // So does one that disconnects before the response.
        let number = fake.served();
        fake.next(Script::new().hang());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&key, &body).await;
        fake.request(number).await;
        assert_eq!(chat(&app, &key).await.status, 429);
        caller.finish().await;
        eventually(async || (chat(&app, &key).await.status == 200).then_some(())).await;
    }

    async fn limits_are_checked_before_the_body(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(1)).await;
        assert_eq!(chat(&app, &key).await.status, 200);
        let mut caller = Raw::connect(app.address).await;
        caller.head(&key, &["content-length: 1000000"]).await;
        let text = caller.read_until("rate_limit_exceeded").await;
        assert!(text.starts_with("HTTP/1.1 429"), "{text}");
    }

    async fn another_limit_takes_effect_at_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(1)).await;
        assert_eq!(chat(&app, &key).await.status, 200);
        assert_eq!(chat(&app, &key).await.status, 429);
        let newest = failsoft::store::pagination::PageRequest { limit: 1, cursor: None };
        let store = &app.organization.store;
        let id = store.api_key_list(&newest).await.expect("keys").items[0].id;
        let change = failsoft::store::ApiKeyChange { requests_per_minute: Some(None), ..Default::default() };
        store.api_key_change(id, change).await.expect("changed");
        assert_eq!(chat(&app, &key).await.status, 200);
    }

    async fn a_minute_has_no_more_than_its_limit_and_a_higher_one_does_not_fill_it_up(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(20)).await;
        let mut admitted = 0;
        // Twice per second for the first minute.
        for _ in 0..120 {
            admitted += u32::from(chat(&app, &key).await.status == 200);
            app.clock.advance(Duration::from_millis(500));
        }
        assert_eq!(admitted, 20);
        // The requests of the first ten seconds are now a minute old.
        app.clock.advance(Duration::from_secs(10));
        for _ in 0..20 {
            assert_eq!(chat(&app, &key).await.status, 200);
        }
        assert_eq!(chat(&app, &key).await.status, 429);
        let newest = failsoft::store::pagination::PageRequest { limit: 1, cursor: None };
        let store = &app.organization.store;
        let id = store.api_key_list(&newest).await.expect("keys").items[0].id;
        for (limit, more) in [(25, 5), (26, 1), (20, 0)] {
            let change = failsoft::store::ApiKeyChange { requests_per_minute: Some(Some(limit)), ..Default::default() };
            store.api_key_change(id, change).await.expect("changed");
            for _ in 0..more {
                assert_eq!(chat(&app, &key).await.status, 200, "{limit}");
            }
            assert_eq!(chat(&app, &key).await.status, 429, "{limit}");
        }
    }
}
