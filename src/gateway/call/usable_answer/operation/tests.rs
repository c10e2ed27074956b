//! What is an answer to a request other than a chat, and what its usage counts.

use super::*;

fn judged(request: &str, answer: &str) -> Judged {
    let body = Bytes::copy_from_slice(request.as_bytes());
    let request = ChatRequest::parse_operation(Operation::Embeddings, body).expect("a request");
    Expectation::of(&request, 1).expect("an expectation").judge(answer.as_bytes())
}

fn is_usable(request: &str, answer: &str) -> bool {
    matches!(judged(request, answer), Judged::Usable(_))
}

#[test]
fn there_is_one_embedding_for_each_input_of_the_size_that_was_asked_for() {
    let two = r#"{"model":"m","input":["a","b"],"dimensions":3}"#;
    let list = |entries: &str| format!("{{\n  \"data\": [{entries}]\n}}");
    let good = r#"{"index":0,"embedding":[0.1,-2,3e-4]}, {"index":1,"embedding":[1,2,3]}"#;
    assert!(is_usable(two, &list(good)));
    for bad in [
        "",
        r#"{"embedding":[0.1,0.2,0.3]}"#,
        r#"{"embedding":[1,2,3]},{"embedding":[1,2]}"#,
        r#"{"embedding":[1,2]},{"embedding":[1,2]}"#,
        r#"{"embedding":[1,2,null]},{"embedding":[1,2,3]}"#,
        r#"{"embedding":[]},{"embedding":[]}"#,
        r#"{"embedding":"AAAAAAAAAAAAAAAA"},{"embedding":"AAAAAAAAAAAAAAAA"}"#,
        r#"{"embedding":null},{"embedding":[1,2,3]}"#,
        r#"{"index":0,"embedding":[1,2,3]},{"index":0,"embedding":[1,2,3]}"#,
        r#"{"index":1,"embedding":[1,2,3]},{"index":2,"embedding":[1,2,3]}"#,
        r#"7,{"embedding":[1,2,3]}"#,
    ] {
        let Judged::Failed(Fault::Garbage(Garbage::Embeddings), _) = judged(two, &list(bad)) else {
            panic!("{bad}");
        };
    }
    // Sixteen digits of Base64 are twelve bytes, which are three numbers.
    let packed = r#"{"model":"m","input":"a","dimensions":3,"encoding_format":"base64"}"#;
    assert!(is_usable(packed, &list(r#"{"embedding":"AAAAAAAAAAAAAAAA"}"#)));
    assert!(is_usable(packed, &list(r#"{"embedding":[1,2,3]}"#)), "a vendor that knows no Base64");
    assert!(!is_usable(packed, &list(r#"{"embedding":"AAAAAAAA"}"#)));
    // The bytes of the last number are those of a NaN.
    assert!(!is_usable(packed, &list(r#"{"embedding":"AAAAAAAAAAAAAMB/"}"#)));
}

#[test]
fn an_answer_is_as_empty_as_its_request() {
    let is_usable = |operation: Operation, request: &str, answer: &str| {
        let body = Bytes::from(format!(r#"{{"model":"m",{request}}}"#));
        let request = ChatRequest::parse_operation(operation, body).expect("a request");
        let expectation = Expectation::of(&request, 1).expect("an expectation");
        matches!(expectation.judge(answer.as_bytes()), Judged::Usable(_))
    };
    for (operation, asks_for_nothing, asks, answer) in [
        (Operation::Rerank, r#""query":"q","documents":[]"#, r#""query":"q","documents":["a"]"#, "results"),
        (Operation::Rerank, r#""documents":["a"],"top_n":0"#, r#""documents":["a"],"top_n":1"#, "data"),
        (Operation::Embeddings, r#""input":[ ]"#, r#""input":"""#, "data"),
        (Operation::Moderations, r#""input":[]"#, r#""input":["a"]"#, "results"),
        (Operation::Moderations, r#""input":" ""#, r#""input":"a""#, "results"),
        (Operation::Images, r#""prompt":"""#, r#""prompt":"a""#, "data"),
        (Operation::Images, r#""prompt":"a","n":0"#, r#""prompt":"a","n":1"#, "data"),
        (Operation::Completions, r#""prompt":[]"#, r#""prompt":["a"]"#, "choices"),
    ] {
        let answer = format!(r#"{{"{answer}":[]}}"#);
        assert!(is_usable(operation, asks_for_nothing, &answer), "{asks_for_nothing}");
        assert!(!is_usable(operation, asks, &answer), "{asks}");
        for other in ["{}", r#"{"data":null,"results":null,"choices":null}"#, ""] {
            assert!(!is_usable(operation, asks_for_nothing, other), "{asks_for_nothing}: {other}");
        }
    }
}

#[test]
fn the_text_of_a_silent_recording_is_a_line_without_words() {
    let body = Bytes::from_static(br#"{"model":"m","response_format":"text"}"#);
    let request = ChatRequest::parse_operation(Operation::Transcriptions, body).expect("a request");
    let expectation = Expectation::of(&request, 1).expect("an expectation");
    assert!(matches!(expectation.judge(b"\n"), Judged::Usable(_)));
    assert!(matches!(expectation.judge(b""), Judged::Failed(..)));
}

#[test]
fn an_answer_without_output_counts_the_prompt_alone() {
    let usage = |usage: &str| {
        let answer = format!(r#"{{"data":[{{"embedding":[1]}}],"usage":{usage}}}"#);
        match judged(r#"{"model":"m","input":"a"}"#, &answer) {
            Judged::Usable(answer) => (answer.usage.input, answer.usage.output, answer.usage.flag),
            other => panic!("{usage}: {other:?}"),
        }
    };
    assert_eq!(usage(r#"{"prompt_tokens":7,"total_tokens":7}"#), (Some(7), Some(0), None));
    assert_eq!(usage(r#"{"total_tokens":7}"#), (Some(7), Some(0), None));
    assert_eq!(usage("null"), (None, None, None));
}

#[test]
fn an_error_in_place_of_embeddings_is_the_providers() {
    for error in [r#"{"error":{"message":"no"}}"#, r#"{"object":"error","message":"no","code":503}"#] {
        let Judged::Failed(Fault::Upstream(_), _) = judged(r#"{"model":"m","input":"a"}"#, error) else {
            panic!("{error}");
        };
    }
    let page = judged(r#"{"model":"m","input":"a"}"#, "<html>");
    assert!(matches!(page, Judged::Failed(Fault::Garbage(Garbage::Html), _)));
}
