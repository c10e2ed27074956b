//! No log line holds the key of a service account, a token that was made of it, or an access key of AWS, at any level.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::installation::{Installation, Kind};

/// Made for the tests, and used nowhere else.
const KEY: &str = include_str!("../api/support/service_account/key.pem");
const TOKEN: &str = "ya29.c.kanarienvogel-R_001-kVb3Ny8TfQ";

/// What an access key of AWS consists of.
const ACCESS_KEY: [&str; 3] =
    ["AKIAKANARIENVOGEL0042", "kVb3Ny8TfQ/kanarienvogel+secret/R001x9", "FwoGkanarienvogelsession8TfQkVb3Ny"];

/// Google and AWS in a thread: a token service, and models that refuse and repeat whatever they get.
fn vendors() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let (mut received, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        let whole = text.split_once("\r\n\r\n").filter(|(head, body)| {
            let lengths = head.lines().filter_map(|line| line.split_once(':'));
            let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            length.map(|(_, value)| value.trim().parse().unwrap_or(0)).next().unwrap_or(0) <= body.len()
        });
        if whole.is_some() {
            break;
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => received.extend_from_slice(&buffer[..count]),
            Ok(_) | Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&received).into_owned();
    let (status, body) = if text.starts_with("POST /token") {
        (200, json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}))
    } else if text.starts_with("POST /model/") {
        let message = format!("The signature does not match: {text} {}", ACCESS_KEY.join(" "));
        (403, json!({"__type": "InvalidSignatureException", "message": message}))
    } else {
        (
            401,
            json!({"error": {"code": 401, "message": format!("{text} {KEY}"), "status": "UNAUTHENTICATED"}}),
        )
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head, body].concat().into_bytes());
}

/// What a server at the finest level of its log says about two requests to a model of this provider, which both fail.
fn said(provider: &Value, upstream_model: &str) -> String {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_LOG", "trace");
    installation.set("FAILSOFT_LOG_FORMAT", "json");
    installation.set("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "127.0.0.1/32");
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key").to_owned();
    let mut server = installation.serve();
    server.wait_for_key(&key);
    let provider = server.create(&key, "/v1/model-router/providers", provider);
    let model = json!({"name": "claude", "provider_id": provider["id"], "upstream_model": upstream_model});
    server.create(&key, "/v1/model-router/models", &model);
    let body =
        json!({"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]});
    for _ in 0..2 {
        let (status, answer) = server.post(&key, "/v1/messages", &body.to_string());
        assert_eq!(status, 502, "{answer}");
    }
    server.process.signal("TERM");
    assert_eq!(server.process.wait(), Some(0));
    let said = server.process.said();
    assert!(said.lines().count() > 10, "nothing at trace: {said}");
    said
}

#[test]
fn a_service_account_leaves_no_trace_of_its_key_or_its_tokens() {
    let google = vendors();
    let file = json!({
        "type": "service_account", "private_key_id": "3f9c0de1a7b84c55", "private_key": KEY,
        "client_email": "gateway@p.iam.gserviceaccount.com", "token_uri": format!("http://{google}/token"),
    });
    // The second request makes another token, because the first has one that was used.
    let said = said(
        &json!({
            "name": "vertex", "preset": "vertex-messages", "credential": file.to_string(),
            "base_url": format!("http://{google}/v1/projects/p/locations/global"),
        }),
        "claude-sonnet-5",
    );
    let lines = KEY.lines().filter(|line| !line.starts_with('-') && line.len() > 16);
    for secret in lines.chain([TOKEN, "kanarienvogel"]) {
        assert_eq!(said.lines().find(|line| line.contains(secret)), None);
    }
}

#[test]
fn an_access_key_leaves_no_trace_and_neither_do_its_signatures() {
    let aws = vendors();
    let [id, secret, token] = ACCESS_KEY;
    let key = json!({
        "access_key_id": id, "secret_access_key": secret, "session_token": token, "region": "eu-central-1",
    });
    let said = said(
        &json!({
            "name": "aws", "preset": "bedrock", "credential": key.to_string(), "base_url": format!("http://{aws}"),
        }),
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    );
    for secret in ACCESS_KEY.into_iter().chain(["KANARIENVOGEL", "kanarienvogel"]) {
        assert_eq!(said.lines().find(|line| line.contains(secret)), None);
    }
    for signature in said.split("Signature=").skip(1) {
        assert!(!signature.chars().take(16).all(|digit| digit.is_ascii_hexdigit()), "{signature}");
    }
}
