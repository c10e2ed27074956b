//! What is explained is what is called: at every endpoint the same candidates are passed over, for the same reason.

use failsoft::domain::operation::ModelKind;
use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::PATH;
use crate::endpoints::with;
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::forms::with_form;
use crate::support::on_both_databases;

/// A request that costs little, and members with which it costs more than the budget has.
struct Case {
    kind: ModelKind,
    path: &'static str,
    body: Value,
    more: Value,
}

impl Case {
    fn new(kind: ModelKind, path: &'static str, body: Value, more: Value) -> Self {
        Self { kind, path, body, more }
    }

    /// Whether the path is that of its kind of models, so that it need not be named.
    fn is_usual(&self) -> bool {
        self.kind.operation().endpoint() == self.path
    }
}

fn cases() -> Vec<Case> {
    let long = "one two three four ".repeat(1_500);
    let texts = vec!["one two three four"; 1_500];
    let said = |text: &str| json!([{"role": "user", "content": text}]);
    let completions = |more: Value| {
        Case::new(ModelKind::Completion, "/v1/completions", json!({"prompt": "Hi", "max_tokens": 100}), more)
    };
    let chats = |more: Value| {
        let body = json!({"messages": said("Hi"), "max_tokens": 100});
        Case::new(ModelKind::Chat, "/v1/chat/completions", body, more)
    };
    let images = json!({"prompt": "p", "n": 1, "stream": false});
    let recording = |path| {
        let more = json!({"file": "s".repeat(700_000)});
        Case::new(ModelKind::Transcription, path, json!({"file": "s"}), more)
    };
    vec![
        chats(json!({"n": 50})),
        chats(json!({"messages": said(&long)})),
        chats(json!({"max_tokens": 5_000, "reasoning": {"max_tokens": 9_000}})),
        Case::new(
            ModelKind::Chat,
            "/v1/messages",
            json!({"messages": said("Hi"), "max_tokens": 100}),
            json!({"max_tokens": 5_000}),
        ),
        Case::new(
            ModelKind::Chat,
            "/v1/responses",
            json!({"input": "Hi", "max_output_tokens": 100}),
            json!({"max_output_tokens": 5_000}),
        ),
        Case::new(ModelKind::Embedding, "/v1/embeddings", json!({"input": "Hi"}), json!({"input": texts})),
        completions(json!({"prompt": vec!["Hi"; 50]})),
        completions(json!({"prompt": vec![vec![1, 2]; 50]})),
        completions(json!({"best_of": 50})),
        completions(json!({"beam_width": 50})),
        completions(json!({"suffix": long})),
        completions(json!({"prompt": ["Hi", "Ho"], "max_tokens": null, "max_new_tokens": 9_000})),
        Case::new(ModelKind::Moderation, "/v1/moderations", json!({"input": "Hi"}), json!({"input": texts})),
        Case::new(
            ModelKind::Rerank,
            "/v1/rerank",
            json!({"query": "q", "documents": ["a"]}),
            json!({"documents": texts}),
        ),
        Case::new(ModelKind::Image, "/v1/images/generations", images, json!({"n": 50})),
        Case::new(
            ModelKind::Speech,
            "/v1/audio/speech",
            json!({"input": "Hi", "voice": "alloy"}),
            json!({"input": long}),
        ),
        recording("/v1/audio/transcriptions"),
        recording("/v1/audio/translations"),
    ]
}

/// Models of a kind: one that costs 1,000 nano-dollars a token, one with a small window, one that is disabled, and a cheap one.
async fn models(app: &App, provider: Uuid, kind: ModelKind) {
    for (name, price) in [("dear", 1_000_000), ("small", 1_000), ("off", 1_000), ("cheap", 1_000)] {
        let name = format!("{}-{name}", kind.as_str());
        app.organization
            .model_like(&name, provider, |model| {
                model.enabled = !name.ends_with("off");
                model.settings.kind = kind;
                let price = ModelPrice { input: Some(price), output: Some(price), ..ModelPrice::default() };
                model.settings.price = Some(price);
                model.settings.num_retries = Some(0);
                model.settings.context_window = name.ends_with("small").then_some(1_000);
                let makes_media =
                    matches!(kind, ModelKind::Image | ModelKind::Speech | ModelKind::Transcription);
                model.settings.max_output_tokens = makes_media.then_some(100);
                model.settings.vector_space = (kind == ModelKind::Embedding).then(|| "same".to_owned());
            })
            .await;
    }
}

