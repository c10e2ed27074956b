//! Counts that are far below what was sent and delivered, or that cannot include all of it: neither a row nor a budget
//! takes them for the whole.

use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Two hundred times two words: about 440 tokens.
const PIECES: usize = 200;
const PIECE: &str = "two words ";

/// The models `chat` and `claude`, one for each dialect, at a price of 1,000 nano-dollars for each token.
async fn models(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    for (name, preset) in [("chat", "custom"), ("claude", "custom-messages")] {
        let provider = app.organization.provider_at(name, preset, Some(&fake.base_url())).await;
        app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
    }
    fake
}

async fn send(app: &App, body: &Value) -> Answer {
    let path = if body["model"] == "claude" { "/v1/messages" } else { "/v1/chat/completions" };
    let mut whole = json!({"max_tokens": 9_000, "messages": [{"role": "user", "content": "Hi"}]});
    whole.as_object_mut().expect("an object").extend(body.as_object().cloned().expect("an object"));
    let request = with_json(app.request(Method::POST, path), &whole);
    let request =
        request.header("x-api-key", &app.organization.key).header("anthropic-version", "2023-06-01");
    let answer = app.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// Sends a body that the provider answers like this, and returns the row.
async fn row(app: &App, fake: &FakeProvider, script: Script, body: &Value) -> Value {
    fake.next(script);
    let answer = send(app, body).await;
    let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
    eventually(async || Some(app.get(&path).await.json()).filter(|row| row["outcome"] == "answered")).await
}

fn tokens(row: &Value, name: &str) -> i64 {
    row[name].as_i64().unwrap_or_else(|| panic!("{name} of {row}"))
}

fn usage(prompt: i64, answer: i64) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": answer})
}

/// A chunk with a piece of text and this usage.
fn piece(usage: &Value) -> Value {
    json!({"id": "x", "choices": [{"index": 0, "delta": {"content": PIECE}, "finish_reason": null}], "usage": usage})
}

fn of_its_own(usage: &Value) -> Value {
    json!({"id": "x", "choices": [], "usage": usage})
}

/// A stream with a piece of text for each of these usages.
fn counted(usages: impl Iterator<Item = Value>) -> Script {
    usages.fold(Script::stream(), |script, usage| script.event(&piece(&usage)))
}

fn completion(text: &str, usage: &Value) -> Script {
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    Script::json(200, &json!({"id": "x", "choices": [choice], "usage": usage}))
}

fn message(content: &Value, usage: &Value) -> Script {
    Script::json(
        200,
        &json!({"id": "m", "type": "message", "role": "assistant", "model": "x", "content": content, "stop_reason": "end_turn", "usage": usage}),
    )
}

/// A message in pieces, with one token at its start, and the last event with this usage.
fn message_stream(last: &Value) -> Script {
    let mut script = Script::message_start().text_start();
    for _ in 0..PIECES {
        script = script.text_delta(PIECE);
    }
    script
        .named("content_block_stop", json!({"index": 0}))
        .named("message_delta", json!({"delta": {"stop_reason": "end_turn"}, "usage": last}))
        .message_stop()
}

