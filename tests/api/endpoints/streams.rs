//! Streams of completions and images: the first content decides, and a break after it is an event with the error.

use failsoft::domain::operation::ModelKind;
use serde_json::{Value, json};

use super::{pair, with};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PATH: &str = "/v1/completions";

/// An event of a completion.
fn piece(text: &str, reason: Option<&str>) -> Value {
    json!({"object": "text_completion", "model": "upstream", "choices": [{"index": 0, "text": text, "finish_reason": reason}]})
}

fn body(more: &Value) -> Value {
    with(&json!({"prompt": "x", "stream": true}), "completion-one", more)
}

on_both_databases! {
    async fn events_pass_with_the_name_of_the_model_and_the_text_is_billed(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        let script = Script::stream().chunk(": hello\n\n").event(&piece("", None)).event(&piece("One two", None));
        fake.next(script.event(&piece(" three", Some("stop"))).done());
        let answer = app.post(PATH, &body(&json!({}))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        let events = answer.events();
        assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
        let texts: Vec<Value> = events.iter().take(3).map(|event| serde_json::from_str(event).expect("JSON")).collect();
        assert_eq!(texts[1]["model"], "completion-one");
        assert_eq!(texts[2]["choices"][0]["text"], " three");
        assert!(answer.text().starts_with(":\n\n"), "{}", answer.text());
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["streamed"], &row["invocation_type"]), (&json!(true), &json!("completion_stream")));
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!("answered"), &json!(true)));
        assert!(row["output_tokens"].as_i64().is_some_and(|tokens| tokens > 0), "{row}");
    }

    async fn the_usage_of_a_stream_is_billed_if_it_is_reported(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}});
        fake.next(Script::stream().event(&piece("One", Some("stop"))).event(&usage).done());
        let answer = app.post(PATH, &body(&json!({"stream_options": {"include_usage": true}}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["input_tokens"], &row["output_tokens"], &row["cost_nano_dollars"]), (&json!(5), &json!(7), &json!(12_000)));
    }

    async fn until_the_first_content_the_next_model_takes_over(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        let good = Script::stream().event(&piece("From two", Some("stop"))).done();
        fake.always_for("completion-two-upstream", good);
        for (script, class) in [
            (Script::stream().event(&piece("", None)).end(), "invalid_response"),
            (Script::stream().done(), "invalid_response"),
            (Script::stream().chunk("data: nonsense\n\n").end(), "invalid_response"),
            (Script::stream().event(&json!({"error": {"message": "busy", "code": 503}})).end(), "overloaded"),
            (Script::json(200, &json!({"error": {"message": "busy", "code": 503}})), "overloaded"),
            (Script::respond(200, &[("content-type", "text/html")], "<html>"), "invalid_response"),
            (Script::error(500, "server_error", "broken"), "unavailable"),
        ] {
            fake.next_for("completion-one-upstream", script);
            let answer = app.post(PATH, &body(&json!({"models": ["completion-two"]}))).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "completion-two"), "{}", answer.text());
            assert!(answer.text().contains("From two"), "{}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["invocation_type"]), (&json!(class), &json!("completion_stream")), "{event}");
        }
    }

    async fn a_break_after_content_is_an_event_with_the_error(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        for script in [
            Script::stream().event(&piece("One", None)).close(),
            Script::stream().event(&piece("One", None)).end(),
            Script::stream().event(&piece("One", None)).event(&json!({"error": {"message": "gone"}})).end(),
        ] {
            fake.next(script);
            let answer = app.post(PATH, &body(&json!({"models": ["completion-two"]}))).await;
            let events = answer.events();
            let last: Value = serde_json::from_str(events.last().expect("an event")).expect("JSON");
            assert_eq!(last["error"]["type"], "stream_interrupted", "{}", answer.text());
            assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
        }
        let row = app.requests(3).await.pop().expect("a row");
        assert_eq!((&row["outcome"], &row["error_class"]), (&json!("interrupted"), &json!("stream_interrupted")));
        assert_eq!(app.events().await.len(), 3);
    }

    async fn images_are_streamed_as_well(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Image).await;
        let partial = json!({"type": "image_generation.partial_image", "b64_json": "aGk="});
        let whole = json!({"type": "image_generation.completed", "b64_json": "aGk=", "usage": {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}});
        fake.next(Script::stream().event(&partial).event(&whole).end());
        let answer = app.post("/v1/images/generations", &json!({"model": "image-one", "prompt": "x", "stream": true})).await;
        assert_eq!((answer.status, answer.events().len()), (200, 2), "{}", answer.text());
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["invocation_type"], &row["cost_nano_dollars"]), (&json!("image_stream"), &json!(12_000)));
    }
}
