//! The body that the provider gets: the caller's request without our own members, adapted only for fallbacks.

use failsoft::providers::ParameterRules;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn preset(app: &App, fake: &FakeProvider, preset: &str) {
    let provider = app.organization.provider_at(preset, preset, Some(&fake.base_url())).await;
    app.organization.model(preset, provider).await;
}

on_both_databases! {
    async fn our_own_fields_are_removed_and_all_others_forwarded(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always(Script::answer("Hi"));
        let body = "{ \"models\":[\"b\"], \"max_fallbacks\":1,\"num_retries\":0,\"session_id\":\"s\",\
            \"mock_testing_fallbacks\":false,\"mock_testing_context_fallbacks\":null,\
            \"mock_testing_content_policy_fallbacks\":false,\"disable_fallbacks\":false,\"fallbacks\":null,\
            \"provider\":{\"order\":[\"x\"]},\"route\":\"fallback\",\"transforms\":[],\"plugins\":[],\"usage\":{\"include\":true},\
            \"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u003c \\ud83e\\udd80 é\"}],\"x_unknown\":[1.50,{ }],\
            \"temperature\":0.70,\"max_tokens\":1e2,\"metadata\":{\"session_id\":\"kept\"},\"n\":null,\"us\\u0065r\":\"u\" }";
        let request = app
            .request(reqwest::Method::POST, "/v1/chat/completions")
            .header("content-type", "application/json")
            .body(body);
        let answer = app.call(request, &app.organization.key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.requests().remove(0);
        let text = String::from_utf8(sent.body.clone()).expect("text");
        for untouched in [
            "\"messages\":[{\"role\":\"user\",\"content\":\"\\u003c \\ud83e\\udd80 é\"}]",
            "\"x_unknown\":[1.50,{ }]",
            "\"temperature\":0.70",
            "\"max_tokens\":1e2",
            "\"metadata\":{\"session_id\":\"kept\"}",
            "\"n\":null",
            "\"user\":\"u\"",
        ] {
            assert!(text.contains(untouched), "{untouched} in {text}");
        }
        let names: Vec<String> = sent.json().as_object().expect("an object").keys().cloned().collect();
        let mut expected =
            ["max_tokens", "messages", "metadata", "model", "n", "temperature", "user", "x_unknown"].to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(sent.model.as_deref(), Some("a-upstream"));
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/chat/completions"));
    }

    async fn router_fields_go_to_vendors_that_understand_them(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        preset(&app, &fake, "openrouter").await;
        preset(&app, &fake, "openai").await;
        for (model, understood) in [("openrouter", true), ("openai", false)] {
            let body = json!({"model": model, "provider": {"a": 1}, "route": "fallback", "transforms": ["x"], "plugins": [], "usage": {}});
            assert_eq!(app.chat(&body).await.status, 200);
            let sent = fake.requests().pop().expect("a request").json();
            for name in ["provider", "route", "transforms", "plugins", "usage"] {
                assert_eq!(sent.get(name).is_some(), understood, "{model} {name}");
            }
        }
    }

    async fn usage_is_requested_where_the_provider_accepts_it(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::stream().text("Hi").finish("stop").done());
        preset(&app, &fake, "openai").await;
        preset(&app, &fake, "mistral").await;
        let sent = async |body: Value| {
            assert_eq!(app.chat(&body).await.status, 200);
            fake.requests().pop().expect("a request").json()["stream_options"].clone()
        };
        assert_eq!(sent(json!({"model": "openai", "stream": true})).await, json!({"include_usage": true}));
        assert_eq!(
            sent(json!({"model": "openai", "stream": true, "stream_options": {"include_usage": false, "x": 1.5}})).await,
            json!({"include_usage": true, "x": 1.5})
        );
        assert_eq!(
            sent(json!({"model": "openai", "stream": true, "stream_options": null})).await,
            json!({"include_usage": true})
        );
        assert_eq!(sent(json!({"model": "mistral", "stream": true})).await, json!(null));
        // A fallback does not get what its provider would refuse.
        fake.next_for("openai-upstream", Script::error(500, "server_error", "broken"));
        let body = json!({"model": "openai", "models": ["mistral"], "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(sent(body).await, json!(null));
        // Without a stream nothing is added.
        fake.always(Script::answer("Hi"));
        assert_eq!(sent(json!({"model": "openai"})).await, json!(null));
        assert_eq!(sent(json!({"model": "openai", "stream": false})).await, json!(null));
    }

    async fn rules_apply_to_fallbacks_only_and_are_reported(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let rules = ParameterRules {
            rename: [("max_tokens".to_owned(), "max_completion_tokens".to_owned())].into(),
            drop: vec!["temperature".to_owned(), "top_p".to_owned()],
            clamp_output: true,
        };
        let ruled = |model: &mut failsoft::store::ModelFields| {
            model.settings.parameter_rules = Some(rules.clone());
            model.settings.max_output_tokens = Some(50);
        };
        app.organization.model("a", provider).await;
        app.organization.model_like("b", provider, ruled).await;
        let body = json!({"model": "b", "models": ["a"], "max_tokens": 100, "temperature": 0.5, "seed": 7});
        fake.always(Script::answer("Hi"));
        fake.next_for("b-upstream", Script::error(500, "server_error", "broken"));
        app.chat(&body).await;
        for request in fake.requests() {
            let sent = request.json();
            assert_eq!((&sent["max_tokens"], &sent["temperature"], &sent["seed"]), (&json!(100), &json!(0.5), &json!(7)));
        }
        let rows = app.requests(1).await;
        assert_eq!(pick(rows[0]["attempts"].as_array().expect("a list"), &["adapted"]), json!([[[]], [[]]]));

        fake.next_for("a-upstream", Script::error(500, "server_error", "broken"));
        let swapped = json!({"model": "a", "models": ["b"], "max_tokens": 100, "temperature": 0.5, "seed": 7});
        assert_eq!(app.chat(&swapped).await.status, 200);
        let sent = fake.requests().pop().expect("a request").json();
        assert_eq!(sent["max_completion_tokens"], 50);
        assert_eq!((sent.get("max_tokens"), sent.get("temperature"), &sent["seed"]), (None, None, &json!(7)));
        let attempts = app.requests(2).await[1]["attempts"].clone();
        assert_eq!(
            pick(attempts.as_array().expect("a list"), &["model", "adapted"]),
            json!([
                ["a", []],
                ["b", ["renamed:max_tokens", "clamped:max_tokens", "dropped:temperature"]]
            ])
        );
    }

    async fn gpt_4o_falls_back_to_o1_without_configured_rules(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        for name in ["gpt-4o", "o1"] {
            app.organization.model_like(name, provider, |model| model.upstream_model = name.to_owned()).await;
        }
        app.organization.fallback("gpt-4o", failsoft::domain::fallback_type::FallbackType::General, &["o1"]).await;
        fake.always(Script::answer("Hi"));
        fake.next_for("gpt-4o", Script::error(503, "overloaded", "busy"));
        let answer = app.chat(&json!({"model": "gpt-4o", "max_tokens": 10, "temperature": 0, "top_p": 1})).await;
        assert_eq!(answer.header("x-failsoft-model"), "o1");
        let sent = fake.requests().pop().expect("a request").json();
        assert_eq!(sent["max_completion_tokens"], 10);
        assert!(["max_tokens", "temperature", "top_p"].iter().all(|name| sent.get(name).is_none()), "{sent}");
    }
}
