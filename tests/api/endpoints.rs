//! Endpoints other than chats and embeddings: completions, moderations, rerank, images, speech and recordings.

mod blank;
mod faults;
mod prompts;
mod recordings;
mod simulated;
mod sound;
mod streams;
mod unclear_limits;

use failsoft::domain::operation::ModelKind;
use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// An endpoint, a request to it without its model, and how a provider answers.
pub(crate) struct Endpoint {
    pub(crate) kind: ModelKind,
    pub(crate) path: &'static str,
    pub(crate) body: Value,
    pub(crate) answer: Value,
}

/// The endpoints that answer with JSON.
pub(crate) fn endpoints() -> [Endpoint; 4] {
    [
        Endpoint {
            kind: ModelKind::Completion,
            path: "/v1/completions",
            body: json!({"prompt": "Once upon a time", "max_tokens": 9, "echo": false}),
            answer: json!({
                "object": "text_completion", "model": "upstream",
                "choices": [{"index": 0, "text": "there was", "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
            }),
        },
        Endpoint {
            kind: ModelKind::Moderation,
            path: "/v1/moderations",
            body: json!({"input": ["a", "b"]}),
            answer: json!({"id": "m", "model": "upstream", "results": [{"flagged": false}, {"flagged": true}]}),
        },
        Endpoint {
            kind: ModelKind::Rerank,
            path: "/v1/rerank",
            body: json!({"query": "q", "documents": ["a", "b"], "top_n": 1}),
            answer: json!({"model": "upstream", "results": [{"index": 1, "relevance_score": 0.5}], "usage": {"total_tokens": 5}}),
        },
        Endpoint {
            kind: ModelKind::Image,
            path: "/v1/images/generations",
            body: json!({"prompt": "a fox", "size": "1024x1024", "n": 1}),
            answer: json!({"created": 1, "data": [{"b64_json": "aGVsbG8="}], "usage": {"input_tokens": 3, "output_tokens": 100, "total_tokens": 103}}),
        },
    ]
}

/// Models `one` and `two` of a kind at a fake provider, with a price.
pub(crate) async fn pair(app: &App, fake: &FakeProvider, kind: ModelKind) {
    let provider = app.organization.provider(&format!("{}-provider", kind.as_str()), fake).await;
    for name in ["one", "two"] {
        app.organization
            .model_like(&format!("{}-{name}", kind.as_str()), provider, |model| {
                model.settings.kind = kind;
                let price =
                    ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
                model.settings.price = Some(price);
            })
            .await;
    }
}

/// The body with a model and `more` merged into it.
pub(crate) fn with(body: &Value, model: &str, more: &Value) -> Value {
    let mut body = body.clone();
    body["model"] = model.into();
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

on_both_databases! {
    async fn bytes_pass_and_requests_are_on_record_with_their_price(app: App) {
        let fake = FakeProvider::start().await;
        for (number, Endpoint { kind, path, body, answer }) in endpoints().into_iter().enumerate() {
            pair(&app, &fake, kind).await;
            let one = format!("{}-one", kind.as_str());
            fake.next(Script::json(200, &answer));
            let got = app.post(path, &with(&body, &one, &json!({"session_id": "s-1"}))).await;
            assert_eq!(got.status, 200, "{path}: {}", got.text());
            let mut expected = answer.clone();
            if answer.get("model").is_some() {
                expected["model"] = json!(one);
            }
            assert_eq!(got.json(), expected, "{path}");
            let sent = fake.request(number).await;
            assert_eq!(sent.path, path);
            assert_eq!(sent.json(), with(&body, &format!("{one}-upstream"), &json!({})), "{path}");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!((&row["endpoint"], &row["invocation_type"]), (&json!(path), &json!(kind.as_str())));
            let cost = match kind {
                ModelKind::Completion => json!(6_000),
                ModelKind::Rerank => json!(5_000),
                ModelKind::Image => json!(103_000),
                // Not counted by its provider.
                _ => row["cost_nano_dollars"].clone(),
            };
            assert_eq!(row["cost_nano_dollars"], cost, "{row}");
        }
    }

    async fn what_has_no_count_of_tokens_has_no_known_cost(app: App) {
        let fake = FakeProvider::start().await;
        for Endpoint { kind, path, body, mut answer } in endpoints() {
            if !matches!(kind, ModelKind::Rerank | ModelKind::Image) {
                continue;
            }
            pair(&app, &fake, kind).await;
            answer.as_object_mut().expect("an object").remove("usage");
            fake.next(Script::json(200, &answer));
            let one = format!("{}-one", kind.as_str());
            assert_eq!(app.post(path, &with(&body, &one, &json!({}))).await.status, 200);
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["cost_nano_dollars"], Value::Null, "{row}");
        }
    }

    async fn the_next_model_answers_and_the_failover_is_on_record(app: App) {
        let fake = FakeProvider::start().await;
        for Endpoint { kind, path, body, answer } in endpoints() {
            pair(&app, &fake, kind).await;
            let [one, two] = ["one", "two"].map(|name| format!("{}-{name}", kind.as_str()));
            fake.always_for(&format!("{one}-upstream"), Script::error(429, "rate_limit_exceeded", "slow down"));
            fake.always_for(&format!("{two}-upstream"), Script::json(200, &answer));
            let got = app.post(path, &with(&body, &one, &json!({"models": [two]}))).await;
            assert_eq!((got.status, got.header("x-failsoft-model")), (200, two.as_str()), "{path}: {}", got.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["invocation_type"]), (&json!("rate_limited"), &json!(kind.as_str())));
            let drilled = app.post(path, &with(&body, &two, &json!({"mock_testing_fallbacks": true}))).await;
            assert_eq!((drilled.status, &drilled.json()["error"]["code"]), (502, &json!("unavailable")), "{path}");
        }
    }

    async fn a_model_of_another_kind_is_refused(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["chat"]).await;
        for Endpoint { kind, path, body, .. } in endpoints() {
            pair(&app, &fake, kind).await;
            let refused = app.post(path, &with(&body, "chat", &json!({}))).await;
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("wrong_model_kind")), "{path}");
            let chat = app.chat(&json!({"model": format!("{}-one", kind.as_str())})).await;
            assert_eq!(chat.status, 400, "{path}");
            assert!(chat.text().contains(&format!("POST {path}")), "{}", chat.text());
        }
        assert_eq!(fake.served(), 0);
    }

    async fn an_answer_without_its_result_is_a_failure(app: App) {
        let fake = FakeProvider::start().await;
        for Endpoint { kind, path, body, answer } in endpoints() {
            pair(&app, &fake, kind).await;
            let [one, two] = ["one", "two"].map(|name| format!("{}-{name}", kind.as_str()));
            fake.always_for(&format!("{two}-upstream"), Script::json(200, &answer));
            for empty in [
                json!({"object": "list", "data": [], "results": [], "choices": []}),
                json!({"data": [{}], "choices": [{"index": 0}], "results": null}),
                json!({"data": [{"url": 5, "b64_json": null}], "choices": [{"index": 0, "text": 5}], "results": [5]}),
            ] {
                fake.next_for(&format!("{one}-upstream"), Script::json(200, &empty));
                let got = app.post(path, &with(&body, &one, &json!({"models": [two]}))).await;
                assert_eq!((got.status, got.header("x-failsoft-model")), (200, two.as_str()), "{path}: {}", got.text());
                let event = app.events().await.pop().expect("an event");
                assert_eq!(event["error_class"], "invalid_response", "{path}: {event}");
            }
        }
    }

    async fn an_answer_with_fewer_results_than_asked_for_is_a_failure(app: App) {
        let fake = FakeProvider::start().await;
        for (kind, path, body, wrong, right) in [
            (ModelKind::Completion, "/v1/completions", json!({"prompt": ["a", "b"]}),
                json!({"choices": [{"index": 0, "text": "x"}]}), json!({"choices": [{"index": 0, "text": "x"}, {"index": 1, "text": "y"}]})),
            (ModelKind::Moderation, "/v1/moderations", json!({"input": ["a", "b"]}),
                json!({"results": [{"flagged": false}]}), json!({"results": [{"flagged": false}, {"flagged": false}]})),
            (ModelKind::Rerank, "/v1/rerank", json!({"query": "q", "documents": ["a", "b"]}),
                json!({"results": [{"index": 2, "relevance_score": 1}]}), json!({"results": [{"index": 1, "relevance_score": 1}]})),
            (ModelKind::Image, "/v1/images/generations", json!({"prompt": "p", "n": 2}),
                json!({"data": [{"url": "https://x.example/a"}]}), json!({"data": [{"url": "https://x.example/a"}, {"url": "https://x.example/b"}]})),
        ] {
            pair(&app, &fake, kind).await;
            let [one, two] = ["one", "two"].map(|name| format!("{}-{name}", kind.as_str()));
            fake.next_for(&format!("{one}-upstream"), Script::json(200, &wrong));
            fake.always_for(&format!("{two}-upstream"), Script::json(200, &right));
            let got = app.post(path, &with(&body, &one, &json!({"models": [two]}))).await;
            assert_eq!((got.status, got.header("x-failsoft-model")), (200, two.as_str()), "{path}: {}", got.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!(event["error_class"], "invalid_response", "{path}: {event}");
        }
    }

    async fn a_filtered_completion_is_served_only_if_no_other_model_answers(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        let filtered = json!({"choices": [{"index": 0, "text": "", "finish_reason": "content_filter"}]});
        fake.always_for("completion-one-upstream", Script::json(200, &filtered));
        fake.always_for("completion-two-upstream", Script::json(200, &endpoints()[0].answer));
        let body = json!({"model": "completion-one", "prompt": "x"});
        let alone = app.post("/v1/completions", &body).await;
        assert_eq!((alone.status, &alone.json()["choices"][0]["finish_reason"]), (200, &json!("content_filter")));
        let other = app.post("/v1/completions", &with(&body, "completion-one", &json!({"models": ["completion-two"]}))).await;
        assert_eq!((other.status, other.header("x-failsoft-model")), (200, "completion-two"));
        assert_eq!(other.header("x-failsoft-fallback"), "from=completion-one; class=content_policy; hops=1");
    }

    async fn every_path_is_the_same_endpoint(app: App) {
        let fake = FakeProvider::start().await;
        for Endpoint { kind, path, body, answer } in endpoints() {
            pair(&app, &fake, kind).await;
            fake.always(Script::json(200, &answer));
            let short = path.strip_prefix("/v1").expect("a version");
            let one = format!("{}-one", kind.as_str());
            let body = with(&body, &one, &json!({}));
            assert_eq!(app.post(short, &body).await.status, 200, "{short}");
            let key = "no key".to_owned();
            let refused = app.call(with_json(app.request(Method::POST, short), &body), &key).await;
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("invalid_api_key")), "{short}");
            if matches!(kind, ModelKind::Completion | ModelKind::Image) {
                let azure = format!("/openai/deployments/{one}{short}?api-version=1");
                assert_eq!(app.post(&azure, &body).await.status, 200, "{azure}");
            }
        }
    }
}
