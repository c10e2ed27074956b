//! The messages of requests in the form of Converse.

use serde_json::{Value, json};

use super::*;
use crate::dialects::turns::Input;

fn text<'a>(text: &str) -> Block<'a> {
    Block::Text(text.to_owned())
}

fn call<'a>(id: &str) -> Block<'a> {
    let input = Input::of_arguments(r#"{"z": 1.0}"#).expect("an object");
    Block::Call(Call { id: id.to_owned(), name: "n".to_owned(), input })
}

fn result<'a>(id: &str, failed: bool, blocks: Vec<Block<'a>>) -> Block<'a> {
    Block::Result(CallResult { id: id.to_owned(), failed, blocks })
}

fn document<'a>(name: &str) -> Block<'a> {
    let (media_type, data) = ("application/pdf".to_owned(), "eA==".to_owned());
    Block::Document(Source::Named { name: name.to_owned(), media_type, data })
}

fn written(turns: Vec<(Role, Vec<Block<'_>>)>) -> Result<(Value, Vec<String>), Need> {
    let turns: Vec<Turn<'_>> = turns.into_iter().map(|(role, blocks)| Turn { role, blocks }).collect();
    let mut changes = Changes::default();
    let messages = Writing::new(&mut changes).messages(&turns, None)?;
    Ok((serde_json::to_value(&messages).expect("JSON"), changes.into_names()))
}

#[test]
fn roles_alternate_and_results_come_first() {
    let (messages, changes) = written(vec![
        (Role::User, vec![text("Hi")]),
        (Role::System, vec![text("Be brief.")]),
        (Role::Assistant, vec![text(" "), call("a")]),
        (Role::Assistant, vec![call("b")]),
        (Role::User, vec![text("And?"), result("a", false, vec![text("7")])]),
        (Role::Assistant, vec![Block::Signed(Signed::Redacted("eA==".to_owned()))]),
        (Role::User, vec![result("b", true, vec![])]),
    ])
    .expect("messages");
    let tool_use = |id: &str| json!({"toolUse": {"toolUseId": id, "name": "n", "input": {"z": 1.0}}});
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": [{"text": "Hi"}, {"text": "<system>\nBe brief.\n</system>"}]},
            {"role": "assistant", "content": [tool_use("a"), tool_use("b")]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "a", "content": [{"text": "7"}]}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "(no output)"}], "status": "error"}},
                {"text": "And?"},
            ]},
        ])
    );
    assert_eq!(changes, ["mapped:system"]);
}

#[test]
fn marks_for_the_cache_follow_their_blocks() {
    let (usual, hour) = (|| Block::CacheMark(CacheMark::Usual), || Block::CacheMark(CacheMark::Hour));
    let (messages, changes) = written(vec![
        (Role::User, vec![text("Hi"), hour(), usual()]),
        (Role::Assistant, vec![call("a"), call("b"), usual()]),
        (
            Role::User,
            vec![text("And?"), result("a", false, vec![text("7"), usual()]), result("b", false, vec![])],
        ),
    ])
    .expect("messages");
    let point = || json!({"cachePoint": {"type": "default"}});
    let tool_use = |id: &str| json!({"toolUse": {"toolUseId": id, "name": "n", "input": {"z": 1.0}}});
    let returned =
        |id: &str, text: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": text}]}});
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": [{"text": "Hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]},
            {"role": "assistant", "content": [tool_use("a"), tool_use("b"), point()]},
            {"role": "user", "content": [
                returned("a", "7"), point(), returned("b", "(no output)"), {"text": "And?"},
            ]},
        ])
    );
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn a_mark_without_a_block_that_can_have_it_is_named() {
    let mark = || Block::CacheMark(CacheMark::Usual);
    for blocks in [
        vec![Block::Signed(Signed::Redacted("eA==".to_owned())), mark(), text("Hi")],
        vec![text(" "), mark(), text("Hi")],
    ] {
        let turns = vec![(Role::User, vec![text("Go")]), (Role::Assistant, blocks)];
        let (messages, changes) = written(turns).expect("messages");
        assert!(!messages.to_string().contains("cachePoint"), "{messages}");
        assert_eq!(changes, ["stripped:cache_control"]);
    }
}

