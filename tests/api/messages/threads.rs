//! Threads: conversations that a provider holds, of which a request has only what is new. Anthropic's SDKs use them to call tools, and
//! send the whole conversation if they hear that a thread is not found.

use serde_json::{Value, json};

use super::message;
use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// What the SDK sends after a call, to a model with these fallbacks.
fn continued(model: &str, fallbacks: &[&str]) -> Value {
    let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "R"});
    let mut body = json!({
        "model": model, "num_retries": 0, "messages": [{"role": "user", "content": [result]}],
        "thread": {"type": "continue", "previous_message_id": "msg_1"}
    });
    if !fallbacks.is_empty() {
        body["models"] = json!(fallbacks);
    }
    body
}

/// The answer of Anthropic for a thread that it does not know.
fn unknown() -> Script {
    let error = json!({"type": "not_found_error", "message": "Not here", "details": {"error_code": "thread_not_found"}});
    Script::json(404, &json!({"type": "error", "error": error, "request_id": "req_fake"}))
}

/// Models `a` and `b` of Anthropic, and `gpt` of chat completions, which answers.
async fn chain(app: &App, fake: &FakeProvider) {
    let anthropic = app.organization.provider_at("claude", "anthropic", Some(&fake.base_url())).await;
    for name in ["a", "b"] {
        app.organization.model(name, anthropic).await;
    }
    let compatible = app.organization.provider_at("compatible", "custom", Some(&fake.base_url())).await;
    app.organization.model("gpt", compatible).await;
    fake.always_for("gpt-upstream", Script::answer("Hi"));
}

fn assert_lost(answer: &Answer) {
    let (status, body) = (answer.status, answer.json());
    assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")), "{body}");
    assert_eq!(body["error"]["details"], json!({"error_code": "thread_not_found"}), "{body}");
    assert_eq!(
        (&body["failsoft"]["code"], &body["failsoft"]["param"]),
        (&json!("thread_not_found"), &json!("thread"))
    );
}

on_both_databases! {
    async fn a_thread_passes_to_a_provider_that_may_hold_it(app: App) {
        let fake = FakeProvider::start().await;
        chain(&app, &fake).await;
        fake.always_for("a-upstream", Script::message("Hi"));
        for thread in [json!({"type": "create"}), json!({"type": "continue", "previous_message_id": "msg_1"})] {
            let answer = message(&app, &json!({"model": "a", "models": ["gpt"], "thread": thread})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{}", answer.text());
            assert_eq!(fake.requests().pop().expect("a request").json()["thread"], thread);
        }
    }

    async fn what_begins_a_thread_is_answered_without_it(app: App) {
        let fake = FakeProvider::start().await;
        chain(&app, &fake).await;
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        let asked = json!({"model": "a", "models": ["gpt"], "num_retries": 0, "thread": {"type": "create"}});
        let answer = message(&app, &asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
        let row = app.requests(1).await.pop().expect("a row");
        assert!(row["attempts"][1]["adapted"].to_string().contains("\"dropped:thread\""), "{row}");
    }

    async fn no_model_answers_a_part_of_a_conversation(app: App) {
        let fake = FakeProvider::start().await;
        chain(&app, &fake).await;
        // Before any call.
        assert_lost(&message(&app, &continued("gpt", &[])).await);
        assert_eq!(fake.served(), 0);
        // After the failure of the provider that may hold it, and in a stream.
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        for stream in [false, true] {
            let mut asked = continued("a", &["gpt"]);
            asked["stream"] = json!(stream);
            assert_lost(&message(&app, &asked).await);
        }
        // The provider knows it no longer, which is not the model's fault.
        fake.always_for("a-upstream", unknown());
        fake.always_for("b-upstream", unknown());
        for fallback in ["gpt", "b"] {
            assert_lost(&message(&app, &continued("a", &[fallback])).await);
        }
        assert!(fake.requests().iter().all(|request| request.model.as_deref() != Some("gpt-upstream")));
        let row = app.requests(4).await.pop().expect("a row");
        let attempt = &row["attempts"][0];
        assert_eq!((&attempt["error_class"], &attempt["matched_rule"]), (&json!("invalid_request"), &json!("inner_code:thread_not_found")), "{row}");
        // Without a model of another dialect, a failure that may pass is what it is.
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        let alone = message(&app, &continued("a", &[])).await;
        assert_eq!((alone.status, &alone.json()["error"]["details"]), (529, &Value::Null), "{}", alone.text());
    }

    async fn a_server_that_may_ignore_threads_answers_no_part_of_one(app: App) {
        let fake = FakeProvider::start().await;
        chain(&app, &fake).await;
        let compatible = app.organization.provider_at("other", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model("other", compatible).await;
        fake.always_for("other-upstream", Script::message("Hi"));
        fake.always_for("a-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        assert_lost(&message(&app, &continued("a", &["other"])).await);
        assert_eq!(fake.served(), 1);
        assert_lost(&message(&app, &continued("other", &[])).await);
        assert_eq!(fake.served(), 1);
        let begun = json!({"model": "other", "thread": {"type": "create"}});
        assert_eq!(message(&app, &begun).await.status, 200);
    }

    async fn a_client_that_sends_all_of_it_then_is_answered(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        chain(&app, &fake).await;
        fake.always_for("a-upstream", unknown());
        for _ in 0..6 {
            assert_lost(&message(&app, &continued("a", &["gpt"])).await);
        }
        // The model is not blamed for it.
        fake.always_for("a-upstream", Script::message("Hi"));
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
        let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "R"});
        let whole = json!({"model": "a", "models": ["gpt"], "thread": {"type": "create"}, "messages": [
            {"role": "user", "content": "Go"}, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}
        ]});
        let answer = message(&app, &whole).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "a"), "{}", answer.text());
    }
}
