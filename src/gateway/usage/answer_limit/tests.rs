//! What requests say of the length of their answers, and what it comes to for a model.

use bytes::Bytes;

use super::*;
use crate::gateway::request::chat_request::numbers::MOST_CHOICES;
use crate::store::snapshot::{ProviderEntry, samples};

fn of(members: &str) -> (Option<i64>, i64) {
    let body = format!(r#"{{"model":"m"{members}}}"#);
    let limit = AnswerLimit::of(&ChatRequest::parse(Bytes::from(body)).expect(members));
    (limit.tokens, limit.choices)
}

#[test]
fn of_several_limits_the_largest_counts() {
    for (members, tokens, choices) in [
        ("", None, 1),
        (r#","max_tokens":7"#, Some(7), 1),
        (r#","max_tokens":1,"max_completion_tokens":1000"#, Some(1_000), 1),
        (r#","max_completion_tokens":1000,"max_tokens":1"#, Some(1_000), 1),
        (r#","max_tokens":null,"max_completion_tokens":9"#, Some(9), 1),
        (r#","max_tokens":0"#, None, 1),
        (r#","max_tokens":-1,"max_completion_tokens":9"#, None, 1),
        (r#","max_tokens":1.5e3"#, Some(1_500), 1),
        (r#","max_tokens":99999999999999999999999"#, Some(MOST_TOKENS), 1),
        (r#","max_tokens":7,"n":8"#, Some(7), 8),
        (r#","Max_Tokens":7,"N":8"#, Some(7), 8),
        (r#","max_tokens":7,"MAX_COMPLETION_TOKENS":900"#, Some(900), 1),
        (r#","max_tokens":7,"n":null"#, Some(7), 1),
        (r#","n":2,"best_of":5"#, None, 5),
        (r#","n":1.28e2"#, None, MOST_CHOICES),
    ] {
        assert_eq!(of(members), (tokens, choices), "{members}");
    }
}

#[test]
fn each_prompt_of_a_completion_has_an_answer() {
    for (members, choices) in [
        (r#""prompt":"Hi""#, 1),
        (r#""prompt":[1,2,3]"#, 1),
        (r#""prompt":[[1,2],[3]]"#, 2),
        (r#""prompt":["a","b","c"],"n":2"#, 6),
        (r#""prompt":["a","b"],"best_of":5,"n":2"#, 10),
        (r#""Prompt":["a","b","c"]"#, 3),
        (r#""prompt":[1,"a"]"#, 2),
        (r#""prompt":["a"],"prompt_embeds":["AAAA","AAAA"]"#, 3),
        (r#""prompt":null"#, 1),
        (r#""max_tokens":7"#, 1),
    ] {
        let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
        let request = ChatRequest::parse_operation(Operation::Completions, body).expect(members);
        assert_eq!(AnswerLimit::of(&request).choices, choices, "{members}");
    }
}

fn completion(members: &str) -> AnswerLimit {
    let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
    AnswerLimit::of(&ChatRequest::parse_operation(Operation::Completions, body).expect(members))
}

fn model(vendor: &str, longest: Option<i64>) -> ModelEntry {
    let mut model = samples::model("m", samples::provider(vendor));
    model.settings.max_output_tokens = longest;
    model
}

#[test]
fn a_completion_without_a_limit_is_as_long_as_its_vendor_says() {
    let vllm = model("vllm", Some(4_000));
    for (members, tokens) in [
        (r#""prompt":"a""#, 16),
        (r#""prompt":["a","b","c"],"n":2"#, 96),
        (r#""prompt":["a","b"],"min_tokens":50"#, 100),
        (r#""prompt":["a","b"],"max_tokens":50"#, 100),
        // That may be no limit at all.
        (r#""prompt":["a","b"],"max_tokens":null"#, 8_000),
        (r#""prompt":["a","b"],"Max_Tokens":null"#, 8_000),
        (r#""prompt":["a","b"],"max_tokens":-1"#, 8_000),
        (r#""prompt":["a","b"],"max_new_tokens":"many""#, 8_000),
        (r#""prompt":["a","b"],"extra_body":{"max_new_tokens":null}"#, 8_000),
    ] {
        assert_eq!(completion(members).known(&vllm), Some(tokens), "{members}");
    }
    let many = completion(r#""prompt":["a","b"]"#);
    assert_eq!(many.known(&model("vllm", Some(9))), Some(18));
    assert_eq!((many.known(&model("vllm", None)), many.known(&model("custom", None))), (Some(32), None));
    let chat = ChatRequest::parse(Bytes::from_static(br#"{"model":"m","messages":[]}"#)).expect("a chat");
    assert_eq!(AnswerLimit::of(&chat).known(&vllm), Some(4_000));
}

#[test]
fn another_server_in_place_of_a_vendor_has_no_known_default() {
    for (vendor, base_url, tokens) in [
        ("openai", None, Some(16)),
        ("openai", Some("https://api.openai.com/v1/"), Some(16)),
        ("openai", Some("https://proxy.example/v1"), None),
        ("azure", Some("https://x.openai.azure.com/openai/v1"), Some(16)),
        ("vllm", Some("https://llm.example/v1"), Some(16)),
        ("together", None, None),
        ("custom", Some("https://llm.example/v1"), None),
    ] {
        let base_url = base_url.map(str::to_owned);
        let model = samples::model("m", ProviderEntry { base_url, ..samples::provider(vendor) });
        assert_eq!(model.completion_tokens(), tokens, "{vendor}");
    }
}

#[test]
fn a_list_without_a_limit_needs_room_for_what_is_usual() {
    let custom = model("custom", Some(4_000));
    let list = r#""prompt":["a","b","c"]"#;
    for (members, usual, range) in [
        (list, None, (12_000, 12_000)),
        // One of them may be as long as any, and the others twice as long as usual.
        (list, Some(50), (4_000 + 2 * 100, 12_000)),
        (list, Some(3_000), (12_000, 12_000)),
        (r#""prompt":["a","b"],"n":2"#, Some(50), (4_000 + 3 * 100, 16_000)),
        (r#""prompt":["a","b"],"min_tokens":500"#, Some(50), (4_000 + 500, 8_000)),
        (r#""prompt":["a","b"],"max_tokens":7"#, Some(50), (14, 14)),
        (r#""prompt":["a","b"],"max_tokens":null"#, Some(50), (8_000, 8_000)),
        (r#""prompt":"a","n":3"#, Some(50), (12_000, 12_000)),
    ] {
        assert_eq!(completion(members).range(&custom, || usual), range, "{members} {usual:?}");
    }
    let unknown = model("custom", None);
    assert_eq!(completion(list).range(&unknown, || None), (3 * UNKNOWN_MODEL, 3 * UNKNOWN_MODEL));
    assert_eq!(completion(list).range(&unknown, || Some(50)), (UNKNOWN_MODEL + 200, 3 * UNKNOWN_MODEL));
    assert_eq!(completion(r#""prompt":"a""#).range(&unknown, || Some(50)), (0, UNKNOWN_MODEL));
    assert_eq!(completion(list).range(&model("vllm", None), || Some(5_000)), (48, 48));
}

#[test]
fn only_completions_without_a_limit_have_open_choices() {
    for (operation, members, choices) in [
        (Operation::Completions, r#""prompt":["a","b"],"n":2"#, Some(4)),
        (Operation::Completions, r#""prompt":"a""#, Some(1)),
        (Operation::Completions, r#""prompt":"a","max_tokens":5"#, None),
        (Operation::Completions, r#""prompt":"a","max_tokens":null"#, None),
        (Operation::Images, r#""prompt":"a""#, None),
    ] {
        let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
        let request = ChatRequest::parse_operation(operation, body).expect(members);
        assert_eq!(AnswerLimit::open_choices(&request), choices, "{members}");
    }
}

#[test]
fn limits_of_vendors_count_wherever_they_are() {
    let of = |members: &str| {
        let body = format!(r#"{{"model":"m"{members}}}"#);
        let limit = AnswerLimit::of(&ChatRequest::parse(Bytes::from(body)).expect(members));
        (limit.tokens, limit.reasoning, limit.choices)
    };
    for (members, expected) in [
        (r#","max_tokens":7,"max_new_tokens":900"#, (Some(900), 0, 1)),
        (r#","max_tokens_to_sample":9"#, (Some(9), 0, 1)),
        (r#","max_tokens":7,"min_tokens":2000"#, (Some(2_000), 0, 1)),
        (r#","min_tokens":2000"#, (None, 0, 1)),
        (r#","max_tokens":7,"num_beams":8"#, (Some(7), 0, 8)),
        (r#","max_tokens":7,"beam_width":8,"n":2"#, (Some(7), 0, 8)),
        (r#","max_tokens":7,"numResults":3"#, (Some(7), 0, 3)),
        (
            r#","max_tokens":7,"additionalModelRequestFields":{"thinking":{"budget_tokens":900}}"#,
            (Some(7), 900, 1),
        ),
        (r#","max_tokens":7,"n_predict":-2"#, (None, 0, 1)),
        (r#","max_tokens":7,"options":{"num_predict":50}"#, (Some(50), 0, 1)),
        (r#","generationConfig":{"maxOutputTokens":50,"candidateCount":3}"#, (Some(50), 0, 3)),
        (r#","max_tokens":7,"num_return_sequences":4"#, (Some(7), 0, 4)),
        (r#","n":2,"num_generations":5"#, (None, 0, 5)),
        (r#","n":2,"num_return_sequences":"many""#, (None, 0, MOST_CHOICES)),
        (r#","n":2,"num_return_sequences":null"#, (None, 0, 2)),
        (r#","max_tokens":7,"thinking":{"type":"enabled","budget_tokens":900}"#, (Some(7), 900, 1)),
        (r#","max_tokens":7,"thinking":{"type":"disabled","budget_tokens":0}"#, (Some(7), 0, 1)),
        (r#","max_tokens":7,"thinking":true,"reasoning":{"effort":"low"}"#, (Some(7), 0, 1)),
        (r#","max_tokens":7,"reasoning":{"max_tokens":900}"#, (Some(7), 900, 1)),
        (r#","max_tokens":7,"thinking_budget":900,"n":2"#, (Some(7), 900, 2)),
        (r#","max_tokens":7,"thinking_budget":-1"#, (None, 0, 1)),
        (r#","max_tokens":7,"thinking_budget":null"#, (Some(7), 0, 1)),
        (r#","max_tokens":7,"thinking_budget":9,"reasoning":{"max_tokens":900}"#, (Some(7), 900, 1)),
        (r#","max_tokens":7,"chat_template_kwargs":{"thinking_budget":900}"#, (Some(7), 900, 1)),
        (
            r#","max_tokens":7,"extra_body":{"google":{"thinking_config":{"thinking_budget":900}}}"#,
            (Some(7), 900, 1),
        ),
        (r#","max_tokens":7,"messages":[{"max_new_tokens":900}],"metadata":{"n":9}"#, (Some(7), 0, 1)),
        (r#","max_tokens":7,"x":{"n":9}"#, (Some(7), 0, 9)),
        (r#","max_tokens":1,"sampling_params":{"max_new_tokens":1000,"n":2}"#, (Some(1_000), 0, 2)),
        (r#","max_tokens":1,"inferenceConfig":{"maxTokens":1000}"#, (Some(1_000), 0, 1)),
        (r#","max_tokens":1,"tokens_to_generate":1000"#, (Some(1_000), 0, 1)),
        (
            r#","max_tokens":1,"max_prompt_tokens":9,"skip_special_tokens":true,"min_tokens":1"#,
            (Some(1), 0, 1),
        ),
    ] {
        assert_eq!(of(members), expected, "{members}");
    }
}

#[test]
fn an_object_that_cannot_be_read_may_hold_any_limit() {
    let many: String = (0..1_100).map(|number| format!("\"x{number}\":1,")).collect();
    for name in ["thinking", "extra_body", "reasoning"] {
        let members = format!(r#","max_tokens":7,"{name}":{{{many}"budget_tokens":900}}"#);
        assert_eq!(of(&members).0, Some(i64::MAX), "{name}");
    }
    let half = r#","max_tokens":7,"extra_body":{"\ud83d":1,"max_new_tokens":900}"#;
    assert_eq!(of(half).0, Some(900));
}

#[test]
fn the_limit_of_a_message_includes_its_reasoning() {
    let body = r#"{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024}}"#;
    let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(body);
    let limit = AnswerLimit::of(&request);
    assert_eq!((limit.tokens, limit.reasoning, limit.choices), (Some(2_000), 0, 1));
    let body = r#"{"model":"m","max_tokens":1,"thinking":{"type":"enabled","budget_tokens":1024}}"#;
    let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(body);
    assert_eq!(AnswerLimit::of(&request).reasoning, 1_024);
}

#[test]
fn a_prediction_may_be_billed_beside_the_answer() {
    let words = "word ".repeat(1_000);
    for content in [format!(r#""{words}""#), format!(r#"[{{"type":"text","text":"{words}"}}]"#)] {
        let body = format!(
            r#"{{"model":"m","max_tokens":7,"prediction":{{"type":"content","content":{content}}}}}"#
        );
        let request = ChatRequest::parse(Bytes::from(body)).expect("a request");
        let limit = AnswerLimit::of(&request);
        assert!((900..1_400).contains(&limit.prediction), "{}", limit.prediction);
        assert_eq!(limit.whole(7), 7 + limit.prediction);
        // It is not reserved twice.
        assert_eq!(request.size().tokens(), 0);
    }
}

#[test]
fn a_fallback_of_anthropic_may_answer_longer() {
    for (fallbacks, tokens) in [
        (r#"[{"model":"x","max_tokens":9000},{"model":"y","max_tokens":5000}]"#, Some(9_000)),
        (r#"[{"model":"x"},7]"#, Some(2_000)),
        (r#"[{"model":"x","max_tokens":10}]"#, Some(2_000)),
        (r#"[{"model":"x","max_tokens":"many"}]"#, None),
        (r#""default""#, Some(2_000)),
    ] {
        let body = format!(r#"{{"model":"m","max_tokens":2000,"fallbacks":{fallbacks}}}"#);
        let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body)).expect(fallbacks);
        assert_eq!(AnswerLimit::of(&request).tokens, tokens, "{fallbacks}");
    }
}

#[test]
fn what_is_no_number_of_tokens_is_none() {
    for (value, number) in [
        ("12", Some(12)),
        ("0.5", Some(1)),
        ("1e999", Some(MOST_TOKENS)),
        (r#""12""#, Some(12)),
        ("0", Some(0)),
        ("-2.5", None),
        ("-0", None),
        (r#""many""#, None),
        (r#""inf""#, None),
        ("[7]", None),
        ("{}", None),
        ("true", None),
    ] {
        assert_eq!(super::number(value.as_bytes()), number, "{value}");
    }
}
