//! Errors in streams: whatever their form and their endpoint, another model takes over before content, and after it the stream
//! ends as broken. What a provider writes into them does not reach callers.

use failsoft::domain::operation::ModelKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::forms::with_form;
use crate::support::on_both_databases;

/// The credential of every provider, and what a prompt holds.
const SECRETS: [&str; 3] = [
    "sk-upstream-secret-0001",
    "meet me under the old bridge at midnight and bring the other key",
    "jane.doe@corp.example",
];
const DONE: &str = "data: [DONE]\n\n";

/// An endpoint with streams that are read in a way of their own.
struct Endpoint {
    kind: ModelKind,
    preset: &'static str,
    path: &'static str,
    body: Value,
    /// The events up to the first content.
    head: String,
    /// The events after it.
    tail: String,
}

fn prompt() -> String {
    format!("My address is {}: {}", SECRETS[2], SECRETS[1])
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event with a name, which is its type.
fn typed(kind: &str, mut data: Value) -> String {
    data["type"] = kind.into();
    format!("event: {kind}\ndata: {data}\n\n")
}

fn endpoints() -> [Endpoint; 7] {
    let said = json!([{"role": "user", "content": prompt()}]);
    let piece = |text: &str, reason: Value| json!({"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": reason}]});
    let chunk = |delta: Value, reason: Value| json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "u", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}});
    let response = |status: &str, output: Value| json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "u", "output": output, "usage": null});
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]});
    [
        Endpoint {
            kind: ModelKind::Chat,
            preset: "custom",
            path: "/v1/chat/completions",
            body: json!({"messages": said}),
            head: event(&chunk(json!({"content": "Hi"}), Value::Null)),
            tail: event(&chunk(json!({}), json!("stop"))) + DONE,
        },
        Endpoint {
            kind: ModelKind::Chat,
            preset: "custom-messages",
            path: "/v1/messages",
            body: json!({"max_tokens": 9, "messages": said}),
            head: typed("message_start", json!({"message": message}))
                + &typed(
                    "content_block_start",
                    json!({"index": 0, "content_block": {"type": "text", "text": ""}}),
                )
                + &typed(
                    "content_block_delta",
                    json!({"index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
                ),
            tail: typed("content_block_stop", json!({"index": 0}))
                + &typed(
                    "message_delta",
                    json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
                )
                + &typed("message_stop", json!({})),
        },
        Endpoint {
            kind: ModelKind::Chat,
            preset: "openai",
            path: "/v1/responses",
            body: json!({"input": prompt()}),
            head: typed("response.created", json!({"response": response("in_progress", json!([]))}))
                + &typed("response.output_text.delta", json!({"item_id": "msg_1", "delta": "Hi"})),
            tail: typed("response.completed", json!({"response": response("completed", json!([item]))})),
        },
        Endpoint {
            kind: ModelKind::Completion,
            preset: "custom",
            path: "/v1/completions",
            body: json!({"prompt": prompt()}),
            head: event(&piece("Hi", Value::Null)),
            tail: event(&piece("", json!("stop"))) + DONE,
        },
        Endpoint {
            kind: ModelKind::Image,
            preset: "custom",
            path: "/v1/images/generations",
            body: json!({"prompt": prompt()}),
            head: typed("image_generation.partial_image", json!({"b64_json": "aGk="})),
            tail: typed("image_generation.completed", json!({"b64_json": "aGk="})),
        },
        Endpoint {
            kind: ModelKind::Speech,
            preset: "custom",
            path: "/v1/audio/speech",
            body: json!({"input": prompt(), "voice": "alloy", "stream_format": "sse"}),
            head: event(&json!({"type": "speech.audio.delta", "audio": "aGk="})),
            tail: event(&json!({"type": "speech.audio.done"})),
        },
        Endpoint {
            kind: ModelKind::Transcription,
            preset: "custom",
            path: "/v1/audio/transcriptions",
            body: json!({"file": "sound", "prompt": prompt()}),
            head: event(&json!({"type": "transcript.text.delta", "delta": "Hi"})),
            tail: event(&json!({"type": "transcript.text.done", "text": "Hi"})),
        },
    ]
}

/// Events that report an error with this text.
fn forms(text: &str) -> Vec<String> {
    let choice = |more: Value| {
        let mut choice = json!({"index": 0, "text": "", "delta": {}});
        for (name, value) in more.as_object().expect("an object") {
            choice[name] = value.clone();
        }
        json!({"id": "c", "object": "text_completion", "choices": [choice]})
    };
    let named = |name: &str| {
        let data = json!({"error": {"message": text}});
        format!("event: {name}\nid: 1\ndata: {data}\n\n")
    };
    let lines = format!("data: {{\"error\":\ndata: {{\"message\":{}}}}}\n\n", json!(text));
    let data = [
        json!({"object": "error", "message": text, "type": "InternalServerError", "param": text, "code": 500}),
        json!({"code": 500, "message": text}),
        json!({"message": text}),
        json!({"detail": text}),
        json!({"detail": [{"msg": text}]}),
        json!({"errors": [{"message": text}]}),
        json!({"error_code": 17, "error_msg": text}),
        json!({"base_resp": {"status_code": 1000, "status_msg": text}}),
        json!({"error": text}),
        json!({"error": {"message": text, "code": 500}}),
        json!({"type": "error", "message": text}),
        json!({"type": "error", "error": {"type": "api_error", "message": text}}),
        json!({"type": "image_generation.failed", "error": {"message": text}}),
        json!({"status": 500, "title": text}),
        json!({"msg": text, "success": false}),
        choice(json!({"error": {"message": text}})),
        choice(json!({"finish_reason": "error"})),
    ];
    // As a line that is no field of an event, alone and beside fields.
    let bare = json!({"error": {"message": text}});
    let pretty = serde_json::to_string_pretty(&json!({"detail": text})).expect("JSON");
    let events = data.iter().map(event);
    events
        .chain([named("error"), named("of_next_year"), lines, format!("event: error\ndata: {text}\n\n")])
        .chain([
            format!("{bare}\n\n"),
            format!("{bare}\ndata: null\n\n"),
            format!("id: 1\ndata: {{}}\n{pretty}\n\n"),
        ])
        .collect()
}

fn secrets() -> String {
    SECRETS.join(" and ")
}

/// Models `one` and `two` of an endpoint's kind.
async fn pair(app: &App, fake: &FakeProvider, endpoint: &Endpoint) -> [String; 2] {
    let name = endpoint.path.trim_start_matches("/v1/").replace('/', "-");
    let provider = app.organization.provider_at(&name, endpoint.preset, Some(&fake.base_url())).await;
    let names = ["one", "two"].map(|number| format!("{name}-{number}"));
    for model in &names {
        app.organization.model_like(model, provider, |model| model.settings.kind = endpoint.kind).await;
    }
    names
}

async fn ask(app: &App, endpoint: &Endpoint, [one, two]: &[String; 2]) -> Answer {
    let mut body = endpoint.body.clone();
    body["model"] = json!(one);
    body["models"] = json!([two]);
    body["stream"] = json!(true);
    let request = app.request(Method::POST, endpoint.path);
    let request = match endpoint.kind {
        ModelKind::Transcription => with_form(request, &body),
        _ => with_json(request, &body),
    };
    app.call(request, &app.organization.key).await
}

fn stream(events: &[&str]) -> Script {
    Script::stream().chunk(events.concat()).end()
}

on_both_databases! {
    async fn before_content_the_next_model_answers(app: App) {
        let fake = FakeProvider::start().await;
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            for form in forms(&secrets()) {
                fake.next(stream(&[&form, DONE]));
                fake.next(stream(&[&endpoint.head, &endpoint.tail]));
                let answer = ask(&app, &endpoint, &names).await;
                let text = answer.text();
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, names[1].as_str()), "{}, {form}: {text}", endpoint.path);
                assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{}, {form}: {text}", endpoint.path);
            }
        }
        let stored = Value::from(app.events().await).to_string();
        assert!(SECRETS.iter().all(|secret| !stored.contains(secret)), "{stored}");
    }

    async fn after_content_the_stream_ends_as_broken(app: App) {
        let fake = FakeProvider::start().await;
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            for form in forms(&secrets()) {
                fake.next(stream(&[&endpoint.head, &form, DONE]));
                let answer = ask(&app, &endpoint, &names).await;
                let text = answer.text();
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, names[0].as_str()), "{}, {form}: {text}", endpoint.path);
                assert!(text.contains("stream_interrupted") && !text.contains("[DONE]"), "{}, {form}: {text}", endpoint.path);
                assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{}, {form}: {text}", endpoint.path);
                let event = app.events().await.pop().expect("an event");
                assert_eq!(event["error_class"], "stream_interrupted", "{}, {form}: {event}", endpoint.path);
            }
        }
    }

    async fn events_that_are_no_content_show_nothing_of_a_provider(app: App) {
        let fake = FakeProvider::start().await;
        let text = secrets();
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            let lines = [format!(": {text}\n\n"), format!("id: {text}\n\n"), format!("event: {text}\n\n"), format!("{text}\n\n")];
            let strays = [format!(": {text}"), json!({"key": text}).to_string(), format!("{{\n \"key\":\n {}}}", json!(text)), format!("key: {text}")];
            let beside: Vec<String> = strays.map(|stray| endpoint.tail.replacen("data: ", &format!("{stray}\ndata: "), 1)).into();
            for (lines, beside) in lines.iter().zip(&beside) {
                fake.next(stream(&[lines, &endpoint.head, lines, beside, lines]));
                let answer = ask(&app, &endpoint, &names).await;
                let heard = answer.text();
                assert_eq!(answer.header("x-failsoft-model"), names[0], "{}, {lines}: {heard}", endpoint.path);
                assert!(SECRETS.iter().all(|secret| !heard.contains(secret)), "{}, {lines}: {heard}", endpoint.path);
                assert!(!heard.contains("stream_interrupted") && heard.len() >= endpoint.head.len(), "{}, {lines}: {heard}", endpoint.path);
            }
        }
    }

    async fn what_is_unknown_passes_only_without_a_secret(app: App) {
        let fake = FakeProvider::start().await;
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            let is_untyped = endpoint.path.ends_with("completions");
            for (text, passes) in [("a word", true), (SECRETS[0], false), ("sk\\u002dupstream\\u002dsecret\\u002d0001", false)] {
                let data = format!("data: {{\"id\":\"c\",\"type\":\"of_next_year\",\"a\":[\"{text}\"]}}\n\n");
                let unknown = if is_untyped { data.replace("\"type\":", "\"kind\":") } else { format!("event: of_next_year\n{data}") };
                let tail = format!("id: {text}\n{}", endpoint.tail);
                fake.next(stream(&[&endpoint.head, &unknown, &tail]));
                let answer = ask(&app, &endpoint, &names).await;
                let heard = answer.text();
                assert_eq!(answer.header("x-failsoft-model"), names[0], "{}, {text}: {heard}", endpoint.path);
                assert!(!heard.contains("stream_interrupted"), "{}, {text}: {heard}", endpoint.path);
                assert_eq!((heard.contains("of_next_year"), heard.contains(text)), (passes, passes), "{}, {text}: {heard}", endpoint.path);
            }
        }
    }

    async fn an_error_after_an_echoed_prompt_shows_nothing_of_it(app: App) {
        let fake = FakeProvider::start().await;
        let mut endpoint = endpoints().into_iter().find(|endpoint| endpoint.path == "/v1/completions").expect("completions");
        endpoint.body["echo"] = json!(true);
        let echo = event(&json!({"id": "c", "choices": [{"index": 0, "text": prompt(), "finish_reason": null}]}));
        let names = pair(&app, &fake, &endpoint).await;
        for form in forms(&secrets()) {
            fake.next(stream(&[&form, DONE]));
            fake.next(stream(&[&echo, &endpoint.tail]));
            let answer = ask(&app, &endpoint, &names).await;
            assert_eq!(answer.header("x-failsoft-model"), names[1], "{form}: {}", answer.text());
            fake.next(stream(&[&echo, &form, DONE]));
            let text = ask(&app, &endpoint, &names).await.text();
            let (echoed, rest) = text.split_once("\n\n").expect("an event");
            assert!(echoed.contains(SECRETS[1]) && rest.contains("stream_interrupted"), "{form}: {text}");
            assert!(SECRETS.iter().all(|secret| !rest.contains(secret)), "{form}: {text}");
        }
    }

    async fn a_stream_is_whole_only_with_the_event_that_ends_it(app: App) {
        let fake = FakeProvider::start().await;
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            let takes_done = matches!(endpoint.kind, ModelKind::Completion) || endpoint.path.ends_with("chat/completions");
            for (events, whole) in [
                ([endpoint.head.as_str(), endpoint.tail.as_str()], true),
                ([endpoint.head.as_str(), DONE], takes_done),
                ([endpoint.head.as_str(), ""], false),
            ] {
                fake.next(stream(&events));
                let answer = ask(&app, &endpoint, &names).await;
                let text = answer.text();
                assert_eq!(!text.contains("stream_interrupted"), whole, "{}, {events:?}: {text}", endpoint.path);
            }
        }
    }

    async fn a_whole_stream_on_a_connection_that_stays_open_is_whole(app: App) {
        let fake = FakeProvider::start().await;
        let mut calls = Vec::new();
        let endpoints = endpoints();
        for endpoint in &endpoints {
            let names = pair(&app, &fake, endpoint).await;
            let script = Script::stream().chunk(endpoint.head.clone() + &endpoint.tail.replace(DONE, "")).hang();
            // The model of a form is not read by the fake provider.
            match endpoint.kind {
                ModelKind::Transcription => fake.next(script),
                _ => fake.next_for(&format!("{}-upstream", names[0]), script),
            }
            calls.push((endpoint, names));
        }
        let answers = calls.iter().map(|(endpoint, names)| ask(&app, endpoint, names));
        for (answer, (endpoint, names)) in futures_util::future::join_all(answers).await.iter().zip(&calls) {
            let text = answer.text();
            assert_eq!(answer.header("x-failsoft-model"), names[0], "{}: {text}", endpoint.path);
            assert!(!text.contains("stream_interrupted"), "{}: {text}", endpoint.path);
            let takes_done = matches!(endpoint.kind, ModelKind::Completion) || endpoint.path.ends_with("chat/completions");
            assert_eq!(text.contains(DONE), takes_done, "{}: {text}", endpoint.path);
        }
        let rows = app.requests(endpoints.len()).await;
        assert!(rows.iter().all(|row| row["outcome"] == "answered"), "{rows:?}");
        fake.all_closed().await;
    }

    async fn an_error_has_the_form_of_the_endpoint(app: App) {
        let fake = FakeProvider::start().await;
        for endpoint in endpoints() {
            let names = pair(&app, &fake, &endpoint).await;
            fake.next(stream(&[&endpoint.head]));
            let answer = ask(&app, &endpoint, &names).await;
            let text = answer.text();
            match endpoint.kind {
                ModelKind::Completion => {
                    let events = answer.events();
                    let chunk: Value = serde_json::from_str(&events[events.len() - 2]).expect("JSON");
                    assert_eq!((&chunk["id"], &chunk["object"]), (&json!("c"), &json!("text_completion")), "{text}");
                    assert_eq!(chunk["choices"], json!([{"index": 0, "text": "", "logprobs": null, "finish_reason": "error"}]), "{text}");
                    assert_eq!(chunk["error"]["type"], "stream_interrupted", "{text}");
                }
                ModelKind::Image | ModelKind::Speech | ModelKind::Transcription => {
                    let last: Value = serde_json::from_str(answer.events().last().expect("an event")).expect("JSON");
                    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("stream_interrupted")), "{text}");
                    assert!(text.contains("\n\nevent: error\ndata: ") && !text.contains("delta\":{}"), "{text}");
                }
                _ => assert!(text.contains("stream_interrupted"), "{text}"),
            }
        }
    }

    async fn a_failed_response_is_billed_by_its_own_usage(app: App) {
        let fake = FakeProvider::start().await;
        let endpoints = endpoints();
        let endpoint = &endpoints[2];
        let names = pair(&app, &fake, endpoint).await;
        let usage = json!({"input_tokens": 70, "output_tokens": 12, "total_tokens": 82});
        let failed = json!({"response": {"id": "resp_1", "status": "failed", "model": "u", "output": [], "error": {"code": "server_error", "message": "Boom"}, "usage": usage}});
        let long = typed("response.output_text.delta", json!({"delta": "word ".repeat(20)}));
        fake.next(stream(&[&endpoint.head, &long, &typed("response.failed", failed)]));
        let answer = ask(&app, endpoint, &names).await;
        assert!(answer.text().contains("stream_interrupted"), "{}", answer.text());
        let row = app.requests(1).await.remove(0);
        let counts = ["outcome", "input_tokens", "estimated"].map(|name| row[name].clone());
        assert_eq!(counts, [json!("interrupted"), json!(70), json!(true)], "{row}");
        assert_eq!(row["output_tokens"], 12, "{row}");
    }
}
