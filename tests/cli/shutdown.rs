//! Shutdown: the load balancer notices first, and running requests finish.

use rstest::rstest;
use serde_json::json;

use crate::installation::{Installation, Kind, Server, curl};
use crate::process::{Process, eventually};

/// Starts a streamed chat completion, and waits for its first content.
fn start_stream(server: &Server, key: &str, model: &str) -> Process {
    let question =
        json!({ "model": model, "stream": true, "messages": [{ "role": "user", "content": "Tell me." }] });
    let mut command = curl();
    command.args([
        "--no-buffer",
        "--header",
        "content-type: application/json",
        "--data",
        &question.to_string(),
    ]);
    command.args(["--header", &format!("authorization: Bearer {key}")]);
    let mut stream = Process::start({
        command.arg(server.url("/v1/chat/completions"));
        command
    });
    stream.lines_until(|line| line.contains("\"content\":\""));
    stream
}

#[rstest]
fn a_stream_gets_its_time_and_is_recorded_while_readiness_has_failed_already(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_DRAIN_NOTICE_SECONDS", "2");
    let mut server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    // About four seconds: longer than the notice, shorter than the drain time.
    server.create_simulated_model(key, "talkative", "sim/steady-chunks-40-gap-100ms");
    let mut stream = start_stream(&server, key, "talkative");

    server.process.signal("TERM");
    eventually("readiness fails while the port is still open", || {
        (server.call(&[], "/readyz").0 == 503).then_some(())
    });
    assert_eq!(server.call(&[], "/livez").0, 200, "alive until the end");
    stream.lines_until(|line| line == "data: [DONE]");
    assert_eq!(stream.wait(), Some(0), "curl saw the stream break off");
    assert_eq!(server.process.wait(), Some(0), "{}", server.process.said());
    assert_eq!(server.call(&[], "/livez").0, 0, "nobody is there any more");

    installation.set("FAILSOFT_DRAIN_NOTICE_SECONDS", "0");
    let server = installation.serve();
    let requests = server.get(key, "/v1/model-router/requests");
    assert_eq!(requests["items"].as_array().expect("items").len(), 1, "{requests}");
    assert_eq!(requests["items"][0]["outcome"], "answered", "{requests}");
    assert_eq!(requests["items"][0]["served_model"], "talkative", "{requests}");
    server.process.stop();
}

#[test]
fn a_stream_that_outlasts_the_drain_time_is_cut_off_and_recorded() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_DRAIN_SECONDS", "1");
    let mut server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    server.create_simulated_model(key, "endless", "sim/steady-chunks-1000-gap-1000ms");
    let mut stream = start_stream(&server, key, "endless");
    server.process.signal("TERM");
    assert_eq!(server.process.wait(), Some(0), "{}", server.process.said());
    assert_ne!(stream.wait(), Some(0), "the stream looked whole");
    let server = installation.serve();
    let requests = server.get(key, "/v1/model-router/requests");
    assert_eq!(requests["items"][0]["requested_model"], "endless", "{requests}");
    assert_ne!(requests["items"][0]["outcome"], "answered", "{requests}");
    server.process.stop();
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_DRAIN_SECONDS", "3600");
    let mut server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    server.create_simulated_model(key, "endless", "sim/steady-chunks-1000-gap-1000ms");
    let _stream = start_stream(&server, key, "endless");
    server.process.signal("INT");
    eventually("the port is closed", || (server.call(&[], "/livez").0 == 0).then_some(()));
    server.process.signal("INT");
    assert_eq!(server.process.wait(), Some(1));
    assert!(server.process.said().contains("a second signal"), "{}", server.process.said());
}
