//! Tests of the fake provider with a plain socket.

use std::io::ErrorKind;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FakeProvider, Gate, Script};

struct Client(TcpStream);

impl Client {
    async fn connect(provider: &FakeProvider) -> Self {
        Self(TcpStream::connect(provider.address()).await.expect("the provider listens"))
    }

    async fn post(&mut self, model: &str) {
        let body = json!({"model": model}).to_string();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nX-Trace: a: b\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all((head + &body).as_bytes()).await.expect("the provider reads");
    }

    /// Reads up to and including `end`; fails if the provider closes before.
    async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            read.push(self.0.read_u8().await.expect("the provider sends on"));
        }
        String::from_utf8(read).expect("text")
    }

    async fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        self.0.read_to_end(&mut read).await.expect("the provider closes cleanly");
        read
    }
}

#[tokio::test]
async fn a_whole_answer_leaves_the_connection_open_and_the_request_on_record() {
    let provider = FakeProvider::start().await;
    assert_eq!(provider.base_url(), format!("http://{}/v1", provider.address()));
    provider.next(Script::answer("hello"));
    provider.next(Script::respond(429, &[("Retry-After", "7")], "slow down"));
    let mut client = Client::connect(&provider).await;

    client.post("first").await;
    let answer = client.read_until("\"total_tokens\":5}}").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\ncontent-length: ")
    );
    assert!(answer.contains("\"content\":\"hello\""));
    client.post("second").await;
    let expected = "HTTP/1.1 429 Scripted\r\nRetry-After: 7\r\ncontent-length: 9\r\n\r\nslow down";
    assert_eq!(client.read_until("down").await, expected);

    let request = provider.request(1).await;
    assert_eq!((request.number, request.connection, request.model.as_deref()), (1, 0, Some("second")));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.headers[0], ("X-Trace".to_owned(), "a: b".to_owned()));
    assert_eq!((request.header("x-trace"), request.header("host")), (Some("a: b"), None));
    assert_eq!(request.json(), json!({"model": "second"}));
    assert_eq!((provider.served(), provider.requests().len(), provider.connections()), (2, 2, (1, 1)));

    drop(client);
    provider.all_closed().await;
    assert_eq!(provider.connections(), (1, 0));
}

#[tokio::test]
async fn a_script_is_chosen_by_model_then_by_turn_then_by_habit() {
    let provider = FakeProvider::start().await;
    provider.always(Script::respond(204, &[], ""));
    provider.always_for("b", Script::respond(503, &[], ""));
    provider.next_for("a", Script::respond(401, &[], ""));
    provider.next(Script::respond(402, &[], ""));
    let mut client = Client::connect(&provider).await;
    let mut statuses = Vec::new();
    for model in ["a", "b", "b", "a"] {
        client.post(model).await;
        let head = client.read_until("\r\n\r\n").await;
        statuses.push(head.split(' ').nth(1).expect("a status").to_owned());
    }
    assert_eq!(statuses, ["401", "402", "503", "204"]);
    let lonely = FakeProvider::start().await;
    let mut client = Client::connect(&lonely).await;
    client.post("a").await;
    assert!(client.read_until("}}").await.contains("no_script"));
}

#[tokio::test]
async fn a_stream_waits_for_its_gate_and_frames_each_event() {
    let provider = FakeProvider::start().await;
    let gate = Gate::new();
    let script = Script::stream().text("Hel").wait_until(&gate).text("lo").finish("stop").usage(3, 2).done();
    provider.next(script);
    let mut client = Client::connect(&provider).await;
    client.post("a").await;
    let first = client.read_until("}\n\n\r\n").await;
    assert!(
        first.contains("text/event-stream") && first.contains("Hel") && !first.contains("lo\""),
        "{first}"
    );
    gate.open();
    let rest = client.read_until("0\r\n\r\n").await;
    assert!(rest.contains("\"content\":\"lo\"") && rest.contains("\"finish_reason\":\"stop\""), "{rest}");
    assert!(
        rest.contains("\"total_tokens\":5") && rest.ends_with("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"),
        "{rest}"
    );
}

#[tokio::test]
async fn a_caller_that_goes_is_noticed_while_nothing_is_sent() {
    let provider = FakeProvider::start().await;
    provider.next(Script::new().hang());
    provider.next(Script::stream().text("Hel").wait_until(&Gate::new()));
    for number in 0..2 {
        let mut client = Client::connect(&provider).await;
        client.post("a").await;
        assert_eq!(provider.request(number).await.connection, number);
        client.0.shutdown().await.expect("a clean close");
        provider.client_gone(number).await;
    }
    provider.all_closed().await;
}

#[tokio::test]
async fn a_reset_is_an_error_and_a_close_is_an_end() {
    let provider = FakeProvider::start().await;
    let gate = Gate::new();
    provider.next(Script::stream().text("Hel").wait_until(&gate).reset());
    provider.next(Script::stream().chunk(": ping\n\n").close());
    let mut client = Client::connect(&provider).await;
    client.post("a").await;
    client.read_until("}\n\n\r\n").await;
    gate.open();
    assert_eq!(client.0.read_u8().await.expect_err("a reset").kind(), ErrorKind::ConnectionReset);

    let mut client = Client::connect(&provider).await;
    client.post("a").await;
    assert!(client.read_to_end().await.ends_with(b"8\r\n: ping\n\n\r\n"));
}

#[tokio::test]
async fn answers_can_be_cut_trickled_and_nonsense() {
    let provider = FakeProvider::start().await;
    provider.next(Script::respond(200, &[], "0123456789").cut_at(50));
    provider.next(Script::answer("slow").trickled().close());
    provider.next(Script::new().send([0, 255, b'\n']).close());
    provider.close_next_connection();
    assert_eq!(Client::connect(&provider).await.read_to_end().await, b"");

    let whole = b"HTTP/1.1 200 Scripted\r\ncontent-length: 10\r\n\r\n0123456789";
    for end in [&whole[..50], b"\"total_tokens\":5}}", &[0, 255, b'\n']] {
        let mut client = Client::connect(&provider).await;
        client.post("a").await;
        let read = client.read_to_end().await;
        assert!(read.ends_with(end), "{:?}", String::from_utf8_lossy(&read));
    }
    assert_eq!(provider.connections().0, 4);
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let provider = FakeProvider::start().await;
    provider.always(Script::answer("ok"));
    let mut client = Client::connect(&provider).await;
    let request = "POST /v1/x?y=z HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"model\"\r\n5\r\n:\"a\"}\r\n0\r\n\r\n";
    client.0.write_all(request.as_bytes()).await.expect("the provider reads");
    client.read_until("}}").await;
    let request = provider.request(0).await;
    assert_eq!((request.path.as_str(), request.model.as_deref()), ("/v1/x?y=z", Some("a")));
}
