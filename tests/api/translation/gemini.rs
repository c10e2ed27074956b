//! Requests to models of Gemini, from callers of each dialect: what the provider gets, and the whole answer or the stream.

use reqwest::Method;
use serde_json::{Value, json};

use super::{adapted, message};
use crate::support::app::{Answer, App, Organization, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The model at the provider, of a generation that requires signatures.
pub(super) const UPSTREAM: &str = "gemini-3-flash-preview";

/// A model `gemini` of Google's AI Studio.
pub(super) async fn catalog(organization: &Organization, fake: &FakeProvider) {
    let google = organization.provider_at("google", "gemini-native", Some(&fake.base_url())).await;
    organization.model_like("gemini", google, |model| UPSTREAM.clone_into(&mut model.upstream_model)).await;
}

/// An answer, or a piece of one, with these parts.
pub(super) fn piece(parts: &Value, finish_reason: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = reason.into();
    }
    json!({
        "candidates": [candidate], "modelVersion": UPSTREAM, "responseId": "r-1",
        "usageMetadata": {
            "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 9, "thoughtsTokenCount": 40,
            "totalTokenCount": 149
        }
    })
}

/// A whole answer, written over several lines as Google does.
pub(super) fn generated(parts: &Value, finish_reason: &str) -> Script {
    let body = serde_json::to_string_pretty(&piece(parts, Some(finish_reason))).expect("JSON");
    Script::respond(200, &[("content-type", "application/json; charset=UTF-8")], body)
}

/// A stream of pieces, each with a list of parts. The last one ends it.
pub(super) fn streamed(pieces: &[Value], finish_reason: &str) -> Script {
    let last = pieces.len() - 1;
    let pieces = pieces.iter().enumerate();
    let stream = pieces.fold(Script::stream(), |stream, (index, parts)| {
        stream.event(&piece(parts, (index == last).then_some(finish_reason)))
    });
    stream.end()
}

