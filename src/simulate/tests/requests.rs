//! Invalid requests, and the other endpoints.

use super::*;

#[tokio::test]
async fn requests_that_are_wrong_are_told_so() {
    let provider = provider().await;
    for (body, param) in [
        ("{".to_owned(), Value::Null),
        ("[]".to_owned(), Value::Null),
        (r#"{"messages":[{"role":"user","content":"x"}]}"#.to_owned(), json!("model")),
        (r#"{"model":"steady"}"#.to_owned(), json!("messages")),
        (r#"{"model":"steady","messages":[]}"#.to_owned(), json!("messages")),
        (chat_body("steady", json!({ "max_tokens": -1 })), Value::Null),
        (chat_body("steady", json!({ "stream": "yes" })), Value::Null),
    ] {
        let response = provider.post(body.clone()).await;
        assert_eq!(response.status(), 400, "{body}");
        let error = body_of(response).await["error"].take();
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &param), "{body}");
    }
    let response = provider.chat("sim/nonsense", json!({})).await;
    assert_eq!(response.status(), 404);
    let error = body_of(response).await["error"].take();
    assert_eq!(error["code"], "model_not_found");
    let message = error["message"].as_str().expect("message");
    assert!(
        message.contains("`sim/nonsense`") && MODELS.iter().all(|model| message.contains(model.name)),
        "{message}"
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_taken_are_refused_by_size_and_by_encoding() {
    let provider = provider().await;
    let filled_to = |length: usize| {
        let padding = length - chat_body("steady", json!({ "padding": "" })).len();
        chat_body("steady", json!({ "padding": "x".repeat(padding) }))
    };
    assert_eq!(provider.post(filled_to(33 << 20)).await.status(), 200);
    assert_eq!(provider.post(filled_to((33 << 20) + 1)).await.status(), 413);
    let encoded = provider.request(Method::POST, "/v1/chat/completions").header("content-encoding", "gzip");
    assert_eq!(encoded.body("x").send().await.expect("an answer").status(), 415);
}

#[tokio::test]
async fn every_listed_model_can_be_called_by_its_listed_name() {
    let provider = provider().await;
    let list = body_of(provider.request(Method::GET, "/v1/models").send().await.expect("a list")).await;
    let names: Vec<&str> =
        list["data"].as_array().expect("data").iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(names.len(), MODELS.len());
    for name in names.into_iter().filter(|name| !name.contains("slow-") && *name != "sim/hang") {
        let body = provider.chat(name, json!({})).await.text().await.unwrap_or_default();
        assert!(!body.contains("Unknown simulated model"), "{name}: {body}");
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_served_answer_in_the_same_shape() {
    let provider = provider().await;
    let answer = async |method: Method, path: &str| {
        let response = provider.request(method, path).send().await.expect("an answer");
        let allow = header(&response, "allow").to_owned();
        (response.status().as_u16(), allow, body_of(response).await["error"]["code"].take())
    };
    assert_eq!(answer(Method::GET, "/v1/nothing").await, (404, String::new(), json!("unknown_url")));
    let not_allowed = json!("method_not_allowed");
    assert_eq!(
        answer(Method::GET, "/v1/chat/completions").await,
        (405, "POST".to_owned(), not_allowed.clone())
    );
    assert_eq!(answer(Method::GET, "/v1/embeddings").await, (405, "POST".to_owned(), not_allowed.clone()));
    assert_eq!(answer(Method::DELETE, "/v1/models").await, (405, "GET".to_owned(), not_allowed));
    let front =
        provider.request(Method::GET, "/").send().await.expect("an answer").text().await.expect("text");
    assert!(front.starts_with("failsoft simulate: ") && front.lines().count() == 1, "{front}");
}
