//! Providers that refuse `stream_options` or another optional parameter: configured, or learned from their error.

use std::time::Duration;

use failsoft::domain::permission::Scope;
use failsoft::providers::StreamOptions;
use failsoft::store::{ModelFields, ProviderChange};
use reqwest::Method;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::{App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

/// Answers, unless the body has one of these members: then it responds like FastAPI.
fn refusing(names: &'static [&'static str]) -> impl Fn(&Received) -> Option<Script> + Send + Sync {
    move |received| {
        let body = received.json();
        let wrong: Vec<Value> = names
            .iter()
            .filter(|name| body.get(**name).is_some())
            .map(|name| json!({"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}))
            .collect();
        Some(match (wrong.is_empty(), body["stream"] == true) {
            (false, _) => Script::json(422, &json!({"detail": wrong})),
            (true, true) => Script::stream().text("Hi").finish("stop").done(),
            (true, false) => Script::answer("Hi"),
        })
    }
}

fn names(fake: &FakeProvider, name: &str) -> Vec<bool> {
    fake.requests().iter().map(|request| request.json().get(name).is_some()).collect()
}

on_both_databases! {
    async fn a_refusal_is_learned_once_three_different_requests_met_it(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(refusing(&["stream_options"]));
        app.organization.catalog(&fake, &["a", "b"]).await;
        for (model, seed, calls) in [("a", 1, 2), ("a", 1, 4), ("a", 2, 6), ("b", 3, 8), ("a", 4, 9), ("b", 5, 10)] {
            let answer = app.chat(&json!({"model": model, "stream": true, "seed": seed, "stream_options": {"include_usage": true}})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-failsoft-attempts"), "1");
            assert_eq!(answer.header("x-failsoft-fallback"), "none");
            assert_eq!(fake.served(), calls, "a repeated request counts once, and a refusal for every model of the provider");
        }
        assert_eq!(names(&fake, "stream_options")[7..], [false, false, false]);
        assert_eq!(app.events().await, Vec::<Value>::new());
        let rows = app.requests(6).await;
        let adapted: Vec<Value> = rows.iter().map(|row| row["attempts"][0]["adapted"].clone()).collect();
        assert_eq!(adapted, vec![json!(["dropped:stream_options"]); 6]);
    }

    async fn what_was_learned_is_forgotten_when_the_provider_changes(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(refusing(&["stream_options"]));
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model("a", provider).await;
        let ask = async |seed: i32| {
            assert_eq!(app.chat(&json!({"model": "a", "stream": true, "seed": seed})).await.status, 200);
        };
        for seed in 1..=4 {
            ask(seed).await;
        }
        assert_eq!(names(&fake, "stream_options"), [true, false, true, false, true, false, false]);
        app.clock.advance(Duration::from_secs(1));
        app.organization.store.provider_change(provider.into(), ProviderChange::default()).await.expect("a change");
        ask(5).await;
        assert_eq!(names(&fake, "stream_options")[7..], [true, false]);
    }

    /// Until another caller's request is refused for it, too. After ten minutes it is tried again.
    async fn what_one_caller_taught_is_left_out_of_its_own_requests(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(refusing(&["stream_options"]));
        app.organization.catalog(&fake, &["a"]).await;
        let (mine, other) = (app.organization.key.clone(), app.organization.key_with(&[Scope::Inference]).await);
        let calls = async |key: &str, seed: i32| {
            let before = fake.served();
            let body = chat_body(&json!({"model": "a", "stream": true, "seed": seed}));
            let answer = app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &body), key).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{}", answer.text());
            fake.served() - before
        };
        for seed in 1..=3 {
            assert_eq!(calls(&mine, seed).await, 2);
        }
        assert_eq!((calls(&mine, 4).await, calls(&other, 1).await), (1, 2));
        assert_eq!((calls(&mine, 4).await, calls(&other, 2).await), (1, 1));
        app.clock.advance(Duration::from_secs(600));
        assert_eq!((calls(&mine, 4).await, calls(&mine, 5).await, calls(&other, 3).await), (2, 1, 1));
        // The provider has learned it: what is tried is accepted, and carried from then on.
        app.clock.advance(Duration::from_secs(600));
        fake.judge(refusing(&[]));
        let before = fake.served();
        assert_eq!((calls(&other, 3).await, calls(&mine, 6).await), (1, 1));
        assert_eq!(names(&fake, "stream_options")[before..], [true, true]);
    }

    /// One caller's value, member or combination must not take a parameter from the others.
    async fn what_one_request_is_refused_for_is_kept_in_those_of_others(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(|received| {
            let (body, first) = (received.json(), received.model.as_deref() == Some("first-upstream"));
            let refused = |code: &str, message: &str| Some(Script::error(400, code, message));
            if first {
                return refused("no", "never");
            }
            if body["stream_options"].get("include_obfuscation").is_some() {
                return refused("invalid_request_error", "body.stream_options.include_obfuscation: Extra inputs are not permitted");
            }
            match (body["reasoning_effort"].as_str(), body["metadata"].get("zzz"), body["seed"].as_i64()) {
                (Some("xhigh"), ..) => refused("unsupported_value", "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported: low, medium, high"),
                (_, Some(_), _) => refused("unknown_parameter", "Unknown parameter: 'metadata.zzz'."),
                (.., Some(-1)) => refused("unsupported_parameter", "'seed' of -1 is not supported"),
                _ if body["stream"] == true => Some(Script::stream().text("Hi").finish("stop").done()),
                _ => Some(Script::answer("Hi")),
            }
        });
        app.organization.catalog(&fake, &["first", "second"]).await;
        let ask = async |more: &Value, number: i32| {
            let mut body = json!({"model": "first", "models": ["second"], "top_k": number});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let answer = app.chat(&body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            fake.requests().pop().expect("a request").json()
        };
        for (bad, good, name) in [
            (json!({"reasoning_effort": "xhigh"}), json!({"reasoning_effort": "low"}), "reasoning_effort"),
            (json!({"metadata": {"zzz": "1"}}), json!({"metadata": {"a": "1"}}), "metadata"),
            (json!({"seed": -1}), json!({"seed": 7}), "seed"),
        ] {
            for number in 1..=5 {
                assert_eq!(ask(&bad, number).await.get(name), None, "{name}");
            }
            assert_eq!(ask(&good, 1).await[name], good[name], "{name}");
        }
        let options = json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}});
        for number in 1..=5 {
            assert_eq!(ask(&options, number).await["stream_options"], json!({"include_usage": true}));
        }
        let rows = app.requests(23).await;
        assert_eq!(rows[22]["attempts"][1]["adapted"], json!(["stripped:stream_options"]));
    }

    async fn an_answer_in_between_clears_the_count_of_refusals(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let answer = Script::stream().text("Hi").finish("stop").done();
        for seed in 1..=6 {
            if seed == 3 {
                let answer = answer.clone();
                fake.judge(move |_| Some(answer.clone()));
            } else {
                fake.judge(refusing(&["stream_options"]));
            }
            assert_eq!(app.chat(&json!({"model": "a", "stream": true, "seed": seed})).await.status, 200);
        }
        let sent = names(&fake, "stream_options");
        assert_eq!(sent, [true, false, true, false, true, true, false, true, false, true, false]);
    }

    async fn a_setting_of_the_provider_says_it_at_once(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(refusing(&[]));
        let custom = app.organization.provider("custom", &fake).await;
        let mistral = app.organization.provider_at("mistral", "mistral", Some(&fake.base_url())).await;
        app.organization.model("custom", custom).await;
        app.organization.model("mistral", mistral).await;
        for (provider, setting) in [(custom, StreamOptions::Unsupported), (mistral, StreamOptions::Supported)] {
            let change = ProviderChange { stream_options: Some(setting), ..ProviderChange::default() };
            app.organization.store.provider_change(provider.into(), change).await.expect("a change");
        }
        let own = json!({"include_usage": false, "x": 1});
        for (model, expected) in [("custom", json!(null)), ("mistral", json!({"include_usage": true, "x": 1}))] {
            assert_eq!(app.chat(&json!({"model": model, "stream": true, "stream_options": own})).await.status, 200);
            assert_eq!(fake.requests().pop().expect("a request").json()["stream_options"], expected, "{model}");
        }
    }

    async fn other_optional_parameters_are_learned_behind_the_primary_alone(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(|received| {
            let broken = received.model.as_deref() == Some("first-upstream");
            if broken { Some(Script::error(400, "no", "never")) } else { refusing(&["store", "metadata", "stream_options"])(received) }
        });
        app.organization.catalog(&fake, &["first", "second"]).await;
        let more = json!({"store": true, "metadata": {"a": "b"}, "seed": 7});
        let with = |number: i32, candidates: Value| {
            let mut body = more.clone();
            body["top_k"] = json!(number);
            body.as_object_mut().expect("an object").extend(candidates.as_object().expect("an object").clone());
            body
        };
        for (number, calls) in [(1, 3), (2, 6), (3, 9), (4, 11)] {
            let answer = app.chat(&with(number, json!({"model": "first", "models": ["second"]}))).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
            assert_eq!(fake.served(), calls);
            let sent = fake.requests().pop().expect("a request").json();
            assert_eq!((sent.get("store"), sent.get("metadata"), &sent["seed"]), (None, None, &json!(7)));
        }
        let rows = app.requests(4).await;
        assert_eq!(pick(rows[3]["attempts"].as_array().expect("a list"), &["adapted"])[1], json!([["dropped:metadata", "dropped:store"]]));
        // As the primary, the request is unchanged, and so is the refusal.
        let answer = app.chat(&with(5, json!({"model": "second"}))).await;
        assert_eq!((answer.status, fake.served()), (422, 12), "{}", answer.text());
    }

    /// Reports the same changes as an attempt, before there is one.
    async fn explain_names_what_was_learned(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(|received| {
            let broken = received.model.as_deref() == Some("first-upstream");
            if broken { Some(Script::error(400, "no", "never")) } else { refusing(&["store", "stream_options"])(received) }
        });
        app.organization.catalog(&fake, &["first", "second"]).await;
        let body = json!({"model": "first", "models": ["second"], "store": true, "seed": 7, "stream": true,
                          "stream_options": {"include_usage": true}});
        let explained = async || {
            let answer = app.post("/v1/model-router/explain", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            pick(answer.json()["candidates"].as_array().expect("a list"), &["model", "adapted"])
        };
        assert_eq!(explained().await, json!([["first", []], ["second", []]]));
        for number in 1..=3 {
            let mut body = body.clone();
            body["top_k"] = json!(number);
            assert_eq!(app.chat(&body).await.status, 200);
        }
        let attempts = app.requests(3).await[0]["attempts"].clone();
        let real = pick(attempts.as_array().expect("a list"), &["model", "adapted"]);
        assert_eq!(real[1], json!(["second", ["dropped:store", "dropped:stream_options"]]));
        // The options belong to the provider, and the first model has the same provider.
        assert_eq!(explained().await, json!([["first", ["dropped:stream_options"]], real[1]]));
    }

    /// A deployment name does not reveal the model, so no table knows its parameters.
    async fn a_limit_goes_by_its_newer_name_where_that_is_asked_for(app: App) {
        let fake = FakeProvider::start().await;
        fake.judge(|received| {
            let (first, old) = (received.model.as_deref() == Some("first-upstream"), received.json().get("max_tokens").is_some());
            Some(match (first, old) {
                (true, _) => Script::error(400, "no", "never"),
                (_, true) => Script::error(400, "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
                _ => Script::answer("Hi"),
            })
        });
        app.organization.catalog(&fake, &["first"]).await;
        let azure = app.organization.provider_at("azure", "azure", Some(&fake.base_url())).await;
        app.organization.model("our-deployment", azure).await;
        let answer = app.chat(&json!({"model": "first", "models": ["our-deployment"], "max_tokens": 7})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.requests().pop().expect("a request").json();
        assert_eq!((sent.get("max_tokens"), &sent["max_completion_tokens"]), (None, &json!(7)));
        assert_eq!(app.requests(1).await[0]["attempts"][1]["adapted"], json!(["renamed:max_tokens"]));
    }

    /// Errors that only look like a refused parameter, or that refuse an essential parameter, are passed on.
    async fn no_other_error_is_retried_without_parameters(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        for (status, message) in [
            (400, "The user is unknown and seed oil is not supported."),
            (400, "Unsupported parameter: 'max_tokens' is not supported with this model."),
            (400, "'seed' must be at least 0"),
            (500, "Unknown parameter: 'seed'"),
            (429, "Unknown parameter: 'seed'"),
        ] {
            fake.always(Script::error(400, "no", "never"));
            fake.always_for("second-upstream", Script::error(status, "invalid_request_error", message));
            let before = fake.served();
            let body = json!({"model": "first", "models": ["second"], "user": "u", "seed": 7, "max_tokens": 5});
            assert_ne!(app.chat(&body).await.status, 200);
            assert_eq!(fake.served() - before, 2, "{status} {message}");
        }
    }

    async fn a_refusal_that_persists_is_not_remembered(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::error(400, "unknown_parameter", "Unknown parameter: 'stream_options'."));
        for calls in [2, 4] {
            let answer = app.chat(&json!({"model": "a", "stream": true})).await;
            assert_eq!((answer.status, fake.served()), (400, calls), "{}", answer.text());
        }
        assert_eq!(names(&fake, "stream_options"), [true, false, true, false]);
    }
}

/// One failover each: which parameters must be removed or changed for a fallback.
mod fallbacks {
    use super::*;

    async fn sent(
        app: &App,
        fake: &FakeProvider,
        preset: &str,
        change: impl FnOnce(&mut ModelFields),
        more: &Value,
    ) -> (Value, Value) {
        let first = app.organization.provider("first", fake).await;
        app.organization.model("first", first).await;
        let provider = app.organization.provider_at("second", preset, Some(&fake.base_url())).await;
        app.organization.model_like("second", provider, change).await;
        fake.always(Script::answer("Hi"));
        fake.always_for("first-upstream", Script::error(400, "no", "never"));
        let mut body = json!({"model": "first", "models": ["second"]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = app.chat(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let attempts = app.requests(1).await[0]["attempts"].clone();
        (fake.requests().pop().expect("a request").json(), attempts[1]["adapted"].clone())
    }

    on_both_databases! {
        async fn a_custom_model_that_does_not_reason_gets_no_effort(app: App) {
            let fake = FakeProvider::start().await;
            let plain = |model: &mut ModelFields| model.settings.capabilities.reasoning = Some(false);
            let more = json!({"reasoning_effort": "high", "verbosity": "low", "reasoning": {"effort": "high"}, "thinking": {"type": "enabled"}, "x_unknown": 1});
            let (sent, adapted) = sent(&app, &fake, "custom", plain, &more).await;
            assert_eq!(adapted, json!(["dropped:reasoning", "dropped:reasoning_effort", "dropped:thinking", "dropped:verbosity"]));
            assert_eq!(sent["x_unknown"], 1);
        }

        async fn openrouters_reasoning_becomes_the_effort_that_others_accept(app: App) {
            let fake = FakeProvider::start().await;
            let o4 = |model: &mut ModelFields| model.upstream_model = "o4-mini".to_owned();
            let more = json!({"reasoning": {"effort": "xhigh", "exclude": true}, "parallel_tool_calls": false});
            let (sent, adapted) = sent(&app, &fake, "openai", o4, &more).await;
            assert_eq!(sent["reasoning_effort"], "high");
            assert_eq!(adapted, json!(["dropped:parallel_tool_calls", "mapped:reasoning"]));
        }
    }
}
