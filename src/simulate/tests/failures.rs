//! Every failure that a name can ask for.

use super::*;

#[tokio::test]
async fn every_refusal_has_its_status_and_its_code() {
    let provider = provider().await;
    for (model, status, code, retry_after) in [
        ("rate-limited", 429, json!("rate_limit_exceeded"), "1"),
        ("rate-limited-30s", 429, json!("rate_limit_exceeded"), "30"),
        ("quota-exhausted", 429, json!("insufficient_quota"), ""),
        ("error-500", 500, Value::Null, ""),
        ("error-502", 502, Value::Null, ""),
        ("error-503", 503, Value::Null, ""),
        ("error-529", 529, Value::Null, ""),
        ("error-418", 418, Value::Null, ""),
        ("context-overflow", 400, json!("context_length_exceeded"), ""),
        ("content-filter", 400, json!("content_policy_violation"), ""),
        ("unauthorized", 401, json!("invalid_api_key"), ""),
        ("not-found", 404, json!("model_not_found"), ""),
        ("bad-request", 400, json!("invalid_request"), ""),
        ("flaky-100", 503, Value::Null, ""),
    ] {
        for fields in [json!({}), streamed()] {
            let response = provider.chat(model, fields).await;
            assert_eq!(response.status(), status, "{model}");
            assert_eq!(header(&response, "retry-after"), retry_after, "{model}");
            assert_eq!(header(&response, "content-type"), "application/json", "{model}");
            let error = body_of(response).await["error"].take();
            assert_eq!(error["code"], code, "{model}");
            let keys: Vec<&String> = error.as_object().expect(model).keys().collect();
            assert_eq!(keys, ["code", "message", "param", "type"], "{model}");
        }
    }
}

#[tokio::test]
async fn a_200_can_be_wrong_in_each_way() {
    let provider = provider().await;
    let text = async |model: &str, fields: Value| {
        let response = provider.chat(model, fields).await;
        assert_eq!(response.status(), 200, "{model}");
        let kind = header(&response, "content-type").to_owned();
        (kind, response.text().await.expect(model))
    };
    let json_type = "application/json".to_owned();
    let event_type = "text/event-stream; charset=utf-8".to_owned();
    assert!(text("garbage", json!({})).await.1.starts_with("<!DOCTYPE html>"));
    assert!(text("garbage", streamed()).await.0.starts_with("text/html"));
    assert_eq!(text("empty", json!({})).await, (json_type.clone(), String::new()));
    assert_eq!(text("empty", streamed()).await, (event_type.clone(), String::new()));
    let (kind, broken) = text("broken-json", json!({})).await;
    assert!(kind == json_type && serde_json::from_str::<Value>(&broken).is_err() && broken.starts_with('{'));
    let (kind, broken) = text("broken-json", streamed()).await;
    assert!(kind == event_type && broken.starts_with("data: {") && broken.ends_with("\n\n"), "{broken}");
    let (kind, error) = text("error-in-200", json!({})).await;
    assert_eq!(
        (kind, serde_json::from_str::<Value>(&error).expect("JSON")["error"]["code"].take()),
        (json_type, json!(503))
    );
    let (kind, error) = text("error-in-200", streamed()).await;
    assert_eq!((kind, data_of(&error)["error"]["code"].take()), (event_type, json!(503)));
}

#[tokio::test]
async fn a_content_filter_can_finish_an_answer_without_content() {
    let provider = provider().await;
    let whole = body_of(provider.chat("content-filter-finish", json!({})).await).await;
    assert_eq!(whole["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(whole["choices"][0]["message"]["content"], Value::Null);
    assert_eq!(whole["usage"]["completion_tokens"], 0);
    let (events, _) = pieces_of(provider.chat("content-filter-finish", streamed()).await).await;
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(content_of(&events), "");
    assert_eq!(data_of(&events[1])["choices"][0]["finish_reason"], "content_filter");
}

#[tokio::test]
async fn cut_midstream_sends_half_and_drops_the_connection() {
    let provider = provider().await;
    for (model, half) in [
        ("cut-midstream", "You said: "),
        ("cut-midstream-chunks-1", "You "),
        ("cut-midstream-gap-1ms", "You said: "),
    ] {
        let (events, whole) = pieces_of(provider.chat(model, streamed()).await).await;
        assert!(!whole, "{model}");
        assert_eq!(content_of(&events), half, "{model}");
        let response = provider.chat(model, json!({})).await;
        let promised = response.content_length().expect("a length");
        let (pieces, whole) = pieces_of(response).await;
        assert!(!whole, "{model}");
        assert_eq!(pieces.concat().len() as u64, promised / 2, "{model}");
    }
}

#[tokio::test]
async fn hang_says_nothing_and_lets_go_when_its_caller_hangs_up() {
    let provider = provider().await;
    let mut connection = TcpStream::connect(provider.address).await.expect("a connection");
    let body = chat_body("hang", json!({}));
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    // A single worker serves both, so the previous request has been read by now.
    assert_eq!(provider.chat("steady", json!({})).await.status(), 200);
    connection.shutdown().await.expect("a clean end");
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut said)).await.expect("let go");
    assert_eq!(read.expect("a clean end"), 0, "{}", String::from_utf8_lossy(&said));
}
