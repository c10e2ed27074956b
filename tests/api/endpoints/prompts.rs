//! What the prompts of a completion and the input of a moderation cost: several prompts, tokens, and counts that cannot be true.

use failsoft::domain::operation::ModelKind;
use failsoft::domain::permission::Scope;
use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use super::{pair, with};
use crate::support::app::{App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PATH: &str = "/v1/completions";

fn asked(more: &Value) -> Value {
    with(&json!({"prompt": "Hi", "max_tokens": 100}), "completion-one", more)
}

/// A whole completion of two prompts with this usage.
fn completed(usage: &Value) -> Script {
    completed_of(2, usage)
}

/// A whole completion of so many prompts with this usage.
fn completed_of(prompts: usize, usage: &Value) -> Script {
    let choice = |index: usize| json!({"index": index, "text": "Hi", "finish_reason": "stop"});
    let choices: Vec<Value> = (0..prompts).map(choice).collect();
    Script::json(200, &json!({"object": "text_completion", "choices": choices, "usage": usage}))
}

/// A model of completions with at most 4,000 tokens at a provider of this kind: each token costs 1,000 nano-dollars.
async fn model_at(app: &App, preset: &str) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider_at(preset, preset, Some(&fake.base_url())).await;
    app.organization
        .model_like("completion-one", provider, |model| {
            model.settings.kind = ModelKind::Completion;
            model.settings.max_output_tokens = Some(4_000);
            let price =
                ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
            model.settings.price = Some(price);
        })
        .await;
    fake
}

/// Limits the organization to so many of these tokens a day.
async fn limit(app: &App, tokens: i64) {
    let budget = json!({"api_key_id": null, "period": "day", "hard_limit_nano_dollars": tokens * 1_000});
    assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
}

/// The row of the latest of so many requests.
async fn latest(app: &App, requests: usize) -> Value {
    app.requests(requests).await.pop().expect("a row")
}

