//! What only a provider of the dialect could serve: refused before any call.

use serde_json::{Value, json};

use super::{adapted, catalog, respond};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn state_and_tools_of_other_servers_are_refused(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (more, code, param) in [
            (json!({"previous_response_id": "resp_1"}), "previous_response_not_found", "previous_response_id"),
            (json!({"conversation": "conv_1"}), "unsupported_feature", "model"),
            (json!({"prompt": {"id": "pmpt_1"}}), "unsupported_feature", "model"),
            (json!({"background": true}), "unsupported_feature", "background"),
            (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "unsupported_feature", "model"),
            (json!({"tools": [{"type": "web_search"}]}), "unsupported_feature", "tools"),
            (json!({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}), "unsupported_feature", "tools"),
            (json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}), "unsupported_feature", "model"),
            (json!({"top_logprobs": 3}), "unsupported_feature", "model"),
            (json!({"input": 7}), "invalid_value", "model"),
        ] {
            for stream in [false, true] {
                let mut asked = json!({"model": "gpt", "models": ["claude"], "stream": stream});
                asked.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
                let answer = respond(&app, &asked).await;
                assert_eq!(answer.status, 400, "{more}: {}", answer.text());
                let error = &answer.json()["error"];
                assert_eq!((&error["code"], &error["param"]), (&json!(code), &json!(param)), "{more}: {error}");
            }
        }
        assert_eq!(fake.served(), 0);
    }

    async fn a_refusal_says_what_is_missing_and_what_helps(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (more, lacks, helps) in [
            (
                json!({"background": true}),
                "answers are given at once, because there is no endpoint that a later one could be read from ('background')",
                "Send it without 'background'; as a stream, a long answer arrives while it is made.",
            ),
            (
                json!({"tools": [{"type": "web_search"}]}),
                "its provider has no web search of its own",
                "Leave the tool out, offer a function of yours in its place, or add a model of a provider that speaks OpenAI's Responses to the fallbacks.",
            ),
            (
                json!({"tools": [{"type": "image_generation"}]}),
                "its provider has no image generation of its own",
                "a provider that speaks OpenAI's Responses",
            ),
            (json!({"tools": [{"type": "of_next_year"}]}), "its provider has no tool of this type", "Leave the tool out"),
        ] {
            let mut asked = json!({"model": "gpt", "models": ["claude"]});
            asked.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let answer = respond(&app, &asked).await;
            let message = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
            assert!(message.contains(lacks) && message.contains(helps), "{more}: {message}");
            assert!(!message.contains("of_next_year"), "{message}");
        }
        // A model that is passed over says the same of itself.
        let native = app.organization.provider_at("native-responses", "openai", Some(&fake.base_url())).await;
        app.organization.model("codex", native).await;
        fake.always_for("codex-upstream", Script::json(200, &json!({
            "id": "resp_1", "object": "response", "status": "completed", "model": "codex-upstream", "error": null,
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        })));
        let answer = respond(&app, &json!({"model": "gpt", "models": ["codex"], "tools": [{"type": "web_search"}]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "codex"), "{}", answer.text());
        let event = app.events().await.pop().expect("an event");
        let message = event["error_message"].as_str().expect("a message");
        assert!(message.contains("The model 'gpt' was not called: ") && message.contains("no web search"), "{message}");
    }

    async fn a_document_is_for_the_models_that_take_it(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next_for("claude-upstream", Script::message("Hi"));
        let file = json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="});
        let asked = json!({"model": "claude", "input": [{"role": "user", "content": [file]}]});
        let answer = respond(&app, &asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{}", answer.text());
        let source = json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="});
        assert_eq!(fake.request(0).await.json()["messages"][0]["content"], json!([{"type": "document", "source": source, "title": "a.pdf"}]));
    }

    async fn the_reasoning_of_others_is_left_out_by_name(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("gpt-upstream", Script::answer("Hi"));
        fake.always_for("claude-upstream", Script::message("Hi"));
        for (number, model) in ["gpt", "claude"].into_iter().enumerate() {
            let answer = respond(&app, &json!({"model": model, "input": [
                {"role": "user", "content": "Hi"},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"},
                {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "Yes?", "annotations": []}]},
                {"role": "user", "content": "Go on"}
            ]})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = fake.request(number).await.json();
            assert!(!sent.to_string().contains("secret"), "{sent}");
            assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
            assert!(adapted(&app, number + 1).await.contains(&"stripped:thinking".to_owned()));
        }
    }

    async fn a_session_of_codex_is_in_the_log(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        let body: Value = json!({"model": "gpt", "input": "Hi"});
        let request = crate::support::app::with_json(app.request(reqwest::Method::POST, "/v1/responses"), &body);
        let answer = app.call(request.header("thread-id", "thread-of-codex"), &app.organization.key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(app.requests(1).await.pop().expect("a row")["session_ref"], "thread-of-codex");
    }
}
