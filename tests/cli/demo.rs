//! `demo`: its printed commands work when pasted, and it leaves nothing behind.

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::installation::{curl, program, without_settings};
use crate::process::{Process, run, succeeded};

/// A demo that has printed its introduction.
struct Demo {
    process: Process,
    lines: Vec<String>,
    /// The folder of its temporary files.
    folder: TempDir,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = program(&["demo"]);
        command.args(arguments).env("TMPDIR", folder.path()).envs(variables.iter().copied());
        let mut process = Process::start(command);
        let lines = process.lines_until(|line| line.starts_with("Ctrl-C stops it"));
        Self { process, lines, folder }
    }

    /// The commands as a user would copy them: from `curl` to the last continuation line.
    fn commands(&self) -> Vec<String> {
        let mut commands = Vec::new();
        let mut lines = self.lines.iter();
        while let Some(first) = lines.find(|line| line.starts_with("curl ")) {
            let mut command = first.clone();
            while command.ends_with('\\') {
                command.push('\n');
                command.push_str(lines.next().expect("a further line"));
            }
            commands.push(command);
        }
        commands
    }

    fn url(&self) -> &str {
        let first = &self.lines[0];
        let (_, url) = first.split_once("listens on ").expect("the address");
        url.split(' ').next().expect("the address")
    }

    fn key(&self) -> &str {
        let key = self.lines.iter().find(|line| line.trim().starts_with("fsk_"));
        key.expect("the key").trim()
    }

    /// Calls a model, and returns the header about the fallback, and the answer.
    fn ask(&self, model: &str) -> (String, Value) {
        self.ask_with(model, &json!({}))
    }

    /// As [`Self::ask`], with more members in the request.
    fn ask_with(&self, model: &str, more: &Value) -> (String, Value) {
        let mut question = more.clone();
        question["model"] = json!(model);
        question["messages"] = json!([{ "role": "user", "content": "Are you there?" }]);
        let answer = self.post("/v1/chat/completions", &question);
        (header(&answer, "x-failsoft-fallback").to_owned(), body(&answer))
    }

    /// Sends a body with the printed key, and returns the answer with its headers.
    fn post(&self, path: &str, body: &Value) -> String {
        let mut command = curl();
        command.args([
            "--include",
            "--header",
            "content-type: application/json",
            "--data",
            &body.to_string(),
        ]);
        command.args(["--header", &format!("authorization: Bearer {}", self.key())]);
        command.arg(format!("{}{path}", self.url()));
        succeeded(&run(command, ""))
    }
}

fn paste(command: &str) -> String {
    let mut bash = Command::new("bash");
    without_settings(bash.args(["-euo", "pipefail", "-c", command]));
    succeeded(&run(bash, ""))
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let lines = answer.lines().take_while(|line| !line.is_empty());
    let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.next().unwrap_or_else(|| panic!("no {name} in:\n{answer}"))
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn the_printed_commands_show_a_failover_and_its_event() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    let [ask, list] = demo.commands().try_into().expect("two commands");
    let answer = paste(&ask);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(header(&answer, "x-failsoft-fallback"), "from=smart; class=overloaded; hops=1");
    assert_eq!(body(&answer)["model"], "steady");

    let listed: Value = serde_json::from_str(&paste(&list)).expect("JSON");
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{listed}");
    let expected = [
        ("failed_model", "smart"),
        ("next_model", "steady"),
        ("error_class", "overloaded"),
        ("origin", "live"),
        ("request_id", header(&answer, "x-request-id")),
    ];
    for (field, value) in expected {
        assert_eq!(items[0][field], value, "{listed}");
    }
    demo.process.stop();
}

#[test]
fn the_printed_link_leads_into_the_console() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    let link = demo.lines.iter().find(|line| line.contains("/enter/")).expect("a link").trim().to_owned();
    assert!(link.starts_with(demo.url()), "{link}");
    let browser = Browser::new();
    browser.submit(&link, &link, &[]);
    assert!(browser.get(demo.url()).contains("Demo"), "the console of the demo's organization");
    assert!(browser.get(&link).contains("This link does not work"));
    demo.process.stop();
}

#[test]
fn every_failing_model_has_another_behind_it() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    for (model, class, answering) in [
        ("demo/smart", "overloaded", "demo/steady"),
        ("rate-limited", "rate_limited", "steady"),
        ("short-window", "context_window_exceeded", "steady"),
        ("filtered", "content_policy", "steady"),
        ("slow", "timeout", "steady"),
        ("garbage", "invalid_response", "steady"),
    ] {
        let (fallback, answer) = demo.ask(model);
        assert_eq!(fallback, format!("from={model}; class={class}; hops=1"));
        assert_eq!(answer["model"], answering);
    }
    let (fallback, answer) = demo.ask("hopeless");
    assert_eq!(fallback, "from=hopeless; class=unavailable; hops=2");
    assert_eq!(answer["error"]["code"], "insufficient_quota", "{answer}");
    demo.process.stop();
}

