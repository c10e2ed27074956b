//! The cost of an answer beyond token counts: a provider's own bill, tiers, long prompts, audio, and unknown costs,
//! which are never shown as $0.00.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};

use crate::support::app::{App, eventually, with_json};
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use failsoft::domain::permission::Role;
use reqwest::Method;

fn counted(members: &str) -> Script {
    let body = format!(
        r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}},"finish_reason":"stop"}}],{members}}}"#
    );
    Script::respond(200, &[("content-type", "application/json")], body)
}

/// A model at 1 and 2 dollars per million tokens: 1,000 and 2,000 nano-dollars each.
async fn priced(app: &App, fake: &FakeProvider, name: &str) {
    let provider = app.organization.provider(&format!("serves {name}"), fake).await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(2_000_000), ..ModelPrice::default() };
    app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
}

async fn row(app: &App, body: &Value) -> Value {
    let answer = app.chat(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.get(&format!("/v1/model-router/requests/{}", answer.header("x-request-id"))).await.json()
}

const REPORTED: &str = r#""prompt_tokens":100,"completion_tokens":10,"total_tokens":110"#;

on_both_databases! {
    async fn a_bill_that_the_provider_reports_is_used(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "priced").await;
        let provider = app.organization.provider("router", &fake).await;
        app.organization.model_like("unpriced", provider, |_| {}).await;
        for (bill, cost) in [
            (r#""cost":0.0125"#, 12_500_000),
            (r#""cost_in_usd_ticks":37756000"#, 3_775_600),
            (r#""cost":0.01,"is_byok":true,"cost_details":{"upstream_inference_cost":0.2}"#, 210_000_000),
        ] {
            for model in ["priced", "unpriced"] {
                fake.next(counted(&format!(r#""usage":{{{REPORTED},{bill}}}"#)));
                let row = row(&app, &json!({"model": model})).await;
                assert_eq!((&row["cost_nano_dollars"], &row["cost_source"]), (&json!(cost), &json!("provider")), "{model} {bill}");
            }
        }
        fake.next(counted(&format!(r#""usage":{{{REPORTED}}}"#)));
        let plain = row(&app, &json!({"model": "priced"})).await;
        assert_eq!((&plain["cost_nano_dollars"], &plain["cost_source"]), (&json!(120_000), &json!("own_price")));
        // In the last chunk of a stream.
        let last = json!({"id": "x", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.5}});
        fake.next(Script::stream().text("Hi").finish("stop").event(&last).done());
        let streamed = row(&app, &json!({"model": "priced", "stream": true})).await;
        assert_eq!((&streamed["cost_nano_dollars"], &streamed["cost_source"]), (&json!(500_000_000), &json!("provider")));
    }

    async fn another_tier_has_another_price(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        for (asked, said, cost) in [
            (json!({}), "", json!(120_000)),
            (json!({}), r#","service_tier":"default""#, json!(120_000)),
            (json!({}), r#","service_tier":"flex""#, Value::Null),
            (json!({"service_tier": "auto"}), r#","service_tier":"priority""#, Value::Null),
            (json!({"service_tier": "priority"}), r#","service_tier":"default""#, json!(120_000)),
            (json!({"service_tier": "flex"}), "", Value::Null),
            (json!({"service_tier": "flex"}), r#","service_tier":null"#, Value::Null),
            (json!({"service_tier": "auto"}), "", json!(120_000)),
            (json!({"Service_Tier": "flex"}), "", Value::Null),
            (json!({"speed": "fast"}), "", Value::Null),
            (json!({"speed": "fast", "service_tier": "default"}), "", Value::Null),
            (json!({"speed": "standard"}), "", json!(120_000)),
        ] {
            fake.next(counted(&format!(r#""usage":{{{REPORTED}}}{said}"#)));
            let mut body = asked.clone();
            body["model"] = json!("a");
            let row = row(&app, &body).await;
            assert_eq!(row["cost_nano_dollars"], cost, "{asked} {said}");
        }
        let last = json!({"id": "x", "choices": [], "service_tier": "priority", "usage": {"prompt_tokens": 100, "completion_tokens": 10}});
        fake.next(Script::stream().text("Hi").finish("stop").event(&last).done());
        let streamed = row(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!(streamed["cost_nano_dollars"], Value::Null);
    }

    async fn a_bill_covers_every_tier(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        for (asked, said) in [(json!({}), "flex"), (json!({"service_tier": "flex"}), "flex"), (json!({"service_tier": "priority"}), "default")] {
            let mut body = asked.clone();
            body["model"] = json!("a");
            fake.next(counted(&format!(r#""usage":{{{REPORTED},"cost":0.0125}},"service_tier":"{said}""#)));
            let whole = row(&app, &body).await;
            let last = json!({"id": "x", "choices": [], "service_tier": said, "usage": {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.0125}});
            fake.next(Script::stream().text("Hi").finish("stop").event(&last).done());
            body["stream"] = json!(true);
            let streamed = row(&app, &body).await;
            for row in [whole, streamed] {
                assert_eq!((&row["cost_nano_dollars"], &row["cost_source"]), (&json!(12_500_000), &json!("provider")), "{asked} {said}");
            }
        }
    }

    async fn a_long_prompt_costs_more(app: App) {
        let fake = FakeProvider::start().await;
        let google = app.organization.provider_at("google", "gemini", Some(&fake.base_url())).await;
        let new = json!({"name": "known", "upstream_model": "gemini-3-pro-preview", "provider_id": google});
        let known = app.post("/v1/model-router/models", &new).await;
        assert_eq!(known.status, 201, "{}", known.text());
        assert_eq!(known.json()["price"]["long_prompt"]["above"], 200_000, "{}", known.text());
        let long = json!({"above": 1_000, "input": 3_000_000, "output": 4_000_000, "cache_read": null, "cache_write": null});
        let price = json!({"input": 1_000_000, "output": 2_000_000, "cache_read": null, "cache_write": null, "long_prompt": long});
        let new = json!({"name": "own", "provider_id": google, "price": price});
        let own = app.post("/v1/model-router/models", &new).await;
        assert_eq!((own.status, &own.json()["price"]), (201, &price), "{}", own.text());
        for (model, prompt, cost) in [
            ("known", 200_000, 200_000 * 2_000 + 10 * 12_000),
            ("known", 200_001, 200_001 * 4_000 + 10 * 18_000),
            ("own", 1_000, 1_000 * 1_000 + 10 * 2_000),
            ("own", 1_001, 1_001 * 3_000 + 10 * 4_000),
        ] {
            fake.next(counted(&format!(r#""usage":{{"prompt_tokens":{prompt},"completion_tokens":10}}"#)));
            let row = row(&app, &json!({"model": model})).await;
            assert_eq!(row["cost_nano_dollars"], cost, "{model} {prompt}");
            assert_eq!(row["cost_source"], if model == "known" { "list_price" } else { "own_price" });
        }
        for (long, field) in [
            (json!({"above": 0, "input": 1}), "above"),
            (json!({"input": 1}), "above"),
            (json!({"above": 5, "output": -1}), "output"),
        ] {
            let new = json!({"name": "wrong", "provider_id": google, "price": {"input": 1, "long_prompt": long}});
            let refused = app.post("/v1/model-router/models", &new).await;
            assert_eq!(refused.status, 422);
            let place = &refused.json()["detail"][0]["loc"];
            assert_eq!(place, &json!(["body", "price", "long_prompt", field]), "{}", refused.text());
        }
    }

    async fn audio_has_its_own_price_or_is_unknown(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "deaf").await;
        let provider = app.organization.provider("hears", &fake).await;
        let price = json!({"input": 1_000_000, "output": 2_000_000, "audio_input": 10_000_000, "audio_output": 20_000_000});
        let made = app.post("/v1/model-router/models", &json!({"name": "hears", "provider_id": provider, "price": price})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        for (model, cost) in [("deaf", Value::Null), ("hears", json!(60_000 + 400_000 + 14_000 + 60_000))] {
            fake.next(counted(&format!(
                r#""usage":{{{REPORTED},"prompt_tokens_details":{{"audio_tokens":40}},"completion_tokens_details":{{"audio_tokens":3}}}}"#
            )));
            assert_eq!(row(&app, &json!({"model": model})).await["cost_nano_dollars"], cost, "{model}");
        }
    }

    async fn reasoning_and_cache_tokens_only_in_the_total_are_billed(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        for (usage, parts) in [
            (r#"{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}"#, [20, 603, 0, 0]),
            (r#"{"prompt_tokens":12,"completion_tokens":50,"total_tokens":2557,"prompt_tokens_details":{"cached_tokens":2000,"cache_write_tokens":495}}"#, [2_507, 50, 2_000, 495]),
        ] {
            fake.next(counted(&format!(r#""usage":{usage}"#)));
            let row = row(&app, &json!({"model": "a"})).await;
            let found = ["input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens"].map(|name| row[name].as_i64().expect(name));
            assert_eq!(found, parts, "{usage}");
            assert_eq!((&row["estimated"], &row["usage_flag"]), (&json!(false), &Value::Null), "{usage}");
            assert_eq!(row["cost_nano_dollars"], parts[0] * 1_000 + parts[1] * 2_000);
        }
    }

    async fn groq_counts_a_stream_in_an_object_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        priced(&app, &fake, "a").await;
        let last = json!({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": {"id": "r", "usage": {"prompt_tokens": 18, "completion_tokens": 5, "total_tokens": 23}}});
        fake.next(Script::stream().text("Hi").event(&last).done());
        let row = row(&app, &json!({"model": "a", "stream": true})).await;
        assert_eq!((&row["input_tokens"], &row["output_tokens"], &row["estimated"]), (&json!(18), &json!(5), &json!(false)));
    }

    async fn an_unknown_cost_is_never_zero(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("unpriced", provider, |_| {}).await;
        fake.always(counted(&format!(r#""usage":{{{REPORTED}}}"#)));
        let budget = app.post("/v1/model-router/budgets", &json!({"period": "day", "soft_limit_nano_dollars": 100_000})).await;
        let budget = budget.header("location").to_owned();
        let unknown = row(&app, &json!({"model": "unpriced"})).await;
        assert_eq!((&unknown["cost_nano_dollars"], &unknown["cost_source"]), (&Value::Null, &Value::Null));
        let answer = app.call(
            with_json(app.request(Method::POST, "/v1/chat/completions"), &json!({"model": "unpriced", "messages": []}))
                .header("x-failsoft-metadata", "enabled"),
            &app.organization.key,
        ).await;
        assert_eq!(answer.json()["failsoft"]["cost"], Value::Null);
        let usage = app.get("/v1/model-router/usage").await.json()["items"][0].clone();
        assert_eq!((&usage["cost_nano_dollars"], &usage["unpriced"]), (&Value::Null, &json!(2)), "{usage}");
        let shown = eventually(async || Some(app.get(&budget).await.json()).filter(|budget| budget["unpriced_requests"] == 2)).await;
        assert_eq!(shown["spent_nano_dollars"], Value::Null);
        let member = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        let request = format!("/requests/{}", unknown["id"].as_str().expect("an id"));
        for path in ["/usage", "/requests", &request, "/settings", "/"] {
            let page = member.get(path).await.expect(200).html;
            let zero = page.split("$0.00").skip(1).any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
            assert!(page.contains("unknown") && !zero, "{path}: {page}");
        }
        let file = member.get("/requests.csv").await.expect(200);
        let mut reader = csv::Reader::from_reader(&file.answer.body[..]);
        let columns = reader.headers().expect("a header line").clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a line")).collect();
        assert_eq!(rows.len(), 2, "{}", file.html);
        for row in rows {
            for (column, cell) in [("estimated", "false"), ("cost_nano_dollars", ""), ("cost_source", ""), ("api_key_name", "test key")] {
                let index = columns.iter().position(|name| name == column).expect("a column of that name");
                assert_eq!(&row[index], cell, "{column}: {row:?}");
            }
        }

        priced(&app, &fake, "priced").await;
        row(&app, &json!({"model": "priced"})).await;
        let usage = app.get("/v1/model-router/usage").await.json()["items"][0].clone();
        assert_eq!((&usage["cost_nano_dollars"], &usage["unpriced"]), (&json!(120_000), &json!(2)), "{usage}");
        // Counted in budgets about once a second.
        let reached = async || {
            let page = member.get("/").await.expect(200).html;
            page.contains("its soft limit is reached").then_some(page)
        };
        let overview = eventually(reached).await;
        assert!(overview.contains("The organization has spent at least $0.000120 today"), "{overview}");
        for path in ["/usage", "/settings", "/"] {
            let page = member.get(path).await.expect(200);
            assert!(page.html.contains("at least $0.000120"), "{path}: {}", page.html);
            assert!(page.html.matches("$0.000120").count() == page.html.matches("at least $0.000120").count() || path == "/usage", "{path}: {}", page.html);
        }
    }
}