on_both_databases! {
    async fn each_prompt_of_a_list_is_reserved_with_an_answer(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        fake.always(completed(&json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})));
        // One answer costs at most 100,000 nano-dollars, beside its prompt.
        let budget = json!({"api_key_id": null, "period": "day", "hard_limit_nano_dollars": 250_000});
        assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
        for refused in [
            json!({"prompt": vec!["Hi"; 50]}),
            json!({"prompt": vec![vec![1, 2]; 50]}),
            json!({"prompt": ["Hi", "Ho"], "n": 2}),
        ] {
            let answer = app.post(PATH, &asked(&refused)).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (402, &json!("over_budget")), "{refused}");
        }
        assert_eq!(fake.served(), 0);
        for served in [json!({"prompt": ["Hi", "Ho"]}), json!({"prompt": [1, 2, 3, 4]})] {
            assert_eq!(app.post(PATH, &asked(&served)).await.status, 200, "{served}");
        }
    }

    async fn a_list_without_a_limit_is_as_long_as_its_vendor_says(app: App) {
        let fake = model_at(&app, "vllm").await;
        let usage = json!({"prompt_tokens": 2_000, "completion_tokens": 2_000, "total_tokens": 4_000});
        fake.always(completed_of(2_000, &usage));
        // 16 tokens for each answer, and a few for each prompt, where 8,000,000 tokens were reserved.
        limit(&app, 60_000).await;
        let list = json!({"model": "completion-one", "prompt": vec!["Hi"; 2_000]});
        let with_null = with(&list, "completion-one", &json!({"max_tokens": null}));
        let refused = app.post(PATH, &with_null).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (402, &json!("over_budget")));
        assert_eq!(fake.served(), 0);
        let answer = app.post(PATH, &list).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await.json();
        assert!(sent.get("max_tokens").is_none(), "its bytes pass as they are");
        assert_eq!(latest(&app, 1).await["cost_nano_dollars"], 4_000_000);
    }

    async fn a_list_of_a_model_without_a_known_limit_does_not_pass_with_room_for_its_prompts_alone(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        fake.always(completed_of(50, &json!({"prompt_tokens": 50, "completion_tokens": 200_000, "total_tokens": 200_050})));
        limit(&app, 100_000).await;
        let list = json!({"model": "completion-one", "prompt": vec!["Hi"; 50]});
        assert_eq!(app.post(PATH, &list).await.status, 402);
        assert_eq!(fake.served(), 0);
        // One prompt has one answer, by which a limit may be exceeded.
        assert_eq!(app.post(PATH, &json!({"model": "completion-one", "prompt": "Hi"})).await.status, 200);
    }

    async fn a_list_without_a_limit_needs_room_for_what_is_usual_for_its_key(app: App) {
        let fake = model_at(&app, "custom").await;
        limit(&app, 8_000).await;
        let list = json!({"model": "completion-one", "prompt": ["Hi", "Ho", "Ha"]});
        let refused = app.post(PATH, &list).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (402, &json!("over_budget")));
        assert!(refused.text().contains("a smaller max_tokens reserves less"), "{}", refused.text());
        fake.always(completed_of(3, &json!({"prompt_tokens": 3, "completion_tokens": 50, "total_tokens": 53})));
        for number in 0..4 {
            let one = json!({"model": "completion-one", "prompt": "Hi"});
            assert_eq!(app.post(PATH, &one).await.status, 200, "{number}");
        }
        latest(&app, 4).await;
        let other = app.organization.key_with(&[Scope::Inference]).await;
        let foreign = app.call(with_json(app.request(Method::POST, PATH), &list), &other).await;
        assert_eq!(foreign.status, 402, "another key's completions say nothing of this one's");
        let answer = app.post(PATH, &list).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let unlimited = with(&list, "completion-one", &json!({"max_tokens": -1}));
        assert_eq!(app.post(PATH, &unlimited).await.status, 402);
    }

    async fn a_prompt_of_tokens_counts_as_many(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        fake.always(completed(&json!(null)));
        let tokens: Vec<u32> = (10_000..12_000).collect();
        for (number, prompt) in [json!(tokens), json!([tokens[..1_000], tokens[1_000..]])].into_iter().enumerate() {
            assert_eq!(app.post(PATH, &asked(&json!({"prompt": prompt}))).await.status, 200);
            let row = latest(&app, number + 1).await;
            assert_eq!((&row["input_tokens"], &row["estimated"]), (&json!(2_000), &json!(true)), "{row}");
        }
    }

    async fn a_count_far_below_the_prompt_is_not_taken(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        fake.always(completed(&json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})));
        let prompt = "the quick brown fox jumps over the lazy dog ".repeat(400);
        assert_eq!(app.post(PATH, &asked(&json!({"prompt": prompt}))).await.status, 200);
        let row = latest(&app, 1).await;
        assert_eq!(row["usage_flag"], "contradictory", "{row}");
        assert!(row["input_tokens"].as_i64().is_some_and(|tokens| tokens > 2_000), "{row}");
    }

    async fn a_stream_is_asked_for_its_usage_and_its_caller_gets_it_if_it_asked(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        app.organization.model_like("completion-one", provider, |model| {
            model.settings.kind = ModelKind::Completion;
            let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
            model.settings.price = Some(price);
        }).await;
        let text = json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}], "usage": null});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}});
        fake.always(Script::stream().event(&text).event(&usage).done());
        for (number, (options, events)) in [(json!(null), 2), (json!({"include_usage": false}), 2), (json!({"include_usage": true}), 3)].into_iter().enumerate() {
            let answer = app.post(PATH, &asked(&json!({"stream": true, "stream_options": options}))).await;
            assert_eq!((answer.status, answer.events().len()), (200, events), "{options}: {}", answer.text());
            assert_eq!(fake.request(number).await.json()["stream_options"], json!({"include_usage": true}));
            let row = latest(&app, number + 1).await;
            assert_eq!((&row["cost_nano_dollars"], &row["estimated"]), (&json!(12_000), &json!(false)), "{row}");
        }
        // A whole answer has its usage in it.
        fake.always(completed(&json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})));
        assert_eq!(app.post(PATH, &asked(&json!({}))).await.status, 200);
        assert!(fake.request(3).await.json().get("stream_options").is_none());
    }

    async fn a_short_moderation_has_tokens_of_its_input_and_none_of_an_answer(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Moderation).await;
        fake.always(Script::json(200, &json!({"results": [{"flagged": false}]})));
        let long = "the quick brown fox jumps over the lazy dog ".repeat(400);
        for (number, (input, least, most)) in [
            (json!("hello there"), 1, 8),
            (json!([{"type": "text", "text": "hello there"}]), 1, 16),
            (json!(long), 2_000, 8_000),
        ].into_iter().enumerate() {
            let body = json!({"model": "moderation-one", "input": input});
            assert_eq!(app.post("/v1/moderations", &body).await.status, 200);
            let row = latest(&app, number + 1).await;
            assert_eq!((&row["output_tokens"], &row["estimated"]), (&json!(0), &json!(true)), "{row}");
            let counted = row["input_tokens"].as_i64().expect("a count");
            assert!((least..=most).contains(&counted), "{row}");
            assert_eq!(row["cost_nano_dollars"], json!(counted * 1_000), "{row}");
        }
    }

    async fn the_text_of_a_completion_is_billed_whatever_its_provider_counts(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Completion).await;
        let text = "one two three four ".repeat(250);
        let whole = |usage: &Value| {
            let choice = json!({"index": 0, "text": text, "finish_reason": "stop"});
            Script::json(200, &json!({"object": "text_completion", "choices": [choice], "usage": usage}))
        };
        let one = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
        for (number, (usage, echo, least, most)) in [
            (Value::Null, false, 700, 1_500),
            (one.clone(), false, 700, 1_500),
            // The prompt is a part of the text.
            (one, true, 1, 1),
        ]
        .into_iter()
        .enumerate()
        {
            fake.next(whole(&usage));
            let answer = app.post(PATH, &asked(&json!({"max_tokens": 5_000, "echo": echo}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let row = latest(&app, number + 1).await;
            let output = row["output_tokens"].as_i64().expect("a count");
            assert!((least..=most).contains(&output), "{row}");
        }
    }
}
