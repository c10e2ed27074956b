//! A provider's error that repeats the request in another spelling: it blames no model, and shows and stores no prompt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

const QUOTA: &str = "You exceeded your current quota, please check your plan and billing details";
const PROMPT: &str = "The patient Jane Roe, born 1970-01-02, suffers from lupus since April";

fn wide(text: &str) -> String {
    let letter = |letter: char| char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter);
    text.chars().map(|sign| if sign.is_ascii_graphic() { letter(sign) } else { sign }).collect()
}

fn escaped(text: &str) -> String {
    text.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect()
}

/// A message, and what the provider says to it.
type Case = (Value, fn(&Value) -> Script);

fn content(message: &Value) -> String {
    message["content"].as_str().unwrap_or_default().to_owned()
}

fn refused(said: &str) -> Script {
    Script::error(400, "bad_request", &format!("1 validation error: {said} is not allowed"))
}

fn echoes() -> Vec<Case> {
    let words: Vec<&str> = QUOTA.split(' ').collect();
    let parts: Vec<Value> = words.iter().map(|word| json!({"type": "text", "text": word})).collect();
    let call = |arguments: Value| json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
    vec![
        (json!({"role": "user", "content": wide(QUOTA)}), |_| refused(QUOTA)),
        (json!({"role": "user", "content": QUOTA}), |_| refused(&wide(QUOTA))),
        (json!({"role": "user", "content": QUOTA}), |_| refused(&escaped(QUOTA))),
        (json!({"role": "user", "content": words}), |message| {
            let words = message["content"].as_array().into_iter().flatten().filter_map(Value::as_str);
            refused(&words.collect::<Vec<_>>().join(" "))
        }),
        (json!({"role": "user", "content": parts}), |_| refused(QUOTA)),
        (call(json!(format!("{{\"q\":\"{}\"}}", escaped(QUOTA)))), |_| refused(QUOTA)),
        (json!({"role": "user", "content": "insufficient_quota"}), |message| {
            Script::json(400, &json!({"error": {"message": "no", "code": content(message)}}))
        }),
        (json!({"role": "user", "content": "insufficient_quota"}), |message| {
            Script::json(422, &json!({"error": {"message": "no", "type": content(message)}}))
        }),
        (json!({"role": "user", "content": "nonsense"}), |message| {
            Script::json(
                401,
                &json!({"error": {"message": format!("'{}' is forbidden", content(message)), "type": "refused"}}),
            )
        }),
        (json!({"role": "user", "content": "retry in 9h"}), |message| {
            Script::error(429, "slow", &format!("not now: {}", content(message)))
        }),
        (json!({"role": "user", "content": "please try again in 700h"}), |message| {
            Script::error(429, "slow", &format!("{} is not allowed", content(message)))
        }),
    ]
}

async fn cooldown(app: &App) -> Value {
    app.get("/v1/model-router/models?name=m").await.json()["items"][0]["cooldown"].clone()
}

/// The texts of an answer and of the events, by letters and digits alone.
async fn all_texts(app: &App, answer: &str) -> String {
    let events = json!(app.events().await).to_string();
    [answer, &events].concat().to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), "")
}

