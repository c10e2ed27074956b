//! What a provider stores: requests that refer to it reach that provider and no other.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{adapted, events, respond};
use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Two providers that speak the dialect, each with a model.
struct Two {
    here: FakeProvider,
    there: FakeProvider,
    /// What the ids of the second one end in.
    mark: String,
}

impl Two {
    async fn start(app: &App) -> Self {
        let (here, there) = (FakeProvider::start().await, FakeProvider::start().await);
        let first = app.organization.provider_at("here", "openai", Some(&here.base_url())).await;
        let second = app.organization.provider_at("there", "openai", Some(&there.base_url())).await;
        app.organization.model("first", first).await;
        app.organization.model("second", second).await;
        Self { here, there, mark: mark(second) }
    }

    fn served(&self) -> (usize, usize) {
        (self.here.served(), self.there.served())
    }
}

fn mark(provider: Uuid) -> String {
    format!("_p{}", provider.simple())
}

/// A response with an item, as its provider writes it.
fn response() -> Value {
    let part = json!({"type": "output_text", "text": "Hi", "annotations": []});
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]});
    json!({"id": "resp_1", "object": "response", "created_at": 7, "status": "completed", "model": "theirs", "previous_response_id": null, "output": [item], "usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}})
}

/// A response with reasoning that only its provider can read, and a call.
fn reasoned() -> Value {
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAsealed"});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "completed"});
    let mut reasoned = response();
    reasoned["output"] = json!([reasoning, call]);
    reasoned
}

/// The next turn, after these items of an answer.
fn next_turn(output: &Value) -> Value {
    let mut input = vec![json!({"role": "user", "content": "Hi"})];
    input.extend(output.as_array().expect("items").clone());
    input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "done"}));
    json!(input)
}

/// The types of the items that a provider got.
fn kinds(sent: &Value) -> Vec<&str> {
    let items = sent["input"].as_array().expect("items");
    items.iter().map(|item| item["type"].as_str().unwrap_or("message")).collect()
}

/// The same as a stream.
fn stream() -> Script {
    let mut begun = response();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []});
    let sent = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hi"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": response()["output"][0]}),
        json!({"type": "response.completed", "response": response()}),
    ];
    let write = |(number, mut event): (usize, Value)| {
        event["sequence_number"] = json!(number);
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("a type"))
    };
    Script::stream().chunk(sent.into_iter().enumerate().map(write).collect::<String>()).end()
}

/// A request of both models, the first one first.
fn asked(more: Value) -> Value {
    let mut asked = json!({"models": ["first", "second"]});
    asked.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    asked
}

