//! `/v1/model-router/models`.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{assert_absent, assert_guarded, each, items, refusal, violation, walk};
use crate::support::on_both_databases;

const MODELS: &str = "/v1/model-router/models";

async fn made(app: &App, body: &Value) -> Value {
    let answer = app.post(MODELS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let row = answer.json();
    assert_eq!(answer.header("location"), path(&row));
    row
}

async fn changed(app: &App, row: &Value, body: &Value) -> Value {
    let answer = app.patch(&path(row), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn path(row: &Value) -> String {
    format!("{MODELS}/{}", row["id"].as_str().expect("an id"))
}

async fn simulated(app: &App) -> Uuid {
    app.organization.provider_at("simulated", "simulated", None).await
}

on_both_databases! {
    /// Behind an allowed name another model would answer, and at a price of zero no budget would be used up.
    async fn a_limited_key_does_not_say_what_a_model_is_or_costs(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        app.organization.model("a", provider).await;
        let model = items(&app, MODELS).await.remove(0);
        let path = path(&model);
        let scopes = [Scope::Inference, Scope::RouterManage];
        let listed = app.organization.key_like(&scopes, |key| key.models = Some(vec!["a".to_owned()])).await;
        let money = app.organization.key_with(&scopes).await;
        let who = app.call(app.request(Method::GET, "/v1/identity/whoami"), &money).await.json();
        let budget = json!({"api_key_id": who["api_key"]["id"], "period": "day", "hard_limit_nano_dollars": 1000});
        assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
        let free = json!({"input": 0, "output": 0});
        let new = json!({"name": "b", "provider_id": model["provider_id"], "upstream_model": "steady"});
        let patch_as = async |key: &str, body: Value| {
            app.call(with_json(app.request(Method::PATCH, &path), &body), key).await
        };
        for key in [&listed, &money] {
            let made = app.call(with_json(app.request(Method::POST, MODELS), &new), key).await;
            assert_eq!(violation(&made), "body.name value_error");
            for (field, value) in [
                ("upstream_model", json!("dear")),
                ("price", free.clone()),
                ("name", json!("c")),
                ("context_window", json!(1)),
                ("max_output_tokens", json!(1)),
                ("parameter_rules", json!({"drop": ["max_tokens"]})),
            ] {
                let changed = patch_as(key, json!({field: value})).await;
                assert_eq!(violation(&changed), format!("body.{field} value_error"));
            }
            assert_eq!(app.get(&path).await.json()["upstream_model"], model["upstream_model"]);
            // What says nothing about its identity or price is the key's to change.
            assert_eq!(patch_as(key, json!({"num_retries": 0})).await.status, 200);
            // It may turn the model off, but not on: that makes a model callable again.
            assert_eq!(patch_as(key, json!({"enabled": false})).await.status, 200);
            let on = patch_as(key, json!({"enabled": true, "num_retries": 1})).await;
            assert_eq!(violation(&on), "body.enabled value_error");
            let left = app.get(&path).await.json();
            assert_eq!((&left["enabled"], &left["num_retries"]), (&json!(false), &json!(0)));
            assert_eq!(app.patch(&path, &json!({"enabled": true})).await.status, 200);
        }
        let manager = app.organization.key_with(&[Scope::RouterManage]).await;
        assert_eq!(patch_as(&manager, json!({"upstream_model": "dear"})).await.status, 200);
    }

    /// At a price of zero the organization's budget would not be used up either.
    async fn a_key_within_the_organizations_budget_does_not_say_what_a_model_costs(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        app.organization.model("a", provider).await;
        let model = items(&app, MODELS).await.remove(0);
        let path = path(&model);
        let caller = app.organization.key_with(&[Scope::Inference, Scope::RouterManage]).await;
        let spender =
            app.organization.key_with(&[Scope::Inference, Scope::RouterManage, Scope::BudgetsManage]).await;
        let manager = app.organization.key_with(&[Scope::RouterManage]).await;
        let patch_as = async |key: &str, body: Value| {
            app.call(with_json(app.request(Method::PATCH, &path), &body), key).await
        };
        let price = |input: i64| json!({"price": {"input": input, "output": input}});
        // A soft limit warns only, and a key's budget is not the organization's.
        let soft = json!({"api_key_id": null, "period": "day", "soft_limit_nano_dollars": 1000});
        let soft = app.post("/v1/model-router/budgets", &soft).await.json();
        assert_eq!(patch_as(&caller, price(3)).await.status, 200);
        let hard = json!({"hard_limit_nano_dollars": 1000});
        let budget = format!("/v1/model-router/budgets/{}", soft["id"].as_str().expect("an id"));
        assert_eq!(app.patch(&budget, &hard).await.status, 200);
        let changed = patch_as(&caller, price(0)).await;
        assert_eq!(violation(&changed), "body.price value_error");
        assert!(changed.text().contains("1000 nano-dollars for the day"), "{}", changed.text());
        let new = json!({"name": "b", "provider_id": model["provider_id"], "price": {"input": 0, "output": 0}});
        let made = app.call(with_json(app.request(Method::POST, MODELS), &new), &caller).await;
        assert_eq!(violation(&made), "body.name value_error");
        assert_eq!(app.get(&path).await.json()["price"]["input"], 3);
        // Another preset has other built-in prices.
        let provider = format!("/v1/model-router/providers/{}", model["provider_id"].as_str().expect("an id"));
        let preset = json!({"preset": "custom", "base_url": "https://llm.example.com/v1"});
        let moved = app.call(with_json(app.request(Method::PATCH, &provider), &preset), &caller).await;
        assert_eq!(violation(&moved), "body.preset value_error");
        let silent = with_json(app.request(Method::PATCH, &provider), &json!({"stream_options": "unsupported"}));
        assert_eq!(violation(&app.call(silent, &caller).await), "body.stream_options value_error");
        // Nor is there a way around it by a key that calls nothing, or by calling nothing for a while.
        let scopes = [Scope::Inference, Scope::RouterManage, Scope::KeysManage];
        let giver = app.organization.key_with(&scopes).await;
        for scopes in [json!(["router:manage"]), json!(["inference", "router:manage"])] {
            let child = json!({"name": "child", "scopes": scopes});
            let child = with_json(app.request(Method::POST, "/v1/identity/api-keys"), &child);
            assert_eq!(violation(&app.call(child, &giver).await), "body.scopes value_error");
        }
        let who = app.call(app.request(Method::GET, "/v1/identity/whoami"), &giver).await.json();
        let own = format!("/v1/identity/api-keys/{}", who["api_key"]["id"].as_str().expect("an id"));
        let less = json!({"scopes": ["router:manage", "keys:manage"]});
        let less = app.call(with_json(app.request(Method::PATCH, &own), &less), &giver).await;
        assert_eq!(violation(&less), "body.scopes value_error");
        // These raise the limit or call nothing themselves.
        for (key, input) in [(&spender, 4), (&manager, 5)] {
            assert_eq!(patch_as(key, price(input)).await.status, 200);
        }
    }

    async fn a_model_lives_from_its_making_to_its_deletion(app: App) {
        let provider = simulated(&app).await;
        let plain = made(&app, &json!({"name": "openai/plain:1", "provider_id": provider})).await;
        let unknown = json!({"tools": null, "vision": null, "structured_output": null, "reasoning": null});
        assert_eq!(
            plain,
            json!({
                "id": plain["id"], "name": "openai/plain:1", "provider_id": provider,
                "upstream_model": "openai/plain:1", "kind": "chat", "vector_space": null,
                "context_window": null, "max_output_tokens": null, "capabilities": unknown, "price": null,
                "parameter_rules": {"rename": {}, "drop": [], "clamp_output": false},
                "first_frame_timeout_ms": null, "answer_timeout_ms": null, "num_retries": null,
                "enabled": true, "cooldown": {"open": false, "until": null, "error_class": null},
                "filled": [], "known_as_of": null,
                "created_at": plain["created_at"], "updated_at": plain["created_at"]
            })
        );
        assert_eq!(app.get(&path(&plain)).await.json(), plain);

        app.clock.advance(Duration::from_secs(1));
        let everything = json!({
            "upstream_model": "sim/steady", "kind": "embedding", "vector_space": "small", "context_window": 8_000, "max_output_tokens": 1_000,
            "capabilities": {"tools": true, "vision": false},
            "price": {"input": 0, "output": 1_000_000_000_000_i64},
            "parameter_rules": {
                "rename": {"max_tokens": "max_completion_tokens"}, "drop": ["top_p"], "clamp_output": true
            },
            "first_frame_timeout_ms": 1, "answer_timeout_ms": 600_000, "num_retries": 5, "enabled": false
        });
        let full = changed(&app, &plain, &everything).await;
        for (member, value) in everything.as_object().expect("an object") {
            match value.as_object() {
                Some(parts) => parts.iter().for_each(|(part, value)| assert_eq!(full[member][part], *value)),
                None => assert_eq!(full[member], *value, "{member}"),
            }
        }
        assert_eq!(full["price"]["cache_read"], json!(null));
        assert_eq!(full["name"], "openai/plain:1");
        assert_ne!(full["updated_at"], plain["updated_at"]);
        // A response may be sent back, including its read-only members.
        let mut same = changed(&app, &plain, &full).await;
        same["updated_at"] = full["updated_at"].clone();
        assert_eq!(same, full);

        let cleared = json!({
            "context_window": null, "max_output_tokens": null, "capabilities": null, "price": null,
            "parameter_rules": null, "first_frame_timeout_ms": null, "answer_timeout_ms": null,
            "num_retries": null, "enabled": true, "upstream_model": "openai/plain:1", "kind": null,
            "vector_space": null
        });
        let mut again = changed(&app, &plain, &cleared).await;
        again["updated_at"] = plain["updated_at"].clone();
        assert_eq!(again, plain, "null gives every field back");

        assert_eq!(app.delete(&path(&plain)).await.status, 204);
        let gone = app.get(&path(&plain)).await;
        assert_eq!(refusal(&gone), (404, "not_found".to_owned()));
        assert_eq!(items(&app, MODELS).await, Vec::<Value>::new());
        made(&app, &json!({"name": "openai/plain:1", "provider_id": provider})).await;
    }

    async fn a_list_of_fallbacks_has_models_of_one_kind(app: App) {
        let provider = simulated(&app).await;
        let new = |name: &str, kind: Value| json!({"name": name, "provider_id": provider, "kind": kind});
        made(&app, &new("chat", Value::Null)).await;
        let one = made(&app, &new("one", json!("embedding"))).await;
        made(&app, &new("two", json!("embedding"))).await;
        for wrong in [json!("video"), json!(7), json!("Chat")] {
            let refused = app.post(MODELS, &new("wrong", wrong)).await;
            assert_eq!(violation(&refused), "body.kind literal_error");
        }
        let listed = items(&app, &format!("{MODELS}?kind=embedding")).await;
        assert_eq!(listed.len(), 2, "{listed:?}");
        let list = |fallbacks: Value| json!({"model": "one", "fallback_models": fallbacks});
        let mixed = app.post("/fallback", &list(json!(["two", "chat"]))).await;
        assert_eq!(mixed.status, 422, "{}", mixed.text());
        assert_eq!(mixed.json()["detail"][0]["loc"], json!(["body", "fallback_models", 1]));
        assert!(mixed.text().contains("'chat' is a chat model, and 'one' is an embedding model"), "{}", mixed.text());
        assert_eq!(app.post("/fallback", &list(json!(["two"]))).await.status, 200);
        // A model in a list keeps its kind, so that the list has one.
        let refused = app.patch(&path(&one), &json!({"kind": "chat"})).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert_eq!(app.patch(&path(&one), &json!({"kind": "embedding", "vector_space": "v"})).await.status, 200);
        assert_eq!(app.delete("/fallback/one").await.status, 200);
        assert_eq!(app.patch(&path(&one), &json!({"kind": "chat"})).await.status, 200);
    }

    async fn the_kind_follows_from_the_name_at_the_provider_unless_it_is_given(app: App) {
        let provider = simulated(&app).await;
        let kinds = [
            ("text-embedding-3-small", "embedding"), ("rerank-v3.5", "rerank"), ("omni-moderation-latest", "moderation"),
            ("tts-1", "speech"), ("whisper-1", "transcription"), ("dall-e-3", "image"), ("davinci-002", "completion"), ("gpt-4o", "chat"),
        ];
        for (name, kind) in kinds {
            assert_eq!(made(&app, &json!({"name": name, "provider_id": provider})).await["kind"], kind, "{name}");
        }
        let new = |name: &str, kind: Value| json!({"name": name, "provider_id": provider, "upstream_model": "bge-m3", "kind": kind});
        let by_name = made(&app, &new("vectors", Value::Null)).await;
        assert_eq!(by_name["kind"], "embedding", "the name at the provider counts");
        let given = made(&app, &new("given", json!("chat"))).await;
        assert_eq!(given["kind"], "chat");
        assert_eq!(changed(&app, &given, &json!({"upstream_model": "tts-1"})).await["kind"], "chat", "a change leaves the kind alone");
        assert_eq!(changed(&app, &given, &json!({"kind": null})).await["kind"], "speech");
    }

    async fn what_is_left_open_is_filled_from_the_embedded_table(app: App) {
        let openai = app.organization.provider_at("openai", "openai", None).await;
        let known =
            made(&app, &json!({"name": "gpt", "provider_id": openai, "upstream_model": "gpt-4o"})).await;
        assert_eq!(known["context_window"], 128_000);
        assert_eq!(known["capabilities"]["vision"], true);
        assert_eq!(
            (&known["price"]["input"], &known["price"]["output"]),
            (&json!(2_500_000), &json!(10_000_000))
        );
        assert!(known["known_as_of"].as_str().is_some_and(|day| day.len() == 10), "{known}");
        let filled: Vec<&str> =
            known["filled"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        for field in
            ["context_window", "max_output_tokens", "capabilities.vision", "price", "parameter_rules"]
        {
            assert!(filled.contains(&field), "{field} in {filled:?}");
        }

        // The organization's own values win, one by one.
        let own = json!({"context_window": 1_000, "capabilities": {"vision": false}, "price": {"input": 7}});
        let own = changed(&app, &known, &own).await;
        assert_eq!(own["context_window"], 1_000);
        assert_eq!(
            (&own["capabilities"]["vision"], &own["capabilities"]["tools"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(
            own["price"],
            json!({"input": 7, "output": null, "cache_read": null, "cache_write": null})
        );
        let filled: Vec<&str> =
            own["filled"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert!(!filled.contains(&"price") && !filled.contains(&"capabilities.vision"), "{filled:?}");
        assert!(filled.contains(&"capabilities.tools"));

        // A reasoning model has rules for requests that were written for gpt-4o.
        let o1 = made(&app, &json!({"name": "o1", "provider_id": openai})).await;
        assert_eq!(o1["parameter_rules"]["rename"]["max_tokens"], "max_completion_tokens");
        assert!(o1["parameter_rules"]["drop"].as_array().expect("a list").contains(&json!("temperature")));
        let none = changed(&app, &o1, &json!({"parameter_rules": {}})).await;
        assert_eq!(none["parameter_rules"], json!({"rename": {}, "drop": [], "clamp_output": false}));
    }

    async fn a_change_is_in_force_at_once(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hello"));
        let provider = app.organization.provider("fake", &fake).await;
        let body = json!({"name": "m", "provider_id": provider, "upstream_model": "one"});
        let model = made(&app, &body).await;
        assert_eq!(app.chat(&json!({"model": "m"})).await.status, 200);
        changed(&app, &model, &json!({"upstream_model": "two", "name": "n"})).await;
        assert_eq!(app.chat(&json!({"model": "m"})).await.status, 404);
        assert_eq!(app.chat(&json!({"model": "n"})).await.status, 200);
        let asked: Vec<Option<String>> = fake.requests().into_iter().map(|request| request.model).collect();
        assert_eq!(asked, [Some("one".to_owned()), Some("two".to_owned())]);
        changed(&app, &model, &json!({"enabled": false})).await;
        assert_eq!(app.chat(&json!({"model": "n"})).await.status, 503);
        assert_eq!(fake.served(), 2);
    }

    async fn a_name_is_taken_once_and_a_model_in_use_stays(app: App) {
        let provider = simulated(&app).await;
        let first = made(&app, &json!({"name": "first", "provider_id": provider})).await;
        let second = made(&app, &json!({"name": "second", "provider_id": provider})).await;
        let again = app.post(MODELS, &json!({"name": "first", "provider_id": provider})).await;
        assert_eq!(refusal(&again), (409, "conflict".to_owned()));
        let renamed = app.patch(&path(&second), &json!({"name": "first"})).await;
        assert_eq!(refusal(&renamed), (409, "conflict".to_owned()));
        app.organization.fallback("first", FallbackType::General, &["second"]).await;
        for model in [&first, &second] {
            let used = app.delete(&path(model)).await;
            assert_eq!(refusal(&used), (409, "conflict".to_owned()));
            assert!(used.text().contains("first"), "{}", used.text());
        }
    }

    async fn a_list_is_filtered_and_read_page_by_page(app: App) {
        let provider = simulated(&app).await;
        let other = app.organization.provider_at("other", "simulated", None).await;
        for number in 0..9 {
            let on = [provider, other][number % 2];
            made(&app, &json!({"name": format!("m{number}"), "provider_id": on, "enabled": number % 3 > 0}))
                .await;
        }
        for (query, found) in [
            ("".to_owned(), "m8 m7 m6 m5 m4 m3 m2 m1 m0"),
            (format!("&provider_id={other}"), "m7 m5 m3 m1"),
            ("&enabled=false".to_owned(), "m6 m3 m0"),
            (format!("&enabled=true&provider_id={provider}"), "m8 m4 m2"),
            ("&name=m4".to_owned(), "m4"),
            ("&name=m4&enabled=false".to_owned(), ""),
            (format!("&provider_id={}", app.organization.id), ""),
        ] {
            for limit in [1, 2, 3, 200] {
                let pages = walk(&app, &format!("{MODELS}?limit={limit}{query}")).await;
                assert_eq!(each(&pages.concat(), "name").join(" "), found, "{query} by {limit}");
                assert!(pages.iter().rev().skip(1).all(|page| page.len() == limit), "{query} by {limit}");
            }
        }
        for (query, named) in [
            ("limit=0", "query.limit value_error"),
            ("name=%2F", "query.name string_pattern_mismatch"),
            ("provider_id=x", "query.provider_id uuid_parsing"),
            ("enabled=yes", "query.enabled bool_parsing"),
            ("preset=openai", "query.preset extra_forbidden"),
        ] {
            assert_eq!(violation(&app.get(&format!("{MODELS}?{query}")).await), named);
        }
        let answer = app.get(&format!("{MODELS}?cursor=abc")).await;
        assert_eq!(refusal(&answer), (400, "invalid_cursor".to_owned()));
    }

    async fn a_model_is_seen_and_changed_by_its_own_organization_only(app: App) {
        let stranger = app.other_organization("stranger").await;
        let provider = stranger.provider_at("theirs", "simulated", None).await;
        let foreign = stranger.model("theirs", provider).await;
        assert_eq!(items(&app, MODELS).await, Vec::<Value>::new());
        let path = format!("{MODELS}/{foreign}");
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            assert_absent(&app, method, MODELS, &foreign.to_string()).await;
        }
        for (method, path, scope) in [
            (Method::GET, MODELS, "router:read"),
            (Method::POST, MODELS, "router:manage"),
            (Method::GET, path.as_str(), "router:read"),
            (Method::PATCH, &path, "router:manage"),
            (Method::DELETE, &path, "router:manage"),
        ] {
            assert_guarded(&app, method, path, scope).await;
        }
        let theirs = app.call(app.request(Method::GET, &path), &stranger.key).await;
        assert_eq!(theirs.json()["name"], "theirs", "it is still there");
    }
}
