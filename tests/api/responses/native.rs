//! Providers that speak the dialect themselves: bytes pass.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{adapted, catalog, events, items, respond, spoken, without_id};
use crate::support::app::{App, Organization};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The models of the catalog, and `own` of a provider that speaks the dialect.
async fn with_native(organization: &Organization, fake: &FakeProvider) -> Uuid {
    catalog(organization, fake).await;
    let openai = organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
    organization.model("own", openai).await;
    openai
}

/// A response as its provider writes it.
const ANSWER: &str = r#"{"id":"resp_own", "object":"response","created_at":1.5,"status":"completed","error":null,"model" : "theirs","output":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"},{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"H\u00e9llo","annotations":[]}]}],"of_next_year":[1.50],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":109}}"#;

/// An event of a stream, as its provider writes it.
fn event(number: u64, kind: &str, members: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{members}}}\n\n")
}

fn begun() -> String {
    event(
        0,
        "response.created",
        r#""response":{"id":"resp_own","created_at":7,"status":"in_progress","model" : "theirs","output":[]}"#,
    )
}

fn said(number: u64, text: &str) -> String {
    let members = format!(r#""item_id":"msg_1","output_index":0,"content_index":0,"delta":"{text}""#);
    event(number, "response.output_text.delta", &members)
}

fn added() -> String {
    event(
        1,
        "response.output_item.added",
        r#""output_index":0,"item":{"type":"message","id":"msg_1","content":[]}"#,
    )
}

/// Sends a body as it is written.
async fn raw(app: &App, body: &str) -> crate::support::app::Answer {
    let request = app.request(Method::POST, "/v1/responses").header("content-type", "application/json");
    app.call(request.body(body.to_owned()), &app.organization.key).await
}

on_both_databases! {
    async fn a_whole_response_passes(app: App) {
        let fake = FakeProvider::start().await;
        with_native(&app.organization, &fake).await;
        fake.next(Script::respond(200, &[("content-type", "application/json")], ANSWER));
        let inside = r#""input" : [ {"role":"user","content":"H\u00e9"} ],"store":false,"of_next_year":{"a":1.50}"#;
        let answer = raw(&app, &format!(r#"{{"model":"own","max_fallbacks":1,{inside}}}"#)).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "own"), "{}", answer.text());
        assert_eq!(answer.text(), ANSWER.replace("\"theirs\"", "\"own\""));
        let sent = fake.request(0).await;
        assert_eq!(sent.path, "/v1/responses");
        let body = String::from_utf8(sent.body.to_vec()).expect("UTF-8");
        let inside = inside.replace("\"input\" : [", "\"input\":[");
        assert_eq!(body, format!(r#"{{{inside},"model":"own-upstream"}}"#));
        let row = app.requests(1).await.pop().expect("a row");
        let counts = ["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"].map(|name| row[name].clone());
        assert_eq!(counts, [json!(100), json!(60), json!(9), json!(4)], "{row}");
    }

    async fn a_stream_passes_however_it_is_chunked(app: App) {
        let fake = FakeProvider::start().await;
        with_native(&app.organization, &fake).await;
        let last = event(5, "response.completed", &format!("\"response\":{ANSWER}"));
        let sent = [begun(), ": comment\n\n".to_owned(), added(), said(2, "H\\u00e9"), said(3, "llo"), event(4, "response.of_next_year", "\"a\":1.50"), last].concat();
        for (number, script) in [
            Script::stream().chunk(&sent).end(),
            Script::stream().chunk(&sent).end().trickled(),
            Script::stream().chunk(&sent).close(),
            Script::stream().chunk(&sent).chunk("data: [DONE]\n\n").end(),
        ].into_iter().enumerate() {
            fake.next(script);
            let answer = respond(&app, &json!({"model": "own", "stream": true, "store": false})).await;
            assert_eq!(answer.text(), sent.replace("\"theirs\"", "\"own\"").replace(": comment", ":"));
            events(&answer);
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!((&row["outcome"], &row["input_tokens"], &row["output_tokens"]), (&json!("answered"), &json!(100), &json!(9)), "{row}");
        }
    }

    async fn a_failure_before_content_is_answered_by_another_dialect(app: App) {
        let fake = FakeProvider::start().await;
        with_native(&app.organization, &fake).await;
        let failed = event(1, "response.failed", r#""response":{"id":"resp_own","status":"failed","error":{"code":"rate_limit_exceeded","message":"Please try again in 1.5s."}}"#);
        for (script, class) in [
            (Script::error(503, "server_is_overloaded", "Overloaded"), "overloaded"),
            (Script::stream().chunk(begun() + &failed).end(), "rate_limited"),
            (Script::stream().chunk(begun()).end(), "invalid_response"),
            (Script::stream().chunk(said(0, "H")).end(), "invalid_response"),
        ] {
            fake.next_for("own-upstream", script);
            fake.next_for("claude-upstream", Script::message_stream("Hi"));
            let answer = respond(&app, &json!({"model": "own", "models": ["claude"], "stream": true, "num_retries": 0})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{}", answer.text());
            assert_eq!(items(&events(&answer)).into_iter().map(without_id).collect::<Vec<_>>(), [spoken("Hi")]);
            let event = app.events().await.pop().expect("an event");
            assert_eq!(event["error_class"], class, "{event}");
        }
    }

    async fn a_break_after_content_has_the_next_number(app: App) {
        let fake = FakeProvider::start().await;
        let own = with_native(&app.organization, &fake).await;
        let failed = event(3, "response.failed", r#""response":{"id":"resp_own","status":"failed","error":{"code":"server_error","message":"Boom"}}"#);
        for (number, rest) in [String::new(), failed].into_iter().enumerate() {
            fake.next(Script::stream().chunk([begun(), added(), said(2, "H"), rest].concat()).end());
            let answer = respond(&app, &json!({"model": "own", "stream": true, "store": number == 0})).await;
            let events = events(&answer);
            let last = events.last().expect("an end");
            let id = if number == 0 { format!("resp_own_p{}", own.simple()) } else { "resp_own".to_owned() };
            assert_eq!((&last["type"], &last["sequence_number"], &last["response"]["id"]), (&json!("response.failed"), &json!(3), &json!(id)), "{}", answer.text());
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["outcome"], "interrupted", "{row}");
        }
    }

    async fn state_is_for_the_provider_that_has_it(app: App) {
        let fake = FakeProvider::start().await;
        let own = with_native(&app.organization, &fake).await;
        fake.next_for("own-upstream", Script::respond(200, &[("content-type", "application/json")], ANSWER));
        let asked = json!({"model": "claude", "models": ["own"], "previous_response_id": format!("resp_0_p{}", own.simple())});
        let answer = respond(&app, &asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "own"), "{}", answer.text());
        let event = app.events().await.pop().expect("an event");
        assert_eq!(event["matched_rule"], "lacks_capability:previous_response", "{event}");
        let later = respond(&app, &json!({"model": "own", "background": true})).await;
        assert_eq!((later.status, &later.json()["error"]["param"]), (400, &json!("background")), "{}", later.text());
        assert_eq!(fake.served(), 1);
    }

    async fn reasoning_reaches_only_who_can_read_it(app: App) {
        let fake = FakeProvider::start().await;
        with_native(&app.organization, &fake).await;
        let reasoning = |id: &str| json!({"type": "reasoning", "id": id, "summary": [], "encrypted_content": "x"});
        let said = json!({"role": "user", "content": "Hi"});
        let input = json!([said, reasoning("rs_1"), reasoning("rs_failsoft_1_0"), said]);
        for (models, kept) in [(json!(["own"]), 3), (json!(["gpt", "own"]), 2)] {
            fake.next_for("gpt-upstream", Script::error(503, "overloaded", "Overloaded"));
            fake.next_for("own-upstream", Script::respond(200, &[("content-type", "application/json")], ANSWER));
            let answer = respond(&app, &json!({"models": models, "input": input, "num_retries": 0})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "own"), "{}", answer.text());
            let sent: Value = fake.request(fake.served() - 1).await.json();
            assert_eq!(sent["input"].as_array().map(Vec::len), Some(kept), "{sent}");
        }
        assert!(!adapted(&app, 2).await.is_empty());
    }

    async fn events_in_place_of_a_whole_answer_and_the_other_way_round(app: App) {
        let fake = FakeProvider::start().await;
        with_native(&app.organization, &fake).await;
        let last = event(1, "response.completed", &format!("\"response\":{ANSWER}"));
        fake.next(Script::stream().chunk(begun() + &last).end());
        let whole = respond(&app, &json!({"model": "own"})).await;
        assert_eq!((whole.status, &whole.json()["output"][1]["content"][0]["text"]), (200, &json!("H\u{e9}llo")), "{}", whole.text());
        fake.next(Script::respond(200, &[("content-type", "application/json")], ANSWER));
        let answer = respond(&app, &json!({"model": "own", "stream": true})).await;
        let found = events(&answer);
        assert_eq!(items(&found).len(), 2, "{}", answer.text());
        assert_eq!(found.last().expect("an end")["response"]["model"], "own");
    }
}
