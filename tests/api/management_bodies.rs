//! Bodies of the management API: every fault with its place, and what may be sent back.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, App};
use crate::support::management::{each, items, violation, violations};
use crate::support::on_both_databases;

const MODELS: &str = "/v1/model-router/models";

async fn simulated(app: &App) -> Uuid {
    app.organization.provider_at("simulated", "simulated", None).await
}

/// The properties of a schema of the document, and whether each is read-only.
fn properties(document: &Value, schema: &str) -> BTreeMap<String, bool> {
    let schema = &document["components"]["schemas"][schema];
    let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    let resolved = parts.iter().map(|part| match part["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a schema").clone(),
        None => part.clone(),
    });
    let read_only = |value: &Value| value["readOnly"] == json!(true);
    let own = resolved.flat_map(|part| {
        let members = part["properties"].as_object().cloned().unwrap_or_default();
        members.into_iter().map(|(name, value)| (name, read_only(&value))).collect::<Vec<_>>()
    });
    own.collect()
}

on_both_databases! {
    /// What only the catalog shows is reported with the rest, each name with its place.
    async fn faults_of_the_catalog_come_with_those_of_the_form(app: App) {
        let provider = simulated(&app).await;
        app.organization.model("a", provider).await;
        let found = |answer: &crate::support::app::Answer| -> Vec<String> {
            let mut found: Vec<String> = violations(answer).into_iter().map(|(place, kind)| format!("{place} {kind}")).collect();
            found.sort();
            found
        };
        let keys = "/v1/identity/api-keys";
        let lists = json!({"models": ["x", "a", 7, "y"], "scopes": [], "more": 1});
        let made = app.post(keys, &lists).await;
        let expected = [
            "body.models.0 value_error", "body.models.2 string_type", "body.models.3 value_error",
            "body.more extra_forbidden", "body.name missing", "body.scopes too_short",
        ];
        assert_eq!(found(&made), expected);
        let alone = app.post(keys, &json!({"name": "k", "scopes": ["drill"], "models": ["x", "a", "y"]})).await;
        assert_eq!(found(&alone), ["body.models.0 value_error", "body.models.2 value_error"]);
        let key = app.post(keys, &json!({"name": "k", "scopes": ["drill"]})).await;
        let changed = app.patch(key.header("location"), &lists).await;
        assert_eq!(found(&changed), expected.into_iter().filter(|fault| !fault.contains("name")).collect::<Vec<_>>());

        let stranger = app.other_organization("stranger").await;
        let request = app.request(Method::GET, "/v1/identity/whoami");
        let foreign = app.call(request, &stranger.key).await.json()["api_key"]["id"].clone();
        let budget = json!({"period": "week", "api_key_id": foreign, "hard_limit_nano_dollars": "1"});
        let expected =
            ["body.api_key_id value_error", "body.hard_limit_nano_dollars int_type", "body.period literal_error"];
        assert_eq!(found(&app.post("/v1/model-router/budgets", &budget).await), expected);
    }

    async fn every_field_is_checked_and_named(app: App) {
        let provider = simulated(&app).await;
        let stranger = app.other_organization("stranger").await;
        let foreign = stranger.provider_at("theirs", "simulated", None).await;
        let good = json!({"name": "m", "provider_id": provider});
        let made = app.post(MODELS, &json!({"name": "other", "provider_id": provider})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let model = made.json();
        let path = format!("{MODELS}/{}", model["id"].as_str().expect("an id"));
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
            assert_eq!(violation(&app.patch(&path, &change).await), named, "{value}");
        }
        assert_eq!(violation(&app.post(MODELS, &json!({"name": "m"})).await), "body.provider_id missing");
        assert_eq!(
            violation(&app.post(MODELS, &json!({"provider_id": provider})).await),
            "body.name missing"
        );
        assert_eq!(each(&items(&app, MODELS).await, "name"), ["other"]);
        assert_eq!(app.get(&path).await.json(), model);
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
        // A provider that the organization does not have is one of them, in every body that names one.
        let absent = Uuid::from_u128(7).to_string();
        let places = |answer: &Answer| -> Vec<String> { violations(answer).into_iter().map(|(place, _)| place).collect() };
        let refused = app.post(MODELS, &json!({"name": 1, "provider_id": absent})).await;
        assert_eq!(places(&refused), ["body.name", "body.provider_id"], "{}", refused.text());
        let refused = app.post("/v1/model-router/error-mappings", &json!({"provider_id": absent, "contains": [], "class": "authentication"})).await;
        assert_eq!(places(&refused), ["body.contains", "body.provider_id"], "{}", refused.text());
        let contradictory = json!({
            "name": "m", "provider_id": provider,
            "parameter_rules": {"rename": {"a": "b", "b": "c", "d": "c"}, "drop": ["a", "e", "e"]}
        });
        let found = violations(&app.post(MODELS, &contradictory).await);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.trim_start_matches("body.parameter_rules.")).collect();
        assert_eq!(places, ["drop.0", "drop.2", "rename.a", "rename.b", "rename.d"]);
    }

    /// Clients that change a resource send back what they read.
    async fn what_is_read_may_be_sent_back_and_is_described_as_read_only(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        let document = app.send(app.request(Method::GET, "/openapi.json")).await.json();
        for (path, response, create, change, body, renamed) in [
            (
                "/v1/model-router/providers", "ProviderResponse", "NewProviderBody", Some("ProviderChangeBody"),
                json!({"name": "p", "preset": "simulated"}), json!({"name": "p2"}),
            ),
            (
                "/v1/model-router/models", "ModelResponse", "NewModelBody", Some("ModelChangeBody"),
                json!({"name": "m", "provider_id": provider, "price": {"input": 1}}), json!({"name": "m2"}),
            ),
            (
                "/v1/identity/api-keys", "ApiKeyResponse", "NewApiKeyBody", Some("ApiKeyChangeBody"),
                json!({"name": "k", "scopes": ["inference"]}), json!({"name": "k2"}),
            ),
            (
                "/v1/model-router/budgets", "BudgetResponse", "NewBudgetBody", Some("BudgetChangeBody"),
                json!({"period": "month", "hard_limit_nano_dollars": 7}), json!({"period": "day"}),
            ),
            (
                "/v1/model-router/error-mappings", "ErrorMappingResponse", "NewErrorMappingBody", None,
                json!({"contains": ["long enough"], "class": "content_policy"}),
                json!({"contains": ["another one"]}),
            ),
        ] {
            let made = app.post(path, &body).await;
            assert_eq!(made.status, 201, "{path}: {}", made.text());
            let id = made.json()["id"].as_str().or(made.json()["api_key"]["id"].as_str()).expect("an id").to_owned();
            let read = app.get(&format!("{path}/{id}")).await.json();
            let answered = properties(&document, response);
            for name in read.as_object().expect("an object").keys() {
                assert!(answered.contains_key(name), "{response}: {name}");
            }
            for (schema, sends) in [(Some(create), &renamed), (change, &json!({}))] {
                let Some(schema) = schema else { continue };
                let taken = properties(&document, schema);
                for (name, read_only) in &answered {
                    let fixed = schema == "BudgetChangeBody" && ["period", "api_key_id"].contains(&name.as_str());
                    assert_eq!(taken.get(name), Some(&(*read_only || fixed)), "{schema}: {name}");
                }
                let mut whole = read.clone();
                for (name, value) in sends.as_object().expect("an object") {
                    whole[name] = value.clone();
                }
                let sent = if schema == create {
                    app.post(path, &whole).await
                } else {
                    app.patch(&format!("{path}/{id}"), &whole).await
                };
                assert_eq!(sent.status, if schema == create { 201 } else { 200 }, "{schema}: {}", sent.text());
            }
            let mut same = app.get(&format!("{path}/{id}")).await.json();
            same["updated_at"] = read["updated_at"].clone();
            if read["updated_at"].is_null() {
                same.as_object_mut().expect("an object").remove("updated_at");
            }
            assert_eq!(same, read, "{path}");
        }
        for (name, read_only) in properties(&document, "Fallback") {
            assert_eq!(properties(&document, "FallbackRequest").get(&name), Some(&read_only), "{name}");
        }
    }
}
