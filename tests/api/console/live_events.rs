//! `/events/live`: new rows as they are recorded, and none missed after a disconnect.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::json;

use super::events::{catalog, member};
use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::on_both_databases;

/// Reads until this many rows have arrived, and returns their ids. All views share what one of them has read, for a
/// second.
async fn read_rows(app: &App, stream: &mut Response, number: usize) -> Vec<String> {
    let mut text = String::new();
    let wanted = async {
        while text.matches("\ndata: ").count() < number {
            app.clock.advance(Duration::from_secs(1));
            let piece = stream.chunk().await.expect("a piece").expect("more");
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wanted).await.expect("the rows come within 20 seconds");
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

/// Reads until this many unknown rows have arrived, and returns their ids.
async fn read_until(app: &App, stream: &mut Response, number: usize, known: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    while found.len() < number {
        let rows = read_rows(app, stream, 1).await;
        found.extend(rows.into_iter().filter(|row| !known.contains(row)));
    }
    found
}

/// Reads to the end: the ids of unknown rows, and the whole text.
async fn read_to_the_end(stream: &mut Response, known: &[String]) -> (Vec<String>, String) {
    let mut text = String::new();
    let end = async {
        while let Some(piece) = stream.chunk().await.expect("a piece") {
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("it ends within 20 seconds");
    let rows = text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
    (rows.filter(|row| !known.contains(row)).collect(), text)
}

/// Checks that the next message is a comment without new rows.
async fn hear_nothing(app: &App, stream: &mut Response) {
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(1));
        let piece = stream.chunk().await.expect("a piece").expect("more");
        assert!(!String::from_utf8_lossy(&piece).contains("data:"), "{piece:?}");
    }
}

on_both_databases! {
    async fn rows_come_once_as_they_are_recorded_and_again_after_a_break(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        let live = |last: &str| {
            let request = browser.request(Method::GET, "/events/live?class=overloaded");
            if last.is_empty() { request } else { request.header("last-event-id", last) }
        };
        let mut stream = browser.open(live("")).await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        app.chat(&json!({"model": "bad"})).await;
        let first = read_rows(&app, &mut stream, 1).await;
        assert_eq!(first.len(), 1);
        app.chat(&json!({"model": "bad"})).await;
        let second = read_rows(&app, &mut stream, 1).await;
        assert_ne!(first, second);
        hear_nothing(&app, &mut stream).await;
        drop(stream);

        // Disconnected for longer than rows may be late.
        app.chat(&json!({"model": "bad"})).await;
        app.clock.advance(Duration::from_secs(600));
        let mut stream = browser.open(live(&second[0])).await;
        let missed = read_rows(&app, &mut stream, 3).await;
        assert_eq!(missed[..2], [first[0].clone(), second[0].clone()]);
        hear_nothing(&app, &mut stream).await;
        let mut fresh = browser.open(live("")).await;
        hear_nothing(&app, &mut fresh).await;

        let other = Browser::owner(&app, "other").await;
        let request = other.request(Method::GET, "/events/live").header("last-event-id", &second[0]);
        hear_nothing(&app, &mut other.open(request).await).await;
    }

    async fn a_stream_that_ends_loses_and_doubles_nothing(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        let page = browser.get("/events").await.expect(200);
        let (_, mark) = page.html.split_once(r#"into="events" after=""#).expect("a tail");
        let mark = mark.split('"').next().expect("an id");
        // Between rendering and the first poll, longer than rows may be late.
        app.chat(&json!({"model": "bad"})).await;
        app.clock.advance(Duration::from_secs(300));
        let mut told: Vec<String> = Vec::new();
        let mut last = mark.to_owned();
        for turn in 0..3 {
            app.chat(&json!({"model": "bad"})).await;
            let mut stream = browser.open(browser.request(Method::GET, &format!("/events/live?after={last}"))).await;
            // Rows that the page already has are not repeated.
            let mut fresh = read_until(&app, &mut stream, if turn == 0 { 2 } else { 1 }, &told).await;
            told.append(&mut fresh);
            app.chat(&json!({"model": "bad"})).await;
            // After its minute it polls one last time before it says so.
            app.clock.advance(Duration::from_secs(60));
            let (mut rest, text) = read_to_the_end(&mut stream, &told).await;
            assert!(text.ends_with("event: bye\ndata: 1\n\n") && !text.contains("gap"), "{text}");
            told.append(&mut rest);
            last.clone_from(told.last().expect("a row"));
        }
        let recorded: Vec<String> = app.events().await.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(told, recorded);
        assert_eq!(told.len(), 7);

        // Disconnected for longer than the lookback, which is reported.
        app.clock.advance(Duration::from_secs(3 * 3_600));
        let mut stream = browser.open(browser.request(Method::GET, &format!("/events/live?after={last}"))).await;
        app.clock.advance(Duration::from_secs(60));
        assert!(read_to_the_end(&mut stream, &[]).await.1.contains("event: gap\ndata: 1\n\n"));
    }
}
