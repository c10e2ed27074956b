//! Answers with fewer choices or images than were asked for, or with one that is cut off: a whole one is a failure, which
//! is served if no other model answers, and a stream is interrupted. The model is not blamed, because some servers give one choice whatever a request says.

use failsoft::domain::operation::ModelKind;
use serde_json::{Value, json};

use crate::endpoints::{pair, with};
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// An endpoint with choices, a request for two of them, and the forms of a choice.
struct Form {
    kind: ModelKind,
    path: &'static str,
    body: Value,
    /// The members of a choice with a text, in a whole answer and in a chunk.
    said: [fn(&str) -> Value; 2],
}

fn forms() -> [Form; 3] {
    let texts: [fn(&str) -> Value; 2] = [|text| json!({"text": text}), |text| json!({"text": text})];
    let path = "/v1/completions";
    [
        Form {
            kind: ModelKind::Chat,
            path: "/v1/chat/completions",
            body: json!({"messages": [{"role": "user", "content": "Hello"}], "n": 2}),
            said: [|text| json!({"message": {"content": text}}), |text| json!({"delta": {"content": text}})],
        },
        Form { kind: ModelKind::Completion, path, body: json!({"prompt": ["a", "b"]}), said: texts },
        Form { kind: ModelKind::Completion, path, body: json!({"prompt": "a", "n": 2}), said: texts },
    ]
}

fn choice(said: fn(&str) -> Value, index: u8, text: &str, end: Option<&str>) -> Value {
    let mut choice = said(text);
    (choice["index"], choice["finish_reason"]) = (json!(index), json!(end));
    choice
}

/// The names of the models of a kind, and of the first one at its provider.
fn names(kind: ModelKind) -> [String; 3] {
    ["one", "two", "one-upstream"].map(|name| format!("{}-{name}", kind.as_str()))
}

/// The outcome and the rule of the last failure.
async fn recorded(app: &App) -> (Value, Value) {
    let row = app.requests(1).await.pop().expect("a row");
    let event = app.events().await.pop().unwrap_or_default();
    (row["outcome"].clone(), event["matched_rule"].clone())
}

