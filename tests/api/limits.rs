//! Limits of an organization, of a key, of models inside either, and of the account at a provider.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use failsoft::store::{Limits, ModelLimits, ProviderChange};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::violation;
use crate::support::on_both_databases;

const LIMITS: &str = "/v1/model-router/limits";
const KEYS: &str = "/v1/identity/api-keys";

async fn chat(app: &App, key: &str, more: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(more)), key).await
}

/// A whole answer for which the provider counts so many tokens.
fn counted(prompt: u64, completion: u64) -> Script {
    let answer = json!({"role": "assistant", "content": "Hi"});
    Script::json(
        200,
        &json!({
            "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": "upstream",
            "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        }),
    )
}

fn seconds(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().expect("a time to wait")
}

fn number(answer: &Answer, header: &str) -> i64 {
    answer.header(header).parse().unwrap_or_else(|_| panic!("{header}: {:?}", answer.headers))
}

on_both_databases! {
    async fn the_limits_of_an_organization_are_read_and_changed(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let none = json!({
            "requests_per_minute": null, "requests_per_day": null, "tokens_per_minute": null, "tokens_per_day": null,
            "concurrent_requests": null, "model_limits": {}
        });
        assert_eq!(app.get(LIMITS).await.json(), none);
        let sent = json!({"tokens_per_day": 1_000_000, "model_limits": {"a": {"requests_per_day": 9}}});
        let changed = app.patch(LIMITS, &sent).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let changed = changed.json();
        assert_eq!((&changed["tokens_per_day"], &changed["requests_per_day"]), (&json!(1_000_000), &json!(null)));
        assert_eq!(changed["model_limits"]["a"]["requests_per_day"], 9);
        assert_eq!(app.get(LIMITS).await.json(), changed);
        // A response may be sent back, and absent fields stay.
        assert_eq!(app.patch(LIMITS, &changed).await.json(), changed);
        assert_eq!(app.patch(LIMITS, &json!({})).await.json(), changed);
        for (body, named) in [
            (json!({"tokens_per_day": 0}), "tokens_per_day value_error"),
            (json!({"tokens_per_minute": -1}), "tokens_per_minute value_error"),
            (json!({"tokens_per_minute": 9_223_372_036_854_775_807_i64}), "tokens_per_minute value_error"),
            (json!({"requests_per_day": 18_446_744_073_709_551_615_u64}), "requests_per_day value_error"),
            (json!({"requests_per_minute": 1.5}), "requests_per_minute int_type"),
            (json!({"model_limits": []}), "model_limits dict_type"),
            (json!({"model_limits": {"a": 5}}), "model_limits.a dict_type"),
            (json!({"model_limits": {"a": {"tokens_per_day": 0}}}), "model_limits.a.tokens_per_day value_error"),
            (json!({"model_limits": {"a": {"tokens": 5}}}), "model_limits.a.tokens extra_forbidden"),
            (json!({"model_limits": {"x": {"tokens_per_day": 5}}}), "model_limits.x value_error"),
            (json!({"requests": 5}), "requests extra_forbidden"),
        ] {
            assert_eq!(violation(&app.patch(LIMITS, &body).await), format!("body.{named}"), "{body}");
        }
        assert_eq!(app.get(LIMITS).await.json(), changed);
        assert_eq!(app.patch(LIMITS, &json!({"model_limits": null, "tokens_per_day": null})).await.json(), none);
    }

    async fn a_key_with_a_limit_widens_none_of_the_organization(app: App) {
        assert_eq!(app.patch(LIMITS, &json!({"requests_per_day": 50})).await.status, 200);
        let limited = app.organization.key_like(&[Scope::BudgetsManage], |new| new.tokens_per_day = Some(9)).await;
        let change = async |body: &Value| {
            app.call(with_json(app.request(Method::PATCH, LIMITS), body), &limited).await
        };
        assert_eq!(violation(&change(&json!({"requests_per_day": 51})).await), "body.requests_per_day value_error");
        assert_eq!(violation(&change(&json!({"requests_per_day": null})).await), "body.requests_per_day value_error");
        assert_eq!(change(&json!({"requests_per_day": 49, "tokens_per_day": 5})).await.status, 200);
    }

    async fn limits_of_a_model_go_with_its_name(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let id = app.organization.model("a", provider).await;
        let limits = json!({"a": {"tokens_per_day": 7}});
        assert_eq!(app.patch(LIMITS, &json!({"model_limits": limits})).await.status, 200);
        let body = json!({"name": "k", "scopes": ["inference"], "model_limits": limits});
        let key = app.post(KEYS, &body).await;
        assert_eq!((key.status, &key.json()["model_limits"]["a"]["tokens_per_day"]), (201, &json!(7)));
        let key = key.header("location").to_owned();
        let model = format!("/v1/model-router/models/{id}");
        assert_eq!(app.patch(&model, &json!({"name": "b"})).await.status, 200);
        for path in [LIMITS, key.as_str()] {
            let limits = app.get(path).await.json()["model_limits"].clone();
            assert_eq!((limits.get("a"), &limits["b"]["tokens_per_day"]), (None, &json!(7)), "{path}");
        }
        assert_eq!(app.delete(&model).await.status, 204);
        for path in [LIMITS, key.as_str()] {
            assert_eq!(app.get(path).await.json()["model_limits"], json!({}), "{path}");
        }
    }

    async fn an_organization_has_one_limit_for_all_of_its_keys(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        assert_eq!(app.patch(LIMITS, &json!({"requests_per_minute": 3})).await.status, 200);
        let other = app.organization.key_with(&[Scope::Inference]).await;
        let asked = json!({"model": "a"});
        for left in ["2", "1", "0"] {
            let key = if left == "1" { &other } else { &app.organization.key };
            let answer = chat(&app, key, &asked).await;
            assert_eq!((answer.status, answer.header("x-ratelimit-remaining-requests")), (200, left));
        }
        let refused = chat(&app, &other, &asked).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "60"), "{}", refused.text());
        let said = "This organization's limit of 3 requests per minute is reached.";
        assert!(refused.text().contains(said), "{}", refused.text());
        assert_eq!(fake.served(), 3);
        app.clock.advance(Duration::from_secs(60));
        assert_eq!(chat(&app, &other, &asked).await.status, 200);
    }

    async fn tokens_are_taken_before_a_call_and_settled_after_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(counted(300, 100));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.tokens_per_minute = Some(1_000)).await;
        let asked = json!({"model": "a", "max_tokens": 400});
        let first = chat(&app, &key, &asked).await;
        assert_eq!((first.status, number(&first, "x-ratelimit-limit-tokens")), (200, 1_000), "{}", first.text());
        // The prompt and the longest answer.
        assert!((500..600).contains(&number(&first, "x-ratelimit-remaining-tokens")), "{:?}", first.headers);
        let second = chat(&app, &key, &asked).await;
        // What the first one has used counts, not what was taken for it.
        let left = number(&second, "x-ratelimit-remaining-tokens");
        assert!(second.status == 200 && (100..200).contains(&left), "{:?}", second.headers);
        let third = chat(&app, &key, &asked).await;
        assert_eq!(third.status, 429, "{}", third.text());
        let error = third.json()["error"].clone();
        assert_eq!((&error["code"], &error["type"]), (&json!("rate_limit_exceeded"), &json!("rate_limit_error")));
        let said = "the API key's limit of 1000 tokens per minute";
        assert!(error["message"].as_str().expect("a text").contains(said), "{error}");
        assert_eq!(error["metadata"]["attempts"][0]["error_class"], "no_headroom");
        assert_eq!(number(&third, "x-ratelimit-remaining-tokens"), 200);
        assert!((50..=62).contains(&seconds(&third)), "{:?}", third.headers);
        assert_eq!(fake.served(), 2, "no provider is called");
        // A smaller answer fits.
        assert_eq!(chat(&app, &key, &json!({"model": "a", "max_tokens": 100})).await.status, 200);
        // It used more than was taken for it, which counts once it is settled.
        eventually(async || {
            let next = chat(&app, &key, &json!({"model": "a", "max_tokens": 1})).await;
            (next.status == 429).then_some(())
        })
        .await;
        app.clock.advance(Duration::from_secs(62));
        assert_eq!(chat(&app, &key, &asked).await.status, 200);
    }

    async fn tokens_are_in_the_words_of_anthropic_as_well(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model("a", provider).await;
        fake.always(Script::message("Hi"));
        let key = app.organization.key_like(&[Scope::Inference], |new| new.tokens_per_day = Some(100)).await;
        let ask = async |most: u64| {
            let body = json!({"model": "a", "max_tokens": most, "messages": [{"role": "user", "content": "Hello"}]});
            app.call(with_json(app.request(Method::POST, "/v1/messages"), &body), &key).await
        };
        let answer = ask(10).await;
        assert_eq!((answer.status, answer.header("anthropic-ratelimit-tokens-limit")), (200, "100"));
        assert_eq!(answer.header("anthropic-ratelimit-tokens-reset"), "2024-10-05T00:00:00Z");
        // It has used 5 tokens. The longest answer that is asked for has to fit into the rest.
        let whole = ask(4_000).await;
        assert_eq!(whole.status, 429, "{}", whole.text());
        assert_eq!(whole.json()["error"]["type"], "rate_limit_error");
        assert_eq!(whole.header("anthropic-ratelimit-tokens-remaining"), "95");
        assert!(seconds(&whole) > 3_600, "{:?}", whole.headers);
        assert_eq!(ask(20).await.status, 200);
    }

    async fn a_model_inside_a_key_has_limits_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always(Script::answer("Hi"));
        let once = Limits { requests_per_day: Some(1), ..Limits::default() };
        let key = app.organization.key_like(&[Scope::Inference], |new| {
            new.model_limits = ModelLimits([("a".to_owned(), once)].into());
        });
        let key = key.await;
        assert_eq!(chat(&app, &key, &json!({"model": "a"})).await.status, 200);
        let refused = chat(&app, &key, &json!({"model": "a"})).await;
        let said = "the API key's limit of 1 requests per day for it";
        assert!(refused.status == 429 && refused.text().contains(said), "{}", refused.text());
        assert!((3_600..=86_400).contains(&seconds(&refused)), "{:?}", refused.headers);
        assert_eq!(chat(&app, &key, &json!({"model": "b"})).await.status, 200);
        // Another model answers in its place.
        let answer = chat(&app, &key, &json!({"model": "a", "models": ["b"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"));
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=no_headroom; hops=1");
        // Another key has its own.
        assert_eq!(chat(&app, &app.organization.key, &json!({"model": "a"})).await.status, 200);
        app.clock.advance(Duration::from_secs(86_400));
        assert_eq!(chat(&app, &key, &json!({"model": "a"})).await.status, 200);
    }

    async fn a_provider_is_passed_over_instead_of_asked_in_vain(app: App) {
        let (narrow, wide) = (FakeProvider::start().await, FakeProvider::start().await);
        let provider = app.organization.provider("narrow", &narrow).await;
        app.organization.model("a", provider).await;
        let other = app.organization.provider("wide", &wide).await;
        app.organization.model("b", other).await;
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        narrow.always(Script::answer("Hi"));
        wide.always(Script::answer("Hi"));
        let change = ProviderChange { requests_per_minute: Some(Some(2)), ..ProviderChange::default() };
        app.organization.store.provider_change(provider.into(), change).await.expect("a change");
        for served in ["a", "a", "b", "b"] {
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, served), "{}", answer.text());
            assert_eq!(answer.header("x-ratelimit-limit-tokens"), "", "it is no limit of the caller");
        }
        assert_eq!((narrow.served(), wide.served()), (2, 2));
        let events = app.events().await;
        assert!(events.iter().all(|event| event["error_class"] == "no_headroom"), "{events:?}");
        let said = "its provider's limit of 2 requests per minute";
        assert!(events[0]["error_message"].as_str().expect("a text").contains(said), "{events:?}");
        let alone = app.chat(&json!({"model": "a", "disable_fallbacks": true})).await;
        assert_eq!(alone.status, 429, "{}", alone.text());
        assert!((1..=62).contains(&seconds(&alone)), "{:?}", alone.headers);
        app.clock.advance(Duration::from_secs(62));
        assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-model"), "a");
    }

    async fn the_limits_of_a_key_and_of_a_provider_are_checked(app: App) {
        let body = json!({"name": "eu", "preset": "simulated", "requests_per_minute": 500, "tokens_per_minute": 90_000});
        let made = app.post("/v1/model-router/providers", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let (path, row) = (made.header("location").to_owned(), made.json());
        assert_eq!((&row["requests_per_minute"], &row["tokens_per_minute"]), (&json!(500), &json!(90_000)));
        let changed = app.patch(&path, &json!({"requests_per_minute": null})).await.json();
        assert_eq!((&changed["requests_per_minute"], &changed["tokens_per_minute"]), (&json!(null), &json!(90_000)));
        for (field, value, kind) in [
            ("requests_per_minute", json!(0), "value_error"),
            ("tokens_per_minute", json!(1_000_000_000_001_i64), "value_error"),
            ("tokens_per_minute", json!("9"), "int_type"),
        ] {
            assert_eq!(violation(&app.patch(&path, &json!({field: value})).await), format!("body.{field} {kind}"));
            let key = json!({"name": "k", "scopes": ["inference"], field: value});
            assert_eq!(violation(&app.post(KEYS, &key).await), format!("body.{field} {kind}"));
        }
        let unknown = json!({"name": "k", "scopes": ["inference"], "model_limits": {"x": {"tokens_per_day": 1}}});
        assert_eq!(violation(&app.post(KEYS, &unknown).await), "body.model_limits.x value_error");
    }
}