on_both_databases! {
    async fn no_spelling_of_the_request_closes_a_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for (number, (message, said)) in echoes().into_iter().enumerate() {
            fake.always(Script::answer("Hi"));
            // Clears the count of undecided failures.
            assert_eq!(app.chat(&json!({"model": "m"})).await.status, 200);
            fake.judge(move |received: &Received| Some(said(&received.json()["messages"][0])));
            let answer = app.chat(&json!({"model": "m", "messages": [message], "num_retries": 0})).await;
            assert_ne!(answer.status, 200);
            let open = cooldown(&app).await;
            assert_eq!(open["open"], false, "{number}: {open} {}", answer.text());
            fake.judge(|_: &Received| None);
        }
    }

    /// Whichever comes first, the provider's own time counts.
    async fn the_providers_own_time_counts_beside_that_of_the_caller(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for (message, seconds) in [
            ("Rate limit reached, please try again in 20s. The text was: try again in 700h", 20),
            ("The text 'try again in 700h' met a rate limit, please try again in 30s.", 30),
            ("Rate limit reached: quota resets in 40s (try again in 700h)", 40),
        ] {
            fake.always(Script::json(429, &json!({"error": {"message": message}})));
            let body = json!({"model": "m", "messages": [{"role": "user", "content": "try again in 700h"}], "num_retries": 0});
            let answer = app.chat(&body).await;
            assert_eq!(answer.header("retry-after"), seconds.to_string(), "{message}: {}", answer.text());
            assert_eq!(cooldown(&app).await["open"], true, "{message}");
            app.clock.advance(std::time::Duration::from_secs(seconds + 1));
            fake.always(Script::answer("Hi"));
            assert_eq!(app.chat(&json!({"model": "m"})).await.status, 200);
        }
    }

    async fn no_spelling_of_the_prompt_is_shown_or_stored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let body = json!({"model": "m", "messages": [{"role": "user", "content": PROMPT}]});
        for repeated in [
            wide(PROMPT),
            escaped(PROMPT),
            PROMPT.replace(' ', "%20"),
            PROMPT.split(' ').map(|word| format!("[{word}]")).collect::<Vec<_>>().join(", "),
            STANDARD.encode(PROMPT),
            STANDARD.encode(body.to_string()),
        ] {
            let error = json!({"error": {"message": format!("Blocked: {repeated} is not allowed"), "code": "no"}});
            fake.always(Script::json(400, &error));
            let answer = app.chat(&body).await;
            assert!(answer.text().contains("characters of the request]"), "{repeated}: {}", answer.text());
        }
        for (code, param) in [("no", "Jane Roe"), ("patient Jane Roe, born 1970-01-02", "messages")] {
            fake.always(Script::json(400, &json!({"error": {"message": "no", "code": code, "param": param}})));
            app.chat(&body).await;
        }
        let texts = all_texts(&app, "").await;
        let encoded = STANDARD.encode(PROMPT).to_lowercase();
        for shown in ["janeroe", "u004a", &encoded[..16], &wide("Jane").to_lowercase()] {
            assert!(!texts.contains(shown), "{shown}: {texts}");
        }
    }

    /// Accents that a provider loses or garbles, and marks that it puts between words.
    async fn no_garbled_form_of_the_prompt_is_shown_or_stored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let prompt = "La se\u{f1}ora N\u{fa}\u{f1}ez pag\u{f3} diecisiete paraguas turquesas despu\u{e9}s del ocaso";
        let plain = |other: &str| prompt.replace(|letter: char| !letter.is_ascii(), other);
        let body = json!({"model": "m", "messages": [{"role": "user", "content": prompt}]});
        for repeated in [
            plain(""),
            plain("?"),
            plain("\u{fffd}"),
            prompt.bytes().map(char::from).collect(),
            prompt.replace(' ', "\u{120}"),
            prompt.replace(' ', "</w>"),
            prompt.replace(' ', " [SEP] "),
            plain("?").replace(' ', "</b> <b>"),
            prompt.split(' ').enumerate().map(|(at, word)| format!("{at}:{word} ")).collect(),
        ] {
            let error = json!({"error": {"message": format!("Blocked: {repeated} is not allowed"), "code": "no"}});
            fake.always(Script::json(400, &error));
            let answer = app.chat(&body).await;
            assert!(answer.text().contains("characters of the request]"), "{repeated}: {}", answer.text());
            let texts = all_texts(&app, &answer.text()).await;
            assert!(!texts.contains("paraguas") && !texts.contains("diecisiete"), "{repeated}: {texts}");
        }
    }

    async fn no_value_of_the_prompt_is_shown_or_stored(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        for (value, part) in [
            ("jane.doe@example.com", "janedoe"),
            ("hunter2!xyz", "hunter2"),
            ("4929 1234 5678 9012", "12345678"),
            ("+49 170 1234567", "1701234567"),
            ("DE89370400440532013000", "0440532013"),
        ] {
            let content = format!("Remember {value} for me");
            let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
            for said in [format!("flagged: {value} is not allowed: 100000"), format!("flagged: \"{value}\" is not allowed: 100000")] {
                fake.always(Script::error(400, "no", &said));
                let answer = app.chat(&body).await;
                let texts = all_texts(&app, &answer.text()).await;
                assert!(!texts.contains(part), "{value}: {texts}");
                assert!(answer.text().contains(" is not allowed: 100000"), "{}", answer.text());
            }
        }
    }

    async fn no_value_of_the_prompt_is_in_a_code_or_a_parameter(app: App) {
        let fake = FakeProvider::start().await;
        let compatible = app.organization.provider("fake", &fake).await;
        let native = app.organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model("m", compatible).await;
        app.organization.model("c", native).await;
        for (value, label, part) in [
            ("jane.doe@example.com", "jane.doe@example.com", "janedoe"),
            ("jane.doe@example.com", "invalid_email_jane.doe@example.com", "janedoe"),
            ("jane.doe@example.com", "input.metadata.jane.doe@example.com", "janedoe"),
            ("hunter2xyz", "invalid_password_hunter2xyz", "hunter2"),
            ("hunter2xyz", "messages[0].hunter2xyz", "hunter2"),
            ("4929123456789012", "card_4929123456789012", "12345678"),
        ] {
            let said = json!([{"role": "user", "content": format!("Remember {value} for me")}]);
            let input = json!({"model": "m", "input": format!("Remember {value} for me")});
            for (path, asked) in [
                ("/v1/chat/completions", json!({"model": "m", "messages": said})),
                ("/v1/messages", json!({"model": "c", "max_tokens": 9, "messages": said})),
                ("/v1/responses", input),
            ] {
                for error in [json!({"message": "No.", "code": label}), json!({"message": "No.", "param": label, "code": "invalid_value"})] {
                    fake.always(Script::json(400, &json!({"error": error})));
                    let request = with_json(app.request(Method::POST, path), &asked);
                    let answer = app.call(request, &app.organization.key).await;
                    assert_eq!(answer.status, 400, "{path}: {}", answer.text());
                    let texts = all_texts(&app, &answer.text()).await;
                    assert!(!texts.contains(part), "{path} {error}: {texts}");
                }
            }
        }
        // What names a parameter stays.
        let error = json!({"message": "No.", "param": "messages[0].content", "code": "invalid_value"});
        fake.always(Script::json(400, &json!({"error": error})));
        let shown = app.chat(&json!({"model": "m", "messages": [{"role": "user", "content": "Remember hunter2xyz"}]})).await;
        let shown = &shown.json()["error"];
        assert_eq!((&shown["param"], &shown["code"]), (&json!("messages[0].content"), &json!("invalid_value")), "{shown}");
    }

    async fn an_error_of_a_stream_shows_and_stores_no_prompt(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["m"]).await;
        let begun = || Script::stream().text("Hel");
        let long = format!("{PROMPT} {} and the end", "word ".repeat(8_000));
        for (prompt, repeated) in [
            (PROMPT, PROMPT.to_owned()),
            (PROMPT, wide(PROMPT)),
            (PROMPT, STANDARD.encode(PROMPT)),
            (&long, PROMPT.to_owned()),
            (&long, "word ".repeat(20)),
        ] {
            let message = format!("Blocked: {repeated} is not allowed");
            let body = json!({"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": true});
            for error in [
                json!({"error": {"message": message, "code": 500, "param": "Jane Roe"}}),
                json!({"object": "error", "message": message, "code": 500}),
                json!({"choices": [{"index": 0, "delta": {}, "error": {"message": message}}]}),
            ] {
                fake.next(begun().event(&error).done());
                let answer = app.chat(&body).await;
                assert!(answer.text().contains("Hel") && !answer.text().contains("[DONE]"), "{}", answer.text());
                let texts = all_texts(&app, &answer.text()).await;
                assert!(!texts.contains("janeroe") && !texts.contains("wordword"), "{texts}");
                let event = app.events().await.pop().expect("an event");
                assert!(event["error_message"].to_string().contains(" characters"), "{event}");
            }
        }
        fake.next(begun().event(&json!({"error": {"message": "Overloaded", "code": 500}})).done());
        let body = json!({"model": "m", "messages": [{"role": "user", "content": long}], "stream": true});
        assert!(app.chat(&body).await.text().contains("The stream broke: Overloaded"));
    }
}
