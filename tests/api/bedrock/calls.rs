//! What Bedrock receives and what callers get: whole answers, in each dialect of callers.

use serde_json::{Value, json};

use super::{Bedrock, CLAUDE, NOVA, PROVIDERS, asked, assert_signed, path, post};
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// The changes to the first attempt of a request.
fn adapted(row: &Value) -> Vec<&str> {
    let changes = row["attempts"][0]["adapted"].as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(Value::as_str).collect()
}

/// A conversation with reasoning that Claude has signed, as a caller of Messages sends it.
fn with_reasoning(model: &str) -> Value {
    json!({
        "model": model, "max_tokens": 4_096, "temperature": 1, "thinking": {"type": "enabled", "budget_tokens": 2_000},
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Well.", "signature": "c2lnbmVk"}, {"type": "text", "text": "Hi"},
            ]},
            {"role": "user", "content": "Again"},
        ],
    })
}

on_both_databases! {
    async fn each_caller_gets_an_answer_in_its_dialect(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        for (endpoint, body) in asked("nova", &json!({})) {
            let answer = post(&app, endpoint, &body).await;
            assert_eq!(answer.status, 200, "{endpoint}: {}", answer.text());
            let (answer, sent) = (answer.json(), bedrock.fake.requests().pop().expect("a call"));
            assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", path(NOVA, "converse").as_str()));
            assert_signed(&sent);
            assert_eq!(sent.header("accept"), Some("application/json"));
            let mut expected = json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]});
            if endpoint == "/v1/messages" {
                expected["inferenceConfig"] = json!({"maxTokens": 64});
            }
            assert_eq!(sent.json(), expected, "{endpoint}");
            let usage = &answer["usage"];
            assert_eq!(answer["model"], "nova");
            match endpoint {
                "/v1/chat/completions" => {
                    assert_eq!(answer["choices"][0]["message"]["content"], "Hi");
                    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
                    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(12), &json!(2)));
                    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 9);
                }
                "/v1/messages" => {
                    assert_eq!(answer["content"], json!([{"type": "text", "text": "Hi"}]));
                    assert_eq!(answer["stop_reason"], "end_turn");
                    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(3), &json!(9)));
                }
                _ => {
                    assert!(answer["output"].to_string().contains("\"Hi\""), "{answer}");
                    assert_eq!((&answer["status"], &usage["input_tokens"]), (&json!("completed"), &json!(12)));
                }
            }
        }
        for row in app.requests(3).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(12), &json!(2)), "{row}");
            assert_eq!(row["attempts"][0]["translated_to"], "converse", "{row}");
        }
    }

    async fn reasoning_goes_back_to_claude_alone(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let reasoning = json!({"reasoningContent": {"reasoningText": {"text": "So.", "signature": "bmV4dA=="}}});
        bedrock.fake.always(Script::converse(&json!([reasoning, {"text": "Hi"}]), "end_turn"));
        let answer = post(&app, "/v1/messages", &with_reasoning("claude")).await;
        assert_eq!(answer.json()["content"][0], json!({"type": "thinking", "thinking": "So.", "signature": "bmV4dA=="}));
        let sent = bedrock.fake.request(0).await;
        assert_eq!(sent.path, path(CLAUDE, "converse"));
        let sent = sent.json();
        assert_eq!(
            sent["messages"][1]["content"],
            json!([{"reasoningContent": {"reasoningText": {"text": "Well.", "signature": "c2lnbmVk"}}}, {"text": "Hi"}])
        );
        assert_eq!(
            sent["additionalModelRequestFields"],
            json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}})
        );
        assert_eq!(sent["inferenceConfig"], json!({"maxTokens": 4_096}));
        assert_eq!(post(&app, "/v1/messages", &with_reasoning("nova")).await.status, 200);
        let sent = bedrock.fake.request(1).await.json();
        assert_eq!(sent["messages"][1]["content"], json!([{"text": "Hi"}]));
        assert_eq!(sent["inferenceConfig"], json!({"maxTokens": 4_096, "temperature": 1}));
        assert_eq!(sent.get("additionalModelRequestFields"), None);
        let rows = app.requests(2).await;
        assert!(adapted(&rows[0]).contains(&"dropped:temperature"), "{}", rows[0]);
        for change in ["stripped:thinking", "dropped:reasoning"] {
            assert!(adapted(&rows[1]).contains(&change), "{}", rows[1]);
        }
    }

    async fn a_budget_of_messages_arrives_as_it_is(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        for (number, (limit, budget)) in [(20_000, 10_000), (5_000, 2_001)].into_iter().enumerate() {
            let thinking = json!({"type": "enabled", "budget_tokens": budget});
            let turns = json!([{"role": "user", "content": "Hello"}]);
            let asked = json!({"model": "claude", "max_tokens": limit, "thinking": thinking, "messages": turns});
            assert_eq!(post(&app, "/v1/messages", &asked).await.status, 200);
            let sent = bedrock.fake.request(number).await.json();
            assert_eq!(sent["additionalModelRequestFields"]["thinking"], thinking, "{sent}");
        }
        // Without an effort, it is Claude's own default.
        let turns = json!([{"role": "user", "content": "Hello"}]);
        let asked = json!({"model": "claude", "max_tokens": 20_000, "thinking": {"type": "adaptive"}, "messages": turns});
        assert_eq!(post(&app, "/v1/messages", &asked).await.status, 200);
        let sent = bedrock.fake.request(2).await.json();
        assert_eq!(sent["additionalModelRequestFields"]["thinking"]["budget_tokens"], 16_000, "{sent}");
    }

    async fn claude_gets_a_temperature_or_a_nucleus_and_not_both(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        for (number, (model, expected, changes)) in [
            ("claude", json!({"maxTokens": 64, "temperature": 0.5}), vec!["dropped:top_p"]),
            ("nova", json!({"maxTokens": 64, "temperature": 0.5, "topP": 0.9}), vec![]),
        ].into_iter().enumerate() {
            let [_, (path, body), _] = asked(model, &json!({"temperature": 0.5, "top_p": 0.9}));
            let answer = post(&app, path, &body).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let sent = bedrock.fake.requests().pop().expect("a call").json();
            assert_eq!(sent["inferenceConfig"], expected, "{model}");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(adapted(&row), changes, "{model}: {row}");
        }
    }

    async fn callers_of_messages_get_the_stop_sequence_of_claude(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let content = json!([{"text": "Hi"}]);
        let answer = json!({
            "output": {"message": {"role": "assistant", "content": content}}, "stopReason": "stop_sequence",
            "additionalModelResponseFields": {"stop_sequence": "END"},
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        });
        bedrock.fake.always(Script::json(200, &answer));
        for (number, (model, paths)) in [("claude", json!(["/stop_sequence"])), ("nova", json!(null))].into_iter().enumerate() {
            let turns = json!([{"role": "user", "content": "Hello"}]);
            let asked = json!({"model": model, "max_tokens": 64, "stop_sequences": ["END"], "messages": turns});
            let answer = post(&app, "/v1/messages", &asked).await.json();
            assert_eq!((&answer["stop_reason"], &answer["stop_sequence"]), (&json!("stop_sequence"), &json!("END")), "{answer}");
            let sent = bedrock.fake.request(number).await.json();
            assert_eq!(sent["additionalModelResponseFieldPaths"], paths, "{sent}");
        }
    }

    async fn a_refused_signature_is_followed_by_a_call_without_reasoning(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let refusal = "messages.1.content.0: Invalid `signature` in `thinking` block";
        bedrock.fake.next(Script::exception(400, "ValidationException", refusal));
        bedrock.fake.next(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        let answer = post(&app, "/v1/messages", &with_reasoning("claude")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = bedrock.fake.request(1).await;
        assert_signed(&sent);
        assert_eq!(sent.json()["messages"][1]["content"], json!([{"text": "Hi"}]));
    }

    async fn what_converse_has_no_place_for_goes_to_the_next_model(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let image = json!({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}});
        let turns = json!([{"role": "user", "content": [image]}]);
        let answer = app.chat(&json!({"models": ["nova", "other"], "messages": turns})).await;
        assert_eq!((answer.status, bedrock.served()), (200, (0, 1)), "{}", answer.text());
        let answer = app.chat(&json!({"model": "nova", "messages": turns})).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }

    async fn an_api_key_is_sent_as_it_is(app: App) {
        let bedrock = Bedrock::arrange_with(&app, "ABSKQmVkcm9ja0FQSUtleS1hYmNk").await;
        bedrock.fake.always(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        assert_eq!(app.chat(&json!({"model": "nova"})).await.status, 200);
        let sent = bedrock.fake.request(0).await;
        assert_eq!(sent.header("authorization"), Some("Bearer ABSKQmVkcm9ja0FQSUtleS1hYmNk"));
        assert_eq!((sent.header("x-amz-date"), sent.header("x-amz-security-token")), (None, None));
    }

    async fn a_test_of_the_connection_is_signed(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let test = format!("{PROVIDERS}/{}/test", bedrock.id);
        for (script, class, remedy) in [
            (Script::exception(400, "ValidationException", "messages is required"), Value::Null, ""),
            (Script::exception(403, "InvalidSignatureException", "Signature expired"), json!("authentication"), "clock"),
            (Script::exception(403, "UnrecognizedClientException", "The security token is invalid."), json!("authentication"), "credential"),
        ] {
            bedrock.fake.next(script);
            let report = app.post(&test, &Value::Null).await.json();
            assert_eq!((&report["ok"], &report["error_class"]), (&json!(class.is_null()), &class), "{report}");
            assert!(report["remedy"].as_str().unwrap_or_default().contains(remedy), "{report}");
            let sent = bedrock.fake.requests().pop().expect("a call");
            assert_eq!(sent.path, path("amazon.nova-micro-v1:0", "converse"));
            assert_signed(&sent);
        }
    }
}
