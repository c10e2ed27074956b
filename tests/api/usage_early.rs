//! Usage that is not the whole truth: reported before the content, far too low, or without the searches and images that
//! no token price covers.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};

use crate::support::app::{App, chat_body, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// The models `a` at a price of 1,000 nano-dollars for each token, and `unpriced`.
async fn models(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    app.organization.model_like("a", provider, |fields| fields.settings.price = Some(price)).await;
    app.organization.model_like("unpriced", provider, |fields| fields.settings.price = None).await;
    fake
}

/// A first chunk with this usage.
fn first(usage: &Value) -> Script {
    let choice = json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null});
    Script::stream().event(&json!({"id": "x", "choices": [choice], "usage": usage}))
}

/// A chunk with content and this usage.
fn beside(usage: &Value) -> Value {
    json!({"id": "x", "choices": [{"index": 0, "delta": {"content": "two words "}, "finish_reason": null}], "usage": usage})
}

/// About 440 tokens.
fn long(mut script: Script) -> Script {
    for _ in 0..220 {
        script = script.text("two words ");
    }
    script
}

/// The row of the newest request, once it has ended like this.
async fn row(app: &App, count: usize, outcome: &str) -> Value {
    let rows = eventually(async || {
        let rows = app.requests(count).await;
        rows.iter().all(|row| row["outcome"] != "running").then_some(rows)
    })
    .await;
    let row = rows.last().cloned().expect("a row");
    assert_eq!(row["outcome"], outcome, "{row}");
    row
}

