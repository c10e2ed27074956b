//! The log lines of requests and of log-ins: an operator can follow them, and no line holds a prompt or a secret.

use rstest::rstest;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::installation::{Installation, Kind, Server};

const CANARY: &str = "kanarienvogel";

/// A server with the given filter and a catalog of two models: `broken`, whose provider refuses every connection, and
/// `steady`. Its organization's id and API key.
fn serve(filter: &str) -> (Installation, Server, String, String) {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_LOG", filter);
    installation.set("FAILSOFT_LOG_FORMAT", "json");
    installation.set("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "127.0.0.1/32:1");
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key").to_owned();
    let organization = made["organization_id"].as_str().expect("an id").to_owned();
    let server = installation.serve();
    server.wait_for_key(&key);
    let provider = json!({
        "name": "unreachable",
        "preset": "custom",
        "base_url": "http://127.0.0.1:1/v1",
        "credential": format!("sk-{CANARY}"),
    });
    let provider = server.create(&key, "/v1/model-router/providers", &provider);
    let model = json!({ "name": "broken", "provider_id": provider["id"], "upstream_model": "m" });
    server.create(&key, "/v1/model-router/models", &model);
    server.create_simulated_model(&key, "steady", "sim/steady");
    (installation, server, organization, key)
}

/// Asks `broken`, behind which `steady` answers, with a prompt that holds the canary.
fn ask(server: &Server, key: &str) {
    let content = format!("{CANARY} in a prompt");
    let body = json!({
        "model": "broken",
        "models": ["steady"],
        "messages": [{ "role": "user", "content": content }],
    });
    let header = format!("authorization: Bearer {key}");
    let arguments =
        ["--header", &header, "--header", "content-type: application/json", "--data", &body.to_string()];
    let (status, answer) = server.call(&arguments, "/v1/chat/completions");
    assert_eq!(status, 200, "{answer}");
}

/// What the server logs until its end, as text and as one JSON object a line.
fn logged(mut server: Server) -> (String, Vec<Value>) {
    server.process.signal("TERM");
    assert_eq!(server.process.wait(), Some(0));
    let said = server.process.said();
    let lines = said.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    (said, lines)
}

fn of_target<'a>(lines: &'a [Value], target: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["target"] == target).collect()
}

#[test]
fn a_request_is_followed_by_its_spans_and_its_line_without_prompt_or_secret() {
    let (_installation, server, organization, key) = serve("trace");
    ask(&server, &key);
    let listed = server.get(&key, "/v1/model-router/requests");
    let row = &listed["items"][0];
    let (said, lines) = logged(server);

    let [access] = of_target(&lines, "failsoft::access").try_into().expect("one line for the request");
    for (name, expected) in [
        ("request_id", &row["id"]),
        ("organization_id", &json!(organization)),
        ("key_id", &row["api_key_id"]),
        ("requested_model", &json!("broken")),
        ("served_model", &json!("steady")),
        ("outcome", &json!("answered")),
        ("status", &json!(200)),
        ("attempts", &json!(3)),
        ("fallbacks", &json!(1)),
        ("input_tokens", &row["input_tokens"]),
        ("output_tokens", &row["output_tokens"]),
    ] {
        assert_eq!(&access[name], expected, "{name} of {access}");
    }
    assert!(access["ms"].is_u64() && !access["key_id"].is_null() && !row["id"].is_null(), "{access}");

    let attempts = of_target(&lines, "failsoft::request");
    let shown: Vec<Value> = attempts
        .iter()
        .map(|line| {
            json!([line["message"], line["span"]["model"], line["span"]["provider"], line["span"]["class"]])
        })
        .collect();
    // A connection that is refused is tried once more.
    let expected = [
        json!(["attempt failed", "broken", "unreachable", "unavailable"]),
        json!(["attempt failed", "broken", "unreachable", "unavailable"]),
        json!(["attempt answered", "steady", "provider of steady", null]),
    ];
    assert_eq!(shown, expected);
    for line in attempts {
        let request = &line["spans"][0];
        assert_eq!(request["name"], "request", "{line}");
        assert_eq!(request["request_id"], row["id"], "{line}");
        assert_eq!(request["organization_id"], json!(organization), "{line}");
    }

    assert!(said.lines().count() > 10, "nothing at trace: {said}");
    let secret = key.rsplit('_').next().expect("a secret");
    let found = said.lines().find(|line| line.contains(CANARY) || line.contains(secret));
    assert_eq!(found, None);
}

