//! Budgets: reported, checked before every attempt, and exceeded by no more than the requests in flight.

use std::time::Duration;

use failsoft::domain::permission::Scope;
use failsoft::providers::ModelPrice;
use failsoft::store::AuditFilter;
use failsoft::store::pagination::Direction;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::management::{assert_absent, assert_guarded, each, items, violation};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

const BUDGETS: &str = "/v1/model-router/budgets";

/// Models with these prices, in micro-dollars per million prompt and completion tokens. Each answer has 3 and 2
/// tokens.
async fn priced(app: &App, models: &[(&str, Option<i64>)]) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    for (name, price) in models {
        let price = price.map(|price| ModelPrice {
            input: Some(price),
            output: Some(price),
            ..ModelPrice::default()
        });
        app.organization.model_like(name, provider, |fields| fields.settings.price = price).await;
        fake.always_for(&format!("{name}-upstream"), Script::answer("Hi"));
    }
    fake
}

async fn limited(app: &App, budget: Value) -> String {
    let answer = app.post(BUDGETS, &budget).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

async fn spent(app: &App, id: &str) -> i64 {
    app.get(&format!("{BUDGETS}/{id}")).await.json()["spent_nano_dollars"].as_i64().expect("a sum")
}

/// A request as a drill.
async fn drilled(app: &App, key: &str, header: &str, more: &Value) -> Answer {
    let request = app.request(Method::POST, "/v1/chat/completions").header("x-failsoft-drill", header);
    app.call(with_json(request, &chat_body(more)), key).await
}

fn told(answer: &Answer) -> (u16, String, String) {
    let error = answer.json()["error"].clone();
    let word = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (answer.status, word("code"), word("message"))
}

on_both_databases! {
    async fn a_budget_is_made_read_changed_and_deleted(app: App) {
        let new = json!({"period": "month", "soft_limit_nano_dollars": 5, "hard_limit_nano_dollars": 10});
        let made = app.post(BUDGETS, &new).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let path = made.header("location").to_owned();
        let budget = made.json();
        assert_eq!((&budget["api_key_id"], &budget["spent_nano_dollars"]), (&Value::Null, &json!(0)));
        assert_eq!((&budget["period_start"], &budget["resets_at"]), (&json!("2024-10-01T00:00:00Z"), &json!("2024-11-01T00:00:00Z")));
        assert_eq!(app.get(&path).await.json(), budget);
        assert_eq!(app.post(BUDGETS, &new).await.status, 409);
        let changed = app.patch(&path, &json!({"hard_limit_nano_dollars": null, "period": "month"})).await;
        assert_eq!((changed.status, &changed.json()["hard_limit_nano_dollars"]), (200, &Value::Null));
        assert_eq!(app.delete(&path).await.status, 204);
        let id = path.rsplit('/').next().expect("an id");
        assert_absent(&app, Method::GET, BUDGETS, id).await;
        assert_absent(&app, Method::DELETE, BUDGETS, id).await;
        // The name is free again.
        limited(&app, new).await;
        assert_eq!(each(&items(&app, BUDGETS).await, "period"), ["month"]);
    }

    async fn invalid_budgets_are_refused(app: App) {
        for (body, field) in [
            (json!({"period": "year", "hard_limit_nano_dollars": 1}), "period"),
            (json!({"hard_limit_nano_dollars": 1}), "period"),
            (json!({"period": "day"}), "hard_limit_nano_dollars"),
            (json!({"period": "day", "hard_limit_nano_dollars": -1}), "hard_limit_nano_dollars"),
            (json!({"period": "day", "hard_limit_nano_dollars": 1e300}), "hard_limit_nano_dollars"),
            (json!({"period": "day", "hard_limit_nano_dollars": "7"}), "hard_limit_nano_dollars"),
            (json!({"period": "day", "soft_limit_nano_dollars": 2, "hard_limit_nano_dollars": 1}), "soft_limit_nano_dollars"),
            (json!({"period": "day", "hard_limit_nano_dollars": 1, "api_key_id": "x"}), "api_key_id"),
            (json!({"period": "day", "hard_limit_nano_dollars": 1, "api_key_id": app.organization.id}), "api_key_id"),
            (json!({"period": "day", "hard_limit_nano_dollars": 1, "more": 1}), "more"),
        ] {
            let answer = app.post(BUDGETS, &body).await;
            assert!(violation(&answer).contains(field), "{body}: {}", answer.text());
        }
        let path = format!("{BUDGETS}/{}", limited(&app, json!({"period": "day", "hard_limit_nano_dollars": 1})).await);
        for body in [json!({"period": "month"}), json!({"api_key_id": app.organization.id}), json!({"hard_limit_nano_dollars": null})] {
            assert_eq!(app.patch(&path, &body).await.status, 422, "{body}");
        }
        assert_guarded(&app, Method::GET, BUDGETS, "router:read").await;
        for method in [Method::DELETE, Method::PATCH] {
            assert_guarded(&app, method, &path, "budgets:manage").await;
        }
        assert_guarded(&app, Method::POST, BUDGETS, "budgets:manage").await;
    }

    async fn an_exhausted_budget_refuses_until_it_resets(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000))]).await;
        // An answer costs 5,000; its prompt alone is estimated at about 5,000 to 6,000.
        let id = limited(&app, json!({"period": "day", "soft_limit_nano_dollars": 6_000, "hard_limit_nano_dollars": 12_000})).await;
        let first = app.chat(&json!({"model": "a"})).await;
        assert_eq!((first.status, first.header("x-failsoft-budget")), (200, ""));
        assert_eq!(spent(&app, &id).await, 5_000);
        let second = app.chat(&json!({"model": "a"})).await;
        assert_eq!((second.status, second.header("x-failsoft-budget")), (200, "soft"));
        let third = app.chat(&json!({"model": "a"})).await;
        let (status, code, message) = told(&third);
        assert_eq!((status, code.as_str(), third.header("x-should-retry")), (402, "over_budget", "false"));
        assert!(message.contains("the organization's budget for the day") && message.contains("2024-10-05T00:00:00Z"), "{message}");
        assert!(!message.contains("12"), "{message}");
        assert_eq!((fake.served(), third.header("x-failsoft-attempts")), (2, "0"));
        let rows = app.requests(3).await;
        assert_eq!((&rows[2]["outcome"], &rows[2]["cost_nano_dollars"], &rows[2]["status_code"]), (&json!("failed"), &json!(0), &json!(402)));
        assert_eq!(app.events().await[0]["error_class"], "over_budget");
        // Under the base path of other clients the code is the status number.
        let routed = app.post("/api/v1/chat/completions", &chat_body(&json!({"model": "a"}))).await;
        assert_eq!((routed.status, &routed.json()["error"]["code"]), (402, &json!(402)));
        app.clock.advance(Duration::from_secs(86_400));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
    }

    async fn an_expensive_fallback_is_passed_over_where_a_cheap_one_still_fits(app: App) {
        let fake = priced(&app, &[("broken", Some(1_000)), ("dear", Some(50_000_000)), ("cheap", Some(1_000)), ("free", Some(0))]).await;
        fake.always_for("broken-upstream", Script::error(503, "overloaded", "busy"));
        limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 100})).await;
        let answer = app.chat(&json!({"model": "broken", "models": ["dear", "cheap"], "max_tokens": 10})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "cheap"), "{}", answer.text());
        let classes: Vec<Value> = app.events().await.iter().map(|event| event["error_class"].clone()).collect();
        assert_eq!(classes, ["overloaded", "over_budget"]);
        // Forty tokens more than are left, and then as many as are left.
        let long = app.chat(&json!({"model": "cheap", "max_tokens": 100})).await;
        assert_eq!(long.status, 402, "{}", long.text());
        let free = app.chat(&json!({"model": "cheap", "models": ["free"], "max_tokens": 100})).await;
        assert_eq!((free.status, free.header("x-failsoft-model")), (200, "free"));
        let body = chat_body(&json!({"model": "dear", "models": ["cheap"]}));
        let explained = app.post("/v1/model-router/explain", &body).await.json();
        assert_eq!(explained["candidates"][0]["passed_over"], "over_budget", "{explained}");
        assert_eq!(explained["candidates"][1]["passed_over"], Value::Null);
    }

    async fn a_keys_budget_is_its_own(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000))]).await;
        let made = app.post("/v1/identity/api-keys", &json!({"name": "small", "scopes": ["inference"]})).await.json();
        let small = made["key"].as_str().expect("a key").to_owned();
        let id = limited(&app, json!({"api_key_id": made["id"], "period": "month", "hard_limit_nano_dollars": 8_000})).await;
        let chat = async || app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"}))), &small).await;
        assert_eq!(chat().await.status, 200);
        let refused = chat().await;
        assert!(told(&refused).2.contains("the API key's budget for the month"), "{}", refused.text());
        assert_eq!(refused.status, 402);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(spent(&app, &id).await, 5_000);
    }

    async fn a_hard_limit_skips_models_without_a_price(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000)), ("unknown", None)]).await;
        limited(&app, json!({"period": "day", "soft_limit_nano_dollars": 1})).await;
        assert_eq!(app.chat(&json!({"model": "unknown"})).await.status, 200, "a soft limit refuses nothing");
        limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 1_000_000_000})).await;
        let refused = app.chat(&json!({"model": "unknown"})).await;
        let (_, _, message) = told(&refused);
        assert_eq!(refused.status, 402, "{message}");
        for part in ["'unknown' was not called", "it has no price", "the organization's budget for the month", "set its price"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(fake.served(), 1);
        let answered = app.chat(&json!({"models": ["unknown", "a"]})).await;
        assert_eq!((answered.status, answered.header("x-failsoft-model")), (200, "a"));
        let explained = app.post("/v1/model-router/explain", &json!({"models": ["unknown", "a"], "messages": []})).await.json();
        assert_eq!(explained["candidates"][0]["passed_over"], "over_budget", "{explained}");
        app.set(&json!({"unpriced_models": "allow"})).await;
        assert_eq!(app.chat(&json!({"model": "unknown"})).await.status, 200);
    }

    async fn without_a_price_only_what_was_spent_counts(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000)), ("unknown", None)]).await;
        app.set(&json!({"unpriced_models": "allow"})).await;
        limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 10_000})).await;
        for _ in 0..3 {
            assert_eq!(app.chat(&json!({"model": "unknown"})).await.status, 200);
        }
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert_eq!(app.chat(&json!({"model": "unknown"})).await.status, 200);
    }

    async fn many_at_once_do_not_spend_what_is_not_there(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000))]).await;
        // Twenty answers that reserve all of their 2,000 tokens fit; each prompt is estimated at less than 50.
        let hard = 20 * 2_050 * 1_000;
        let id = limited(&app, json!({"period": "day", "hard_limit_nano_dollars": hard})).await;
        let gate = Gate::new();
        let usage = json!({"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2_000}});
        fake.always_for("a-upstream", Script::stream().text("Hi").wait_until(&gate).finish("stop").event(&usage).done());
        let body = json!({"model": "a", "max_tokens": 2_000, "stream": true});
        let calls = (0..60).map(|_| app.chat(&body));
        let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), async {
            // All others are answered or refused while the first ones are still running.
            eventually(async || (app.events().await.len() >= 40).then_some(())).await;
            gate.open();
        });
        let answered = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((answered, answers.iter().filter(|answer| answer.status == 402).count()), (20, 40));
        assert!(eventually(async || Some(spent(&app, &id).await).filter(|spent| *spent > 0)).await <= hard);
        assert_eq!(app.requests(60).await.iter().filter_map(|row| row["cost_nano_dollars"].as_i64()).sum::<i64>(), 20 * 2_009 * 1_000);
    }

    async fn a_disconnected_caller_releases_its_reservation(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000))]).await;
        let id = limited(&app, json!({"period": "day", "hard_limit_nano_dollars": 1_100_000})).await;
        let gate = Gate::new();
        fake.next_for("a-upstream", Script::stream().text("Hi").wait_until(&gate).done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "max_tokens": 1_000, "stream": true}))).await;
        caller.read_until("Hi").await;
        assert_eq!(app.chat(&json!({"model": "a", "max_tokens": 1_000})).await.status, 402);
        drop(caller);
        app.requests(2).await;
        let answer = eventually(async || Some(app.chat(&json!({"model": "a", "max_tokens": 1_000})).await).filter(|answer| answer.status == 200)).await;
        assert_eq!(answer.status, 200);
        eventually(async || (spent(&app, &id).await > 5_000).then_some(())).await;
    }

    async fn another_process_learns_of_it_within_two_seconds(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000))]).await;
        let other = app.beside(|_| {}).await;
        limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 8_000})).await;
        let began = std::time::Instant::now();
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        eventually(async || (other.get(BUDGETS).await.json()["items"][0]["spent_nano_dollars"] == 5_000).then_some(())).await;
        // It may see the spending before it has read the budget.
        eventually(async || (other.chat(&json!({"model": "a"})).await.status == 402).then_some(())).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        // A third process reads it when it starts.
        let third = app.beside(|_| {}).await;
        assert_eq!(third.chat(&json!({"model": "a"})).await.status, 402);
    }

    async fn a_soft_limit_is_reported_once_per_period(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000))]).await;
        limited(&app, json!({"period": "day", "soft_limit_nano_dollars": 5_000})).await;
        app.chat(&json!({"model": "a"})).await;
        let told = async || {
            let page = app.organization.store.audit_page(&AuditFilter::default(), Direction::First, 100).await;
            page.expect("the audit").items.into_iter().filter(|entry| entry.action == "budget.soft_limit").count()
        };
        eventually(async || (told().await == 1).then_some(())).await;
        app.chat(&json!({"model": "a"})).await;
        app.clock.advance(Duration::from_secs(86_400));
        app.chat(&json!({"model": "a"})).await;
        eventually(async || (told().await == 2).then_some(())).await;
    }

    async fn a_drill_is_checked_against_a_used_up_budget(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000)), ("b", Some(1_000_000)), ("free", Some(0))]).await;
        limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 1})).await;
        for body in [
            json!({"model": "a"}),
            json!({"model": "a", "models": ["b"]}),
            json!({"model": "a", "models": ["b"], "stream": true}),
        ] {
            let answer = drilled(&app, &app.organization.key, "a=timeout", &body).await;
            let (status, code, message) = told(&answer);
            assert_eq!((status, code.as_str()), (402, "over_budget"), "{body}");
            assert!(message.contains("the organization's budget for the month"), "{message}");
        }
        let mocked = app.chat(&json!({"model": "a", "models": ["b"], "mock_testing_fallbacks": true})).await;
        assert_eq!(told(&mocked).0, 402);
        assert_eq!(fake.served(), 0);
        // A model that costs nothing is called, as for any request.
        let answer = drilled(&app, &app.organization.key, "a=timeout", &json!({"model": "a", "models": ["free"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "free"));
    }

    async fn what_a_drill_really_calls_is_spent_and_in_no_statistics(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000)), ("b", Some(1_000_000))]).await;
        let other = app.beside(|_| {}).await;
        let id = limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 8_000})).await;
        let body = json!({"model": "a", "models": ["b"], "session_id": "s"});
        let answer = drilled(&app, &app.organization.key, "a=timeout", &body).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{}", answer.text());
        assert_eq!(spent(&app, &id).await, 5_000);
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["origin"], &row["cost_nano_dollars"]), (&json!("drill"), &json!(5_000)));
        for query in ["", "?group_by=day,model,key", "?group_by=session", "?origin=live"] {
            let usage = app.get(&format!("/v1/model-router/usage{query}")).await.json();
            assert_eq!(usage["items"], json!([]), "{query}");
        }
        // What is spent is spent for all requests, in every process and after a start.
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 402);
        eventually(async || (spent(&other, &id).await == 5_000).then_some(())).await;
        // It may see the spending before it has read the budget. A dry run of a drill spends nothing.
        eventually(async || {
            let request = other.request(Method::POST, "/v1/model-router/explain").header("x-failsoft-drill", "a=timeout");
            let plan = other.call(with_json(request, &chat_body(&body)), &app.organization.key).await;
            plan.text().contains("over_budget").then_some(())
        })
        .await;
        assert_eq!(drilled(&other, &app.organization.key, "a=timeout", &body).await.status, 402);
        let third = app.beside(|_| {}).await;
        assert_eq!(spent(&third, &id).await, 5_000);
        assert_eq!(drilled(&third, &app.organization.key, "a=timeout", &body).await.status, 402);
        assert_eq!(third.chat(&json!({"model": "a"})).await.status, 402);
        // A budget that is made later counts it, too.
        let late = limited(&app, json!({"period": "day", "hard_limit_nano_dollars": 1_000_000})).await;
        assert_eq!(spent(&app, &late).await, 5_000);
    }

    async fn a_drill_of_every_model_spends_nothing(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000)), ("b", Some(1_000_000))]).await;
        let id = limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 8_000})).await;
        let body = json!({"model": "a", "models": ["b"]});
        let answer = drilled(&app, &app.organization.key, "a=timeout,b=overloaded", &body).await;
        assert_eq!((answer.status, spent(&app, &id).await, fake.served()), (503, 0, 0));
        let budget = app.get(&format!("{BUDGETS}/{id}")).await.json();
        assert_eq!(budget["unpriced_requests"], 0, "{budget}");
    }

    async fn a_drill_counts_in_the_budget_of_its_key(app: App) {
        let _fake = priced(&app, &[("a", Some(1_000_000)), ("b", Some(1_000_000))]).await;
        let key = app.organization.key_with(&[Scope::Inference, Scope::Drill]).await;
        let who = app.call(app.request(Method::GET, "/v1/identity/whoami"), &key).await.json();
        let id = limited(&app, json!({"api_key_id": who["api_key"]["id"], "period": "day", "hard_limit_nano_dollars": 8_000})).await;
        let body = json!({"model": "a", "models": ["b"]});
        assert_eq!(drilled(&app, &key, "a=timeout", &body).await.status, 200);
        assert_eq!(spent(&app, &id).await, 5_000);
        assert_eq!(drilled(&app, &key, "a=timeout", &body).await.status, 402);
        assert_eq!(drilled(&app, &app.organization.key, "a=timeout", &body).await.status, 200);
    }

    async fn a_drill_reserves_what_its_calls_may_cost(app: App) {
        let fake = priced(&app, &[("a", Some(1_000_000)), ("b", Some(1_000_000))]).await;
        let id = limited(&app, json!({"period": "month", "hard_limit_nano_dollars": 100_000})).await;
        let gate = Gate::new();
        fake.next_for("b-upstream", Script::stream().text("Hel").wait_until(&gate).finish("stop").usage(3, 2).done());
        let mut caller = Raw::connect(app.address).await;
        let body = json!({"model": "a", "models": ["b"], "stream": true, "mock_testing_fallbacks": true});
        caller.chat(&app.organization.key, &chat_body(&body)).await;
        caller.read_until("Hel").await;
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 402);
        gate.open();
        caller.read_until("[DONE]").await;
        assert_eq!(spent(&app, &id).await, 5_000);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
    }
}
