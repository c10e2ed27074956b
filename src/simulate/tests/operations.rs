//! The endpoints other than chats: their answers, their streams, and every fault at each of them.

use super::*;

/// The endpoints that take JSON, and a request to each without its model.
fn endpoints() -> [(&'static str, Value); 6] {
    [
        ("/v1/embeddings", json!({ "input": ["a", "b"] })),
        ("/v1/completions", json!({ "prompt": "Once upon a time" })),
        ("/v1/moderations", json!({ "input": ["a harmful text", "another"] })),
        ("/v1/rerank", json!({ "query": "bake bread", "documents": ["the train leaves", "to bake bread"] })),
        ("/v1/images/generations", json!({ "prompt": "a fox" })),
        ("/v1/audio/speech", json!({ "input": "Hello you there", "voice": "alloy" })),
    ]
}

async fn ask(provider: &Provider, path: &str, model: &str, body: &Value, more: Value) -> Response {
    let mut body = body.clone();
    body["model"] = model.into();
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    provider.request(Method::POST, path).body(body.to_string()).send().await.expect("an answer")
}

/// Sends a form with a recording of five bytes.
async fn hear(provider: &Provider, model: &str, more: &[(&str, &str)]) -> Response {
    let field = |name: &str, text: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let file =
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\nsound\r\n--B--\r\n";
    let texts: String = more.iter().map(|(name, text)| field(name, text)).collect();
    let request = provider.request(Method::POST, "/v1/audio/transcriptions");
    let request = request.header("content-type", "multipart/form-data; boundary=B");
    let body = format!("{}{texts}{file}", field("model", model));
    request.body(body).send().await.expect("an answer")
}

#[tokio::test]
async fn each_endpoint_answers_and_the_same_request_has_the_same_answer() {
    let provider = provider().await;
    for (path, body) in endpoints() {
        let short = path.strip_prefix("/v1").expect("a version");
        let deployment = format!("/openai/deployments/steady{short}");
        let mut answers = Vec::new();
        for path in [path, short, &deployment] {
            let response = ask(&provider, path, "steady", &body, json!({})).await;
            assert_eq!(response.status(), 200, "{path}");
            let bytes = response.bytes().await.expect("a whole body");
            // Everything but the number of the answer and its time.
            let mut answer: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(bytes.to_vec()));
            if let Some(members) = answer.as_object_mut() {
                members.retain(|name, _| !matches!(name.as_str(), "id" | "created"));
            }
            answers.push(answer);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{path}: {answers:?}");
    }
    let two = ask(&provider, "/v2/rerank", "steady", &endpoints()[3].1, json!({})).await;
    assert_eq!(two.status(), 200);
}

#[tokio::test]
async fn embeddings_have_the_size_and_the_form_that_was_asked_for() {
    let provider = provider().await;
    let (path, body) = &endpoints()[0];
    let answer = body_of(ask(&provider, path, "sim/steady", body, json!({})).await).await;
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("sim/steady")));
    assert_eq!(answer["usage"], json!({ "prompt_tokens": 2, "total_tokens": 2 }));
    let list = answer["data"].as_array().expect("a list");
    let sizes: Vec<usize> =
        list.iter().map(|entry| entry["embedding"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!((sizes, &list[1]["index"]), (vec![64, 64], &json!(1)));
    let packed = json!({ "input": "a", "dimensions": 3, "encoding_format": "base64" });
    let packed = body_of(ask(&provider, path, "steady", body, packed).await).await;
    // Three floats are twelve bytes, which are sixteen letters.
    assert_eq!(packed["data"][0]["embedding"].as_str().map(str::len), Some(16), "{packed}");
    for (wrong, param) in [
        (json!({ "input": [] }), "input"),
        (json!({ "input": null }), "input"),
        (json!({ "dimensions": 0 }), "dimensions"),
        (json!({ "dimensions": 4_096, "input": vec!["a"; 257] }), "input"),
    ] {
        let response = ask(&provider, path, "steady", body, wrong.clone()).await;
        assert_eq!(response.status(), 400, "{wrong}");
        assert_eq!(body_of(response).await["error"]["param"], param, "{wrong}");
    }
}

#[tokio::test]
async fn completions_answer_each_prompt_whole_and_streamed() {
    let provider = provider().await;
    let (path, body) = &endpoints()[1];
    let more = json!({ "prompt": ["a", "b"], "n": 2, "echo": true, "max_tokens": 3 });
    let whole = body_of(ask(&provider, path, "steady", body, more.clone()).await).await;
    let texts: Vec<&str> = whole["choices"]
        .as_array()
        .expect("choices")
        .iter()
        .filter_map(|choice| choice["text"].as_str())
        .collect();
    assert_eq!(texts, ["aYou said: a", "aYou said: a", "bYou said: b", "bYou said: b"]);
    assert_eq!(whole["usage"], json!({ "prompt_tokens": 2, "completion_tokens": 12, "total_tokens": 14 }));
    let mut streamed = more;
    streamed["stream"] = true.into();
    streamed["stream_options"] = json!({ "include_usage": true });
    let (events, is_whole) = pieces_of(ask(&provider, path, "steady-gap-0ms", body, streamed).await).await;
    assert!(is_whole && events.last().is_some_and(|last| last.contains("[DONE]")), "{events:?}");
    let chunks: Vec<Value> = events
        .concat()
        .split_inclusive("\n\n")
        .filter(|event| !event.contains("[DONE]"))
        .map(data_of)
        .collect();
    for (index, expected) in texts.iter().enumerate() {
        let own = chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == index);
        let text: String = own.clone().filter_map(|choice| choice["text"].as_str()).collect();
        assert_eq!(text, *expected);
        let ends: Vec<&Value> =
            own.map(|choice| &choice["finish_reason"]).filter(|end| !end.is_null()).collect();
        assert_eq!(ends, [&json!("stop")], "{index}");
    }
    assert_eq!(chunks.last().map(|chunk| &chunk["usage"]), Some(&whole["usage"]));
    let cut = body_of(ask(&provider, path, "steady", body, json!({ "max_tokens": 2 })).await).await;
    assert_eq!(
        (&cut["choices"][0]["text"], &cut["choices"][0]["finish_reason"]),
        (&json!("You said: "), &json!("length"))
    );
    let filtered = body_of(ask(&provider, path, "content-filter-finish", body, json!({})).await).await;
    assert_eq!(filtered["choices"][0]["finish_reason"], "content_filter");
    let many = ask(&provider, path, "steady-chunks-600000", body, json!({ "n": 2 })).await;
    assert_eq!(many.status(), 400, "more words than an answer may have");
}

