//! What counts as an answer, and what reaches the caller of it.

use serde_json::{Value, json};

use super::{PATH, embed, twins, vectors};
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// An answer with these vectors.
fn list(data: &Value) -> Script {
    Script::json(
        200,
        &json!({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
    )
}

on_both_databases! {
    async fn an_answer_with_other_vectors_than_asked_for_is_a_failure(app: App) {
        let [first, second] = twins(&app).await;
        for (more, script) in [
            (json!({"input": ["a", "b"]}), vectors(1)),
            (json!({"input": "a"}), vectors(0)),
            (json!({"input": "a", "dimensions": 5}), vectors(1)),
            (json!({"input": "a"}), list(&json!([{"embedding": []}]))),
            (json!({"input": ["a", "b"]}), list(&json!([{"embedding": [1, 2]}, {"embedding": [1, 2, 3]}]))),
            (json!({"input": "a"}), list(&json!([{"embedding": "AAAAAAAAAAA="}]))),
            (json!({"input": "a"}), Script::json(200, &json!({"object": "list"}))),
        ] {
            first.next(script);
            let inputs = more["input"].as_array().map_or(1, Vec::len);
            let fits = json!(vec![json!({"embedding": [1, 2, 3, 4, 5]}); inputs]);
            second.next(list(&fits));
            let mut more = more.clone();
            more["models"] = json!(["two"]);
            let answer = embed(&app, &more).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "two"), "{more}: {}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["matched_rule"]), (&json!("invalid_response"), &json!("answer:embeddings")), "{more}");
        }
    }

    async fn lists_tokens_and_base64_are_served(app: App) {
        let [first, _second] = twins(&app).await;
        for (more, script) in [
            (json!({"input": [1, 2, 3]}), vectors(1)),
            (json!({"input": [[1, 2], [3]]}), vectors(2)),
            // Twelve bytes are three numbers.
            (json!({"input": "a", "encoding_format": "base64", "dimensions": 3}), list(&json!([{"embedding": "AACAPgAAgL8AAJ05"}]))),
            // A vendor that knows no Base64.
            (json!({"input": "a", "encoding_format": "base64"}), vectors(1)),
            // The provider says what is wrong with it.
            (json!({"input": []}), Script::error(400, "invalid_input", "'input' is empty")),
        ] {
            let refuses = more["input"] == json!([]);
            first.next(script);
            let answer = embed(&app, &more).await;
            assert_eq!(answer.status, if refuses { 400 } else { 200 }, "{more}: {}", answer.text());
            let sent = first.requests().pop().expect("a request").json();
            assert_eq!(sent["input"], more["input"]);
        }
    }

    async fn the_metadata_is_beside_the_vectors_if_it_is_asked_for(app: App) {
        let [first, second] = twins(&app).await;
        first.next(Script::error(500, "server_error", "broken"));
        second.next(vectors(1));
        let body = json!({"model": "one", "models": ["two"], "input": "a"});
        let request = app.request(reqwest::Method::POST, PATH).header("x-failsoft-metadata", "enabled");
        let answer = app.call(crate::support::app::with_json(request, &body), &app.organization.key).await;
        let metadata = answer.json()["failsoft"].clone();
        assert_eq!(metadata["requested"], "one", "{}", answer.text());
        assert_eq!(metadata["attempts"][0]["error_class"], "unavailable", "{metadata}");
        assert_eq!(answer.json()["data"][0]["embedding"][0], 0.25);
    }

    async fn tokens_that_are_not_reported_are_estimated(app: App) {
        let [first, _second] = twins(&app).await;
        first.next(Script::json(200, &json!({"data": [{"embedding": [1]}]})));
        // Some vendors count the total alone.
        first.next(Script::json(200, &json!({"data": [{"embedding": [1]}], "usage": {"total_tokens": 9}})));
        for _ in 0..2 {
            let answer = embed(&app, &json!({"input": "one two three four five six seven eight nine ten"})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.json().get("model").is_none(), "what is not there is not added: {}", answer.text());
        }
        let rows = app.requests(2).await;
        assert_eq!((&rows[0]["estimated"], &rows[0]["output_tokens"]), (&json!(true), &json!(0)));
        assert!((8..=16).contains(&rows[0]["input_tokens"].as_i64().expect("a count")), "{}", rows[0]);
        assert_eq!((&rows[1]["estimated"], &rows[1]["input_tokens"]), (&json!(false), &json!(9)));
    }
}
