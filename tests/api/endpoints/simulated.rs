//! Chains of simulated models at every endpoint, without a network.

use failsoft::domain::operation::ModelKind;
use reqwest::Method;
use serde_json::{Value, json};

use super::{endpoints, with};
use crate::support::app::{Answer, App, with_json};
use crate::support::forms::with_form;
use crate::support::on_both_databases;

/// What fails at every endpoint, and its class.
const FAULTS: [(&str, &str); 10] = [
    ("error-503", "overloaded"),
    ("rate-limited", "rate_limited"),
    ("quota-exhausted", "quota_exhausted"),
    ("context-overflow", "context_window_exceeded"),
    ("content-filter", "content_policy"),
    ("unauthorized", "authentication"),
    ("garbage", "invalid_response"),
    ("broken-json", "invalid_response"),
    ("empty", "invalid_response"),
    ("error-in-200", "overloaded"),
];

/// The kinds of models other than chats.
fn kinds() -> impl Iterator<Item = ModelKind> {
    ModelKind::ALL.into_iter().filter(|kind| *kind != ModelKind::Chat)
}

fn name(kind: ModelKind, simulated: &str) -> String {
    format!("{}-{simulated}", kind.as_str())
}

/// Models of a kind that are named after what they simulate, and one that answers.
async fn catalog(app: &App, kind: ModelKind, simulated: &[&str]) {
    let provider = app.organization.provider_at(&format!("{}-sim", kind.as_str()), "simulated", None).await;
    for simulated in simulated.iter().chain(&["steady"]) {
        app.organization
            .model_like(&name(kind, simulated), provider, |model| {
                model.upstream_model = format!("sim/{simulated}");
                model.settings.kind = kind;
                // Simulated vectors are the same under every name.
                model.settings.vector_space = (kind == ModelKind::Embedding).then(|| "sim".to_owned());
            })
            .await;
    }
}

/// A request of a kind without its model.
fn body(kind: ModelKind) -> Value {
    match kind {
        ModelKind::Embedding => json!({"input": ["a", "b"]}),
        ModelKind::Speech => json!({"input": "Hello you", "voice": "alloy"}),
        ModelKind::Transcription => json!({"file": "sound"}),
        kind => endpoints().into_iter().find(|endpoint| endpoint.kind == kind).expect("an endpoint").body,
    }
}

fn request(app: &App, kind: ModelKind, simulated: &str, more: &Value) -> reqwest::RequestBuilder {
    let request = app.request(Method::POST, kind.operation().endpoint());
    let fields = with(&body(kind), &name(kind, simulated), more);
    match kind {
        ModelKind::Transcription => with_form(request, &fields),
        _ => with_json(request, &fields),
    }
}

/// Asks a model, with one behind it that answers unless it is that one.
async fn ask(app: &App, kind: ModelKind, simulated: &str, more: &Value) -> Answer {
    let mut more = more.clone();
    if simulated != "steady" {
        more["models"] = json!([name(kind, "steady")]);
    }
    app.call(request(app, kind, simulated, &more), &app.organization.key).await
}

fn assert_failed_over(answer: &Answer, kind: ModelKind, simulated: &str, class: &str) {
    assert_eq!(answer.status, 200, "{kind:?} {simulated}: {}", answer.text());
    let expected = format!("from={}; class={class}; hops=1", name(kind, simulated));
    assert_eq!(answer.header("x-failsoft-fallback"), expected, "{kind:?} {simulated}");
}