on_both_databases! {
    async fn usage_before_the_content_is_a_lower_bound(app: App) {
        let fake = models(&app).await;
        let usage = json!({"prompt_tokens": 10, "completion_tokens": 1});
        let cheap = json!({"prompt_tokens": 10, "completion_tokens": 1, "cost": 1e-9});
        let dear = json!({"prompt_tokens": 10, "completion_tokens": 1, "cost": 1.0});
        let whole = |script: Script| long(script).finish("stop").done();
        let cut = |script: Script| long(script).close();
        let tokens = 220_000..900_000;
        for (number, (model, script, outcome, cost, flag)) in [
            ("a", cut(first(&usage)), "interrupted", Some(tokens.clone()), Value::Null),
            ("a", cut(first(&cheap)), "interrupted", Some(tokens.clone()), Value::Null),
            ("a", cut(first(&dear)), "interrupted", Some(1_000_000_000..1_000_000_001), Value::Null),
            ("a", whole(first(&usage)), "answered", Some(tokens.clone()), json!("contradictory")),
            // The end of the stream says what counts.
            ("a", long(first(&usage)).finish("stop").usage(10, 500).done(), "answered", Some(510_000..510_001), Value::Null),
            ("a", long(Script::stream()).finish("stop").usage(10, 5).done(), "answered", Some(tokens.clone()), json!("contradictory")),
            ("unpriced", cut(first(&json!({"prompt_tokens": 10, "completion_tokens": 1, "cost": 0}))), "interrupted", None, Value::Null),
            ("unpriced", cut(first(&dear)), "interrupted", None, Value::Null),
            // Beside the last content before the cut, and beside content that others follow.
            ("a", long(Script::stream()).event(&beside(&usage)).close(), "interrupted", Some(tokens.clone()), Value::Null),
            ("a", long(Script::stream().event(&beside(&usage))).close(), "interrupted", Some(tokens.clone()), Value::Null),
            ("a", long(Script::stream()).event(&beside(&cheap)).close(), "interrupted", Some(tokens.clone()), Value::Null),
            ("unpriced", long(Script::stream()).event(&beside(&cheap)).close(), "interrupted", None, Value::Null),
            // What was counted without being sent, such as reasoning, counts beside what followed.
            ("a", long(Script::stream().event(&beside(&json!({"prompt_tokens": 10, "completion_tokens": 5_000})))).close(), "interrupted", Some(5_220_000..5_900_000), Value::Null),
            // A choice that has ended is whole, and so is its usage.
            ("a", long(Script::stream()).finish("stop").usage(10, 500).close(), "answered", Some(510_000..510_001), Value::Null),
        ]
        .into_iter()
        .enumerate()
        {
            fake.next(script);
            let answer = app.chat(&json!({"model": model, "stream": true, "num_retries": 0})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let row = row(&app, number + 1, outcome).await;
            let found = row["cost_nano_dollars"].as_i64();
            assert!(cost.as_ref().map_or(found.is_none(), |cost| found.is_some_and(|found| cost.contains(&found))), "{number}: {row}");
            assert_eq!(row["usage_flag"], flag, "{number}: {row}");
        }
    }

    async fn a_caller_that_leaves_pays_for_what_was_delivered(app: App) {
        let fake = models(&app).await;
        fake.next(long(first(&json!({"prompt_tokens": 10, "completion_tokens": 1}))).text("the end").hang());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("the end").await;
        drop(caller);
        let row = row(&app, 1, "client_closed").await;
        assert!(row["cost_nano_dollars"].as_i64().is_some_and(|cost| cost > 220_000), "{row}");
    }

    async fn a_reported_cost_of_nothing_is_no_cost(app: App) {
        let fake = models(&app).await;
        let provider = app.organization.provider("others", &fake).await;
        let nothing = ModelPrice { input: Some(0), output: Some(0), ..ModelPrice::default() };
        app.organization.model_like("free", provider, |fields| fields.settings.price = Some(nothing)).await;
        let mut count = 0;
        for (model, reported, cost) in [
            ("unpriced", json!(0), Value::Null),
            ("unpriced", json!(0.0), Value::Null),
            ("unpriced", json!({"total_cost": 0}), Value::Null),
            ("unpriced", json!(1e-9), json!(1)),
            ("unpriced", json!(1e-12), json!(1)),
            ("a", json!(0), json!(18_000)),
            ("a", json!(1e-12), json!(1)),
            ("free", json!(0), json!(0)),
            ("free", json!(1e-12), json!(1)),
        ] {
            for stream in [false, true] {
                let usage = json!({"prompt_tokens": 9, "completion_tokens": 9, "cost": reported});
                let choice = |name: &str| json!({"id": "x", "choices": [{"index": 0, name: {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}], "usage": usage});
                fake.next(if stream { Script::stream().event(&choice("delta")).done() } else { Script::json(200, &choice("message")) });
                assert_eq!(app.chat(&json!({"model": model, "stream": stream})).await.status, 200);
                count += 1;
                let row = row(&app, count, "answered").await;
                assert_eq!(row["cost_nano_dollars"], cost, "{model} {reported}: {row}");
            }
        }
    }

    async fn searches_that_an_answer_shows_make_the_cost_unknown(app: App) {
        let fake = models(&app).await;
        let sources = json!([{"title": "A", "url": "https://a.example"}]);
        let mut count = 0;
        for (place, name, value, known) in [
            ("answer", "citations", json!(["https://a.example"]), false),
            ("answer", "citations", json!([]), true),
            ("answer", "citations", Value::Null, true),
            ("answer", "search_results", sources.clone(), false),
            ("answer", "server_side_tool_usage", json!({"SERVER_SIDE_TOOL_WEB_SEARCH": 2}), false),
            ("answer", "server_side_tool_usage", json!({"web_search": 0}), true),
            ("answer", "executed_tools", json!([{"type": "search"}]), false),
            ("answer", "groundingMetadata", json!({"webSearchQueries": ["a"]}), false),
            ("answer", "vertex_ai_grounding_metadata", json!([{"webSearchQueries": ["a"]}]), false),
            ("choice", "groundingMetadata", json!({"webSearchQueries": ["a"]}), false),
            ("choice", "groundingMetadata", json!({"webSearchQueries": []}), true),
            ("message", "executed_tools", json!([{"type": "search", "arguments": "a", "output": "b"}]), false),
            ("message", "executed_tools", json!([]), true),
            ("message", "search_results", sources, false),
            ("message", "provider_specific_fields", json!({"citations": [[{"url": "https://a.example"}]]}), false),
            ("message", "provider_specific_fields", json!({"citations": null}), true),
        ] {
            for stream in [false, true] {
                let mut message = json!({"role": "assistant", "content": "Here it is."});
                let usage = json!({"prompt_tokens": 9, "completion_tokens": 9});
                if place == "message" {
                    message[name] = value.clone();
                }
                let mut choice = json!({"index": 0, (if stream { "delta" } else { "message" }): message, "finish_reason": "stop"});
                if place == "choice" {
                    choice[name] = value.clone();
                }
                let mut answer = json!({"id": "x", "choices": [choice], "usage": usage});
                if place == "answer" {
                    answer[name] = value.clone();
                }
                fake.next(if stream { Script::stream().event(&answer).done() } else { Script::json(200, &answer) });
                let answer = app.chat(&json!({"model": "a", "stream": stream})).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                count += 1;
                let row = row(&app, count, "answered").await;
                let cost = if known { json!(18_000) } else { Value::Null };
                assert_eq!(row["cost_nano_dollars"], cost, "{place} {name} {value} {stream}: {row}");
            }
        }
        // In the last chunk of a stream, which has the usage and no choice.
        let last = json!({"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9}, "citations": ["https://a.example"]});
        fake.next(Script::stream().text("Hi").finish("stop").event(&last).done());
        assert_eq!(app.chat(&json!({"model": "a", "stream": true})).await.status, 200);
        assert_eq!(row(&app, count + 1, "answered").await["cost_nano_dollars"], Value::Null);
    }

    async fn searches_and_images_make_the_cost_unknown(app: App) {
        let fake = models(&app).await;
        let text = json!({"role": "assistant", "content": "Here it is."});
        let with = |name: &str, value: Value| {
            let mut message = text.clone();
            message[name] = value;
            message
        };
        let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
        let schema = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"retrieval": {"type": "float"}}}}});
        let source = json!([{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]);
        let mut count = 0;
        for (message, more, request, known) in [
            (text.clone(), json!({}), json!({}), true),
            (with("images", image.clone()), json!({}), json!({}), false),
            (with("images", json!([])), json!({}), json!({}), true),
            (with("content", image), json!({}), json!({}), false),
            (with("content", json!([{"type": "text", "text": "An image."}])), json!({}), json!({}), true),
            (with("annotations", source), json!({}), json!({"web_search_options": {}}), false),
            (with("annotations", json!([])), json!({}), json!({"web_search_options": {}}), false),
            // This vendor does not get them.
            (text.clone(), json!({}), json!({"plugins": [{"id": "web"}]}), true),
            (text.clone(), json!({}), json!({"tools": [{"type": "web_search_preview"}]}), false),
            (text.clone(), json!({}), json!({"tools": [schema]}), true),
            (text.clone(), json!({}), json!({"extra_body": {"service_tier": "priority"}}), false),
            // What is counted is known, even if it is nothing.
            (text.clone(), json!({"num_search_queries": 0}), json!({"web_search_options": {}}), true),
            (text.clone(), json!({"server_tool_use": {"web_search_requests": 0}}), json!({"enable_search": true}), true),
            (text.clone(), json!({"server_side_tool_usage": {"web_search": 2}}), json!({}), false),
            (text.clone(), json!({"server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 0}}), json!({}), false),
            (text.clone(), json!({"server_side_tool_usage_details": {"web_search_calls": 0}}), json!({}), true),
            (text.clone(), json!({}), json!({"search_parameters": {"mode": "auto"}}), false),
            (text.clone(), json!({}), json!({"search_parameters": {"mode": "off"}}), true),
        ] {
            for stream in [false, true] {
                let mut usage = json!({"prompt_tokens": 9, "completion_tokens": 9});
                usage.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
                let choice = |name: &str| json!({"id": "x", "choices": [{"index": 0, name: message, "finish_reason": "stop"}], "usage": usage});
                fake.next(if stream { Script::stream().event(&choice("delta")).done() } else { Script::json(200, &choice("message")) });
                let mut body = request.clone();
                body["model"] = json!("a");
                body["stream"] = json!(stream);
                let answer = app.chat(&body).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                count += 1;
                let row = row(&app, count, "answered").await;
                let cost = if known { json!(18_000) } else { Value::Null };
                assert_eq!(row["cost_nano_dollars"], cost, "{message} {usage} {request}: {row}");
            }
        }
    }
}
