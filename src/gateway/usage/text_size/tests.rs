//! Texts, prompts and calls, and how many tokens they come to.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::dialects::Dialect;
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::form::Form;

fn of(text: &str) -> TextSize {
    let raw = RawValue::from_string(serde_json::Value::from(text).to_string()).expect("JSON");
    TextSize::of_value(&raw)
}

/// Texts with the counts of `o200k_base`.
const COUNTED: &[(&str, u64)] = &[
    (
        "The quick brown fox jumps over the lazy dog. It was a bright cold day in April, and the clocks were striking thirteen.",
        26,
    ),
    (
        "fn main() {\n    let total: u64 = values.iter().map(|value| value.len() as u64).sum();\n    println!(\"{total}\");\n}",
        33,
    ),
    ("Die Rechnung wird am Ende des Monats gestellt und enthält alle Anfragen, die beantwortet wurden.", 19),
    ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。", 32),
    ("Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.", 25),
];

#[test]
fn texts_come_out_near_what_a_tokenizer_counts() {
    for (text, counted) in COUNTED {
        let ours = of(text).tokens();
        assert!(ours.abs_diff(*counted) * 100 <= counted * 25, "{ours} for {counted}: {text}");
    }
}

#[test]
fn a_long_text_is_judged_by_its_samples() {
    for (text, _) in COUNTED {
        let (short, long) = (of(&text.repeat(10)), of(&text.repeat(400)));
        assert!(long.bytes > LONG as u64);
        let expected = short.tokens() * 40;
        assert!(long.tokens().abs_diff(expected) * 100 <= expected * 15, "{} for {expected}", long.tokens());
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
            "word ".repeat(4_000)
        );
        let prompt = TextSize::of_prompt(&ChatRequest::parse(Bytes::from(body)).expect("a request")).tokens();
        assert!(prompt.abs_diff(4_400) < 800, "{prompt}");
    }
    let picture = format!(
        r#"{{"model":"m","messages":[{{"content":[{{"type":"image_url","image_url":{{"url":"data:{}"}}}}]}}]}}"#,
        "A".repeat(100_000)
    );
    let seen = TextSize::of_prompt(&ChatRequest::parse(Bytes::from(picture)).expect("a request"));
    assert_eq!(seen.tokens(), 769);
}

#[test]
fn what_any_tokenizer_counts_is_a_part_of_the_estimate() {
    for (text, counted) in COUNTED {
        for size in [of(text), of(&text.repeat(100))] {
            let (least, all) = (size.undoubted_tokens(), size.tokens().cast_signed());
            assert!((all / 2..=all).contains(&least), "{least} of {all} for {counted}: {text}");
        }
    }
    for run in ["-", "=", " ", "a", "─", "🎉", "漢"] {
        for length in [100, 10_000] {
            // A long text is sampled.
            let most = 20 + i64::try_from(length / 100).expect("few");
            assert!(of(&run.repeat(length)).undoubted_tokens() <= most, "{run} {length}");
        }
    }
}

