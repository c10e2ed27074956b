//! Azure OpenAI at addresses of its deployments.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Models of two deployments, and `other` of another provider, which answers.
async fn catalog(app: &App, fake: &FakeProvider, query: &str) {
    let base = format!("http://{}/openai{query}", fake.address());
    let azure = app.organization.provider_at("azure", "azure-deployments", Some(&base)).await;
    app.organization.model_like("gpt", azure, |model| model.upstream_model = "our gpt-4o".to_owned()).await;
    app.organization.catalog(fake, &["other"]).await;
    fake.always_for("other-upstream", Script::answer("From another"));
}

/// What the filters found, as in the first chunk of a stream and beside choices.
fn results(filtered: bool) -> Value {
    json!({
        "hate": {"filtered": false, "severity": "safe"}, "self_harm": {"filtered": false, "severity": "safe"},
        "sexual": {"filtered": false, "severity": "safe"}, "violence": {"filtered": filtered, "severity": if filtered { "high" } else { "safe" }},
    })
}

/// The first chunk of a stream, which has no choice.
fn prompt_results() -> Value {
    json!({
        "choices": [], "created": 0, "id": "", "model": "", "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results(false)}],
    })
}

/// The refusal of a prompt. Its type is null.
fn refused() -> Value {
    json!({"error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
        "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results(true)},
    }})
}

on_both_databases! {
    async fn the_address_names_the_deployment_and_the_version(app: App) {
        for (query, version) in [("", "2024-10-21"), ("?api-version=2025-04-01-preview", "2025-04-01-preview")] {
            let mut app = app.beside(|_| {}).await;
            app.organization = app.other_organization(&format!("of-{version}")).await;
            let fake = FakeProvider::start().await;
            catalog(&app, &fake, query).await;
            for stream in [false, true] {
                fake.next(match stream {
                    false => Script::answer("Hi"),
                    true => Script::stream().event(&prompt_results()).text("Hi").finish("stop").done(),
                });
                let answer = app.chat(&json!({"model": "gpt", "stream": stream})).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
                assert!(answer.text().contains("\"gpt\"") && answer.text().contains("Hi"), "{}", answer.text());
                let sent = fake.requests().pop().expect("a request");
                assert_eq!(sent.path, format!("/openai/deployments/our%20gpt-4o/chat/completions?api-version={version}"));
                assert_eq!((sent.header("api-key"), sent.header("authorization")), (Some("sk-upstream-secret-0001"), None));
                assert_eq!(sent.json()["model"], "our gpt-4o");
            }
        }
    }

    async fn what_a_filter_refuses_is_answered_by_another_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake, "").await;
        for stream in [false, true] {
            let filtered = json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "gpt-4o",
                "choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant"}, "content_filter_results": results(true)}],
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results(false)}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3},
            });
            let emptied = match stream {
                false => Script::json(200, &filtered),
                true => Script::stream().event(&prompt_results()).finish("content_filter").done(),
            };
            for script in [Script::json(400, &refused()), emptied] {
                fake.next_for("our gpt-4o", script);
                let answer = app.chat(&json!({"model": "gpt", "models": ["other"], "stream": stream})).await;
                assert_eq!((answer.status, answer.header("x-failsoft-fallback")), (200, "from=gpt; class=content_policy; hops=1"), "{}", answer.text());
            }
        }
        fake.next_for("our gpt-4o", Script::json(400, &refused()));
        let alone = app.chat(&json!({"model": "gpt"})).await;
        assert_eq!((alone.status, &alone.json()["error"]["code"]), (400, &json!("content_policy_violation")), "{}", alone.text());
    }

    async fn the_results_for_the_prompt_are_no_answer(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake, "").await;
        let error = json!({"error": {"message": "The server had an error while processing your request.", "type": "server_error", "param": null, "code": null}});
        for script in [
            Script::stream().event(&prompt_results()).event(&error).done(),
            Script::stream().event(&prompt_results()).end(),
        ] {
            fake.next_for("our gpt-4o", script);
            let answer = app.chat(&json!({"model": "gpt", "models": ["other"], "stream": true})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "other"), "{}", answer.text());
            assert!(!answer.text().contains("prompt_filter_results"), "{}", answer.text());
        }
        // They precede what the model says, as they came.
        fake.next_for("our gpt-4o", Script::stream().event(&prompt_results()).text("Hi").finish("stop").done());
        let answer = app.chat(&json!({"model": "gpt", "stream": true})).await;
        let first: Value = serde_json::from_str(&answer.events()[0]).expect("JSON");
        assert_eq!(first["prompt_filter_results"], prompt_results()["prompt_filter_results"], "{first}");
    }

    async fn a_deployment_that_is_missing_is_a_missing_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app, &fake, "").await;
        let missing = json!({"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}});
        fake.next_for("our gpt-4o", Script::json(404, &missing));
        let answer = app.chat(&json!({"model": "gpt", "models": ["other"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-fallback")), (200, "from=gpt; class=model_not_found; hops=1"), "{}", answer.text());
    }

    async fn the_base_url_leads_to_the_deployments(app: App) {
        let body = |base: Option<&str>| json!({"name": "p", "preset": "azure-deployments", "base_url": base, "credential": "k-1"});
        for base in [None, Some("https://r.openai.azure.com")] {
            let answer = app.post("/v1/model-router/providers", &body(base)).await;
            assert_eq!(answer.status, 422, "{}", answer.text());
            assert!(answer.text().contains("https://RESOURCE.openai.azure.com/openai"), "{}", answer.text());
        }
    }
}
