//! Failover among providers of Messages, before the first real frame.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::providers::ParameterRules;
use serde_json::json;

use super::{catalog, message, names};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A whole message with this block.
fn calling(block: &serde_json::Value, reason: &str) -> Script {
    Script::json(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": [block],
            "stop_reason": reason, "usage": {"input_tokens": 3, "output_tokens": 2}
        }),
    )
}

on_both_databases! {
    async fn the_next_model_answers_and_the_failover_is_on_record(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        for (stream, kind) in [(false, "message"), (true, "message_stream")] {
            let script = if stream { Script::message_stream("Hi") } else { Script::message("Hi") };
            fake.always_for("b-upstream", script);
            let answer = message(&app, &json!({"model": "a", "stream": stream})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains(r#""model":"b""#), "{}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=overloaded; hops=1");
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["failed_model"], &event["next_model"]), (&json!("a"), &json!("b")));
            assert_eq!((&event["error_class"], &event["invocation_type"]), (&json!("overloaded"), &json!(kind)));
        }
    }

    async fn until_the_first_content_another_model_takes_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::message_stream("Hi"));
        let overloaded = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
        let nameless = |reason: &str| {
            Script::message_start()
                .named("content_block_start", json!({"index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "", "input": {}}}))
                .block_delta(&json!({"type": "input_json_delta", "partial_json": "{}"}))
                .message_delta(reason)
                .message_stop()
        };
        for (begun, class) in [
            (Script::stream().named("error", overloaded.clone()).end(), "overloaded"),
            (Script::message_start().named("error", overloaded.clone()).end(), "overloaded"),
            (Script::message_start().text_start().named("ping", json!({})).named("error", overloaded).end(), "overloaded"),
            (Script::message_start().text_start().end(), "invalid_response"),
            (Script::message_start().text_start().text_delta("").message_stop(), "invalid_response"),
            (Script::message_start().message_delta("refusal").message_stop(), "content_policy"),
            (Script::message_start().message_delta("model_context_window_exceeded").message_stop(), "context_window_exceeded"),
            (Script::message_start().message_delta("tool_use").message_stop(), "invalid_response"),
            (Script::message_start().message_delta("error").message_stop(), "invalid_response"),
            (Script::stream().text_start().text_delta("Hi").message_delta("end_turn").message_stop(), "invalid_response"),
            (Script::stream().message_delta("end_turn").message_stop(), "invalid_response"),
            (Script::message_start().text_delta("Hi").message_delta("end_turn").message_stop(), "invalid_response"),
            (nameless("end_turn"), "invalid_response"),
            (
                Script::message_start().named("content_block_start", json!({"index": 0, "content_block": {"text": "Hi"}})).text_delta("Hi").end(),
                "invalid_response",
            ),
            (nameless("tool_use"), "invalid_response"),
            (Script::json(200, &json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})), "overloaded"),
            (Script::respond(200, &[("content-type", "text/html")], "<html>"), "invalid_response"),
        ] {
            fake.next_for("a-upstream", begun);
            let answer = message(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert_eq!(names(&answer).last().map(String::as_str), Some("message_stop"), "{class}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
            assert_eq!(names(&answer).iter().filter(|name| *name == "message_start").count(), 1);
        }
    }

    async fn what_a_caller_can_use_is_an_answer(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        let begun = Script::message_start;
        let block = |block: serde_json::Value| begun().named("content_block_start", json!({"index": 0, "content_block": block}));
        for script in [
            begun().text_start().text_delta("Hi").message_delta("end_turn").message_stop(),
            block(json!({"type": "thinking", "thinking": ""}))
                .block_delta(&json!({"type": "thinking_delta", "thinking": "T"}))
                .message_delta("max_tokens")
                .message_stop(),
            block(json!({"type": "tool_use", "id": "t", "name": "n", "input": {}})).message_delta("tool_use").message_stop(),
            block(json!({"type": "of_next_year"})).message_delta("pause_turn").message_stop(),
            // Nothing was left to say.
            begun().message_delta("end_turn").message_stop(),
            begun().message_delta("max_tokens").message_stop(),
        ] {
            fake.next_for("a-upstream", script);
            let answer = message(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a", "{}", answer.text());
            assert_eq!(names(&answer).last().map(String::as_str), Some("message_stop"), "{}", answer.text());
        }
    }

    async fn a_whole_message_is_judged_like_a_stream(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::message("Hi"));
        for (script, class) in [
            (Script::empty_message("refusal"), "content_policy"),
            (Script::empty_message("model_context_window_exceeded"), "context_window_exceeded"),
            (Script::empty_message("tool_use"), "invalid_response"),
            (Script::anthropic_error(200, "overloaded_error", "Overloaded"), "overloaded"),
            (Script::respond(200, &[], ""), "invalid_response"),
            (Script::respond(200, &[], "{\"id\":"), "invalid_response"),
            (Script::answer("a chat completion"), "invalid_response"),
            (calling(&json!({"type": "tool_use", "id": "t", "input": {}}), "tool_use"), "invalid_response"),
            (calling(&json!({"type": "tool_use", "id": "", "name": "n", "input": {}}), "end_turn"), "invalid_response"),
            (calling(&json!({"type": "text", "text": "Hel"}), "error"), "invalid_response"),
            (calling(&json!({"type": "tool_use", "id": "t", "name": 5, "input": {}}), "tool_use"), "invalid_response"),
            (calling(&json!({"text": "Hi"}), "end_turn"), "invalid_response"),
            (calling(&json!(null), "end_turn"), "invalid_response"),
            (Script::json(200, &json!({"type": "message", "content": "Hi", "stop_reason": "end_turn"})), "invalid_response"),
            (Script::json(200, &json!({"type": "message", "content": {}, "stop_reason": "end_turn"})), "invalid_response"),
        ] {
            fake.next_for("a-upstream", script);
            let answer = message(&app, &json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(answer.status, 200, "{class}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
        }
        for reason in ["end_turn", "max_tokens", "stop_sequence", "pause_turn"] {
            fake.next_for("a-upstream", Script::empty_message(reason));
            let answer = message(&app, &json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a", "{reason}");
        }
        // Without another model, the refusal passes as it came.
        fake.next_for("a-upstream", Script::empty_message("refusal"));
        let refused = message(&app, &json!({"model": "a"})).await;
        assert_eq!((refused.status, &refused.json()["stop_reason"]), (200, &json!("refusal")));
    }

    async fn a_budget_for_reasoning_stays_below_a_lowered_limit(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model("a", provider).await;
        for (name, most) in [("small", 8_192), ("tiny", 1_024)] {
            let clamped = |model: &mut failsoft::store::ModelFields| {
                model.settings.max_output_tokens = Some(most);
                model.settings.parameter_rules = Some(ParameterRules { clamp_output: true, ..ParameterRules::NONE });
            };
            app.organization.model_like(name, provider, clamped).await;
        }
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        fake.always(Script::message("Hi"));
        for (fallback, budget, sent, changes) in [
            ("small", 32_000, json!({"type": "enabled", "budget_tokens": 4_096}), json!(["clamped:max_tokens", "clamped:thinking"])),
            ("small", 2_000, json!({"type": "enabled", "budget_tokens": 2_000}), json!(["clamped:max_tokens"])),
            ("tiny", 2_000, json!(null), json!(["clamped:max_tokens", "disabled:thinking"])),
        ] {
            let thinking = json!({"type": "enabled", "budget_tokens": budget});
            let body = json!({"model": "a", "models": [fallback], "max_tokens": 64_000, "thinking": thinking});
            assert_eq!(message(&app, &body).await.status, 200);
            let received = fake.requests().pop().expect("a request").json();
            assert_eq!(received["thinking"], sent, "{received}");
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["attempts"][1]["adapted"], changes, "{row}");
        }
    }

    async fn a_provider_that_does_not_stream_is_made_to(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        fake.always(Script::message("Hi there"));
        let answer = message(&app, &json!({"model": "a", "stream": true})).await;
        let expected = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"];
        assert_eq!(names(&answer), expected, "{}", answer.text());
        assert!(answer.text().contains(r#""model":"a""#) && answer.text().contains("Hi there"));
        assert_eq!(app.requests(1).await[0]["output_tokens"], 2);
    }
}