#[test]
fn what_a_vendor_may_not_count_is_doubtful() {
    let undoubted = |members: &str| {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        TextSize::of_prompt(&ChatRequest::parse(Bytes::from(body)).expect("a request")).undoubted_tokens()
    };
    for words in ["a few other words ".repeat(20), "a few other words ".repeat(900)] {
        let said = format!(r#""messages":[{{"role":"user","content":"{words}"}}]"#);
        let least = undoubted(&said) * 3 / 4;
        assert!(least > 40);
        for certain in [
            format!(r#""messages":[{{"role":"user","content":[{{"type":"text","text":"{words}"}}]}}]"#),
            format!(r#""messages":[{{"role":"tool","tool_call_id":"t","content":"{words}"}}]"#),
            format!(r#""messages":[],"system":"{words}""#),
            format!(r#"{said},"temperature":1"#),
        ] {
            assert!(undoubted(&certain) >= least, "{certain}");
        }
        for doubtful in [
            format!(r#""messages":[{{"role":"assistant","reasoning_content":"{words}"}}]"#),
            format!(
                r#""messages":[{{"role":"assistant","content":[{{"type":"thinking","thinking":"{words}"}}]}}]"#
            ),
            format!(r#""messages":[{{"role":"user","images":["{words}"]}}]"#),
            format!(r#""messages":[],"tools":[{{"type":"function","function":{{"name":"{words}"}}}}]"#),
            format!(r#""messages":[],"documents":["{words}"]"#),
            format!(r#""messages":[],"response_format":{{"type":"json_schema","json_schema":"{words}"}}"#),
            format!(r#"{said},"truncation":"auto""#),
            format!(r#"{said},"context_management":{{}}"#),
        ] {
            assert!(undoubted(&doubtful) < 20, "{} {doubtful}", undoubted(&doubtful));
        }
    }
}

#[test]
fn what_no_model_writes_is_not_counted() {
    let calls = |id: &str, name: &str| {
        let text = format!(
            r#"[{{"id":"{id}","type":"function","function":{{"name":"{name}","arguments":"{{\"city\":\"Bern\"}}"}}}}]"#
        );
        TextSize::of_value(&RawValue::from_string(text).expect("JSON")).tokens()
    };
    assert_eq!(calls("x", "weather"), calls("call_1234567890", "weather"));
    assert!(calls("x", "weather") < calls("x", "weather_of_a_city_tomorrow"));
}

#[test]
fn a_prompt_is_its_messages_and_tools() {
    let prompt = |members: &str| {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        TextSize::of_prompt(&ChatRequest::parse(Bytes::from(body)).expect("a request"))
    };
    let said = prompt(r#""messages":[{"role":"user","content":"hello there"}]"#);
    assert_eq!(said.bytes, 13);
    let parts = prompt(r#""messages":[{"content":[{"type":"text","text":"hello there"}]}]"#);
    assert_eq!(parts.tokens(), said.tokens());
    let seen = prompt(r#""messages":[{"content":[{"type":"image_url","image_url":{"url":"data:a"}}]}]"#);
    assert_eq!(seen.tokens(), 769);
    let armed = prompt(
        r#""messages":[{"content":"hello there"}],"tools":[{"type":"function","function":{"name":"f"}}]"#,
    );
    assert!(armed.tokens() > said.tokens());
    assert_eq!(prompt(r#""stream":false"#).tokens(), 0);
}

#[test]
fn a_mark_for_the_cache_is_no_content() {
    let size = |blocks: &str| {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{{"text":"Hi"}}{blocks}]}}]}}"#);
        let request = ChatRequest::parse_as(Dialect::Converse, Bytes::from(body)).expect("a request");
        let TextSize { weight, mixed, .. } = TextSize::of_prompt(&request);
        (weight, mixed)
    };
    assert_eq!(size(r#",{"cachePoint":{"type":"default"}}"#), size(""));
    assert_ne!(size(r#",{"image":{"format":"png"}}"#), size(""));
}

/// The prompt of a response.
fn of_response(members: &str) -> TextSize {
    let body = format!(r#"{{"model":"m",{members}}}"#);
    let request = ChatRequest::parse_as(Dialect::Responses, Bytes::from(body)).expect("a request");
    TextSize::of_prompt(&request)
}

#[test]
fn a_short_text_of_a_response_counts_as_a_turn() {
    let turn = of_response(r#""input":[{"role":"user","content":"hello there"}]"#).tokens();
    for members in [r#""input":"hello there""#, r#""input":null,"instructions":"hello there""#] {
        assert_eq!(of_response(members).tokens(), turn, "{members}");
    }
    let both = of_response(r#""instructions":"hello there","input":"hello there""#).tokens();
    assert!(both.abs_diff(2 * turn) <= 1, "{both} of {turn}");
    let body = Bytes::from_static(br#"{"model":"m","system":"hello there","messages":[]}"#);
    let system = ChatRequest::parse_as(Dialect::Messages, body).expect("a request");
    assert_eq!(TextSize::of_prompt(&system).tokens(), turn);
}

#[test]
fn tools_have_the_same_size_wherever_they_are() {
    let schema = r#"{"type":"object","properties":{"file":{"type":"string","description":"Where it is."}}}"#;
    for length in [1, 20] {
        let functions: Vec<String> = (0..length)
            .map(|number| format!(r#"{{"type":"function","name":"f{number}","parameters":{schema}}}"#))
            .collect();
        let functions = functions.join(",");
        for tools in [
            format!("[{functions}]"),
            format!(r#"[{{"type":"namespace","name":"n","tools":[{functions}]}}]"#),
        ] {
            let said = r#"{"role":"user","content":"hello there"}"#;
            let listed = of_response(&format!(r#""tools":{tools},"input":[{said}]"#));
            let item = format!(r#"{{"type":"additional_tools","role":"developer","tools":{tools}}}"#);
            let in_input = of_response(&format!(r#""input":[{item},{said}]"#));
            assert!(!listed.open_ended && !in_input.open_ended, "{tools}");
            let (listed, in_input) = (listed.tokens(), in_input.tokens());
            let likely = listed * 3 / 4..=listed * 5 / 4 + 20;
            assert!(likely.contains(&in_input), "{in_input} of {listed}: {tools}");
        }
    }
    for open_ended in [
        r#""input":[{"type":"item_reference","id":"msg_1"}]"#,
        r#""input":[{"type":"additional_tools","tools":[{"type":"web_search"}]}]"#,
        r#""input":"hi","tools":[{"type":"namespace","name":"n","tools":[{"type":"web_search"}]}]"#,
        r#""input":{}"#,
    ] {
        assert!(of_response(open_ended).open_ended, "{open_ended}");
    }
}

#[test]
fn what_cannot_be_read_counts_by_its_bytes() {
    let prompt = |members: &str| {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        TextSize::of_prompt(&ChatRequest::parse(Bytes::from(body)).expect("a request")).tokens()
    };
    let words = "word ".repeat(100);
    let least = prompt(&format!(r#""messages":[{{"role":"user","content":"{words}"}}]"#)) * 3 / 4;
    for members in [
        format!(r#""messages":"{words}""#),
        format!(r#""messages":{{"content":"{words}"}}"#),
        format!(r#""messages":[null,{{"content":"{words}"}}]"#),
        format!(r#""messages":["{words}"]"#),
        format!(r#""messages":[["{words}"]]"#),
        format!(r#""messages":[7,true,{{"content":"{words}","tool_calls":null,"tool_calls":null}}]"#),
        format!(r#""messages":[{{"content":"","content":"{words}"}}]"#),
        format!(r#""messages":[{{"content":"{words}","content":""}}]"#),
        format!(r#""messages":[{{"content":{{"text":"{words}"}}}}]"#),
        format!(r#""messages":[{{"content":["{words}"]}}]"#),
        format!(r#""messages":[{{"content":[null,{{"type":"text","text":"","text":"{words}"}}]}}]"#),
        format!(r#""messages":[{{"content":[{{"type":"thinking","thinking":"{words}"}}]}}]"#),
        format!(r#""messages":[{{"content":null,"reasoning_content":"{words}"}}]"#),
        format!(r#""messages":[{{"content":"x","name":"{words}"}}]"#),
        format!(r#""messages":[],"prompt":"{words}""#),
        format!(r#""system":"{words}""#),
        format!(r#""response_format":{{"type":"json_schema","json_schema":"{words}"}}"#),
    ] {
        assert!(prompt(&members) >= least, "{} of {least}: {members}", prompt(&members));
    }
    let file = "A".repeat(8_000);
    let part = |name: &str| {
        format!(r#""messages":[{{"content":[{{"type":"{name}","{name}":{{"file_data":"{file}"}}}}]}}]"#)
    };
    assert!(prompt(&part("file")) >= 2_000);
    assert!(prompt(&part("input_audio")) >= 2_000);
    let sound = |start: &str| {
        let sound =
            format!(r#"{{"type":"input_audio","input_audio":{{"data":"{start}{file}","format":"wav"}}}}"#);
        prompt(&format!(r#""messages":[{{"content":[{sound}]}}]"#))
    };
    assert!((62..1_000).contains(&sound("UklGR")));
    assert!((250..1_000).contains(&sound("SUQz")));
}

#[test]
fn the_text_of_a_form_counts_beside_its_recording() {
    let part = |head: &str, text: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{head}\r\n\r\n{text}\r\n")
    };
    let tokens = |more: &str| {
        let recording = part("file\"; filename=\"a.mp3\"", &"s".repeat(12_800));
        let body = format!("{}{recording}{more}--X--\r\n", part("model\"", "m"));
        let form = Form::parse("multipart/form-data; boundary=X", Bytes::from(body)).expect("a form");
        ChatRequest::of_form(Operation::Transcriptions, None, form).expect("a request").size().tokens()
    };
    assert_eq!(tokens(""), 100);
    let prompt = part("prompt\"", &"word ".repeat(1_000));
    assert!((1_000..1_600).contains(&tokens(&prompt)), "{}", tokens(&prompt));
}

proptest! {
    #[test]
    fn a_text_in_pieces_is_as_long_as_the_whole(pieces in proptest::collection::vec("\\PC{0,12}|[a-z 0-9.]{1,9}", 0..12)) {
        let parts = pieces.iter().fold(TextSize::default(), |all, piece| all.then(of(piece)));
        prop_assert_eq!(parts.weight, of(&pieces.concat()).weight);
    }
}

proptest! {
    /// The tables of ASCII say what each character alone says.
    #[test]
    fn a_text_counts_as_its_characters_do(text in "[ -!#-\\[\\]-~äжあ漢🎉]{0,80}") {
        let mut one_by_one = TextSize::default();
        text.chars().for_each(|character| one_by_one.push(character));
        let read = of(&text);
        prop_assert_eq!((read.weight, read.last), (one_by_one.weight, one_by_one.last));
    }
}