async fn sent(app: &App, path: &str, case: &Case, body: &Value) -> Answer {
    let request = app.request(Method::POST, path);
    let is_form = case.kind == ModelKind::Transcription;
    let request = if is_form { with_form(request, body) } else { with_json(request, body) };
    app.call(request, &app.organization.key).await
}

/// The models that are explained, and why each would be passed over.
async fn explained(app: &App, query: &str, case: &Case, body: &Value) -> Value {
    let answer = sent(app, &format!("{PATH}{query}"), case, body).await;
    assert_eq!(answer.status, 200, "{}: {}", case.path, answer.text());
    super::rows(&answer, &["model", "passed_over"])
}

on_both_databases! {
    async fn what_a_call_passes_over_is_what_was_explained(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::error(503, "overloaded", "busy"));
        let provider = app.organization.provider("fake", &fake).await;
        for kind in ModelKind::ALL {
            models(&app, provider, kind).await;
        }
        let budget = json!({"api_key_id": null, "period": "day", "hard_limit_nano_dollars": 2_500_000});
        assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
        let mut calls = 0;
        for case in cases() {
            let [dear, small, off, cheap] =
                ["dear", "small", "off", "cheap"].map(|name| format!("{}-{name}", case.kind.as_str()));
            let body = with(&case.body, &dear, &json!({"models": [small, off, cheap]}));
            for (more, is_over) in [(&case.more, true), (&json!({}), false)] {
                let body = with(&body, &dear, more);
                let expected = explained(&app, &format!("?endpoint={}", case.path), &case, &body).await;
                if case.is_usual() {
                    assert_eq!(explained(&app, "", &case, &body).await, expected, "{}: {}", case.path, case.more);
                }
                calls += 1;
                let answer = sent(&app, case.path, &case, &body).await;
                assert!(answer.status >= 400, "{}", answer.text());
                let row = app.requests(calls).await.pop().expect("a row");
                assert_eq!(row["endpoint"], case.path);
                let attempts = row["attempts"].as_array().expect("a list").iter();
                let called: Vec<Value> = attempts
                    .map(|attempt| {
                        let skipped = attempt["passed_over"] == true;
                        json!([attempt["model"], if skipped { attempt["error_class"].clone() } else { Value::Null }])
                    })
                    .collect();
                assert_eq!(json!(called), expected, "{} {}: {}", case.path, is_over, row["attempts"]);
                let first = if is_over { json!("over_budget") } else { Value::Null };
                assert_eq!(called[0], json!([dear, first]), "{} {}", case.path, case.more);
            }
        }
    }

    async fn what_an_endpoint_refuses_is_refused_here(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for kind in ModelKind::ALL {
            models(&app, provider, kind).await;
        }
        for (query, body, status) in [
            ("", json!({"model": "completion-dear", "prompt": "Hi", "max_tokens": 1.5}), 400),
            ("", json!({"model": "completion-dear", "prompt": "Hi", "n": 0}), 400),
            ("", json!({"model": "image-dear", "prompt": "Hi", "stream": 7}), 400),
            // A chat only has these numbers.
            ("", json!({"model": "embedding-dear", "input": "Hi", "n": 0}), 200),
            ("", json!({"model": "transcription-dear"}), 400),
            ("?endpoint=/v1/audio/speech", json!({"model": "chat-dear"}), 400),
            ("?endpoint=/v1/embeddings", json!({"model": "chat-dear"}), 400),
            ("?endpoint=/v1/messages", json!({"model": "chat-dear", "n": 0, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}), 200),
            ("?endpoint=/v1/nothing", json!({"model": "chat-dear", "messages": []}), 422),
            ("?endpoints=/v1/messages", json!({"model": "chat-dear", "messages": []}), 422),
        ] {
            let request = with_json(app.request(Method::POST, &format!("{PATH}{query}")), &body);
            let answer = app.call(request, &app.organization.key).await;
            assert_eq!(answer.status, status, "{query} {body}: {}", answer.text());
        }
        assert_eq!(fake.served(), 0);
    }
}
