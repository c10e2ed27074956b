//! `POST /v1/model-router/providers/{id}/test`.

use serde_json::{Value, json};

use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PROVIDERS: &str = "/v1/model-router/providers";

async fn test(app: &App, id: &str) -> Value {
    let answer = app.post(&format!("{PROVIDERS}/{id}/test"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

on_both_databases! {
    async fn a_provider_that_works_names_its_models(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider("fake", &fake).await.to_string();
        fake.next(Script::json(200, &json!({"object": "list", "data": [{"id": "one"}, {"id": "two"}]})));
        let told = test(&app, &id).await;
        assert_eq!((&told["ok"], &told["models"]), (&json!(true), &json!(["one", "two"])));
        assert_eq!((&told["error_class"], &told["remedy"]), (&Value::Null, &Value::Null));
        let sent = fake.requests().remove(0);
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("GET", "/v1/models"));
        assert_eq!(sent.header("authorization"), Some("Bearer sk-upstream-secret-0001"));
        eventually(async || {
            (app.get(&format!("{PROVIDERS}/{id}")).await.json()["health"] == "ok").then_some(())
        })
        .await;
        let simulated = app.organization.provider_at("sim", "simulated", None).await.to_string();
        assert!(test(&app, &simulated).await["models"].to_string().contains("sim/steady"));
    }

    async fn a_provider_without_a_list_of_models_gets_a_message_without_content(app: App) {
        let fake = FakeProvider::start().await;
        let base = format!("http://{}", fake.address());
        for preset in ["foundry", "bedrock-messages"] {
            let id = app.organization.provider_at(preset, preset, Some(&base)).await.to_string();
            for (script, ok, class) in [
                (Script::anthropic_error(400, "invalid_request_error", "model: Field required"), true, json!(null)),
                (Script::anthropic_error(401, "authentication_error", "invalid x-api-key"), false, json!("authentication")),
                (Script::anthropic_error(404, "not_found_error", "no such path"), false, json!("model_not_found")),
                (Script::respond(200, &[], "<html>Welcome</html>"), false, json!("invalid_response")),
            ] {
                fake.next(script);
                let told = test(&app, &id).await;
                assert_eq!((&told["ok"], &told["error_class"]), (&json!(ok), &class), "{told}");
                let sent = fake.requests().pop().expect("a request");
                assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/anthropic/v1/messages"));
                assert_eq!((sent.body.as_slice(), sent.header("x-api-key")), (b"{}".as_slice(), Some("sk-upstream-secret-0001")));
            }
        }
    }

    async fn a_platform_with_models_in_addresses_gets_a_count_without_content(app: App) {
        let fake = FakeProvider::start().await;
        let base = format!("http://{}/v1/projects/p/locations/global", fake.address());
        let id = app.organization.provider_at("vertex", "vertex-messages", Some(&base)).await.to_string();
        for (script, ok, class) in [
            (Script::anthropic_error(400, "invalid_request_error", "messages: Field required"), true, json!(null)),
            (Script::json(401, &json!({"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}})), false, json!("authentication")),
            (Script::respond(404, &[("content-type", "text/html")], "<html>Error 404"), false, json!("model_not_found")),
        ] {
            fake.next(script);
            let told = test(&app, &id).await;
            assert_eq!((&told["ok"], &told["error_class"]), (&json!(ok), &class), "{told}");
            let sent = fake.requests().pop().expect("a request");
            let path = "/v1/projects/p/locations/global/publishers/anthropic/models/count-tokens:rawPredict";
            assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", path));
            assert_eq!(sent.header("authorization"), Some("Bearer sk-upstream-secret-0001"));
        }
    }

    async fn a_public_list_of_models_does_not_hide_a_refused_credential(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider_at("router", "openrouter", Some(&fake.base_url())).await.to_string();
        let list = || Script::json(200, &json!({"data": [{"id": "one"}]}));
        for (status, ok, calls) in [(401, false, 1), (200, true, 2), (404, true, 2)] {
            let before = fake.requests().len();
            fake.next(Script::json(status, &json!({"error": {"code": status, "message": "No auth credentials found"}})));
            if calls == 2 {
                fake.next(list());
            }
            let told = test(&app, &id).await;
            let class = if ok { Value::Null } else { json!("authentication") };
            assert_eq!((&told["ok"], &told["error_class"]), (&json!(ok), &class), "{told}");
            let sent = fake.requests().split_off(before);
            let paths: Vec<&str> = sent.iter().map(|sent| sent.path.as_str()).collect();
            assert_eq!(paths, ["/v1/key", "/v1/models"][..calls], "{told}");
            let credential = Some("Bearer sk-upstream-secret-0001");
            assert!(sent.iter().all(|sent| sent.header("authorization") == credential), "{sent:?}");
        }
    }

    async fn gemini_names_its_models_without_their_path(app: App) {
        let fake = FakeProvider::start().await;
        let base = format!("http://{}/v1beta", fake.address());
        let id = app.organization.provider_at("google", "gemini-native", Some(&base)).await.to_string();
        let models = json!({"models": [{"name": "models/gemini-3-pro", "displayName": "Pro"}, {"name": "models/gemini-3-flash"}], "nextPageToken": "x"});
        fake.next(Script::json(200, &models));
        let told = test(&app, &id).await;
        assert_eq!((&told["ok"], &told["models"]), (&json!(true), &json!(["gemini-3-pro", "gemini-3-flash"])), "{told}");
        let sent = fake.requests().remove(0);
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("GET", "/v1beta/models"));
        assert_eq!(sent.header("x-goog-api-key"), Some("sk-upstream-secret-0001"));
    }

    async fn gemini_on_vertex_ai_gets_a_count_without_content(app: App) {
        let fake = FakeProvider::start().await;
        let base = format!("http://{}/v1/projects/p/locations/global", fake.address());
        let id = app.organization.provider_at("vertex", "vertex-gemini", Some(&base)).await.to_string();
        let error = |status: u16, word: &str, message: &str| {
            Script::json(status, &json!({"error": {"code": status, "message": message, "status": word}}))
        };
        for (script, ok, class) in [
            (error(400, "INVALID_ARGUMENT", "contents is not specified"), true, json!(null)),
            (error(404, "NOT_FOUND", "Publisher Model `projects/p/x` was not found"), true, json!(null)),
            (error(404, "NOT_FOUND", "Project p was not found"), false, json!("model_not_found")),
            (error(401, "UNAUTHENTICATED", "no"), false, json!("authentication")),
        ] {
            fake.next(script);
            let told = test(&app, &id).await;
            assert_eq!((&told["ok"], &told["error_class"]), (&json!(ok), &class), "{told}");
            let sent = fake.requests().pop().expect("a request");
            let path = "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:countTokens";
            assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", path));
        }
    }

    async fn the_result_of_a_test_is_the_health_of_the_provider(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider("fake", &fake).await.to_string();
        let read = async || app.get(&format!("{PROVIDERS}/{id}")).await.json();
        assert_eq!(read().await["health"], "unknown");
        let mut since = Value::Null;
        for (status, cause) in [(500, "broken"), (404, "nothing here"), (429, "slow down")] {
            app.clock.advance(std::time::Duration::from_secs(60));
            fake.next(Script::error(status, "an_error", cause));
            test(&app, &id).await;
            let row = read().await;
            assert_eq!((&row["health"], &row["health_message"]), (&json!("failing"), &json!(cause)), "{row}");
            assert_ne!(row["health_at"], since, "{row}");
            since = row["health_at"].clone();
        }
        app.clock.advance(std::time::Duration::from_secs(60));
        fake.next(Script::error(429, "an_error", "slow down"));
        test(&app, &id).await;
        assert_eq!(read().await["health_at"], since, "it has failed like that since then");
        // A call that is answered says more than the test before it.
        app.organization.model("a", id.parse().expect("an id")).await;
        fake.always(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        eventually(async || (read().await["health"] == "ok").then_some(())).await;
        let gone = app.organization.provider_at("gone", "custom", Some("http://127.0.0.1:1/v1")).await;
        test(&app, &gone.to_string()).await;
        let row = app.get(&format!("{PROVIDERS}/{gone}")).await.json();
        assert_eq!(row["health"], "failing", "{row}");
        assert_ne!(row["health_message"], Value::Null, "{row}");
    }

    async fn one_that_does_not_says_why_and_what_to_do(app: App) {
        let fake = FakeProvider::start().await;
        let id = app.organization.provider("fake", &fake).await.to_string();
        for (script, class, word) in [
            (Script::error(401, "invalid_api_key", "bad key sk-upstream-secret-0001"), "authentication", "credential"),
            (Script::error(404, "not_found", "nothing here"), "model_not_found", "/v1"),
            (Script::respond(200, &[], "<html>Welcome</html>"), "invalid_response", "/v1"),
            (Script::error(500, "server_error", "broken"), "unavailable", "status page"),
        ] {
            fake.next(script);
            let told = test(&app, &id).await;
            assert_eq!((&told["ok"], &told["error_class"]), (&json!(false), &json!(class)), "{told}");
            assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.contains(word)), "{told}");
            assert!(!told.to_string().contains("0001"), "{told}");
        }
        let gone = app.organization.provider_at("gone", "custom", Some("http://127.0.0.1:1/v1")).await.to_string();
        let told = test(&app, &gone).await;
        assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.starts_with("Nothing listens")), "{told}");
        let nowhere = app.organization.provider_at("nowhere", "custom", Some("https://nowhere.invalid/v1")).await;
        let told = test(&app, &nowhere.to_string()).await;
        assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.contains("no address")), "{told}");
        assert_eq!(app.post(&format!("{PROVIDERS}/{}/test", uuid::Uuid::nil()), &Value::Null).await.status, 404);
    }
}