#[test]
fn the_mark_of_a_whole_request_is_at_its_end_and_what_the_operator_says_has_marks() {
    let mark = || Block::CacheMark(CacheMark::Usual);
    let mut changes = Changes::default();
    let said = [Turn { role: Role::System, blocks: vec![mark(), text("Be brief."), mark(), mark()] }];
    let asked = [Turn { role: Role::User, blocks: vec![text("Hi")] }];
    let mut writing = Writing::new(&mut changes);
    let system = serde_json::to_value(writing.instructions(&said)).expect("JSON");
    let messages = writing.messages(&asked, Some(CacheMark::Hour)).expect("messages");
    assert_eq!(system, json!([{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]));
    assert_eq!(
        serde_json::to_value(&messages).expect("JSON")[0]["content"],
        json!([{"text": "Hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}])
    );
    assert_eq!(changes.into_names(), ["stripped:cache_control"]);
}

#[test]
fn what_claude_has_signed_is_kept_before_its_answer() {
    let signed = Signed::Text { text: "T".to_owned(), signature: "c2ln".to_owned() };
    let (messages, changes) = written(vec![(
        Role::Assistant,
        vec![
            Block::Signed(signed),
            Block::Signed(Signed::Redacted("eA==".to_owned())),
            Block::Signed(Signed::Redacted("no base64".to_owned())),
            text("Hi"),
        ],
    )])
    .expect("messages");
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": [{"text": "(continued)"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "T", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": "eA=="}}, {"text": "Hi"},
            ]},
        ])
    );
    assert_eq!(changes, ["stripped:thinking", "placeholder:user_message"]);
}

#[test]
fn reasoning_without_an_answer_after_it_is_left_out() {
    let thought = Block::Signed(Signed::Text { text: "T".to_owned(), signature: "c2ln".to_owned() });
    let cut = (Role::Assistant, vec![text("Hi"), thought]);
    let (messages, changes) =
        written(vec![(Role::User, vec![text("Go")]), cut, (Role::User, vec![text("On")])]).expect("messages");
    assert_eq!(messages[1], json!({"role": "assistant", "content": [{"text": "Hi"}]}));
    assert_eq!(changes, ["stripped:thinking"]);
}

#[test]
fn documents_have_different_names_and_a_text_beside_them() {
    let (messages, changes) = written(vec![(
        Role::User,
        vec![document("Report 2026.pdf"), document("Report_2026 pdf"), document("\u{fc}")],
    )])
    .expect("messages");
    let document =
        |name: &str| json!({"document": {"format": "pdf", "name": name, "source": {"bytes": "eA=="}}});
    let expected = [
        document("Report 2026 pdf"),
        document("Report 2026 pdf 2"),
        document("document"),
        json!({"text": "document"}),
    ];
    assert_eq!(messages[0]["content"], json!(expected));
    assert_eq!(changes, ["placeholder:text"]);
}

#[test]
fn images_have_a_format_and_ids_a_form() {
    let image = |media_type: &str| {
        Block::Image(Source::Base64 { media_type: media_type.to_owned(), data: "eA==".to_owned() })
    };
    let long = "x".repeat(65);
    let (messages, changes) = written(vec![
        (Role::User, vec![image("image/jpg"), image("IMAGE/PNG; x")]),
        (Role::Assistant, vec![call("a|b"), call(&long)]),
        (Role::User, vec![result("a|b", false, vec![image("image/webp")]), result(&long, false, vec![])]),
    ])
    .expect("messages");
    let formats = [0, 1].map(|at| messages[0]["content"][at]["image"]["format"].clone());
    assert_eq!(formats, ["jpeg", "png"]);
    for at in [0, 1] {
        let id = &messages[1]["content"][at]["toolUse"]["toolUseId"];
        assert_eq!(id, &messages[2]["content"][at]["toolResult"]["toolUseId"]);
        assert!(id.as_str().is_some_and(|id| is_plain(id) && id.len() <= LONGEST_ID), "{id}");
    }
    assert_eq!(changes, ["aliased:tool_id"]);
    for (block, need) in [
        (image("image/tiff"), Need::Image),
        (Block::Image(Source::Url("https://x.example".to_owned())), Need::Image),
        (Block::Document(Source::Url("https://x.example".to_owned())), Need::Document),
        (
            Block::Document(Source::Base64 { media_type: "video/mp4".to_owned(), data: "eA==".to_owned() }),
            Need::Document,
        ),
    ] {
        assert_eq!(written(vec![(Role::User, vec![block])]).expect_err("a need"), need);
    }
}