on_both_databases! {
    async fn a_conversation_goes_on_where_it_began(app: App) {
        let two = Two::start(&app).await;
        two.here.next(Script::error(503, "server_is_overloaded", "Overloaded"));
        two.there.always(Script::json(200, &response()));
        let begun = respond(&app, &asked(json!({}))).await.json();
        let (id, item) = (format!("resp_1{}", two.mark), format!("msg_1{}", two.mark));
        assert_eq!((&begun["id"], &begun["output"][0]["id"]), (&json!(id), &json!(item)), "{begun}");
        assert_eq!(two.served(), (1, 1));

        // Another process serves it as well, and so does one that starts later.
        let other = app.beside(|_| {}).await;
        for (number, app) in [&app, &other].into_iter().enumerate() {
            for more in [
                json!({"previous_response_id": id}),
                json!({"input": [{"type": "item_reference", "id": item}, {"role": "user", "content": "Go on"}]}),
            ] {
                let answer = respond(app, &asked(more.clone())).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "second"), "{more}: {}", answer.text());
                let sent = two.there.request(two.there.served() - 1).await.json();
                assert!(!sent.to_string().contains("_p0"), "{number}: {sent}");
                let is_there = sent["previous_response_id"] == "resp_1" || sent["input"][0]["id"] == "msg_1";
                assert!(is_there, "{sent}");
            }
        }
        assert_eq!(two.served(), (1, 5));
    }

    async fn reasoning_returns_to_the_provider_that_wrote_it_only(app: App) {
        let two = Two::start(&app).await;
        two.there.always(Script::json(200, &reasoned()));
        two.here.always(Script::json(200, &response()));
        let begun = respond(&app, &json!({"model": "second"})).await.json();
        assert_eq!(begun["output"][0]["id"], format!("rs_1{}", two.mark), "{begun}");
        let input = next_turn(&begun["output"]);

        let answer = respond(&app, &asked(json!({"input": input}))).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "first"), "{}", answer.text());
        let sent = two.here.request(0).await.json();
        assert_eq!(kinds(&sent), ["message", "function_call", "function_call_output"], "{sent}");
        assert_eq!(adapted(&app, 2).await, ["stripped:thinking"]);

        // Its writer gets it back, also as a fallback.
        two.here.next(Script::error(503, "server_is_overloaded", "Overloaded"));
        for models in [json!(["first", "second"]), json!(["second"])] {
            let answer = respond(&app, &json!({"models": models, "input": input, "num_retries": 0})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "second"), "{}", answer.text());
            let sent = two.there.request(two.there.served() - 1).await.json();
            assert_eq!((kinds(&sent)[1], &sent["input"][1]["id"]), ("reasoning", &json!("rs_1")), "{sent}");
        }
    }

    async fn reasoning_that_the_provider_refuses_is_left_out_of_one_more_call(app: App) {
        let two = Two::start(&app).await;
        two.here.always(Script::json(200, &response()));
        let input = next_turn(&reasoned()["output"]);
        for (number, (status, message, code)) in [
            (400, "The encrypted content gAAA...aled could not be verified.", json!("invalid_encrypted_content")),
            (400, "The encrypted content gAAA...aled could not be verified. Reason: Encrypted content could not be decrypted or parsed.", Value::Null),
            (404, "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", Value::Null),
        ].into_iter().enumerate() {
            let said = json!({"error": {"message": message, "type": "invalid_request_error", "param": "input", "code": code}});
            two.here.next(Script::json(status, &said));
            let answer = respond(&app, &asked(json!({"input": input, "store": false}))).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "first"), "{message}: {}", answer.text());
            assert_eq!(two.served(), (2 * (number + 1), 0), "{message}");
            let (with, without) = (two.here.request(2 * number).await.json(), two.here.request(2 * number + 1).await.json());
            assert_eq!(kinds(&with), ["message", "reasoning", "function_call", "function_call_output"], "{with}");
            assert_eq!(kinds(&without), ["message", "function_call", "function_call_output"], "{without}");
            assert_eq!((&without["input"][1]["id"], &without["input"][1]["call_id"]), (&Value::Null, &json!("call_1")), "{without}");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["attempts"][1]["adapted"], json!(["stripped:thinking"]), "{row}");
        }
    }

    async fn a_stream_has_the_same_ids_in_every_event(app: App) {
        let two = Two::start(&app).await;
        two.there.next(stream());
        let answer = respond(&app, &json!({"model": "second", "stream": true})).await;
        let found = events(&answer);
        let (id, item) = (json!(format!("resp_1{}", two.mark)), json!(format!("msg_1{}", two.mark)));
        assert_eq!((&found[0]["response"]["id"], &found[0]["response"]["previous_response_id"]), (&id, &Value::Null));
        let items = [&found[1]["item"]["id"], &found[2]["item_id"], &found[3]["item"]["id"], &found[4]["response"]["output"][0]["id"]];
        assert_eq!(items, [&item; 4], "{}", answer.text());
        assert_eq!((&found[2]["delta"], &found[4]["response"]["model"]), (&json!("Hi"), &json!("second")));

        // What is not stored passes as it is.
        two.there.next(stream());
        let answer = respond(&app, &json!({"model": "second", "stream": true, "store": false})).await;
        let found = events(&answer);
        assert_eq!((&found[0]["response"]["id"], &found[2]["item_id"]), (&json!("resp_1"), &json!("msg_1")));
    }

    async fn a_provider_that_cannot_answer_is_not_replaced(app: App) {
        let two = Two::start(&app).await;
        let id = format!("resp_1{}", two.mark);
        let gone = json!({"error": {"message": "Previous response with id 'resp_1' not found.", "type": "invalid_request_error", "param": "previous_response_id", "code": "previous_response_not_found"}});
        for stream in [false, true] {
            for (script, models, status, code) in [
                // The response is still there, so the same request may be answered later.
                (Script::error(503, "server_is_overloaded", "Overloaded"), json!(["first", "second"]), 503, "overloaded"),
                (Script::error(503, "server_is_overloaded", "Overloaded"), json!(["second", "first"]), 503, "overloaded"),
                (Script::error(503, "server_is_overloaded", "Overloaded"), json!(["second"]), 503, "overloaded"),
                (Script::error(429, "rate_limit_exceeded", "Slow down"), json!(["second", "first"]), 429, "rate_limit_exceeded"),
                (Script::error(500, "server_error", "Broken"), json!(["second", "first"]), 502, "unavailable"),
                // Another model would refuse it as well.
                (Script::error(400, "invalid_value", "Unknown effort"), json!(["second", "first"]), 400, "invalid_value"),
                (Script::json(404, &gone), json!(["second", "first"]), 400, "previous_response_not_found"),
                (Script::json(404, &gone), json!(["second"]), 400, "previous_response_not_found"),
            ] {
                two.there.next(script);
                let answer = respond(&app, &json!({"models": models, "stream": stream, "previous_response_id": id})).await;
                let error = answer.json()["error"].take();
                assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{models}: {error}");
                if code == "previous_response_not_found" {
                    assert_eq!((&error["param"], answer.header("x-should-retry")), (&json!("previous_response_id"), "false"), "{error}");
                }
            }
        }
        assert_eq!(two.served(), (0, 16));
        let script = Script::respond(429, &[("retry-after", "7"), ("content-type", "application/json")], r#"{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}"#);
        two.there.next(script);
        let answer = respond(&app, &json!({"models": ["first", "second"], "previous_response_id": id})).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "7"), "{}", answer.text());
    }

    async fn an_id_without_a_mark_is_of_the_only_provider_in_reach(app: App) {
        let two = Two::start(&app).await;
        let chats = FakeProvider::start().await;
        let provider = app.organization.provider("chats", &chats).await;
        app.organization.model("chat", provider).await;
        two.there.always(Script::json(200, &response()));
        for models in [json!(["second"]), json!(["chat", "second"])] {
            let answer = respond(&app, &json!({"models": models, "previous_response_id": "resp_1"})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "second"), "{models}: {}", answer.text());
            let sent = two.there.request(two.there.served() - 1).await.json();
            assert_eq!(sent["previous_response_id"], "resp_1");
        }
        let foreign = json!({"models": ["second"], "previous_response_id": format!("resp_1{}", mark(Uuid::nil()))});
        assert_eq!(respond(&app, &foreign).await.status, 400);
        assert_eq!((two.served(), chats.served()), ((0, 2), 0));
    }

    async fn an_id_with_escapes_reaches_its_provider_as_its_own(app: App) {
        let two = Two::start(&app).await;
        two.there.always(Script::json(200, &response()));
        let mark = two.mark.replace('_', "\\u005f");
        for (number, body) in [
            format!(r#"{{"models":["first","second"],"input":"Hi","previous_response_id":"resp_1{mark}"}}"#),
            format!(r#"{{"models":["first","second"],"input":[{{"type":"item\u005freference","id":"resp_1{mark}"}},{{"role":"user","content":"Hi"}}]}}"#),
            format!(r#"{{"model":"second","input":[{{"type":"message","role":"assistant","id":"resp_1{mark}","content":"x"}},{{"role":"user","content":"Hi"}}]}}"#),
        ].into_iter().enumerate() {
            let request = app.request(reqwest::Method::POST, "/v1/responses").header("content-type", "application/json");
            let answer = app.call(request.body(body.clone()), &app.organization.key).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "second"), "{body}: {}", answer.text());
            let sent = two.there.request(number).await.json();
            let id = if number == 0 { &sent["previous_response_id"] } else { &sent["input"][0]["id"] };
            assert_eq!(id, "resp_1", "{sent}");
        }
        assert_eq!(two.served(), (0, 3));
    }

    async fn unknown_ids_are_not_found(app: App) {
        let two = Two::start(&app).await;
        let stranger = app.other_organization("stranger").await;
        let theirs = stranger.provider_at("here", "openai", Some(&two.here.base_url())).await;
        stranger.model("first", theirs).await;
        for id in ["resp_1".to_owned(), format!("resp_1{}", mark(theirs)), format!("resp_1{}", mark(Uuid::nil())), String::new()] {
            let answer = respond(&app, &asked(json!({"previous_response_id": id}))).await;
            let error = answer.json()["error"].take();
            assert_eq!((answer.status, &error["code"], &error["param"]), (400, &json!("previous_response_not_found"), &json!("previous_response_id")), "{id}: {error}");
        }
        assert_eq!(two.served(), (0, 0));
        // The other organization can use it.
        two.here.next(Script::json(200, &response()));
        let own = json!({"model": "first", "input": "Hi", "previous_response_id": format!("resp_1{}", mark(theirs))});
        let request = with_json(app.request(reqwest::Method::POST, "/v1/responses"), &own);
        assert_eq!(app.call(request, &stranger.key).await.status, 200);
    }

    async fn what_was_made_without_the_gateway_is_at_the_first_provider(app: App) {
        let two = Two::start(&app).await;
        let file = |kind: &str| json!([{"role": "user", "content": [{"type": kind, "file_id": "file-1"}]}]);
        for more in [
            json!({"conversation": "conv_1"}),
            json!({"prompt": {"id": "pmpt_1"}}),
            json!({"input": file("input_file")}),
            json!({"input": file("input_image")}),
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            json!({"input": [{"id": "rs_1"}, {"role": "user", "content": "Hi"}]}),
            json!({"input": [{"type": null, "id": "msg_1"}]}),
            json!({"input": [{"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true}]}),
            json!({"input": [{"type": "image_generation_call", "id": "ig_1"}, {"role": "user", "content": "Larger"}]}),
            json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
        ] {
            two.here.next(Script::error(503, "server_is_overloaded", "Overloaded"));
            let answer = respond(&app, &asked(more.clone())).await;
            assert_eq!(answer.status, 503, "{more}: {}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["failed_model"], &event["error_class"]), (&json!("second"), &json!("lacks_capability")), "{more}: {event}");
        }
        assert_eq!(two.served(), (10, 0));
        // A tool of the caller may call its arguments as it likes.
        two.here.next(Script::error(503, "server_is_overloaded", "Overloaded"));
        two.there.next(Script::json(200, &response()));
        let tools = json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"file_id": {"type": "string"}}}}]);
        assert_eq!(respond(&app, &asked(json!({"tools": tools}))).await.header("x-failsoft-model"), "second");
    }
}
