//! What Vertex AI receives: the address with the model, the body without it, and the headers.

use serde_json::{Value, json};

use super::{Google, MODELS, UPSTREAM, bearer, granted, message, message_with, sent_with};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const VERSION: &str = "vertex-2023-10-16";

on_both_databases! {
    async fn a_message_goes_to_the_address_of_its_model(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.next(Script::message("Hi"));
        let headers = [("anthropic-version", "2023-06-01"), ("anthropic-user-profile-id", "u-1")];
        let answer = message_with(&app, "/v1/messages?beta=true", &json!({"top_k": 5}), &headers).await;
        assert_eq!((answer.status, answer.json()["model"].as_str()), (200, Some("a")), "{}", answer.text());
        let sent = google.vertex.request(0).await;
        assert_eq!(sent.path, format!("{MODELS}/{UPSTREAM}:rawPredict"));
        assert_eq!(
            String::from_utf8_lossy(&sent.body),
            r#"{"max_tokens":64,"messages":[{"content":"Hello","role":"user"}],"top_k":5,"anthropic_version":"vertex-2023-10-16"}"#
        );
        assert_eq!(sent_with(&sent), bearer(1));
        for absent in ["x-api-key", "anthropic-version", "anthropic-user-profile-id", "anthropic-beta"] {
            assert_eq!(sent.header(absent), None, "{absent}");
        }
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(3), &json!(2)));
    }

    async fn a_stream_has_an_address_of_its_own(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.next(Script::message_stream("Hi"));
        let answer = message(&app, &json!({"stream": true, "anthropic_version": "vertex-of-next-year"})).await;
        assert!(answer.text().contains("event: message_stop") && answer.text().contains("Hi"), "{}", answer.text());
        let sent = google.vertex.request(0).await;
        assert_eq!(sent.path, format!("{MODELS}/{UPSTREAM}:streamRawPredict"));
        assert_eq!(sent.header("accept"), Some("text/event-stream"));
        let body = sent.json();
        assert_eq!((&body["stream"], &body["anthropic_version"]), (&json!(true), &json!("vertex-of-next-year")));
        assert_eq!(body.get("model"), None);
        assert_eq!(app.requests(1).await[0]["output_tokens"], 31);
    }

    async fn tokens_are_counted_at_a_fixed_address(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.next(Script::json(200, &json!({"input_tokens": 12})));
        let betas = [("anthropic-beta", "claude-code-20250219,web-search-2025-03-05,token-counting-2024-11-01")];
        let answer = message_with(&app, "/v1/messages/count_tokens", &json!({}), &betas).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"input_tokens": 12})), "{}", answer.text());
        let sent = google.vertex.request(0).await;
        assert_eq!(sent.path, format!("{MODELS}/count-tokens:rawPredict"));
        assert_eq!((&sent.json()["model"], &sent.json()["anthropic_version"]), (&json!(UPSTREAM), &json!(VERSION)));
        assert_eq!(sent.header("anthropic-beta"), Some("claude-code-20250219"));
        assert_eq!(sent_with(&sent), bearer(1));
    }

    async fn the_name_of_a_model_is_encoded(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.always(Script::message("Hi"));
        let provider = google.id.parse().expect("an id");
        app.organization.model_like("odd", provider, |model| model.upstream_model = "../x y?z#:é".to_owned()).await;
        assert_eq!(message(&app, &json!({"model": "odd"})).await.status, 200);
        assert_eq!(google.vertex.request(0).await.path, format!("{MODELS}/..%2Fx%20y%3Fz%23%3A%C3%A9:rawPredict"));
    }

    async fn only_known_features_pass_and_the_rest_is_named(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.always(Script::message("Hi"));
        let asked = "claude-code-20250219,advanced-tool-use-2025-11-20,fast-mode-2026-02-01";
        let more = json!({"speed": "fast", "diagnostics": {}, "context_management": {"edits": []}, "thinking": {"type": "adaptive"}});
        let answer = message_with(&app, "/v1/messages", &more, &[("anthropic-beta", asked)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = google.vertex.request(0).await;
        assert_eq!(sent.header("anthropic-beta"), Some("claude-code-20250219,tool-search-tool-2025-10-19"));
        let body = sent.json();
        assert!(body.get("speed").is_none() && body.get("diagnostics").is_none(), "{body}");
        assert_eq!((&body["context_management"], &body["thinking"]), (&more["context_management"], &more["thinking"]));
        let row = app.requests(1).await.pop().expect("a row");
        let mut changes: Vec<String> = serde_json::from_value(row["attempts"][0]["adapted"].clone()).expect("texts");
        changes.sort_unstable();
        assert_eq!(changes, ["dropped:anthropic_beta", "dropped:diagnostics", "dropped:speed", "renamed:anthropic_beta"]);
    }

    async fn a_chat_completion_is_translated_for_it(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.next(Script::message("Hi"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hi", "{}", answer.text());
        let sent = google.vertex.request(0).await;
        assert_eq!(sent.path, format!("{MODELS}/{UPSTREAM}:rawPredict"));
        assert_eq!((sent.json().get("model"), &sent.json()["anthropic_version"]), (None, &json!(VERSION)));
    }

    /// Claude's signatures are valid on all of its platforms.
    async fn signed_reasoning_stays_in_a_chain_of_claude(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        google.vertex.always(Script::message("Hi"));
        let first = FakeProvider::start().await;
        let foundry = format!("http://{}/anthropic", first.address());
        let foundry = app.organization.provider_at("foundry", "foundry", Some(&foundry)).await;
        app.organization.model("first", foundry).await;
        first.always(Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        let turns: Value = json!([
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "T", "signature": "c2lnbmF0dXJl"}, {"type": "text", "text": "Hi"}]},
            {"role": "user", "content": "Go on"}
        ]);
        let answer = message(&app, &json!({"model": "first", "models": ["a"], "messages": turns})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a", "{}", answer.text());
        assert_eq!(google.vertex.request(0).await.json()["messages"], turns);
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["attempts"][1]["adapted"], json!([]), "{row}");
    }

    async fn errors_of_both_shapes_lead_to_the_next_model(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(granted(1));
        let of_google = |code: u16, status: &str| {
            Script::json(code, &json!([{"error": {"code": code, "message": "said", "status": status}}]))
        };
        for (script, class) in [
            (Script::anthropic_error(529, "overloaded_error", "Overloaded"), "overloaded"),
            (of_google(429, "RESOURCE_EXHAUSTED"), "rate_limited"),
            (of_google(403, "PERMISSION_DENIED"), "authentication"),
            (of_google(404, "NOT_FOUND"), "model_not_found"),
            (of_google(503, "UNAVAILABLE"), "overloaded"),
        ] {
            for stream in [false, true] {
                let good = if stream { Script::message_stream("Hi") } else { Script::message("Hi") };
                google.vertex.next(script.clone());
                google.other.next(good);
                let answer = message(&app, &json!({"models": ["b"], "stream": stream})).await;
                assert_eq!(answer.header("x-failsoft-model"), "b", "{class}: {}", answer.text());
                assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
            }
        }
    }
}
