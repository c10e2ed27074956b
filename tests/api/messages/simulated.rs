//! Chains of simulated models, without a network.

use serde_json::json;

use super::{message, names};
use crate::support::on_both_databases;

on_both_databases! {
    async fn simulated_models_answer_and_fail_in_the_dialect(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        for (name, upstream) in [
            ("steady", "sim/steady"), ("busy", "sim/error-529"), ("long", "sim/context-overflow"), ("poor", "sim/quota-exhausted"),
            ("filtered", "sim/content-filter"), ("refusing", "sim/content-filter-finish"), ("inside", "sim/error-in-200"),
            ("limited", "sim/rate-limited"), ("broken", "sim/broken-json"), ("empty", "sim/empty"), ("unauthorized", "sim/unauthorized"),
            ("gone", "sim/not-found"), ("bad", "sim/bad-request"), ("garbage", "sim/garbage"),
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
                let answer = message(&app, &json!({"model": failing, "models": ["steady"], "stream": stream})).await;
                assert_eq!(answer.status, 200, "{failing}: {}", answer.text());
                assert_eq!(answer.header("x-failsoft-fallback"), format!("from={failing}; class={class}; hops=1"), "{stream}");
                assert!(answer.text().contains("Hello"), "{}", answer.text());
            }
        }
    }

    async fn simulated_models_think_and_call_tools(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model_like("steady", provider, |model| "sim/steady".clone_into(&mut model.upstream_model)).await;
        app.organization.model_like("cut", provider, |model| "sim/cut-midstream".clone_into(&mut model.upstream_model)).await;
        let tools = json!([{"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]);
        let asked = json!({"model": "steady", "tools": tools, "thinking": {"type": "adaptive"}});
        let whole = message(&app, &asked).await.json();
        let kinds: Vec<_> = whole["content"].as_array().expect("blocks").iter().map(|block| block["type"].clone()).collect();
        assert_eq!((kinds, &whole["stop_reason"]), (vec![json!("thinking"), json!("tool_use")], &json!("tool_use")));
        assert!(whole["content"][1]["input"]["city"].is_string(), "{whole}");
        let mut streamed = asked.clone();
        streamed["stream"] = true.into();
        let stream = message(&app, &streamed).await;
        assert!(stream.text().contains("signature_delta") && stream.text().contains("input_json_delta"), "{}", stream.text());
        assert_eq!(names(&stream).last().map(String::as_str), Some("message_stop"));
        // After the tool's result, the model answers in words.
        let result = json!([
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": whole["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": whole["content"][1]["id"], "content": "Sunny"}]},
        ]);
        let mut last = asked;
        last["messages"] = result;
        let answer = message(&app, &last).await.json();
        assert_eq!(answer["stop_reason"], "end_turn", "{answer}");
        assert!(answer["content"][1]["text"].as_str().is_some_and(|text| text.contains("Sunny")), "{answer}");
        let cut = message(&app, &json!({"model": "cut", "stream": true})).await;
        assert_eq!(names(&cut).last().map(String::as_str), Some("error"), "{}", cut.text());
        let counted = app.post("/v1/messages/count_tokens", &json!({"model": "steady", "messages": [{"role": "user", "content": "Hello"}]})).await;
        assert!(counted.json()["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{}", counted.text());
    }
}