#[test]
fn a_refused_request_has_a_line_with_the_ids_that_are_known() {
    let (_installation, server, organization, key) = serve("info,failsoft::access=debug");
    let body = json!({ "model": CANARY, "messages": [{ "role": "user", "content": CANARY }] }).to_string();
    for (key, expected) in [(key.as_str(), 404), ("fsk_unknown", 401)] {
        let header = format!("authorization: Bearer {key}");
        let arguments = ["--header", &header, "--header", "content-type: application/json", "--data", &body];
        assert_eq!(server.call(&arguments, "/v1/chat/completions").0, expected);
    }
    let (said, lines) = logged(server);
    let lines = of_target(&lines, "failsoft::access");
    let shown: Vec<Value> = lines
        .iter()
        .map(|line| json!([line["status"], line["outcome"], line["endpoint"], line["organization_id"]]))
        .collect();
    let endpoint = "/v1/chat/completions";
    assert_eq!(
        shown,
        [json!([404, "refused", endpoint, organization]), json!([401, "refused", endpoint, null])]
    );
    assert!(lines[0]["key_id"].is_string() && lines[0]["request_id"].is_string(), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn the_lines_of_requests_are_off_by_default_and_on_by_their_targets() {
    for (filter, access, attempts) in [
        ("info", 0, 0),
        ("info,failsoft::access=debug", 1, 0),
        ("info,failsoft::access=debug,failsoft::request=debug", 1, 3),
    ] {
        let (_installation, server, _, key) = serve(filter);
        ask(&server, &key);
        let (said, lines) = logged(server);
        let counts =
            (of_target(&lines, "failsoft::access").len(), of_target(&lines, "failsoft::request").len());
        assert_eq!(counts, (access, attempts), "{filter}: {said}");
    }
}

#[test]
fn one_organization_is_followed_by_a_field_of_its_span() {
    let (mut installation, server, organization, key) = serve("info");
    server.process.stop();
    for (followed, lines) in [(organization.as_str(), 3), ("00000000-0000-0000-0000-000000000000", 0)] {
        let filter = format!("info,failsoft::request[request{{organization_id={followed}}}]=debug");
        installation.set("FAILSOFT_LOG", &filter);
        let server = installation.serve();
        ask(&server, &key);
        let (said, logged) = logged(server);
        assert_eq!(of_target(&logged, "failsoft::request").len(), lines, "{filter}: {said}");
    }
}

#[rstest]
fn log_ins_failed_ones_and_log_outs_have_lines_without_what_was_typed(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    const PASSWORD: &str = "correct horse battery staple";
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_LOG_FORMAT", "json");
    let made = installation.create_organization("owner@example.com");
    let server = installation.serve();
    let browser = Browser::new();
    let page = server.url("/login");
    let unknown = format!("{CANARY}@example.com");
    for (email, password) in [
        ("owner@example.com", "kanarienvogel of the owner"),
        (&unknown, PASSWORD),
        ("owner@example.com", PASSWORD),
    ] {
        browser.submit(&page, &page, &[("email", email), ("password", password)]);
    }
    let home = server.url("/");
    assert!(browser.get(&home).contains("owner@example.com"), "it is logged in");
    browser.submit(&home, &server.url("/logout"), &[]);
    let (said, lines) = logged(server);
    let lines: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"].as_str().is_some_and(|message| message.contains("log")))
        .filter(|line| line["address"].is_string())
        .collect();
    let shown: Vec<Value> = lines
        .iter()
        .map(|line| json!([line["level"], line["message"], line["address"], line["user"]]))
        .collect();
    let user = &made["user_id"];
    assert_eq!(
        shown,
        [
            json!(["WARN", "a log-in failed", "127.0.0.1", null]),
            json!(["WARN", "a log-in failed", "127.0.0.1", null]),
            json!(["INFO", "a person logged in", "127.0.0.1", user]),
            json!(["INFO", "a person logged out", "127.0.0.1", user]),
        ],
        "{said}"
    );
    assert_eq!((&lines[2]["organization"], &lines[2]["by"]), (&made["organization_id"], &json!("password")));
    assert!(lines[..3].iter().all(|line| line["request_id"].is_string()), "{said}");
    assert!(!said.contains(CANARY) && !said.contains(PASSWORD), "{said}");
}