#[tokio::test]
async fn texts_are_judged_and_documents_are_sorted() {
    let provider = provider().await;
    let [_, _, (path, body), (rerank, query), ..] = &endpoints();
    let judged = body_of(ask(&provider, path, "steady", body, json!({})).await).await;
    let flags: Vec<&Value> =
        judged["results"].as_array().expect("results").iter().map(|one| &one["flagged"]).collect();
    assert_eq!(flags, [&json!(true), &json!(false)]);
    assert_eq!(judged["results"][0]["categories"]["violence"], true);
    let parts = json!({ "input": [{ "type": "text", "text": "harmful" }, { "type": "image_url", "image_url": { "url": "x" } }] });
    let together = body_of(ask(&provider, path, "steady", body, parts).await).await;
    assert_eq!(together["results"].as_array().map(Vec::len), Some(1), "{together}");
    let sorted =
        body_of(ask(&provider, rerank, "steady", query, json!({ "return_documents": true })).await).await;
    assert_eq!(
        (&sorted["results"][0]["index"], &sorted["results"][0]["document"]["text"]),
        (&json!(1), &json!("to bake bread"))
    );
    let best = body_of(ask(&provider, rerank, "steady", query, json!({ "top_n": 1 })).await).await;
    assert_eq!(best["results"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn images_and_sound_are_whole_or_streamed() {
    let provider = provider().await;
    let [.., (images, fox), (speech, hello)] = &endpoints();
    let two = body_of(ask(&provider, images, "steady", fox, json!({ "n": 2 })).await).await;
    assert_eq!(two["data"].as_array().map(Vec::len), Some(2));
    assert!(
        two["data"][0]["b64_json"].as_str().is_some_and(|image| image.starts_with("iVBORw0KGgo")),
        "{two}"
    );
    let address =
        body_of(ask(&provider, images, "steady", fox, json!({ "response_format": "url" })).await).await;
    assert!(
        address["data"][0]["url"].as_str().is_some_and(|url| url.starts_with("data:image/png;")),
        "{address}"
    );
    let (events, _) = pieces_of(
        ask(&provider, images, "steady", fox, json!({ "stream": true, "partial_images": 2 })).await,
    )
    .await;
    let events = events.concat();
    assert_eq!(
        (events.matches("event: ").count(), events.matches("event: image_generation.completed\n").count()),
        (3, 1),
        "{events}"
    );
    for (format, kind, first, length) in [
        ("mp3", "audio/mpeg", b"\xff\xfb".as_slice(), 3 * 104),
        ("wav", "audio/wav", b"RIFF".as_slice(), 44 + 3 * 4_800),
        ("pcm", "audio/pcm", b"\0".as_slice(), 3 * 4_800),
    ] {
        let response = ask(&provider, speech, "steady", hello, json!({ "response_format": format })).await;
        assert_eq!(header(&response, "content-type"), kind);
        let sound = response.bytes().await.expect("sound");
        assert!(sound.starts_with(first) && sound.len() == length, "{format}: {}", sound.len());
    }
    let opus = ask(&provider, speech, "steady", hello, json!({ "response_format": "opus" })).await;
    assert_eq!(
        (opus.status().as_u16(), body_of(opus).await["error"]["param"].take()),
        (400, json!("response_format"))
    );
    let (events, _) =
        pieces_of(ask(&provider, speech, "steady-chunks-2", hello, json!({ "stream_format": "sse" })).await)
            .await;
    let kinds: Vec<Value> =
        events.concat().split_inclusive("\n\n").map(|event| data_of(event)["type"].clone()).collect();
    assert_eq!(kinds, [json!("speech.audio.delta"), json!("speech.audio.delta"), json!("speech.audio.done")]);
}

#[tokio::test]
async fn recordings_are_written_in_each_format() {
    let provider = provider().await;
    let text = "A recording of 5 bytes.";
    let json = body_of(hear(&provider, "steady", &[("language", "en")]).await).await;
    assert_eq!((&json["text"], &json["usage"]["output_tokens"]), (&json!(text), &json!(5)));
    for (format, start) in [("text", text), ("srt", "1\n00:00:00,000 --> "), ("vtt", "WEBVTT\n\n")] {
        let response = hear(&provider, "steady", &[("response_format", format)]).await;
        assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
        let body = response.text().await.expect("a text");
        assert!(body.starts_with(start) && body.contains(text), "{format}: {body}");
    }
    let (events, _) = pieces_of(hear(&provider, "steady", &[("stream", "true")]).await).await;
    let events: Vec<Value> = events.concat().split_inclusive("\n\n").map(data_of).collect();
    let deltas: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!((deltas.as_str(), &events[5]["text"]), (text, &json!(text)));
    let without = provider.request(Method::POST, "/v1/audio/translations").body(r#"{"model":"steady"}"#);
    assert_eq!(without.send().await.expect("an answer").status(), 400);
}

#[tokio::test]
async fn every_fault_is_one_at_every_endpoint() {
    let provider = provider().await;
    for (path, body) in endpoints() {
        for (model, status, code) in [
            ("rate-limited", 429, json!("rate_limit_exceeded")),
            ("error-503", 503, Value::Null),
            ("flaky-100", 503, Value::Null),
            ("context-overflow", 400, json!("context_length_exceeded")),
            ("unauthorized", 401, json!("invalid_api_key")),
            ("nonsense", 404, json!("model_not_found")),
        ] {
            let response = ask(&provider, path, model, &body, json!({})).await;
            assert_eq!(response.status(), status, "{path} {model}");
            let error = body_of(response).await["error"].take();
            assert_eq!(error["code"], code, "{path} {model}");
            if model == "context-overflow" {
                let param = error["param"].as_str().expect("a parameter");
                assert!(body.get(param).is_some(), "{path}: {param}");
            }
        }
        if path != "/v1/completions" {
            let filtered = ask(&provider, path, "content-filter-finish", &body, json!({})).await;
            assert_eq!(filtered.status(), 400, "{path}");
        }
        for (model, start) in
            [("garbage", "<!DOCTYPE html>"), ("error-in-200", "{\"error\":"), ("broken-json", "{\"object\":")]
        {
            let response = ask(&provider, path, model, &body, json!({})).await;
            assert_eq!(response.status(), 200, "{path} {model}");
            let text = response.text().await.expect("a text");
            assert!(text.starts_with(start), "{path} {model}: {text}");
        }
        let empty = ask(&provider, path, "empty", &body, json!({})).await;
        assert_eq!(empty.text().await.expect("a text"), "", "{path}");
        let (pieces, is_whole) =
            bytes_of(ask(&provider, path, "cut-midstream", &body, json!({})).await).await;
        assert!(!is_whole && !pieces.is_empty(), "{path}");
    }
}

/// The bytes of a body, and whether it ended properly.
async fn bytes_of(mut response: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => bytes.extend(piece),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

#[tokio::test]
async fn lists_vectors_and_sound_can_be_wrong() {
    let provider = provider().await;
    let [
        (embeddings, texts),
        (completions, prompt),
        (moderations, inputs),
        (rerank, query),
        (images, fox),
        (speech, hello),
    ] = &endpoints();
    for (path, body, list, expected) in [
        (embeddings, texts, "data", 1),
        (completions, prompt, "choices", 0),
        (moderations, inputs, "results", 1),
        (images, fox, "data", 0),
    ] {
        let answer = body_of(ask(&provider, path, "missing-index", body, json!({})).await).await;
        assert_eq!(answer[list].as_array().map(Vec::len), Some(expected), "{path}");
    }
    let other = body_of(ask(&provider, rerank, "missing-index", query, json!({})).await).await;
    assert_eq!(other["results"][1]["index"], 2, "a document that was not sent");
    let wrong =
        body_of(ask(&provider, embeddings, "wrong-dimension", texts, json!({ "dimensions": 3 })).await).await;
    let sizes: Vec<Option<usize>> = wrong["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["embedding"].as_array().map(Vec::len))
        .collect();
    assert_eq!(sizes, [Some(3), Some(4)]);
    let page = ask(&provider, speech, "html-as-audio", hello, json!({})).await;
    assert_eq!(header(&page, "content-type"), "audio/mpeg");
    assert!(page.text().await.expect("a text").starts_with("<!DOCTYPE html>"));
    for model in ["missing-index", "wrong-dimension", "html-as-audio"] {
        let answer = body_of(provider.chat(model, json!({})).await).await;
        assert_eq!(answer["choices"][0]["message"]["content"], "You said: hello there", "{model}");
    }
}
