//! Neither the private key of an account nor its tokens are shown or stored, however a provider repeats them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use failsoft::domain::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Google, KEY, PROVIDERS, granted, key_file, message, token};
use crate::support::app::{App, eventually};
use crate::support::browser::Browser;
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

/// The shortest part of a secret that counts, in letters and digits.
const PART: usize = 12;

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The letters and digits of the key without its labels.
fn key() -> String {
    plain(&KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>())
}

/// A part of the key or of a token that a text contains.
fn shown(text: &str) -> Option<String> {
    // In JSON within JSON a line break is `\n`.
    let texts = [plain(text), plain(&text.replace("\\n", ""))];
    let secrets = [key(), plain(&token(1)), plain(&token(2))];
    secrets.iter().find_map(|secret| {
        let parts = secret.as_bytes().windows(PART).map(|part| std::str::from_utf8(part).expect("ASCII"));
        let mut parts = parts.filter(|part| texts.iter().any(|text| text.contains(part)));
        parts.next().map(str::to_owned)
    })
}

/// What a provider might repeat.
fn echoes(file: &Value) -> Vec<String> {
    let one_line = KEY.replace('\n', "");
    vec![
        token(1),
        token(1).to_uppercase(),
        token(1).replace('-', "-\u{200b}"),
        format!("Bearer {}", token(1)),
        STANDARD_NO_PAD.encode(token(1)),
        KEY.to_owned(),
        one_line,
        KEY.lines().nth(7).expect("a line").to_owned(),
        file.to_string(),
        json!({"credentials": file.to_string()}).to_string(),
    ]
}

/// Checks a resource in all of its forms.
async fn assert_hidden(app: &App, path: &str) {
    for form in ["application/json", "text/csv", "application/x-ndjson"] {
        let request = app.request(Method::GET, path).header("accept", form);
        let answer = app.call(request, &app.organization.key).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(shown(&answer.text()), None, "{path} as {form}: {}", answer.text());
    }
}

on_both_databases! {
    async fn a_repeated_key_or_token_is_neither_shown_nor_stored(app: App) {
        let google = Google::arrange(&app).await;
        let file = key_file(&format!("http://{}/token", google.tokens.address()));
        google.tokens.next(granted(1));
        google.vertex.next(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        for echo in echoes(&file) {
            for status in [400, 403, 503] {
                let error = json!({"error": {"message": format!("bad: {echo} here"), "code": echo, "status": echo}});
                google.vertex.next(Script::json(status, &error));
                let answer = message(&app, &json!({"stream": status == 403})).await;
                assert_ne!(answer.status, 200);
                assert_eq!(shown(&answer.text()), None, "{status} {echo}: {}", answer.text());
                google.vertex.next(Script::json(status, &error));
                let report = app.post(&format!("{PROVIDERS}/{}/test", google.id), &Value::Null).await;
                assert_eq!(shown(&report.text()), None, "{status} {echo}: {}", report.text());
            }
            // In a stream after its beginning.
            let begun = Script::message_start().text_start().text_delta("Hel");
            google.vertex.next(begun.named("error", json!({"error": {"type": "api_error", "message": format!("broke: {echo}")}})).end());
            let broken = message(&app, &json!({"stream": true})).await;
            assert_eq!(shown(&broken.text()), None, "{echo}: {}", broken.text());
        }
        // A refusal changes the provider's health, which has the message.
        let refused = |echo: &str| Script::json(401, &json!({"error": {"message": format!("no: {echo}"), "code": 401, "status": "UNAUTHENTICATED"}}));
        google.vertex.next(refused(&token(1)));
        google.tokens.next(granted(2));
        google.vertex.next(refused(&format!("{} {} {KEY}", token(1), token(2))));
        let answer = message(&app, &json!({})).await;
        assert_eq!(shown(&answer.text()), None, "{}", answer.text());
        let provider = format!("{PROVIDERS}/{}", google.id);
        eventually(async || (app.get(&provider).await.json()["health"] == "failing").then_some(())).await;
        for path in ["providers", &format!("providers/{}", google.id), "models", "requests", "fallback-events"] {
            assert_hidden(&app, &format!("/v1/model-router/{path}")).await;
        }
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        for page in ["/providers", &format!("/providers/{}", google.id), "/events", "/requests", "/audit", "/models"] {
            let page = browser.get(page).await.expect(200);
            assert_eq!(shown(&page.html), None, "{}", page.html);
        }
    }

    async fn a_token_service_may_repeat_them_as_well(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.next(granted(1));
        google.vertex.always(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        let signed = || google.tokens.requests().into_iter().map(|asked| String::from_utf8_lossy(&asked.body).into_owned());
        google.tokens.judge(|asked| {
            let form = String::from_utf8_lossy(&asked.body);
            let signed = form.rsplit('=').next().unwrap_or_default().to_owned();
            // Without the beginning by which such texts are known.
            let part = signed.chars().skip(40).collect::<String>().replace('.', " ");
            let said = format!("{KEY} {} {signed} {part}", token(1));
            Some(Script::json(400, &json!({"error": "invalid_grant", "error_description": said})))
        });
        app.clock.advance(std::time::Duration::from_secs(3_600));
        let answer = message(&app, &json!({})).await;
        assert_eq!((answer.status, shown(&answer.text())), (502, None), "{}", answer.text());
        let events = json!(app.events().await).to_string();
        assert!(events.contains("no access token") && shown(&events).is_none(), "{events}");
        let signed = plain(signed().next_back().expect("a request").rsplit('=').next().expect("a request"));
        for part in signed.as_bytes().windows(24).step_by(24) {
            let part = std::str::from_utf8(part).expect("ASCII");
            assert!(!plain(&answer.text()).contains(part) && !plain(&events).contains(part), "{part}: {events}");
        }
    }
}
