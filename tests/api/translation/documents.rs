//! Documents from one dialect to the other, and models that take none.

use serde_json::{Value, json};

use super::{adapted, catalog, message};
use crate::support::app::Organization;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const DATA: &str = "data:application/pdf;base64,aGk=";

/// A model `o` of OpenAI and one of OpenRouter, `r`.
async fn with_documents(organization: &Organization, fake: &FakeProvider) {
    for (model, preset) in [("o", "openai"), ("r", "openrouter")] {
        let provider = organization.provider_at(preset, preset, Some(&fake.base_url())).await;
        organization.model(model, provider).await;
    }
}

fn pdf(more: &Value) -> Value {
    let mut block = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}});
    for (name, value) in more.as_object().expect("an object") {
        block[name] = value.clone();
    }
    block
}

on_both_databases! {
    async fn a_document_becomes_a_file(app: App) {
        let fake = FakeProvider::start().await;
        with_documents(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        let titled = pdf(&json!({"title": "Report", "context": "Of May", "citations": {"enabled": true}}));
        let plain = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Plain"}, "title": "Notes"});
        let result = json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "Here"}, pdf(&json!({}))]});
        let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
        let asked = json!({"model": "o", "messages": [
            {"role": "user", "content": [titled, plain]}, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}
        ]});
        let answer = message(&app, &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await.json();
        let file = |name: &str| json!({"type": "file", "file": {"filename": name, "file_data": DATA}});
        let text = |text: &str| json!({"type": "text", "text": text});
        assert_eq!(sent["messages"][0]["content"], json!([text("Of May"), file("Report.pdf"), text("Notes"), text("Plain")]), "{sent}");
        assert_eq!(sent["messages"][2]["content"], "Here\n[document follows]", "{sent}");
        assert_eq!(sent["messages"][3]["content"], json!([file("document.pdf")]), "{sent}");
        assert_eq!(adapted(&app, 1).await, ["flattened:content", "mapped:document", "moved:document", "renamed:max_tokens", "stripped:citations"]);
    }

    async fn models_without_documents_are_passed_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        with_documents(&app.organization, &fake).await;
        let blind = app.organization.provider_at("blind", "openai", Some(&fake.base_url())).await;
        app.organization.model_like("b", blind, |model| model.settings.capabilities.vision = Some(false)).await;
        fake.always(Script::answer("Hi"));
        let turns = |block: Value| json!([{"role": "user", "content": [block]}]);
        let inline = turns(pdf(&json!({})));
        let addressed = turns(json!({"type": "document", "source": {"type": "url", "url": "https://files.example.com/a.pdf"}}));
        for (models, messages, served) in [
            (["gpt", "b", "o"], &inline, "o"), (["o", "r", "gpt"], &inline, "o"), (["gpt", "o", "r"], &addressed, "r"),
        ] {
            let asked = json!({"model": models[0], "models": models[1..], "messages": messages});
            let answer = message(&app, &asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, served), "{}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            for attempt in row["attempts"].as_array().expect("a list").iter().filter(|attempt| attempt["passed_over"] == true) {
                assert_eq!(attempt["matched_rule"], "lacks_capability:document", "{row}");
            }
        }
        let sent = fake.requests().pop().expect("a request").json();
        let file = json!({"filename": "a.pdf", "file_data": "https://files.example.com/a.pdf"});
        assert_eq!(sent["messages"][0]["content"], json!([{"type": "file", "file": file}]), "{sent}");
        let refused = message(&app, &json!({"model": "o", "messages": addressed})).await;
        assert_eq!((refused.status, &refused.json()["failsoft"]["code"]), (400, &json!("unsupported_feature")), "{}", refused.text());
    }

    async fn mistral_takes_documents_in_parts_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        let mistral = app.organization.provider_at("mistral", "mistral", Some(&fake.base_url())).await;
        app.organization.model("m", mistral).await;
        fake.always(Script::answer("Hi"));
        for (source, address) in [
            (json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="}), DATA),
            (json!({"type": "url", "url": "https://files.example.com/a.pdf"}), "https://files.example.com/a.pdf"),
        ] {
            let block = json!({"type": "document", "source": source});
            let answer = message(&app, &json!({"model": "m", "messages": [{"role": "user", "content": [block]}]})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = fake.requests().pop().expect("a request").json();
            assert_eq!(sent["messages"][0]["content"], json!([{"type": "document_url", "document_url": address}]), "{sent}");
        }
        assert!(adapted(&app, 1).await.contains(&"mapped:document".to_owned()));
    }

    async fn a_file_becomes_a_document(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::message("Hi"));
        let file = |file: Value| json!({"type": "file", "file": file});
        let asked = json!({"model": "claude", "messages": [{"role": "user", "content": [
            file(json!({"filename": "a.pdf", "file_data": DATA})), file(json!({"file_data": "https://files.example.com/b.pdf"})),
            file(json!({"filename": "c.txt", "file_data": "data:text/plain;base64,aGk="}))
        ]}]});
        let answer = app.chat(&asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await.json();
        assert_eq!(sent["messages"][0]["content"], json!([
            {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
            {"type": "document", "source": {"type": "url", "url": "https://files.example.com/b.pdf"}},
            {"type": "text", "text": "c.txt\nhi"}
        ]), "{sent}");
        for (unknown, need) in [(json!({"file_id": "f"}), "file"), (json!({"filename": "a.doc", "file_data": "data:application/msword;base64,aGk="}), "document")] {
            let asked = json!({"model": "claude", "models": ["gpt"], "messages": [{"role": "user", "content": [file(unknown)]}]});
            fake.next_for("gpt-upstream", Script::answer("Hi"));
            let answer = app.chat(&asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
            let row = app.requests(2).await.pop().expect("a row");
            assert_eq!(row["attempts"][0]["matched_rule"], format!("lacks_capability:{need}"), "{row}");
        }
    }
}