on_both_databases! {
    async fn an_early_count_stays_a_lower_bound_until_a_later_one_is_higher(app: App) {
        let fake = models(&app).await;
        let early = |last: &Value| {
            let first = std::iter::once(usage(10, 1)).chain(std::iter::repeat_n(Value::Null, PIECES - 1));
            counted(first).finish("stop").event(&of_its_own(last)).done()
        };
        for last in [
            json!({}), json!(null), json!({"cost": null}), json!({"prompt_tokens": 10}), usage(10, 0), usage(10, 1),
            json!({"completion_tokens": null}), json!({"total_tokens": 10}),
        ] {
            let row = row(&app, &fake, early(&last), &json!({"model": "chat", "stream": true})).await;
            let answer = tokens(&row, "output_tokens");
            assert!((220..900).contains(&answer) && row["estimated"] == true, "{last}: {row}");
            assert_eq!(tokens(&row, "cost_nano_dollars"), 1_000 * (answer + tokens(&row, "input_tokens")), "{last}");
        }
        for last in [
            json!({}), json!(null), json!({"output_tokens": null}), json!({"input_tokens": 12}), json!({"output_tokens": 0}),
            json!({"output_tokens": 1}), json!({"cache_read_input_tokens": 0}), json!({"completion_tokens": 0}),
        ] {
            let row = row(&app, &fake, message_stream(&last), &json!({"model": "claude", "stream": true})).await;
            assert!((220..900).contains(&tokens(&row, "output_tokens")) && row["estimated"] == true, "{last}: {row}");
        }
        // A higher count is the end.
        let row = row(&app, &fake, early(&usage(10, 500)), &json!({"model": "chat", "stream": true})).await;
        assert_eq!((&row["cost_nano_dollars"], &row["estimated"]), (&json!(510_000), &json!(false)), "{row}");
    }

    async fn a_short_answer_may_end_with_the_count_of_its_start(app: App) {
        let fake = models(&app).await;
        let script = Script::message_start().text_start().text_delta("Hi")
            .named("message_delta", json!({"delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 1}}))
            .message_stop();
        let row = row(&app, &fake, script, &json!({"model": "claude", "stream": true})).await;
        assert_eq!((&row["output_tokens"], &row["estimated"], &row["usage_flag"]), (&json!(1), &json!(false), &Value::Null), "{row}");
    }

    async fn chunks_that_count_themselves_are_not_the_whole(app: App) {
        let fake = models(&app).await;
        for pieces in [10, 40, PIECES] {
            let each = || (0..pieces).map(|number| usage(if number == 0 { 10 } else { 0 }, 2));
            let apart = each().fold(Script::stream(), |script, usage| script.text(PIECE).event(&of_its_own(&usage)));
            for script in [counted(each()), apart] {
                let row = row(&app, &fake, script.finish("stop").done(), &json!({"model": "chat", "stream": true})).await;
                assert!(tokens(&row, "output_tokens") >= i64::try_from(pieces).expect("few"), "{row}");
                assert_eq!(row["estimated"], true, "{row}");
            }
        }
        // Counts that grow with the text are exact.
        let growing = (1..=PIECES).map(|number| usage(10, 2 * i64::try_from(number).expect("few")));
        let row = row(&app, &fake, counted(growing).finish("stop").done(), &json!({"model": "chat", "stream": true})).await;
        assert_eq!((&row["output_tokens"], &row["estimated"], &row["usage_flag"]), (&json!(400), &json!(false), &Value::Null), "{row}");
    }

    async fn a_count_far_below_the_text_is_replaced_in_rows_and_budgets(app: App) {
        let fake = models(&app).await;
        let budget = json!({"period": "day", "hard_limit_nano_dollars": 100_000_000});
        let budget = app.post("/v1/model-router/budgets", &budget).await.json();
        let budget = format!("/v1/model-router/budgets/{}", budget["id"].as_str().expect("an id"));
        let words = PIECE.repeat(PIECES);
        // Longer than the texts that calibrate.
        let long = PIECE.repeat(8_000);
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        let low = json!({"input_tokens": 10, "output_tokens": 1});
        let quoted = json!({"prompt_tokens": "10", "completion_tokens": "1"});
        let mut sum = 0;
        for (script, model, stream, flag) in [
            (completion(&words, &usage(10, 1)), "chat", false, "contradictory"),
            (completion(&long, &usage(10, 100)), "chat", false, "contradictory"),
            (completion(&words, &quoted), "chat", false, "clamped"),
            (counted(std::iter::repeat_n(Value::Null, PIECES)).finish("stop").event(&of_its_own(&usage(10, 1))).done(), "chat", true, "contradictory"),
            (message(&text(&words), &low), "claude", false, "contradictory"),
            (message(&text(&long), &low), "claude", false, "contradictory"),
            (message(&json!([{"type": "tool_use", "id": "t", "name": "n", "input": {"text": words}}]), &low), "claude", false, "contradictory"),
        ] {
            let row = row(&app, &fake, script, &json!({"model": model, "stream": stream})).await;
            let answer = tokens(&row, "output_tokens");
            assert!(answer > 220 && row["estimated"] == true && row["usage_flag"] == flag, "{row}");
            assert_eq!(tokens(&row, "cost_nano_dollars"), 1_000 * (answer + tokens(&row, "input_tokens")), "{row}");
            sum += tokens(&row, "cost_nano_dollars");
        }
        let prompt = json!([{"role": "user", "content": long}]);
        for (script, model) in [
            (completion("Hi", &usage(1, 2)), "chat"),
            (message(&text("Hi"), &json!({"input_tokens": 1, "output_tokens": 2})), "claude"),
        ] {
            let row = row(&app, &fake, script, &json!({"model": model, "messages": prompt})).await;
            assert!(tokens(&row, "input_tokens") > 10_000 && row["usage_flag"] == "contradictory", "{row}");
            assert_eq!(row["estimated"], true, "{row}");
            sum += tokens(&row, "cost_nano_dollars");
        }
        eventually(async || (app.get(&budget).await.json()["spent_nano_dollars"] == sum).then_some(())).await;
    }

    async fn what_few_tokens_can_be_is_no_contradiction(app: App) {
        let fake = models(&app).await;
        let plain = |text: &str| json!([{"role": "user", "content": text}]);
        let words = PIECE.repeat(2_000);
        let found = json!([
            {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {}},
            {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": {"type": "text", "text": words}},
            {"type": "text", "text": "Found it."}
        ]);
        let spoken = json!({"role": "assistant", "content": "Hi", "audio": {"data": "UklG".repeat(9_000)}});
        let spoken = json!({"id": "x", "choices": [{"index": 0, "message": spoken, "finish_reason": "stop"}], "usage": usage(10, 20)});
        let low = json!({"input_tokens": 20, "output_tokens": 12});
        let thoughts = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": words, "signature": "c"}, {"type": "text", "text": "Hi"}]},
            {"role": "user", "content": "And?"}
        ]);
        for (name, script, body) in [
            ("a long line", completion(&"-".repeat(4_000), &usage(10, 40)), json!({"model": "chat"})),
            ("a box", completion(&"─".repeat(2_000), &usage(10, 100)), json!({"model": "chat"})),
            ("a recording", Script::json(200, &spoken), json!({"model": "chat"})),
            ("a page that a tool found", message(&found, &low), json!({"model": "claude"})),
            ("a line in a prompt", completion("Hi", &usage(60, 2)), json!({"model": "chat", "messages": plain(&"-".repeat(20_000))})),
            ("thoughts of before", message(&json!([{"type": "text", "text": "Hi"}]), &low), json!({"model": "claude", "messages": thoughts})),
            ("tools that are not loaded", completion("Hi", &usage(20, 2)), json!({"model": "chat", "tools": [{"type": "function", "function": {"name": "f", "description": words}}]})),
            ("a prompt that is cut", completion("Hi", &usage(20, 2)), json!({"model": "chat", "truncation": "auto", "messages": plain(&words)})),
        ] {
            let row = row(&app, &fake, script, &body).await;
            assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &Value::Null), "{name}: {row}");
        }
    }

    async fn a_price_that_only_the_request_tells_makes_the_cost_unknown(app: App) {
        let fake = models(&app).await;
        let text = json!([{"type": "text", "text": "Hi"}]);
        let plain = json!({"input_tokens": 12, "output_tokens": 5});
        let written = json!({"input_tokens": 12, "output_tokens": 5, "cache_creation_input_tokens": 20});
        let by_time = json!({"input_tokens": 12, "output_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 20}});
        let hour = json!({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]});
        let fallbacks = json!({"fallbacks": [{"model": "another"}]});
        for (name, model, usage, request, known) in [
            ("nothing", "x", &plain, json!({}), true),
            ("an hour, not used", "x", &plain, hour.clone(), true),
            ("an hour", "x", &written, hour.clone(), false),
            ("an hour, used for less", "x", &by_time, hour, true),
            ("a region", "x", &plain, json!({"inference_geo": "us"}), false),
            ("no region", "x", &plain, json!({"inference_geo": "global"}), true),
            ("another model", "another", &plain, fallbacks.clone(), false),
            ("the model itself", "claude-upstream-20260101", &plain, fallbacks, true),
            ("another name", "another", &plain, json!({}), true),
        ] {
            for stream in [false, true] {
                let message = json!({"id": "m", "type": "message", "role": "assistant", "model": model, "content": if stream { json!([]) } else { text.clone() }, "stop_reason": "end_turn", "usage": usage});
                let script = if stream {
                    Script::stream().named("message_start", json!({"message": message})).text_start().text_delta("Hi")
                        .named("message_delta", json!({"delta": {"stop_reason": "end_turn"}, "usage": usage})).message_stop()
                } else {
                    Script::json(200, &message)
                };
                let mut body = request.clone();
                body["model"] = json!("claude");
                body["stream"] = json!(stream);
                let row = row(&app, &fake, script, &body).await;
                assert_eq!(!row["cost_nano_dollars"].is_null(), known, "{name} {stream}: {row}");
            }
        }
    }
}
