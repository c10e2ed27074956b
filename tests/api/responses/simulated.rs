//! Simulated models, which speak the dialect themselves.

use serde_json::{Value, json};

use super::{events, items, respond};
use crate::support::on_both_databases;

on_both_databases! {
    async fn simulated_models_answer_and_fail_in_the_dialect(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        for (name, upstream) in [
            ("steady", "sim/steady"), ("busy", "sim/error-529"), ("long", "sim/context-overflow"), ("poor", "sim/quota-exhausted"),
            ("filtered", "sim/content-filter"), ("refusing", "sim/content-filter-finish"), ("inside", "sim/error-in-200"),
            ("limited", "sim/rate-limited"), ("broken", "sim/broken-json"), ("empty", "sim/empty"), ("unauthorized", "sim/unauthorized"),
            ("gone", "sim/not-found"), ("bad", "sim/bad-request"), ("garbage", "sim/garbage"), ("cut", "sim/cut-midstream"),
        ] {
            app.organization.model_like(name, provider, |model| upstream.clone_into(&mut model.upstream_model)).await;
        }
        for stream in [false, true] {
            for (failing, class) in [
                ("busy", "overloaded"), ("long", "context_window_exceeded"), ("poor", "quota_exhausted"),
                ("filtered", "content_policy"), ("refusing", "content_policy"), ("inside", "overloaded"),
                ("limited", "rate_limited"), ("broken", "invalid_response"), ("empty", "invalid_response"),
                ("unauthorized", "authentication"), ("gone", "model_not_found"), ("bad", "invalid_request"),
                ("garbage", "invalid_response"),
            ] {
                let answer = respond(&app, &json!({"model": failing, "models": ["steady"], "stream": stream})).await;
                assert_eq!(answer.status, 200, "{failing}: {}", answer.text());
                assert_eq!(answer.header("x-failsoft-fallback"), format!("from={failing}; class={class}; hops=1"), "{stream}");
                assert!(answer.text().contains("Hello"), "{}", answer.text());
            }
        }
        let cut = respond(&app, &json!({"model": "cut", "stream": true})).await;
        assert_eq!(events(&cut).last().expect("an end")["type"], "response.failed", "{}", cut.text());
    }

    async fn simulated_models_call_tools_and_go_on(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model_like("steady", provider, |model| "sim/steady".clone_into(&mut model.upstream_model)).await;
        let tool = json!({"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}});
        let asked = json!({"model": "steady", "tools": [tool], "reasoning": {"effort": "low"}, "stream": true});
        let found = events(&respond(&app, &asked).await);
        let items = items(&found);
        let kinds: Vec<&Value> = items.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, [&json!("reasoning"), &json!("function_call")]);
        // The response is stored, so its ids name the provider, and the result of the call is enough.
        let id = &found[0]["response"]["id"];
        assert!(id.as_str().expect("an id").ends_with(&format!("_p{}", provider.simple())), "{id}");
        let result = json!([{"type": "function_call_output", "call_id": items[1]["call_id"], "output": "Sunny"}]);
        let answer = respond(&app, &json!({"model": "steady", "tools": [tool], "input": result, "previous_response_id": id})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["output"][0]["content"][0]["text"], "The tool said: Sunny", "{}", answer.text());
    }
}
