//! A key file is checked when it is saved, and its faults are named without its content.

use failsoft::domain::permission::Role;
use serde_json::{Value, json};

use super::{KEY, KEY_ID, PROVIDERS, key_file, token};
use crate::support::browser::Browser;
use crate::support::on_both_databases;

const GOOGLES: &str = "https://oauth2.googleapis.com/token";
const BASE: &str = "https://us-east5-aiplatform.googleapis.com/v1/projects/p-1/locations/us-east5";

fn provider(name: &str, credential: &str) -> Value {
    json!({"name": name, "preset": "vertex-messages", "base_url": BASE, "credential": credential})
}

/// The file with another value of a field; null removes it.
fn with(field: &str, value: Value) -> String {
    let mut file = key_file(GOOGLES);
    let fields = file.as_object_mut().expect("an object");
    if value.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value);
    }
    file.to_string()
}

/// Files that cannot be used, with a part of the reason.
fn unusable() -> Vec<(String, &'static str)> {
    let file = key_file(GOOGLES).to_string();
    let broken = KEY.replacen("MII", "MIJ", 1);
    vec![
        (file.replace("\"type\"", "type"), "not valid JSON"),
        (file.chars().take(900).collect(), "not valid JSON"),
        (with("type", json!("authorized_user")), "'service_account'"),
        (with("type", Value::Null), "'service_account'"),
        (with("client_email", Value::Null), "'client_email'"),
        (with("private_key", Value::Null), "'private_key'"),
        (
            with("private_key", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
            "'private_key'",
        ),
        (with("private_key", json!(broken)), "'private_key'"),
        (with("token_uri", json!("https://oauth2.example.com/token")), GOOGLES),
        (with("token_uri", json!("https://oauth2.googleapis.com/token/../other")), "more than one way"),
        (with("token_uri", json!("http://169.254.169.254/token")), "private or reserved"),
        ("ya29.a token".to_owned(), "no HTTP header can carry"),
    ]
}

/// A piece of the key that no message may contain.
fn piece() -> &'static str {
    KEY.lines().nth(5).expect("a line")
}

on_both_databases! {
    async fn an_unusable_file_is_refused_with_the_reason(app: App) {
        for (credential, reason) in unusable() {
            let answer = app.post(PROVIDERS, &provider("v", &credential)).await;
            let text = answer.text();
            assert_eq!(answer.status, 422, "{reason}: {text}");
            assert!(text.contains("'credential' cannot be used") && text.contains(reason), "{reason}: {text}");
            assert!(!text.contains(piece()), "{text}");
        }
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        for (credential, reason) in unusable() {
            let fields = [("name", "v"), ("preset", "vertex-messages"), ("base_url", BASE), ("credential", credential.as_str())];
            let page = browser.submit("/providers/new", "/providers/new", &fields).await.expect(422);
            let shown = page.html.replace("&#39;", "'");
            assert!(shown.contains(reason), "{reason}: {shown}");
            assert!(!shown.contains(piece()), "{shown}");
        }
        assert_eq!(app.get(PROVIDERS).await.json()["items"], json!([]));
    }

    async fn a_usable_one_is_kept_and_recognized_by_the_id_of_its_key(app: App) {
        let file = key_file(GOOGLES);
        let pretty = serde_json::to_string_pretty(&file).expect("JSON");
        // A browser's field leaves line breaks out.
        for (number, credential) in [file.to_string(), pretty.clone(), pretty.replace('\n', ""), with("token_uri", Value::Null)].iter().enumerate() {
            let answer = app.post(PROVIDERS, &provider(&format!("v{number}"), credential)).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            let hint: String = KEY_ID.chars().skip(KEY_ID.len() - 4).collect();
            assert_eq!(answer.json()["credential_hint"], json!(hint));
            assert!(!answer.text().contains(piece()), "{}", answer.text());
        }
        assert_eq!(app.post(PROVIDERS, &provider("token", &token(1))).await.status, 201);
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        let fields = [("name", "form"), ("preset", "vertex-messages"), ("base_url", BASE), ("credential", pretty.as_str())];
        let added = browser.submit("/providers/new", "/providers/new", &fields).await;
        assert_eq!(added.status, 303, "{}", added.html);
        let page = browser.get(&added.location).await.expect(200);
        assert!(!page.html.contains(piece()), "{}", page.html);
    }

    async fn the_base_url_names_the_project_and_the_location(app: App) {
        for base in [None, Some("https://us-east5-aiplatform.googleapis.com"), Some("https://us-east5-aiplatform.googleapis.com/v1/projects/p")] {
            let mut body = provider("v", &token(1));
            body["base_url"] = json!(base);
            let answer = app.post(PROVIDERS, &body).await;
            assert_eq!(answer.status, 422, "{}", answer.text());
            assert!(answer.text().contains("https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT"), "{}", answer.text());
        }
        let foundry = json!({"name": "f", "preset": "foundry", "credential": "sk-x"});
        let answer = app.post(PROVIDERS, &foundry).await;
        assert!(answer.text().contains("https://RESOURCE.services.ai.azure.com/anthropic"), "{}", answer.text());
    }
}
