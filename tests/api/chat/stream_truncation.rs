//! Streams that end at every possible byte: the caller gets whole events of a single model, and at most one error.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::walk;
use crate::support::on_both_databases;

/// The events of a stream; `{model}` and `{more}` are replaced by the gateway.
const EVENTS: [&str; 6] = [
    "data: {\"id\":\"c-1\",\"model\":{model},\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]{more}}\n\n",
    ": ping\n\ndata: {\"id\":\"c-1\",\"model\":{model},\"choices\":[{\"delta\":{\"content\":\"Gr\u{fc}\u{df}e\"}}]{more}}\n\n",
    "data: {\"id\":\"c-1\",\"model\":{model},\"choices\":[{\"delta\":{\"content\":\" \u{1f980}\"}}]{more}}\r\n\r\n",
    "data: {\"model\":{model},\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]{more}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n\n",
    "data: [DONE]\n\n",
];
/// The first event with content, the one with the finish reason, and the one that is withheld from the caller.
const FIRST: usize = 1;
const FINISH: usize = 3;
const USAGE: usize = 4;
const DONE: &str = EVENTS[5];
/// The fallback's answer.
const SECOND: &str = "data: {\"model\":{model},\"choices\":[{\"delta\":{\"content\":\"SECOND\"},\"finish_reason\":\"stop\"}]{more}}\n\ndata: [DONE]\n\n";

fn theirs(text: &str) -> String {
    text.replace("{model}", "\"theirs\"").replace("{more}", "")
}

fn ours(text: &str, model: &str) -> String {
    // A comment passes without its text.
    let text = text.replace(": ping\n", ":\n");
    text.replace("{model}", &format!("\"{model}\"")).replace("{more}", ",\"provider\":\"fake\"")
}

/// The events that are forwarded out of the first `count`.
fn passes(count: usize) -> String {
    let events = EVENTS.iter().take(count).enumerate().filter(|(number, _)| *number != USAGE);
    events.map(|(_, event)| ours(event, "first")).collect()
}

/// The expected response.
enum Expected {
    /// The second model's answer.
    Second,
    /// Exactly this text.
    Whole(String),
    /// This text, followed by an error.
    Broken(String),
}

/// Requests a stream. The manual clock advances, so that a model in cooldown is tried again.
async fn ask(app: &App, metadata: &str) -> Answer {
    app.clock.advance(Duration::from_secs(301));
    let body = chat_body(&json!({"model": "first", "models": ["second"], "stream": true}));
    let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
    app.call(request.header("x-failsoft-metadata", metadata), &app.organization.key).await
}