on_both_databases! {
    async fn a_whole_answer_without_a_choice_is_answered_by_the_next_model(app: App) {
        let fake = FakeProvider::start().await;
        let mut made = Vec::new();
        for Form { kind, path, body, said: [said, _] } in forms() {
            if !made.contains(&kind) {
                made.push(kind);
                pair(&app, &fake, kind).await;
            }
            let [one, two, upstream] = names(kind);
            let answer = |choices: Vec<Value>| Script::json(200, &json!({"choices": choices}));
            let both = [0, 1].map(|index| choice(said, index, "x", Some("stop")));
            for (choices, whole) in [
                (vec![choice(said, 0, "x", Some("stop"))], false),
                (vec![choice(said, 0, "x", Some("stop")), choice(said, 0, "y", Some("stop"))], false),
                (vec![choice(said, 0, "x", Some("stop")), choice(said, 1, "y", None)], false),
                (vec![choice(said, 0, "x", None), choice(said, 1, "y", None)], true),
                (both.to_vec(), true),
            ] {
                fake.next_for(&upstream, answer(choices.clone()));
                fake.always_for(&upstream.replace("one", "two"), answer(both.to_vec()));
                let got = app.post(path, &with(&body, &one, &json!({"models": [two]}))).await;
                let served = if whole { &one } else { &two };
                assert_eq!((got.status, got.header("x-failsoft-model")), (200, served.as_str()), "{choices:?}: {}", got.text());
                if !whole {
                    assert_eq!(recorded(&app).await, (json!("answered"), json!("answer:missing_choice")), "{choices:?}");
                    // Without another model, the caller gets what there is.
                    fake.next_for(&upstream, answer(choices.clone()));
                    let got = app.post(path, &with(&body, &one, &json!({}))).await;
                    assert_eq!((got.status, got.header("x-failsoft-model")), (200, one.as_str()), "{choices:?}: {}", got.text());
                    assert_eq!(got.json()["choices"].as_array().map(Vec::len), Some(choices.len()), "{}", got.text());
                    assert_eq!(recorded(&app).await, (json!("answered"), json!("answer:missing_choice")), "{choices:?}");
                }
            }
        }
    }

    async fn a_stream_without_a_choice_is_interrupted(app: App) {
        let fake = FakeProvider::start().await;
        let mut made = Vec::new();
        for Form { kind, path, body, said: [_, said] } in forms() {
            if !made.contains(&kind) {
                made.push(kind);
                pair(&app, &fake, kind).await;
            }
            let [one, two, upstream] = names(kind);
            let (first, second) = (choice(said, 0, "x", None), choice(said, 1, "y", None));
            let end = |index: u8| choice(said, index, "", Some("stop"));
            for (choices, whole) in [
                (vec![first.clone(), end(0)], false),
                (vec![first.clone()], false),
                (vec![first.clone(), second.clone(), end(0)], false),
                (vec![first.clone(), second.clone(), end(1), end(0)], true),
                // Some servers send no ends.
                (vec![first, second], true),
            ] {
                let script = choices.iter().fold(Script::stream(), |script, choice| {
                    script.event(&json!({"id": "c", "choices": [choice]}))
                });
                fake.next_for(&upstream, script.done());
                let got = app.post(path, &with(&body, &one, &json!({"models": [two], "stream": true}))).await;
                let text = got.text();
                assert_eq!(got.header("x-failsoft-model"), one, "{choices:?}: {text}");
                assert_eq!((text.contains("stream_interrupted"), text.contains("[DONE]")), (!whole, whole), "{choices:?}: {text}");
                let (outcome, rule) = recorded(&app).await;
                assert_eq!(outcome, if whole { "answered" } else { "interrupted" }, "{choices:?}: {text}");
                assert!(whole || rule == "stream:garbage", "{rule}");
            }
        }
    }

    async fn an_error_in_one_of_several_choices_shows_no_secret(app: App) {
        let fake = FakeProvider::start().await;
        let mut made = Vec::new();
        for Form { kind, path, body, said: [said, said_in_chunks] } in forms() {
            if !made.contains(&kind) {
                made.push(kind);
                pair(&app, &fake, kind).await;
            }
            let [one, two, upstream] = names(kind);
            let whole = |choices: [Value; 2]| Script::json(200, &json!({"choices": choices}));
            let both = [0, 1].map(|index| choice(said, index, "x", Some("stop")));
            fake.always_for(&upstream.replace("one", "two"), whole(both));
            let body = with(&body, &one, &json!({"models": [two]}));
            for (message, passes) in [("no capacity", true), ("bad key sk-upstream-secret-0001", false)] {
                let error = json!({"index": 1, "error": {"code": 500, "message": message}});
                fake.next_for(&upstream, whole([choice(said, 0, "x", Some("stop")), error.clone()]));
                let got = app.post(path, &body).await;
                let served = if passes { &one } else { &two };
                assert_eq!((got.header("x-failsoft-model"), got.text().contains(message)), (served.as_str(), passes), "{}", got.text());
                let (first, second) = (choice(said_in_chunks, 0, "x", None), choice(said_in_chunks, 1, "y", None));
                let end = choice(said_in_chunks, 0, "", Some("stop"));
                let script = [first, second, error, end].iter().fold(Script::stream(), |script, choice| {
                    script.event(&json!({"id": "c", "choices": [choice]}))
                });
                fake.next_for(&upstream, script.done());
                let text = app.post(path, &with(&body, &one, &json!({"stream": true}))).await.text();
                assert_eq!((text.contains("stream_interrupted"), text.contains(message)), (!passes, passes), "{text}");
            }
        }
    }

    async fn a_stream_without_an_image_is_interrupted(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Image).await;
        let body = json!({"model": "image-one", "prompt": "x", "n": 2, "stream": true});
        for images in [1, 2] {
            let image = json!({"type": "image_generation.completed", "b64_json": "aGk="});
            let script = (0..images).fold(Script::stream(), |script, _| script.event(&image));
            fake.next(script.end());
            let text = app.post("/v1/images/generations", &body).await.text();
            assert_eq!(text.contains("stream_interrupted"), images < 2, "{text}");
        }
        let rows = app.requests(2).await;
        let outcomes: Vec<&Value> = rows.iter().map(|row| &row["outcome"]).collect();
        assert_eq!(outcomes, ["interrupted", "answered"]);
    }
}