on_both_databases! {
    async fn every_endpoint_fails_over_from_every_fault(app: App) {
        let faults = FAULTS.map(|(fault, _)| fault);
        for kind in kinds() {
            catalog(&app, kind, &faults).await;
            let steady = ask(&app, kind, "steady", &json!({})).await;
            assert_eq!((steady.status, steady.header("x-failsoft-fallback")), (200, "none"), "{kind:?}: {}", steady.text());
            for (fault, class) in FAULTS {
                assert_failed_over(&ask(&app, kind, fault, &json!({})).await, kind, fault, class);
            }
        }
    }

    async fn streams_fail_over_until_their_first_content(app: App) {
        let faults = ["error-503", "garbage", "broken-json", "empty", "error-in-200"];
        for (kind, more) in [
            (ModelKind::Completion, json!({"stream": true})),
            (ModelKind::Image, json!({"stream": true, "partial_images": 1})),
            (ModelKind::Transcription, json!({"stream": true})),
            (ModelKind::Speech, json!({"stream_format": "sse"})),
        ] {
            catalog(&app, kind, &faults).await;
            for fault in faults {
                let (_, class) = FAULTS.into_iter().find(|(known, _)| *known == fault).expect("a fault");
                let answer = ask(&app, kind, fault, &more).await;
                assert_failed_over(&answer, kind, fault, class);
                assert!(answer.events().len() > 1, "{kind:?} {fault}: {}", answer.text());
            }
        }
    }

    async fn results_that_are_wrong_are_found(app: App) {
        let lists = [ModelKind::Embedding, ModelKind::Completion, ModelKind::Moderation, ModelKind::Rerank, ModelKind::Image];
        let wrong = lists.map(|kind| (kind, "missing-index")).into_iter();
        let wrong = wrong.chain([(ModelKind::Embedding, "wrong-dimension"), (ModelKind::Speech, "html-as-audio")]);
        let faults = ["missing-index", "wrong-dimension", "html-as-audio"];
        for kind in kinds() {
            catalog(&app, kind, &faults).await;
        }
        for (kind, fault) in wrong {
            assert_failed_over(&ask(&app, kind, fault, &json!({})).await, kind, fault, "invalid_response");
        }
        // At the other endpoints they answer.
        for (kind, fault) in [(ModelKind::Speech, "missing-index"), (ModelKind::Rerank, "wrong-dimension"), (ModelKind::Embedding, "html-as-audio")] {
            let answer = ask(&app, kind, fault, &json!({})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-fallback")), (200, "none"), "{kind:?} {fault}: {}", answer.text());
        }
        // One vector of any size is an answer, unless the caller asked for another.
        let one = ask(&app, ModelKind::Embedding, "wrong-dimension", &json!({"input": "a"})).await;
        assert_eq!((one.status, one.header("x-failsoft-fallback")), (200, "none"), "{}", one.text());
        let sized = ask(&app, ModelKind::Embedding, "wrong-dimension", &json!({"input": "a", "dimensions": 8})).await;
        assert_failed_over(&sized, ModelKind::Embedding, "wrong-dimension", "invalid_response");
    }

    async fn what_breaks_off_after_its_first_content_is_interrupted(app: App) {
        for kind in [ModelKind::Completion, ModelKind::Speech, ModelKind::Moderation] {
            catalog(&app, kind, &["cut-midstream"]).await;
        }
        let broken = ask(&app, ModelKind::Completion, "cut-midstream", &json!({"stream": true})).await;
        assert!(broken.text().contains(r#""text":"You ""#), "{}", broken.text());
        let last: Value = serde_json::from_str(broken.events().last().expect("an event")).expect("JSON");
        assert!(!last["error"].is_null(), "{}", broken.text());
        let row = app.requests(1).await.remove(0);
        assert_eq!(row["outcome"], "interrupted", "{row}");
        let sent = request(&app, ModelKind::Speech, "cut-midstream", &json!({}));
        let response = sent.bearer_auth(&app.organization.key).send().await.expect("a response");
        assert!(response.bytes().await.is_err(), "a caller must see that something is missing");
        // Half a body is no answer.
        let whole = ask(&app, ModelKind::Moderation, "cut-midstream", &json!({})).await;
        assert_failed_over(&whole, ModelKind::Moderation, "cut-midstream", "invalid_response");
    }

    async fn vectors_are_the_same_whichever_model_answers(app: App) {
        catalog(&app, ModelKind::Embedding, &["error-500"]).await;
        let more = json!({"input": ["Hello there", "something else"], "dimensions": 16});
        let vectors = async |simulated: &str| ask(&app, ModelKind::Embedding, simulated, &more).await.json()["data"].take();
        let first = vectors("steady").await;
        assert_eq!(first[0]["embedding"].as_array().map(Vec::len), Some(16), "{first}");
        assert_ne!(first[0]["embedding"], first[1]["embedding"]);
        assert_eq!(vectors("error-500").await, first);
    }
}
