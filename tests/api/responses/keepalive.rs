//! Streams of responses that begin before there is an answer.

use serde_json::{Value, json};

use super::catalog;
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

/// A server that waits 50 ms for the first event.
async fn hasty(app: &App) -> App {
    app.set(&json!({"keepalive_after_ms": 50})).await;
    app.beside(|settings| settings.gateway.keepalive_interval_ms = 15_000).await
}

/// An overload once the gate opens.
fn busy(gate: &Gate) -> Script {
    Script::new().wait_until(gate).send("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
}

/// The events of a stream of which the first model is overloaded after its headers were sent.
async fn events_behind_a_keepalive(app: &App, asked: &Value, gate: &Gate) -> Vec<Value> {
    let mut caller = Raw::connect(app.address).await;
    let body = asked.to_string();
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        app.organization.key,
        body.len()
    );
    caller.send(head + &body).await;
    caller.read_until(": keepalive\n\n").await;
    gate.open();
    let text = caller.read_until("\r\n0\r\n\r\n").await;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect(data)).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

on_both_databases! {
    async fn when_all_models_fail_the_stream_has_a_beginning_and_an_end(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let app = hasty(&app).await;
        let gate = Gate::new();
        fake.next(busy(&gate));
        let asked = json!({"model": "gpt", "input": "Hi", "stream": true, "num_retries": 0});
        let events = events_behind_a_keepalive(&app, &asked, &gate).await;
        assert_eq!(kinds(&events), ["response.created", "response.in_progress", "response.failed"]);
        for (number, event) in events.iter().enumerate() {
            assert_eq!((&event["sequence_number"], &event["response"]["model"]), (&json!(number), &json!("gpt")), "{event}");
            assert_eq!(event["response"]["id"], events[0]["response"]["id"], "{event}");
        }
        assert_eq!(events[2]["response"]["error"]["code"], "server_is_overloaded", "{}", events[2]);
    }

    async fn the_event_of_the_gateway_precedes_the_last_one(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let app = hasty(&app).await;
        for (second, script) in [
            ("claude", Script::message_stream("Hi")),
            ("gpt", Script::stream().text("Hi").finish("stop").usage(3, 2).done()),
            ("gpt", Script::stream().text("Hi").finish("stop").usage(3, 2).end()),
        ] {
            let gate = Gate::new();
            let first = if second == "gpt" { "claude" } else { "gpt" };
            fake.next_for(&format!("{first}-upstream"), busy(&gate));
            fake.next_for(&format!("{second}-upstream"), script);
            let asked = json!({"model": first, "models": [second], "input": "Hi", "stream": true, "num_retries": 0});
            let events = events_behind_a_keepalive(&app, &asked, &gate).await;
            let kinds = kinds(&events);
            assert_eq!(kinds[kinds.len() - 3..], ["response.output_item.done", "failsoft", "response.completed"], "{kinds:?}");
            assert_eq!(events[kinds.len() - 2]["failsoft"]["served"], second, "{kinds:?}");
        }
    }
}
