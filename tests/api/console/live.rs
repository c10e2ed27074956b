//! `/events/live`: new rows as they are recorded, and none missed after a break.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::json;

use super::events::{catalogue, member};
use crate::support::browser::Browser;
use crate::support::on_both_databases;

/// Reads until that many rows have come, and returns their ids.
async fn read_rows(stream: &mut Response, number: usize) -> Vec<String> {
    let mut text = String::new();
    let wanted = async {
        while text.matches("\ndata: ").count() < number {
            let piece = stream.chunk().await.expect("a piece").expect("more");
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wanted).await.expect("the rows come within 20 seconds");
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

/// The next thing that is said by itself: nothing new.
async fn hear_nothing(stream: &mut Response) {
    for _ in 0..3 {
        let piece = stream.chunk().await.expect("a piece").expect("more");
        assert!(!String::from_utf8_lossy(&piece).contains("data:"), "{piece:?}");
    }
}

on_both_databases! {
    async fn rows_come_once_as_they_are_recorded_and_again_after_a_break(app: App) {
        let _fake = catalogue(&app).await;
        let browser = member(&app).await;
        let live = |last: &str| {
            let request = browser.request(Method::GET, "/events/live?class=overloaded");
            if last.is_empty() { request } else { request.header("last-event-id", last) }
        };
        let mut stream = browser.open(live("")).await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        app.chat(&json!({"model": "bad"})).await;
        let first = read_rows(&mut stream, 1).await;
        assert_eq!(first.len(), 1);
        app.chat(&json!({"model": "bad"})).await;
        let second = read_rows(&mut stream, 1).await;
        assert_ne!(first, second);
        hear_nothing(&mut stream).await;
        drop(stream);

        // Away for longer than rows may be late.
        app.chat(&json!({"model": "bad"})).await;
        app.clock.advance(Duration::from_secs(600));
        let mut stream = browser.open(live(&second[0])).await;
        let missed = read_rows(&mut stream, 3).await;
        assert_eq!(missed[..2], [first[0].clone(), second[0].clone()]);
        hear_nothing(&mut stream).await;
        let mut fresh = browser.open(live("")).await;
        hear_nothing(&mut fresh).await;

        let other = Browser::owner(&app, "other").await;
        let request = other.request(Method::GET, "/events/live").header("last-event-id", &second[0]);
        hear_nothing(&mut other.open(request).await).await;
    }
}
