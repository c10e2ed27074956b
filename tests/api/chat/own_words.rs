//! What a provider's error repeats of the request blames no model: a caller could write the sentences of an outage.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

const QUOTA: &str = "You exceeded your current quota, please check your plan and billing details";

/// Refuses the role, and says it as vendors do.
fn refusing(said: fn(&str) -> Script) -> impl Fn(&Received) -> Option<Script> + Send + Sync {
    move |received| {
        let role = received.json()["messages"][0]["role"].as_str().unwrap_or_default().to_owned();
        Some(if role == "user" { Script::answer("Hi") } else { said(&role) })
    }
}

fn coded(status: u16, code: &str, message: &str) -> Script {
    Script::error(status, code, message)
}

/// The forms in which vendors repeat a wrong value.
fn echoes() -> Vec<fn(&str) -> Script> {
    vec![
        |role| {
            coded(
                400,
                "invalid_value",
                &format!("Invalid value: '{role}'. Supported values are: 'system', 'user'"),
            )
        },
        |role| {
            coded(
                400,
                "bad_request",
                &format!("Invalid value: '{role}'. Supported values are: 'system', 'user'"),
            )
        },
        |role| coded(400, "bad_request", &format!("role \"{role}\" is not one of system, user")),
        |role| coded(422, "bad_request", &format!("unknown role `{role}`")),
        |role| coded(400, "bad_request", &format!("1 validation error: input: {role}, type=literal_error")),
        |role| coded(429, "slow_down", &format!("Not now, in the conversation '{role}'")),
        |role| coded(403, "no", &format!("The role '{role}' is forbidden")),
    ]
}

async fn cooldown(app: &App, model: &str) -> Value {
    let page = app.get(&format!("/v1/model-router/models?name={model}")).await.json();
    page["items"][0]["cooldown"].clone()
}

