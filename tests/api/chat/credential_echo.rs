//! A provider that echoes our credential in altered forms, or the caller's prompt, wherever its messages are shown or
//! stored.

use serde_json::{Value, json};

use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const SECRET: &str = "Zq7-fLm2_Xw9.Tn4kPd8Rb6";
const PROVIDERS: &str = "/v1/model-router/providers";

/// The credential with each character written this way.
fn written(way: impl Fn(char) -> String) -> String {
    SECRET.chars().map(way).collect()
}

fn forms() -> Vec<String> {
    vec![
        SECRET.to_owned(),
        SECRET.to_uppercase(),
        written(|letter| format!("{letter}\u{200b}")),
        written(|letter| format!("{letter}\u{ad}\u{2060}")),
        written(|letter| format!("%{:02x}", u32::from(letter))),
        written(|letter| format!("\\u{:04x}", u32::from(letter))),
        format!("BEARER\u{a0}{SECRET}"),
    ]
}

/// Whether a text contains the credential, or a form of it that a reader could decode.
fn shows(text: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let text = plain(text);
    forms().iter().any(|form| text.contains(&plain(form).replace("bearer", "")))
}

async fn provider(app: &App, fake: &FakeProvider) -> uuid::Uuid {
    let body = json!({"name": "echo", "preset": "custom", "base_url": fake.base_url(), "credential": SECRET});
    let made = app.post(PROVIDERS, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_str().expect("an id").parse().expect("an id")
}

on_both_databases! {
    async fn an_echoed_prompt_is_neither_shown_nor_stored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let prompt = "The patient Jane Roe, born 1970-01-02,\nsuffers from \"lupus\" since April";
        let body = json!({"model": "a", "messages": [{"role": "user", "content": prompt}]});
        let plain = |text: &str| text.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), "");
        for echo in [prompt.to_owned(), prompt.replace('\n', " "), prompt.to_uppercase(), json!(body).to_string()] {
            for (status, stream) in [(400, false), (500, true)] {
                let error = json!({"error": {"message": format!("Blocked by a rule: {echo} is not allowed"), "code": "no"}});
                fake.next(Script::json(status, &error));
                let mut body = body.clone();
                body["stream"] = json!(stream);
                let answer = app.post("/v1/chat/completions", &body).await;
                assert!(answer.text().contains("Blocked by a rule: "), "{}", answer.text());
                assert!(!plain(&answer.text()).contains("janeroe"), "{}", answer.text());
            }
        }
        let events = app.events().await;
        assert_eq!(events.len(), 8);
        assert!(!plain(&json!(events).to_string()).contains("janeroe"), "{events:?}");
        assert!(events.iter().any(|event| event["error_message"].to_string().contains("characters of the request]")));
    }

    async fn an_echoed_credential_is_neither_shown_nor_stored(app: App) {
        let fake = FakeProvider::start().await;
        let id = provider(&app, &fake).await;
        app.organization.model("a", id).await;
        for form in forms() {
            for status in [400, 401, 503] {
                let error = json!({"error": {"message": format!("bad key {form} here"), "code": form, "param": form, "type": form}});
                fake.always(Script::json(status, &error));
                let answer = app.chat(&json!({"model": "a"})).await;
                assert_ne!(answer.status, 200);
                assert!(!shows(&answer.text()), "{status} {form}: {}", answer.text());
                let report = app.post(&format!("{PROVIDERS}/{id}/test"), &Value::Null).await;
                assert!(!shows(&report.text()), "{status} {form}: {}", report.text());
            }
            fake.always(Script::json(200, &json!({"data": [{"id": form}, {"id": "a-model"}]})));
            let report = app.post(&format!("{PROVIDERS}/{id}/test"), &Value::Null).await;
            assert!(report.text().contains("a-model") && !shows(&report.text()), "{form}: {}", report.text());
        }
        let events = app.events().await;
        assert!(!events.is_empty() && !shows(&json!(events).to_string()), "{events:?}");
        fake.always(Script::json(401, &json!({"error": {"message": format!("bad key {}", forms()[2])}})));
        app.chat(&json!({"model": "a"})).await;
        let failing = eventually(async || {
            let provider = app.get(&format!("{PROVIDERS}/{id}")).await;
            (provider.json()["health"] == "failing").then_some(provider)
        })
        .await;
        assert!(!shows(&failing.text()), "{}", failing.text());
    }
}
