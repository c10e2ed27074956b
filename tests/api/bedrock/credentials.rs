//! An access key is checked when it is saved, recognized by its id, and shown nowhere.

use failsoft::domain::permission::Role;
use serde_json::{Value, json};

use super::{Bedrock, ID, PROVIDERS, REGION, SECRET, SESSION, access_key, assert_hides_the_key};
use crate::support::browser::Browser;
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

const BASE: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";

fn provider(name: &str, base_url: &str, credential: &str) -> Value {
    json!({"name": name, "preset": "bedrock", "base_url": base_url, "credential": credential})
}

/// The key with another value of a member; null removes it.
fn with(name: &str, value: Value) -> String {
    let mut key = access_key();
    let members = key.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    key.to_string()
}

on_both_databases! {
    async fn an_unusable_key_is_refused_with_the_reason(app: App) {
        for (base_url, credential, reason) in [
            (BASE, access_key().to_string().replace("\"access_key_id\"", "access_key_id"), "not valid JSON"),
            (BASE, format!("{ID}:{SECRET}"), "not valid JSON"),
            (BASE, format!("AWS_ACCESS_KEY_ID={ID},{SECRET}"), "not valid JSON"),
            (BASE, with("access_key_id", Value::Null), "'access_key_id'"),
            (BASE, with("secret_access_key", json!("")), "'secret_access_key'"),
            (BASE, with("secret_access_key", json!(format!("{SECRET} x"))), "no HTTP header can carry"),
            (BASE, with("region", json!("EU Central")), "the region is not known"),
            ("https://bedrock.example.com", with("region", Value::Null), "the region is not known"),
        ] {
            let answer = app.post(PROVIDERS, &provider("aws", base_url, &credential)).await;
            let text = answer.text();
            assert_eq!(answer.status, 422, "{reason}: {text}");
            assert!(text.contains("'credential' cannot be used") && text.contains(reason), "{reason}: {text}");
            assert_hides_the_key(&text);
        }
        let none = json!({"name": "aws", "preset": "bedrock", "credential": "ABSKkey"});
        let answer = app.post(PROVIDERS, &none).await;
        assert!(answer.text().contains("https://bedrock-runtime.REGION.amazonaws.com"), "{}", answer.text());
    }

    async fn a_usable_key_is_recognized_by_its_id(app: App) {
        let printed = json!({"Version": 1, "AccessKeyId": ID, "SecretAccessKey": SECRET, "SessionToken": SESSION});
        for (number, (base_url, credential)) in [
            (BASE, with("region", Value::Null)),
            (BASE, with("session_token", Value::Null)),
            (BASE, printed.to_string()),
            (BASE, json!({"Credentials": printed, "AssumedRoleUser": {}}).to_string()),
            ("https://bedrock.example.com", json!({"Credentials": printed, "region": REGION}).to_string()),
            ("https://bedrock.example.com", access_key().to_string()),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = app.post(PROVIDERS, &provider(&format!("aws{number}"), base_url, &credential)).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert_eq!(answer.json()["credential_hint"], json!(&ID[ID.len() - 4..]));
            assert_hides_the_key(&answer.text());
        }
    }

    async fn a_repeated_key_is_neither_shown_nor_stored(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.fake.next(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
        assert_eq!(app.chat(&json!({"model": "nova"})).await.status, 200);
        let call = bedrock.fake.request(0).await;
        let authorization = call.header("authorization").expect("a signature").to_owned();
        let signature = authorization.rsplit('=').next().expect("a signature").to_owned();
        for echo in [ID, SECRET, SESSION, authorization.as_str(), &access_key().to_string()] {
            let message = format!("The request signature we calculated does not match: {echo}");
            for status in [400, 403, 503] {
                bedrock.fake.next(Script::exception(status, "InvalidSignatureException", &message));
                let answer = app.chat(&json!({"model": "nova"})).await;
                assert_ne!(answer.status, 200);
                assert_hides_the_key(&answer.text());
                assert!(!answer.text().contains(&signature), "{}", answer.text());
            }
            let begun = Script::converse_stream().converse_text("Hel");
            bedrock.fake.next(begun.converse_exception("internalServerException", &message));
            let answer = app.chat(&json!({"model": "nova", "stream": true})).await;
            assert_hides_the_key(&answer.text());
            bedrock.fake.next(Script::exception(403, "InvalidSignatureException", &message));
            let report = app.post(&format!("{PROVIDERS}/{}/test", bedrock.id), &Value::Null).await;
            assert_hides_the_key(&report.text());
        }
        for list in ["providers", "requests", "fallback-events"] {
            let listed = app.get(&format!("/v1/model-router/{list}")).await.text();
            assert_hides_the_key(&listed);
            assert!(!listed.contains(&signature), "{listed}");
        }
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        for page in ["/providers", &format!("/providers/{}", bedrock.id), "/requests", "/events", "/audit"] {
            assert_hides_the_key(&browser.get(page).await.expect(200).html);
        }
    }
}