#[test]
fn embeddings_have_a_fallback_with_the_same_vectors() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    let ask = |model: &str| {
        let answer = demo.post("/v1/embeddings", &json!({ "model": model, "input": "Are you there?" }));
        (header(&answer, "x-failsoft-fallback").to_owned(), body(&answer))
    };
    let (fallback, answer) = ask("embed");
    assert_eq!(fallback, "from=embed; class=overloaded; hops=1", "{answer}");
    assert_eq!(answer["model"], "embed-steady");
    let (fallback, steady) = ask("embed-steady");
    assert_eq!((fallback.as_str(), &steady["data"]), ("none", &answer["data"]));
    demo.process.stop();
}

#[test]
fn its_models_call_tools_also_behind_a_fallback() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    let parameters =
        json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": parameters } });
    for (model, expected) in [("steady", "none"), ("smart", "from=smart; class=overloaded; hops=1")] {
        let (fallback, answer) = demo.ask_with(model, &json!({ "tools": [tool] }));
        assert_eq!(fallback, expected);
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls", "{answer}");
        let call = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(call["name"], "weather", "{answer}");
        let arguments = call["arguments"].as_str().expect("a text");
        let arguments: Value = serde_json::from_str(arguments).expect("JSON");
        assert!(arguments["city"].is_string(), "{arguments}");
    }
    demo.process.stop();
}

#[test]
fn the_week_before_is_in_the_list_and_marked() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    let mut command = curl();
    command.args([
        "--header",
        "accept: application/x-ndjson",
        "--header",
        &format!("x-api-key: {}", demo.key()),
    ]);
    command.arg(format!("{}/v1/model-router/fallback-events?origin=demo", demo.url()));
    let lines = succeeded(&run(command, ""));
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!((300..500).contains(&events.len()), "{} events", events.len());
    let mut classes: Vec<&str> = events.iter().filter_map(|event| event["error_class"].as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    assert!(classes.len() >= 10, "{classes:?}");
    let with_next: Vec<&Value> = events.iter().filter(|event| !event["next_model"].is_null()).collect();
    assert!(with_next.iter().all(|event| event["router_config_id"].is_string()));
    assert!(with_next.len() < events.len(), "no chain that ends");
    demo.process.stop();
}

#[test]
fn nothing_is_left_of_it() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0"]);
    assert_eq!(demo.folder.path().read_dir().expect("the folder").count(), 1);
    let Demo { process, folder, .. } = demo;
    process.stop();
    assert_eq!(folder.path().read_dir().expect("the folder").count(), 0);
}

#[test]
fn a_taken_port_is_no_obstacle() {
    // If another process already has it, it is just as taken.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let demo = Demo::start(&[]);
    assert!(demo.lines[0].contains("8080 is taken"), "{}", demo.lines[0]);
    assert_eq!(demo.ask("steady").1["model"], "steady");
    demo.process.stop();
}

#[test]
fn its_providers_may_use_the_private_ranges_that_the_operator_opens() {
    const OPENED: &str = "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS";
    const RANGE: &str = "127.0.0.1/32:1";
    for (by_flag, by_variable, status) in [
        (None, Some(RANGE), "HTTP/1.1 201"),
        (Some(RANGE), None, "HTTP/1.1 201"),
        (None, None, "HTTP/1.1 422"),
        (None, Some("127.0.0.1/32:2"), "HTTP/1.1 422"),
    ] {
        let mut arguments = vec!["--listen", "127.0.0.1:0"];
        arguments.extend(by_flag.iter().flat_map(|range| ["--allow-private-upstreams", range]));
        let variables: Vec<(&str, &str)> = by_variable.into_iter().map(|range| (OPENED, range)).collect();
        let demo = Demo::start_with(&arguments, &variables);
        let provider = json!({ "name": "local", "preset": "custom", "base_url": "http://127.0.0.1:1/v1" });
        let answer = demo.post("/v1/model-router/providers", &provider);
        assert!(answer.starts_with(status), "{arguments:?} {variables:?}: {answer}");
        assert_eq!(answer.contains(OPENED), status.ends_with("422"), "the remedy: {answer}");
        demo.process.stop();
    }
}