/// Sends a request of Responses.
pub(super) async fn respond(app: &App, more: &Value) -> Answer {
    let mut body = json!({"input": "Hello"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    app.call(with_json(app.request(Method::POST, "/v1/responses"), &body), &app.organization.key).await
}

/// The data of the events of a stream, without the mark of the end.
fn events(answer: &Answer) -> Vec<Value> {
    let data = answer.events().into_iter().filter(|data| data != "[DONE]");
    data.map(|data| serde_json::from_str(&data).expect("JSON")).collect()
}

fn said() -> Value {
    json!([{"text": "T", "thought": true}, {"text": "Hi"}])
}

on_both_databases! {
    async fn the_provider_gets_contents_at_the_address_of_its_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(generated(&json!([{"text": "Hi"}]), "STOP"));
        let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        let answer = app.chat(&json!({
            "model": "gemini", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
            "tools": [tool], "tool_choice": "auto", "temperature": 0.5, "max_tokens": 64, "reasoning_effort": "low"
        })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await;
        assert_eq!(sent.path, format!("/v1/models/{UPSTREAM}:generateContent"));
        assert_eq!((sent.header("x-goog-api-key"), sent.header("authorization")), (Some("sk-upstream-secret-0001"), None));
        assert_eq!(sent.json(), json!({
            "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
            "generationConfig": {
                "maxOutputTokens": 64, "temperature": 0.5, "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "LOW"}
            }
        }), "{}", sent.json());
        assert_eq!(adapted(&app, 1).await, ["mapped:reasoning_effort"]);
    }

    async fn a_budget_of_the_second_generation_is_the_callers_and_leaves_room(app: App) {
        let fake = FakeProvider::start().await;
        let google = app.organization.provider_at("google", "gemini-native", Some(&fake.base_url())).await;
        app.organization.model_like("flash", google, |model| "gemini-2.5-flash".clone_into(&mut model.upstream_model)).await;
        fake.always(generated(&json!([{"text": "Hi"}]), "STOP"));
        let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
        for (number, (limit, thinking, tokens, change)) in [
            (20_000, budget(10_000), json!(10_000), "mapped:reasoning"),
            (5_000, budget(2_000), json!(2_000), "mapped:reasoning"),
            (5_000, budget(9_000), json!(4_999), "clamped:reasoning"),
            (5_000, json!({"type": "adaptive"}), json!(null), "dropped:thinking"),
        ].into_iter().enumerate() {
            let asked = json!({"model": "flash", "max_tokens": limit, "thinking": thinking});
            assert_eq!(message(&app, &asked).await.status, 200);
            let config = fake.request(number).await.json()["generationConfig"].clone();
            assert_eq!((&config["thinkingConfig"]["thinkingBudget"], &config["maxOutputTokens"]), (&tokens, &json!(limit)), "{asked}");
            let changes = adapted(&app, number + 1).await;
            assert!(changes.iter().any(|noted| noted == change), "{asked}: {changes:?}");
        }
        let asked = json!({"model": "flash", "max_tokens": 300, "reasoning_effort": "high"});
        assert_eq!(app.chat(&asked).await.status, 200);
        let sent = fake.request(4).await.json();
        assert_eq!(sent["generationConfig"]["thinkingConfig"], json!({"includeThoughts": true, "thinkingBudget": 240}), "{sent}");
    }

    async fn each_caller_gets_a_whole_answer_in_its_dialect(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(generated(&said(), "STOP"));
        let chat = app.chat(&json!({"model": "gemini"})).await;
        assert_eq!(chat.status, 200, "{}", chat.text());
        let chat = chat.json();
        assert_eq!(chat["choices"][0]["message"]["content"], "Hi", "{chat}");
        assert_eq!(chat["choices"][0]["message"]["reasoning_content"], "T", "{chat}");
        assert_eq!((&chat["choices"][0]["finish_reason"], &chat["model"]), (&json!("stop"), &json!("gemini")), "{chat}");
        assert_eq!(chat["usage"], json!({
            "prompt_tokens": 100, "completion_tokens": 49, "total_tokens": 149,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 40}
        }), "{chat}");
        let sent = message(&app, &json!({"model": "gemini"})).await.json();
        assert_eq!((&sent["content"][0]["thinking"], &sent["content"][1]["text"]), (&json!("T"), &json!("Hi")), "{sent}");
        assert_eq!((&sent["stop_reason"], &sent["usage"]["input_tokens"]), (&json!("end_turn"), &json!(40)), "{sent}");
        let response = respond(&app, &json!({"model": "gemini"})).await.json();
        assert_eq!((&response["status"], &response["output"][1]["content"][0]["text"]), (&json!("completed"), &json!("Hi")), "{response}");
        assert_eq!(response["usage"]["output_tokens"], 49, "{response}");
        for row in app.requests(3).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(100), &json!(49)), "{row}");
            assert_eq!(row["attempts"][0]["translated_to"], "gemini", "{row}");
        }
    }

    async fn each_caller_gets_a_stream_in_its_dialect(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let pieces = [json!([{"text": "T", "thought": true}]), json!([{"text": "H"}]), json!([{"text": "i"}]), json!([{"text": ""}])];
        fake.always(streamed(&pieces, "STOP"));
        let answer = app.chat(&json!({"model": "gemini", "stream": true, "stream_options": {"include_usage": true}})).await;
        let chunks = events(&answer);
        let text = |name: &str| chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][name].as_str()).collect::<String>();
        assert_eq!((text("content"), text("reasoning_content")), ("Hi".to_owned(), "T".to_owned()), "{}", answer.text());
        let ends: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]).filter(|end| end.is_string()).collect();
        assert_eq!(ends, ["stop"], "{}", answer.text());
        assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
        assert_eq!(chunks.last().expect("a chunk")["usage"]["completion_tokens"], 49, "{}", answer.text());
        let sent = fake.request(0).await;
        assert_eq!(sent.path, format!("/v1/models/{UPSTREAM}:streamGenerateContent?alt=sse"));
        assert_eq!(sent.json().get("stream"), None);

        let answer = message(&app, &json!({"model": "gemini", "stream": true})).await;
        let sent = events(&answer);
        let text: String = sent.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
        assert_eq!((text.as_str(), &sent.last().expect("an event")["type"]), ("Hi", &json!("message_stop")), "{}", answer.text());

        let answer = respond(&app, &json!({"model": "gemini", "stream": true})).await;
        let last = events(&answer).pop().expect("an event");
        assert_eq!((&last["type"], &last["response"]["usage"]["output_tokens"]), (&json!("response.completed"), &json!(49)), "{last}");
        for row in app.requests(3).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(100), &json!(49)), "{row}");
        }
    }

    async fn an_end_in_every_piece_and_a_usage_after_it_are_read_as_one_end(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let without = |parts: &Value| {
            let mut piece = piece(parts, Some("STOP"));
            piece.as_object_mut().expect("an object").remove("usageMetadata");
            piece
        };
        let mut usage = piece(&json!([]), None);
        usage.as_object_mut().expect("an object").remove("candidates");
        let call = json!([{"functionCall": {"name": "f", "args": {}}}]);
        let script = || Script::stream().event(&without(&json!([{"text": "Hi"}]))).event(&without(&call)).event(&usage).end();
        for script in [script(), script().trickled()] {
            fake.next(script);
            let answer = app.chat(&json!({"model": "gemini", "stream": true, "stream_options": {"include_usage": true}})).await;
            let chunks = events(&answer);
            let [.., end, counted] = chunks.as_slice() else { panic!("{}", answer.text()) };
            assert_eq!((&end["choices"][0]["finish_reason"], &end["choices"][0]["delta"]), (&json!("tool_calls"), &json!({})), "{}", answer.text());
            assert_eq!((&counted["usage"]["prompt_tokens"], &counted["usage"]["completion_tokens"]), (&json!(100), &json!(49)), "{}", answer.text());
            let ends = chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"].is_string()).count();
            assert_eq!(ends, 1, "{}", answer.text());
            assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
        }
    }

    async fn a_usage_that_every_piece_repeats_is_the_count(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let words = json!([{"text": "two words and some more of them to make it a longer text than its count of tokens"}]);
        let mut pieces = vec![words; 8];
        pieces.push(json!([{"text": "the end"}]));
        fake.next(streamed(&pieces, "STOP"));
        let answer = app.chat(&json!({"model": "gemini", "stream": true, "stream_options": {"include_usage": true}})).await;
        assert_eq!(events(&answer).last().expect("a chunk")["usage"]["completion_tokens"], 49, "{}", answer.text());
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["output_tokens"], &row["estimated"], &row["usage_flag"]), (&json!(49), &json!(false), &json!(null)), "{row}");
    }

    async fn the_segments_of_a_stream_make_no_difference(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let pieces = [json!([{"text": "H\u{e4}"}]), json!([{"functionCall": {"name": "f", "args": {"a": 1}}}])];
        let mut answers = Vec::new();
        for script in [streamed(&pieces, "STOP"), streamed(&pieces, "STOP").trickled()] {
            fake.next(script);
            let answer = app.chat(&json!({"model": "gemini", "stream": true})).await;
            let deltas = events(&answer).into_iter().map(|mut chunk| {
                // The ids of calls are random.
                if let Some(id) = chunk.pointer_mut("/choices/0/delta/tool_calls/0/id") {
                    *id = Value::Null;
                }
                chunk["choices"][0].clone()
            });
            answers.push(deltas.collect::<Vec<_>>());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].last().expect("a chunk")["finish_reason"], "tool_calls", "{answers:?}");
    }
}