on_both_databases! {
    async fn what_an_error_repeats_of_the_request_closes_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for (number, echo) in echoes().into_iter().enumerate() {
            fake.judge(refusing(echo));
            for sentence in [
                QUOTA,
                "Your credit balance is too low to access the Anthropic API",
                "API key not valid. Please pass a valid API key.",
                "credit",
                "please try again in 700h",
            ] {
                // Reaches the model, and clears the count of undecided failures.
                let answer = app.chat(&json!({"model": "m"})).await;
                assert_eq!(answer.status, 200, "{number} {sentence}: {}", answer.text());
                let messages = json!([{"role": sentence, "content": "x"}]);
                let answer = app.chat(&json!({"model": "m", "messages": messages})).await;
                assert_ne!(answer.status, 200);
                let open = cooldown(&app, "m").await;
                assert_eq!(open["open"], false, "{number} {sentence}: {open} {}", answer.text());
            }
        }
    }

    async fn the_providers_own_sentences_still_count(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        fake.always(Script::error(400, "invalid_request_error", QUOTA));
        app.chat(&json!({"model": "m", "messages": [{"role": "user", "content": "my plan and my credit"}]})).await;
        assert_eq!(cooldown(&app, "m").await["open"], true);
    }

    async fn fields_that_only_one_request_has_blame_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for (more, script) in [
            (json!({"user": "u1"}), Script::json(400, &json!({"error": {"message": "Budget has been exceeded! End User=u1 over budget", "type": "budget_exceeded", "code": "400"}}))),
            (json!({"service_tier": "flex"}), Script::respond(429, &[("content-type", "application/json"), ("retry-after", "60")], r#"{"error":{"message":"Resource unavailable","code":"resource_unavailable"}}"#)),
            (json!({"api_key": "sk-mine"}), Script::error(401, "invalid_api_key", "Incorrect API key provided.")),
            (json!({"n": 1}), Script::error(429, "rate_limit_exceeded", "Rate limit reached for input-images per min")),
            (json!({"n": 2}), Script::error(404, "not_found_error", "File not found: file_011")),
            (json!({"n": 3}), Script::error(404, "not_found_error", "Container cont_01 not found")),
            (json!({"n": 4}), Script::error(501, "not_implemented", "image input is not supported")),
            (json!({"n": 5}), Script::error(403, "403", "Your input was flagged")),
        ] {
            fake.always(script);
            for turn in 0..7 {
                let mut body = more.clone();
                body["model"] = json!("m");
                body["seed"] = json!(turn);
                assert_ne!(app.chat(&body).await.status, 200);
            }
            assert_eq!(cooldown(&app, "m").await["open"], false, "{more}");
        }
    }

    /// The request may have named the user, the prompt or the file. If others have the failure, too, it is the model's.
    async fn what_a_request_may_have_named_is_undecided(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m0", "m1", "m2"]).await;
        let prompt = "User: arn:aws:iam::123:user/x is not authorized to perform: bedrock:GetPrompt on resource: arn:aws:bedrock:us-east-1:123:prompt/ABC";
        for (number, (more, script)) in [
            (json!({}), Script::json(400, &json!({"error": {"message": "Budget has been exceeded! User=u1 Current cost: 3.0, Max budget: 1.0", "type": "budget_exceeded", "code": "400"}}))),
            (json!({"user": "u1"}), Script::json(400, &json!({"error": {"message": "Budget has been exceeded! Current cost: 3.0, Max budget: 1.0", "type": "budget_exceeded", "code": "400"}}))),
            (json!({}), Script::respond(403, &[("x-amzn-errortype", "AccessDeniedException"), ("content-type", "application/json")], json!({"message": prompt}).to_string())),
        ].into_iter().enumerate() {
            fake.always(script);
            let model = format!("m{number}");
            for turn in 0..5 {
                assert_eq!(cooldown(&app, &model).await["open"], false, "{model} {turn}");
                let mut body = more.clone();
                (body["model"], body["seed"]) = (json!(model), json!(turn));
                assert_ne!(app.chat(&body).await.status, 200);
            }
            assert_eq!(cooldown(&app, &model).await["open"], true, "{model}");
        }
    }

    async fn the_title_of_a_page_is_believed_after_a_long_request_too(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        fake.always(Script::respond(502, &[("content-type", "text/html")], "<html><head><title>No healthy upstream</title></head></html>"));
        let ask = async |text: &str| {
            let long = text.repeat(600 * 1024 / text.len());
            let messages = json!([{"role": "user", "content": long}]);
            assert_ne!(app.chat(&json!({"model": "m", "messages": messages})).await.status, 200);
            app.events().await.pop().expect("an event")["error_message"].as_str().expect("a text").to_owned()
        };
        let repeated = ask("No healthy upstream").await;
        assert!(!repeated.contains("upstream"), "{repeated}");
        for _ in 0..5 {
            assert_eq!(ask("x").await, "an HTML page titled \"No healthy upstream\"");
        }
        assert_eq!(cooldown(&app, "m").await["open"], true, "one body, but no request causes that");
    }

    async fn a_flagged_prompt_is_one_of_the_policy(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        fake.always(Script::error(403, "403", "Your input was flagged"));
        assert_ne!(app.chat(&json!({"model": "m"})).await.status, 200);
        assert_eq!(app.events().await[0]["error_class"], "content_policy");
    }

    async fn short_quotations_of_the_prompt_are_not_stored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let secret = "My SSN is 078-05-1120";
        let body = json!({"model": "m", "messages": [{"role": "user", "content": secret}]});
        for message in [
            format!("Invalid content: '{secret}' is not allowed"),
            json!({"messages": [{"role": "user", "content": secret}]}).to_string(),
        ] {
            fake.always(Script::respond(400, &[], &message));
            let answer = app.chat(&body).await;
            assert!(!answer.text().contains("078-05"), "{}", answer.text());
            assert!(!app.events().await[0].to_string().contains("078-05"));
        }
    }

    async fn a_date_that_has_passed_is_no_reset(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for past in ["1000000000", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            fake.always(Script::respond(429, &[("retry-after", past)], "slow down"));
            for turn in 0..5 {
                app.chat(&json!({"model": "m", "seed": turn})).await;
            }
            assert_eq!(cooldown(&app, "m").await["open"], true, "{past}");
            app.clock.advance(std::time::Duration::from_secs(6));
            fake.always(Script::answer("Hi"));
            assert_eq!(app.chat(&json!({"model": "m"})).await.status, 200);
        }
    }

    /// The word says that the answer broke, wherever it comes.
    async fn an_end_that_says_error_is_a_failure_with_content_too(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let whole = json!({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "error"}]});
        let together = Script::stream().delta(&json!({"content": "Hel"}), Some("error")).done();
        for (stream, script) in [(false, Script::json(200, &whole)), (true, together)] {
            fake.always(Script::answer("Hi"));
            fake.always_for("a-upstream", script);
            if stream {
                fake.always(Script::stream().text("Hi").finish("stop").done());
            }
            let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": stream})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{}", answer.text());
        }
        let apart = Script::stream().text("Hel").finish("error").done();
        fake.always_for("a-upstream", apart);
        let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert!(answer.text().contains("\"error\"") && !answer.text().contains("[DONE]"), "{}", answer.text());
    }

    async fn an_error_beside_an_empty_answer_is_one(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        for beside in [
            json!({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}),
            json!({"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}),
            json!({"success": false}),
            json!({"code": 50_000, "message": "internal"}),
        ] {
            for stream in [false, true] {
                let said = if stream { "delta" } else { "message" };
                let mut answer = json!({"id": "x", "choices": [{"index": 0, said: {"role": "assistant", "content": ""}, "finish_reason": "stop"}]});
                answer.as_object_mut().expect("an object").extend(beside.as_object().expect("an object").clone());
                let (bad, good) = if stream {
                    (Script::stream().event(&answer).done(), Script::stream().text("Hi").finish("stop").done())
                } else {
                    (Script::json(200, &answer), Script::answer("Hi"))
                };
                fake.always(good);
                fake.always_for("a-upstream", bad);
                let answer = app.chat(&json!({"model": "a", "models": ["b"], "stream": stream, "num_retries": 0})).await;
                assert_eq!(answer.header("x-failsoft-model"), "b", "{beside} {stream}: {}", answer.text());
            }
        }
    }

    async fn a_last_event_without_its_blank_line_is_ended(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let last = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]});
        for script in [
            Script::stream().text("Hel").chunk(format!("data: {last}")).end(),
            Script::stream().chunk(format!("data: {last}\n")).end(),
        ] {
            fake.always(script);
            let answer = app.chat(&json!({"model": "m", "stream": true})).await;
            assert!(answer.text().ends_with("\n\n") && !answer.text().contains("DONE"), "{:?}", answer.text());
            assert!(answer.text().contains("\"finish_reason\":\"stop\""), "{:?}", answer.text());
        }
    }

    async fn a_request_of_another_key_is_not_touched(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let other = app.organization.key_with(&[failsoft::domain::permission::Scope::Inference]).await;
        let ask = async |key: &str, number: i32, script: Script| {
            fake.always(script);
            let body = chat_body(&json!({"model": "m", "seed": number}));
            app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &body), key).await
        };
        let broken = || Script::json(200, &json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "MALFORMED_FUNCTION_CALL"}]}));
        for number in 0..15 {
            assert_eq!(ask(&other, number, Script::answer("Hi")).await.status, 200, "{number}");
            let own = app.organization.key.clone();
            assert_ne!(ask(&own, number, broken()).await.status, 200);
            assert_ne!(ask(&own, 100 + number, broken()).await.status, 200);
        }
        assert_eq!(cooldown(&app, "m").await["open"], false);
    }
}
