//! Whether what a request brings may be what failed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::may_be_brought;
use super::*;
use crate::gateway::request::chat_request::ChatRequest;

/// Whether what these fields bring may have failed with this status and message.
fn brought(fields: &Value, status: u16, message: &str) -> bool {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
    let body = json!({"error": {"message": message}}).to_string();
    let error = parse_error(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH);
    may_be_brought(&read(&Fault::Upstream(Box::new(error))), &request)
}

#[test]
fn a_request_may_bring_what_fails() {
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let image = content(json!({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}));
    let inline = content(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}));
    let thought = content(json!({"type": "thinking", "thinking": "hm", "signature": "s"}));
    let server = json!({"tools": [{"type": "mcp", "server_url": "https://x.example", "authorization": "t"}]});
    let token = json!({"hf_token": "t"});
    let odd = json!({"messages": [{"role": "banana", "content": "Hi"}]});
    let effort = json!({"reasoning_effort": "high"});
    let large = json!({"max_tokens": 64_000});
    let several = json!({"n": 4});
    let plain = json!({"temperature": 1, "max_tokens": 4_096, "tools": [{"type": "function", "function": {"name": "f"}}]});
    // What a provider decodes, fetches or reaches can break its server; what it only reads or counts cannot.
    for (fields, refused, limited, broken) in [
        (&image, true, true, true),
        (&inline, false, true, true),
        (&server, true, true, true),
        (&token, true, true, false),
        (&odd, false, false, true),
        (&thought, false, true, false),
        (&effort, false, true, false),
        (&large, false, true, false),
        (&several, false, true, false),
        (&plain, false, false, false),
    ] {
        assert_eq!(brought(fields, 401, "no"), refused, "{fields}");
        assert_eq!(brought(fields, 402, "no"), limited, "{fields}");
        assert_eq!(brought(fields, 429, "no"), limited, "{fields}");
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(brought(fields, status, "no"), broken, "{fields} {status}");
        }
        assert!(!brought(fields, 400, "no"), "{fields}: the request is at fault anyway");
    }
}
