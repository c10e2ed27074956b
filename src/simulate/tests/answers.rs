//! Answers: complete, streamed, and with a given length and pace.

use super::*;

#[tokio::test]
async fn steady_answers_and_every_answer_has_its_own_id() {
    let provider = provider().await;
    let response = provider.chat("sim/steady", json!({ "temperature": 0.5, "unknown": [1] })).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    let first = body_of(response).await;
    assert_eq!(first["choices"][0]["message"]["content"], "You said: hello there");
    assert_eq!(first["model"], "sim/steady");
    assert!(first["created"].as_u64().expect("a time") > 1_700_000_000);
    let without_version = provider.request(Method::POST, "/chat/completions");
    let second =
        body_of(without_version.body(chat_body("steady", json!({}))).send().await.expect("an answer")).await;
    assert!(first["id"].as_str().expect("id").starts_with("chatcmpl-"));
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_stream_is_role_words_finish_done_each_a_frame_of_its_own() {
    let provider = provider().await;
    let response = provider.chat("steady", streamed()).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream; charset=utf-8");
    let (events, whole) = pieces_of(response).await;
    assert!(whole);
    assert_eq!(events.len(), 7, "{events:?}");
    let delta = |index: usize| data_of(&events[index])["choices"][0]["delta"].clone();
    assert_eq!(delta(0), json!({ "role": "assistant", "content": "", "refusal": null }));
    assert_eq!(delta(1), json!({ "content": "You " }));
    assert_eq!(content_of(&events), "You said: hello there");
    assert_eq!(data_of(&events[5])["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[6], "data: [DONE]\n\n");
    let ids: Vec<Value> = events[..6].iter().map(|event| data_of(event)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn usage_is_streamed_to_those_who_ask() {
    let provider = provider().await;
    let fields = json!({ "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 2 });
    let (events, _) = pieces_of(provider.chat("steady", fields).await).await;
    assert_eq!(events.len(), 6, "{events:?}");
    assert_eq!(content_of(&events), "You said: ");
    assert_eq!(data_of(&events[3])["choices"][0]["finish_reason"], "length");
    let usage = data_of(&events[4]);
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 2);
    assert_eq!(usage["usage"]["prompt_tokens"], 4);
}

#[tokio::test]
async fn names_set_length_and_pause() {
    let provider = provider().await;
    let (events, whole) = pieces_of(provider.chat("steady-chunks-3-gap-30ms", streamed()).await).await;
    assert_eq!((events.len(), whole), (6, true));
    let asked = Instant::now();
    let response = provider.chat("steady-chunks-3-gap-30ms", streamed()).await;
    let (_, _) = pieces_of(response).await;
    assert!(asked.elapsed() >= Duration::from_millis(60), "two pauses lie between three chunks");
    let asked = Instant::now();
    assert_eq!(provider.chat("slow-50ms", json!({})).await.status(), 200);
    assert!(asked.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn the_pause_of_the_settings_holds_for_names_without_one() {
    let with_gap =
        async |gap| Provider::start(Settings { chunk_gap: Some(gap), ..Settings::default() }).await;
    let asked = Instant::now();
    let (events, _) =
        pieces_of(with_gap(Duration::from_millis(20)).await.chat("steady", streamed()).await).await;
    assert_eq!(content_of(&events), "You said: hello there");
    assert!(asked.elapsed() >= Duration::from_millis(60), "three pauses lie between four words");
    let hourly = with_gap(Duration::from_secs(3_600)).await;
    let (events, whole) = pieces_of(hourly.chat("steady-gap-0ms", streamed()).await).await;
    assert_eq!((events.len(), whole), (7, true));
}

#[tokio::test]
async fn chunks_that_are_written_one_by_one_do_not_wait_for_acknowledgements() {
    let provider = provider().await;
    let mut times = Vec::new();
    for _ in 0..6 {
        let asked = Instant::now();
        pieces_of(provider.chat("steady-gap-0ms", streamed()).await).await;
        times.push(asked.elapsed());
    }
    // The first stream of a connection is acknowledged at once; a later one would wait 40 ms every time. A busy
    // machine is not slow five times in a row.
    assert!(times[1..].iter().any(|time| *time < Duration::from_millis(30)), "{times:?}");
}
