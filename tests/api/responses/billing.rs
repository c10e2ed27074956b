//! What a response costs, by what its provider says of it: the tier, the tools that it ran and the pages that it found.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};

use super::respond;
use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Nine tokens of the prompt and nine of the answer, each at 1,000 nano-dollars.
const COST: i64 = 18_000;

/// A model `own` of a provider that speaks the dialect.
async fn priced(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    let provider = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
    app.organization.model_like("own", provider, |fields| fields.settings.price = Some(price)).await;
    fake
}

/// A text of an answer, with these annotations.
fn said(annotations: &Value) -> Value {
    let part = json!({"type": "output_text", "text": "Hello there", "annotations": annotations});
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
}

/// A whole response with these items and members.
fn response(items: &Value, members: &Value) -> Value {
    let mut response = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "theirs", "output": items,
        "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18},
    });
    response.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    response
}

/// The response as it comes in a stream: its last event has the items, or only those before it do.
fn streamed(response: &Value, repeats: bool) -> Script {
    let mut begun = response.clone();
    (begun["status"], begun["output"], begun["usage"]) = (json!("in_progress"), json!([]), Value::Null);
    begun["service_tier"] = json!("auto");
    let mut events = vec![("response.created", json!({"response": begun}))];
    for item in response["output"].as_array().expect("items") {
        for kind in ["response.output_item.added", "response.output_item.done"] {
            events.push((kind, json!({"output_index": 0, "item": item})));
        }
    }
    let mut ended = response.clone();
    if !repeats {
        ended["output"] = json!([]);
    }
    events.push(("response.completed", json!({"response": ended})));
    let events = events.into_iter().enumerate().map(|(number, (kind, mut data))| {
        (data["type"], data["sequence_number"]) = (json!(kind), json!(number));
        format!("event: {kind}\ndata: {data}\n\n")
    });
    Script::stream().chunk(events.collect::<String>()).end()
}

/// The cost of a response to a request with these fields, whole and in both forms of a stream.
async fn costs(app: &App, fake: &FakeProvider, fields: &Value, response: &Value) -> Vec<Value> {
    let mut costs = Vec::new();
    for (script, stream) in [
        (Script::json(200, response), false),
        (streamed(response, true), true),
        (streamed(response, false), true),
    ] {
        fake.next(script);
        let mut asked = fields.clone();
        (asked["model"], asked["stream"]) = (json!("own"), json!(stream));
        let answer = respond(app, &asked).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        let path = format!("/v1/model-router/requests/{}", answer.header("x-request-id"));
        let row =
            eventually(async || Some(app.get(&path).await.json()).filter(|row| row["outcome"] == "answered"))
                .await;
        assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(9), &json!(9)), "{row}");
        costs.push(row["cost_nano_dollars"].clone());
    }
    costs
}

on_both_databases! {
    async fn the_tier_of_the_answer_decides(app: App) {
        let fake = priced(&app).await;
        for (asked, answered, known) in [
            (json!({}), json!({"service_tier": "default"}), true),
            (json!({}), json!({"service_tier": "flex"}), false),
            (json!({"service_tier": "auto"}), json!({"service_tier": "priority"}), false),
            (json!({"service_tier": "priority"}), json!({"service_tier": "default"}), true),
            (json!({"service_tier": "priority"}), json!({"service_tier": "priority"}), false),
        ] {
            let expected = if known { json!(COST) } else { Value::Null };
            let found = costs(&app, &fake, &asked, &response(&json!([said(&json!([]))]), &answered)).await;
            assert_eq!(found, [expected.clone(), expected.clone(), expected], "{asked} {answered}");
        }
    }

    async fn tools_of_the_provider_in_an_answer_make_its_cost_unknown(app: App) {
        let fake = priced(&app).await;
        let call = |kind: &str| json!([{"type": kind, "id": "c_1", "status": "completed"}, said(&json!([]))]);
        let page = json!([{"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1}]);
        let function = json!([{"type": "function_call", "id": "f_1", "call_id": "c_1", "name": "f", "arguments": "{}"}]);
        for (items, members, known) in [
            (call("web_search_call"), json!({}), false),
            (call("image_generation_call"), json!({}), false),
            (call("code_interpreter_call"), json!({}), false),
            (call("file_search_call"), json!({}), false),
            (call("mcp_call"), json!({}), false),
            (json!([said(&page)]), json!({}), false),
            (json!([said(&json!([]))]), json!({"tool_usage": {"web_search": {"num_requests": 2}}}), false),
            (json!([said(&json!([]))]), json!({"tool_usage": {"web_search": {"num_requests": 0}}}), true),
            (function, json!({}), true),
        ] {
            let expected = if known { json!(COST) } else { Value::Null };
            let found = costs(&app, &fake, &json!({}), &response(&items, &members)).await;
            assert_eq!(found, [expected.clone(), expected.clone(), expected], "{items} {members}");
        }
    }

    async fn functions_in_a_namespace_have_a_known_cost(app: App) {
        let fake = priced(&app).await;
        let function = json!({"type": "function", "name": "f", "parameters": {"type": "object"}});
        for (tool, known) in [(function, true), (json!({"type": "web_search"}), false)] {
            let tools = json!({"tools": [{"type": "namespace", "name": "n", "description": "D", "tools": [tool]}]});
            let expected = if known { json!(COST) } else { Value::Null };
            let found = costs(&app, &fake, &tools, &response(&json!([said(&json!([]))]), &json!({}))).await;
            assert_eq!(found, [expected.clone(), expected.clone(), expected], "{tools}");
        }
    }
}
