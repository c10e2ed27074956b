//! Messages to models of chat completions: what the provider gets, and the whole answer.

use failsoft::providers::ModelPrice;
use serde_json::json;

use super::{adapted, catalog, completion, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_provider_gets_a_chat_completion(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}});
        let answer = message(&app, &json!({
            "model": "gpt",
            "system": [{"type": "text", "text": "S1", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "S2"}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "T", "signature": "c2ln"},
                    {"type": "text", "text": "Calling"},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": [{"type": "text", "text": "No data"}, image]},
                    {"type": "text", "text": "And now?"}
                ]},
                {"role": "system", "content": "Be brief."}
            ],
            "tools": [{"name": "weather", "description": "D", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "stop_sequences": ["END"], "temperature": 0.5, "top_k": 4, "of_next_year": 1,
            "metadata": {"user_id": "u-1"}, "thinking": {"type": "enabled", "budget_tokens": 9_000}
        })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await;
        assert_eq!(sent.path, "/v1/chat/completions");
        assert_eq!((sent.header("anthropic-beta"), sent.header("authorization")), (None, Some("Bearer sk-upstream-secret-0001")));
        let url = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
        let expected = json!({
            "model": "gpt-upstream", "max_tokens": 64, "temperature": 0.5, "stop": ["END"], "user": "u-1",
            "messages": [
                {"role": "system", "content": "S1\nS2"},
                {"role": "user", "content": [{"type": "text", "text": "Look"}, url]},
                {"role": "assistant", "content": "Calling", "tool_calls": [
                    {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Ulm\"}"}}
                ]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: No data\n[image follows]"},
                {"role": "user", "content": [url, {"type": "text", "text": "And now?"}]},
                {"role": "system", "content": "Be brief."}
            ],
            "tools": [{"type": "function", "function": {"name": "weather", "description": "D", "parameters": {"type": "object"}}}],
            "tool_choice": "required", "parallel_tool_calls": false
        });
        assert_eq!(sent.json(), expected, "{}", sent.json());
        let expected = [
            "dropped:member", "dropped:reasoning_effort", "dropped:top_k", "flattened:content", "mapped:thinking",
            "mapped:tool_error", "moved:image", "renamed:user_id", "stripped:cache_control", "stripped:thinking",
        ];
        assert_eq!(adapted(&app, 1).await, expected);
    }

    async fn a_preset_gets_its_own_words(app: App) {
        let fake = FakeProvider::start().await;
        let openai = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        app.organization.model_like("o", openai, |model| "gpt-5.1".clone_into(&mut model.upstream_model)).await;
        fake.always(Script::answer("Hi"));
        let asked = json!({"model": "o", "thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}});
        assert_eq!(message(&app, &asked).await.status, 200);
        let sent = fake.request(0).await.json();
        assert_eq!((&sent["max_completion_tokens"], &sent["max_tokens"]), (&json!(64), &json!(null)), "{sent}");
        assert_eq!(sent["reasoning_effort"], "high", "{sent}");
        assert_eq!(adapted(&app, 1).await, ["clamped:reasoning_effort", "mapped:thinking", "renamed:max_tokens"]);
    }

    async fn disabled_thinking_is_an_effort_only_of_models_that_know_the_word(app: App) {
        let fake = FakeProvider::start().await;
        let openai = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        for model in ["gpt-5.1", "gpt-5"] {
            app.organization.model_like(model, openai, |fields| model.clone_into(&mut fields.upstream_model)).await;
        }
        fake.always(Script::answer("Hi"));
        for (number, (model, sent, changes)) in [
            ("gpt-5.1", json!("none"), vec!["mapped:thinking", "renamed:max_tokens"]),
            ("gpt-5", json!(null), vec!["dropped:reasoning_effort", "mapped:thinking", "renamed:max_tokens"]),
        ].into_iter().enumerate() {
            assert_eq!(message(&app, &json!({"model": model, "thinking": {"type": "disabled"}})).await.status, 200);
            assert_eq!(fake.request(number).await.json()["reasoning_effort"], sent, "{model}");
            assert_eq!(adapted(&app, number + 1).await, changes, "{model}");
        }
    }

    async fn a_limit_is_lowered_to_the_models_own(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("compatible", "custom", Some(&fake.base_url())).await;
        app.organization.model_like("gpt", provider, |model| model.settings.max_output_tokens = Some(500)).await;
        fake.always(Script::answer("Hi"));
        assert_eq!(message(&app, &json!({"model": "gpt", "max_tokens": 32_000})).await.status, 200);
        assert_eq!(fake.request(0).await.json()["max_tokens"], 500);
        assert_eq!(adapted(&app, 1).await, ["clamped:max_tokens"]);
    }

    async fn the_schemas_of_tools_keep_their_bytes(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        let schema = r#"{"type": "object",  "properties":{"z":{"type":"string"},"a":{"type":"number","minimum":1.0}}}"#;
        let body = format!(
            r#"{{"model":"gpt","max_tokens":1,"messages":[{{"role":"user","content":"Hi"}}],"tools":[{{"name":"f","input_schema":{schema}}}]}}"#
        );
        let request = app.request(reqwest::Method::POST, "/v1/messages").header("content-type", "application/json").body(body);
        assert_eq!(app.call(request, &app.organization.key).await.status, 200);
        let sent = String::from_utf8(fake.request(0).await.body).expect("a text");
        assert!(sent.contains(&format!(r#""parameters":{schema}"#)), "{sent}");
    }

    async fn the_caller_gets_a_message(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(completion(&json!({
            "role": "assistant", "content": "Hi", "reasoning_content": "T",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"z\": 1, \"a\": 2.0}"}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}
            ]
        }), "stop"));
        let answer = message(&app, &json!({"model": "gpt"})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
        assert!(answer.text().contains(r#""input":{"z": 1, "a": 2.0}"#), "{}", answer.text());
        assert_eq!(answer.json(), json!({
            "id": "msg_fake", "type": "message", "role": "assistant", "model": "gpt",
            "content": [
                {"type": "thinking", "thinking": "T", "signature": "ZmFpbHNvZnQ="},
                {"type": "text", "text": "Hi"},
                {"type": "tool_use", "id": "call_1", "name": "f", "input": {"z": 1, "a": 2.0}},
                {"type": "tool_use", "id": "call_2", "name": "g", "input": {}}
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 40, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 60, "output_tokens": 9}
        }));
        for (finish, stop) in [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "end_turn")] {
            fake.next(completion(&json!({"role": "assistant", "content": "Hi"}), finish));
            let answer = message(&app, &json!({"model": "gpt"})).await;
            assert_eq!(answer.json()["stop_reason"], stop, "{}", answer.text());
        }
        fake.next(completion(&json!({"role": "assistant", "content": null, "refusal": "No."}), "stop"));
        let refused = message(&app, &json!({"model": "gpt"})).await.json();
        assert_eq!((&refused["stop_reason"], &refused["content"][0]["text"]), (&json!("refusal"), &json!("No.")));
    }

    async fn the_money_is_that_of_the_providers_own_count(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("compatible", "custom", Some(&fake.base_url())).await;
        app.organization.model_like("gpt", provider, |model| {
            model.settings.price = Some(ModelPrice {
                input: Some(3_000_000), output: Some(15_000_000), cache_read: Some(300_000), ..ModelPrice::default()
            });
        }).await;
        let usage = json!({
            "prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109,
            "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 4}
        });
        let cost = 40 * 3_000 + 60 * 300 + 9 * 15_000;
        let whole = completion(&json!({"role": "assistant", "content": "Hi there"}), "stop");
        let stream = Script::stream().text("Hi there").finish("stop").event(&json!({"id": "c", "choices": [], "usage": usage})).done();
        for (script, stream) in [(whole, false), (stream, true)] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "gpt", "stream": stream})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains(r#""input_tokens":40,"cache_creation_input_tokens":0,"cache_read_input_tokens":60,"output_tokens":9"#), "{}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!((&row["cost_nano_dollars"], &row["usage_flag"], &row["estimated"]), (&json!(cost), &json!(null), &json!(false)), "{row}");
            assert_eq!((&row["input_tokens"], &row["cached_tokens"], &row["output_tokens"]), (&json!(100), &json!(60), &json!(9)), "{row}");
        }
    }

    async fn large_requests_and_answers_are_translated_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (number, words) in [100_000, 10_000].into_iter().enumerate() {
            let text = "word ".repeat(words);
            fake.next(Script::answer(&text));
            let asked = json!({"model": "gpt", "messages": [{"role": "user", "content": text}]});
            let answer = message(&app, &asked).await;
            assert_eq!((answer.status, answer.json()["content"][0]["text"].as_str()), (200, Some(text.as_str())));
            assert_eq!(fake.request(number).await.json()["messages"][0]["content"].as_str(), Some(text.as_str()));
        }
    }

    async fn a_large_request_is_translated_after_its_native_model_failed(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let text = "word ".repeat(100_000);
        fake.next_for("claude-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        fake.next_for("gpt-upstream", Script::answer("Hi"));
        let asked = json!({"model": "claude", "models": ["gpt"], "num_retries": 0, "messages": [{"role": "user", "content": text}]});
        let answer = message(&app, &asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
        assert_eq!(fake.request(1).await.json()["messages"][0]["content"].as_str(), Some(text.as_str()));
    }

    async fn errors_are_those_of_the_callers_dialect(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (script, status, kind) in [
            (Script::error(429, "rate_limit_exceeded", "slow down"), 429, "rate_limit_error"),
            (Script::error(503, "overloaded", "try later"), 529, "overloaded_error"),
            (Script::error(400, "context_length_exceeded", "This model's maximum context length is 10 tokens."), 400, "invalid_request_error"),
        ] {
            fake.next(script);
            let failed = message(&app, &json!({"model": "gpt", "num_retries": 0})).await;
            assert_eq!((failed.status, &failed.json()["error"]["type"]), (status, &json!(kind)), "{}", failed.text());
        }
    }
}
