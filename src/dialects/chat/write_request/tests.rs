//! Tests of the messages that are written.

use serde_json::{Value, json};

use super::*;
use crate::dialects::turns::Input;

fn call(id: &str) -> Block<'static> {
    let input = Input::of_arguments("{}").expect("an object");
    Block::Call(Call { id: id.to_owned(), name: "f".to_owned(), input })
}

fn result(id: &str) -> Block<'static> {
    Block::Result(CallResult { id: id.to_owned(), failed: false, blocks: vec![text("done")] })
}

fn text(text: &str) -> Block<'static> {
    Block::Text(text.to_owned())
}

/// The messages, each as its role with its text and the ids of its calls or its result.
fn messages(turns: Vec<(Role, Vec<Block<'static>>)>) -> Vec<String> {
    let turns = turns.into_iter().map(|(role, blocks)| Turn { role, blocks }).collect();
    let request = Request { turns, ..Request::default() };
    let body = write(&request, "m", &mut Changes::default()).expect("a request");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let ids = |message: &Value| {
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        calls.into_iter().map(|call| call["id"].clone()).chain([message["tool_call_id"].clone()]).collect()
    };
    let line = |message: &Value| {
        let ids: Vec<Value> = ids(message);
        let ids: Vec<&Value> = ids.iter().filter(|id| **id != json!(null)).collect();
        format!("{} {} {}", message["role"], message["content"], json!(ids)).replace('"', "")
    };
    body["messages"].as_array().expect("messages").iter().map(line).collect()
}

#[test]
fn results_follow_their_calls_at_once() {
    use Role::{Assistant, System, User};
    let go = || (User, vec![text("Go")]);
    let results = || vec![result("a"), result("b")];
    let both = ["user Go []", "assistant null [a,b]", "tool done [a]", "tool done [b]"];
    let found =
        messages(vec![go(), (Assistant, vec![call("a")]), (Assistant, vec![call("b")]), (User, results())]);
    assert_eq!(found, both);
    let parted = vec![
        go(),
        (Assistant, vec![call("a"), call("b")]),
        (User, vec![result("a"), text("More")]),
        (System, vec![text("Rule")]),
        (User, vec![result("b")]),
    ];
    let expected = [both.as_slice(), &["user More []", "system Rule []"]].concat();
    assert_eq!(messages(parted), expected);
    let said = vec![
        go(),
        (Assistant, vec![text("One."), call("a")]),
        (Assistant, vec![text("Two.")]),
        (User, vec![result("a")]),
    ];
    assert_eq!(messages(said), ["user Go []", "assistant One.\\nTwo. [a]", "tool done [a]"]);
    // Texts in a row stay apart.
    let texts = vec![go(), (Assistant, vec![text("One.")]), (Assistant, vec![text("Two.")]), go()];
    assert_eq!(messages(texts), ["user Go []", "assistant One. []", "assistant Two. []", "user Go []"]);
}