/// The error in the chunk that ends a broken stream after `text`.
fn error_behind(text: &str, heard: &str) -> Value {
    let rest = text.strip_prefix(heard).unwrap_or_else(|| panic!("not heard: {heard:?}\nbut: {text:?}"));
    let frames = rest.strip_prefix("data: ").and_then(|data| data.strip_suffix("\n\n"));
    let frames = frames.and_then(|frames| frames.split_once("\n\ndata: "));
    let Some((chunk, alone)) = frames else { panic!("not two frames: {rest:?}") };
    let chunk: Value = serde_json::from_str(chunk).unwrap_or_else(|_| panic!("no chunk: {rest:?}"));
    let alone: Value = serde_json::from_str(alone).unwrap_or_else(|_| panic!("no error: {rest:?}"));
    assert_eq!(alone, json!({"error": chunk["error"]}), "{rest}");
    assert_eq!((&chunk["id"], &chunk["model"]), (&json!("c-1"), &json!("first")), "{rest}");
    assert_eq!(chunk["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "error"}]), "{rest}");
    chunk["error"].clone()
}

/// Compares a response with what is expected; returns whether the second model answered, and whether the stream
/// broke.
fn check(answer: &Answer, expected: &Expected, at: usize) -> (bool, bool) {
    let text = answer.text();
    assert_eq!(answer.status, 200, "{at}: {text}");
    match expected {
        Expected::Second => assert_eq!(text, ours(SECOND, "second"), "{at}"),
        Expected::Whole(heard) => assert_eq!(&text, heard, "{at}"),
        Expected::Broken(heard) => assert!(error_behind(&text, heard)["code"].is_u64(), "{at}: {text}"),
    }
    let second = matches!(expected, Expected::Second);
    assert_eq!(answer.header("x-failsoft-model"), if second { "second" } else { "first" }, "{at}");
    (second, matches!(expected, Expected::Broken(_)))
}

/// Checks that every failover and every broken stream has one event, and every request one row.
async fn check_records(app: &App, seen: &[(bool, bool)]) {
    let count = |wanted: fn(&(bool, bool)) -> bool| seen.iter().filter(|seen| wanted(seen)).count();
    let (switched, broken) = (count(|seen| seen.0), count(|seen| seen.1));
    let events = walk(app, "/v1/model-router/fallback-events?limit=200").await.concat();
    let interrupted = events.iter().filter(|event| event["error_class"] == "stream_interrupted").count();
    assert_eq!((events.len() - interrupted, interrupted), (switched, broken));
    let rows = walk(app, "/v1/model-router/requests?limit=200").await.concat();
    let of = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!((of("answered"), of("interrupted"), rows.len()), (seen.len() - broken, broken, seen.len()));
}

async fn arrange(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["first", "second"]).await;
    fake.always_for("second-upstream", Script::stream().chunk(theirs(SECOND)).end());
    fake
}

on_both_databases! {
    async fn a_connection_that_closes_at_any_byte(app: App) {
        let fake = arrange(&app).await;
        let mut script = Script::stream();
        // The position at which each event's data ends.
        let mut ends = Vec::new();
        for event in EVENTS {
            script = script.chunk(theirs(event));
            ends.push(script.length() - "\r\n".len());
        }
        let mut seen = Vec::new();
        for at in 0..=script.length() {
            fake.next_for("first-upstream", script.clone().cut_at(at));
            let complete = ends.iter().take_while(|end| **end <= at).count();
            let expected = match complete {
                0..=FIRST => Expected::Second,
                _ if complete == EVENTS.len() => Expected::Whole(passes(complete)),
                // Everything was sent except `[DONE]`.
                _ if complete > FINISH => Expected::Whole(passes(complete) + DONE),
                _ => Expected::Broken(passes(complete)),
            };
            seen.push(check(&ask(&app, "").await, &expected, at));
        }
        check_records(&app, &seen).await;
    }

    async fn a_body_that_ends_at_any_byte(app: App) {
        let fake = arrange(&app).await;
        let whole: String = EVENTS.map(theirs).concat();
        let mut seen = Vec::new();
        for at in 0..=whole.len() {
            fake.next_for("first-upstream", Script::stream().chunk(&whole.as_bytes()[..at]).end());
            let mut left = at;
            let complete = EVENTS.iter().take_while(|event| left.checked_sub(theirs(event).len()).map(|rest| left = rest).is_some());
            let complete = complete.count();
            let rest = EVENTS.get(complete).map_or(String::new(), |event| theirs(event));
            // An event that only lacks its end is forwarded; of other events, nothing is, and of a comment its colon.
            let cut = String::from_utf8_lossy(&rest.as_bytes()[..left]).into_owned();
            let data = cut.split_once("data:").map_or("", |(_, data)| data.trim());
            let (entire, begun) = (cut.trim_end() == rest.trim_end(), !data.is_empty());
            let tail = match complete {
                _ if !entire && cut.starts_with(':') => ":".to_owned(),
                _ if !entire && !begun => String::new(),
                USAGE => String::new(),
                number if entire && number < EVENTS.len() => {
                    let missing = rest.len() - left;
                    let event = ours(EVENTS[number], "first");
                    event[..event.len() - missing].to_owned()
                }
                _ => String::new(),
            };
            let finished = complete > FINISH || (complete == FINISH && entire);
            let heard = passes(complete) + &tail;
            let expected = match complete {
                0..=FIRST => Expected::Second,
                // The stream ends with this line, whether it is complete or not.
                _ if finished && tail.contains("[DONE]") => Expected::Whole(heard),
                _ if finished && (entire || !begun) && !tail.is_empty() && !heard.ends_with("\n\n") => {
                    Expected::Whole(heard + "\n\n")
                }
                _ if finished && (entire || !begun) => Expected::Whole(heard),
                _ if finished => Expected::Whole(heard + DONE),
                _ if tail.is_empty() => Expected::Broken(heard),
                // The missing end is added, so that the error is an event of its own.
                _ => Expected::Broken(heard + "\n\n"),
            };
            seen.push(check(&ask(&app, "").await, &expected, at));
        }
        check_records(&app, &seen).await;
    }

    async fn what_we_add_to_a_stream_that_lacks_its_last_line_is_an_event_of_its_own(app: App) {
        let fake = arrange(&app).await;
        for end in ["", "\n", "\n\n", "\r\n", "\r"] {
            let stream = EVENTS[..=FINISH].concat();
            fake.next_for("first-upstream", Script::stream().chunk(theirs(stream.trim_end()) + end).end());
            let answer = ask(&app, "enabled").await;
            let text = answer.text();
            let last = text.strip_prefix(ours(stream.trim_end(), "first").as_str()).expect("the stream").trim_start();
            let chunk: Value = serde_json::from_str(last.strip_prefix("data: ").expect("an event")).expect("JSON");
            assert_eq!(chunk["failsoft"]["served"], "first", "{end:?}: {text}");
            assert!(text.contains("\n\ndata: {\"id\":\"c-1\",\"object\""), "{end:?}: {text}");
        }
    }
}
