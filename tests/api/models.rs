//! `/v1/model-router/models`.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{
    assert_absent, assert_guarded, each, items, refusal, violation, violations, walk,
};
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
        let preset = json!({"preset": "custom", "base_url": "https://api.example.com/v1"});
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
                "upstream_model": "openai/plain:1",
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
            "upstream_model": "sim/steady", "context_window": 8_000, "max_output_tokens": 1_000,
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
            "num_retries": null, "enabled": true, "upstream_model": "openai/plain:1"
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

    async fn every_field_is_checked_and_named(app: App) {
        let provider = simulated(&app).await;
        let stranger = app.other_organization("stranger").await;
        let foreign = stranger.provider_at("theirs", "simulated", None).await;
        let good = json!({"name": "m", "provider_id": provider});
        let model = made(&app, &json!({"name": "other", "provider_id": provider})).await;
        for (member, value, named) in [
            ("name", json!(""), "string_pattern_mismatch"),
            ("name", json!("/m"), "string_pattern_mismatch"),
            ("name", json!("a b"), "string_pattern_mismatch"),
            ("name", json!("modèle"), "string_pattern_mismatch"),
            ("name", json!("a\u{0}"), "string_pattern_mismatch"),
            ("name", json!("x".repeat(201)), "string_pattern_mismatch"),
            ("name", json!(null), "string_type"),
            ("provider_id", json!("simulated"), "uuid_parsing"),
            ("provider_id", json!(7), "string_type"),
            ("provider_id", json!(foreign), "value_error"),
            ("provider_id", json!(Uuid::nil()), "value_error"),
            ("upstream_model", json!(""), "value_error"),
            ("upstream_model", json!("x".repeat(201)), "value_error"),
            ("upstream_model", json!("a\r\nb"), "value_error"),
            ("upstream_model", json!(null), "string_type"),
            ("context_window", json!(0), "value_error"),
            ("context_window", json!(-1), "value_error"),
            ("context_window", json!(1.5), "int_type"),
            ("context_window", json!("8000"), "int_type"),
            ("max_output_tokens", json!(0), "value_error"),
            ("max_output_tokens", json!(1_000_000_001), "value_error"),
            ("capabilities", json!({"sight": true}), "sight extra_forbidden"),
            ("capabilities", json!({"vision": "yes"}), "vision bool_type"),
            ("capabilities", json!(["vision"]), "dict_type"),
            ("price", json!({"input": -1}), "input value_error"),
            ("price", json!({"input": 18_446_744_073_709_551_615_u64}), "input value_error"),
            ("price", json!({"input": 1e30}), "input value_error"),
            ("price", json!({"output": 1_000_000_000_001_i64}), "output value_error"),
            ("price", json!({"input": 0.5}), "input int_type"),
            ("price", json!({"input": 1, "per": "token"}), "per extra_forbidden"),
            ("price", json!(3), "dict_type"),
            // serde alone would take lists as the members in order.
            ("price", json!([0, 0]), "dict_type"),
            ("price", json!([]), "dict_type"),
            ("price", json!({"input": 1, "long_prompt": [1, 2, 3, 4, 5]}), "long_prompt dict_type"),
            ("price", json!({"long_prompt": {"input": 1}}), "long_prompt.above missing"),
            ("price", json!({"long_prompt": {"above": 0}}), "long_prompt.above value_error"),
            ("price", json!({"long_prompt": {"above": 1, "audio": 1}}), "long_prompt.audio extra_forbidden"),
            ("capabilities", json!([true, false, null, null]), "dict_type"),
            ("parameter_rules", json!([{"a": "b"}, ["c"], true]), "dict_type"),
            ("parameter_rules", json!({"drop": ["messages"]}), "drop.0 value_error"),
            ("parameter_rules", json!({"drop": ["a", "a"]}), "drop.1 value_error"),
            ("parameter_rules", json!({"drop": "a"}), "drop list_type"),
            ("parameter_rules", json!({"drop": null}), "drop list_type"),
            ("parameter_rules", json!({"rename": ["a"]}), "rename dict_type"),
            ("parameter_rules", json!({"rename": {"a": 7}}), "rename.a string_type"),
            ("parameter_rules", json!({"rename": {"a": "model"}}), "rename.a value_error"),
            ("parameter_rules", json!({"rename": {"a b": "c"}}), "rename.a b value_error"),
            ("parameter_rules", json!({"clamp_output": null}), "clamp_output bool_type"),
            ("parameter_rules", json!({"add": {}}), "add extra_forbidden"),
            (
                "parameter_rules",
                json!({"drop": (0..65).map(|number| format!("p{number}")).collect::<Vec<_>>()}),
                "too_long",
            ),
            ("first_frame_timeout_ms", json!(0), "value_error"),
            ("answer_timeout_ms", json!(600_001), "value_error"),
            ("num_retries", json!(6), "value_error"),
            ("num_retries", json!(-1), "value_error"),
            ("num_retries", json!(true), "int_type"),
            ("enabled", json!("true"), "bool_type"),
            ("enabled", json!(null), "bool_type"),
            ("window", json!(1), "extra_forbidden"),
        ] {
            let mut body = good.clone();
            body[member] = value.clone();
            let inner = if named.contains(' ') { "." } else { " " };
            let named = format!("body.{member}{inner}{named}");
            assert_eq!(violation(&app.post(MODELS, &body).await), named, "{value}");
            let mut change = json!({});
            change[member] = value.clone();
            assert_eq!(violation(&app.patch(&path(&model), &change).await), named, "{value}");
        }
        assert_eq!(violation(&app.post(MODELS, &json!({"name": "m"})).await), "body.provider_id missing");
        assert_eq!(
            violation(&app.post(MODELS, &json!({"provider_id": provider})).await),
            "body.name missing"
        );
        assert_eq!(each(&items(&app, MODELS).await, "name"), ["other"]);
        assert_eq!(app.get(&path(&model)).await.json(), model);
    }

    async fn all_faults_of_a_body_are_named_at_once_with_their_paths(app: App) {
        let provider = simulated(&app).await;
        let body = r#"{
            "name": null, "provider_id": "PROVIDER", "enabled": 1, "context_window": "many",
            "capabilities": {"tools": 1, "smell": true, "tools": 2},
            "price": {"input": -1, "output": "dear", "foo": 1, "long_prompt": {"input": 0.5, "bar": 2}},
            "parameter_rules": {"drop": ["model", 7, "a"], "rename": {"x": null, "b": "c"}, "baz": 1},
            "cooldown": {"open": true, "open": false}
        }"#
        .replace("PROVIDER", &provider.to_string());
        let request = app.request(Method::POST, MODELS).header("content-type", "application/json").body(body);
        let refused = app.call(request, &app.organization.key).await;
        let found = violations(&refused);
        let found: Vec<String> = found.into_iter().map(|(place, kind)| format!("{place} {kind}")).collect();
        assert_eq!(
            found,
            [
                "body.capabilities.tools value_error",
                "body.cooldown.open value_error",
                "body.name string_type",
                "body.context_window int_type",
                "body.capabilities.tools bool_type",
                "body.capabilities.smell extra_forbidden",
                "body.price.input value_error",
                "body.price.output int_type",
                "body.price.long_prompt.above missing",
                "body.price.long_prompt.input int_type",
                "body.price.long_prompt.bar extra_forbidden",
                "body.price.foo extra_forbidden",
                "body.parameter_rules.rename.x string_type",
                "body.parameter_rules.drop.0 value_error",
                "body.parameter_rules.drop.1 string_type",
                "body.parameter_rules.baz extra_forbidden",
                "body.enabled bool_type",
            ]
        );
        for text in ["'price.foo'", "'price.long_prompt.input' must be a whole number or null", "'parameter_rules.drop[1]'"] {
            assert!(refused.text().contains(text), "{text}: {}", refused.text());
        }
        assert_eq!(items(&app, MODELS).await, Vec::<Value>::new());
        let contradictory = json!({
            "name": "m", "provider_id": provider,
            "parameter_rules": {"rename": {"a": "b", "b": "c", "d": "c"}, "drop": ["a", "e", "e"]}
        });
        let found = violations(&app.post(MODELS, &contradictory).await);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.trim_start_matches("body.parameter_rules.")).collect();
        assert_eq!(places, ["drop.0", "drop.2", "rename.a", "rename.b", "rename.d"]);
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
