//! Unit tests of effort values, tool call ids and refused parameters.

use super::*;
use crate::providers::errors::UpstreamError;
use crate::providers::presets::{PRESETS, preset};

fn target(vendor: &str, model: &str, tools: bool) -> TargetModel {
    TargetModel::of(preset(vendor).expect(vendor), model, &Capabilities::default(), tools)
}

#[test]
fn every_preset_has_its_row_and_no_row_is_left_over() {
    let rows: Vec<&str> = VENDORS.iter().map(|vendor| vendor.preset).collect();
    let mut presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    presets.sort_unstable();
    assert_eq!(sorted, presets);
}

#[test]
fn what_is_refused_is_known_to_be_optional() {
    // One bit is that of the reasoning in the history.
    assert!(OPTIONAL.is_sorted() && OPTIONAL.len() < 64);
    let rows = VENDORS.iter().flat_map(|vendor| vendor.refuses).chain(ABOUT_REASONING);
    for name in rows {
        assert!(OPTIONAL.contains(name), "{name}");
    }
}

#[test]
fn an_effort_becomes_the_nearest_word() {
    for (asked, words, expected) in [
        ("medium", &["low", "medium", "high"][..], Some("medium")),
        ("minimal", &["low", "medium", "high"], Some("low")),
        ("none", &["low", "medium", "high"], Some("low")),
        ("xhigh", &["low", "medium", "high"], Some("high")),
        ("max", &["none", "low", "medium", "high", "xhigh"], Some("xhigh")),
        ("medium", &["low", "high"], Some("low")),
        ("medium", &["high", "low"], Some("high")),
        ("low", &["none", "high"], Some("high")),
        ("none", &["none", "default"], Some("none")),
        ("high", &["none", "default"], Some("default")),
        ("high", &["none"], Some("none")),
        ("high", &[], None),
        ("ultra", &["low"], None),
    ] {
        assert_eq!(clamped(asked, words), expected, "{asked} {words:?}");
    }
}

#[test]
fn each_model_has_its_words() {
    let words = |vendor, model, tools| target(vendor, model, tools).effort;
    assert_eq!(words("openai", "gpt-4o", false), Effort::Refused);
    assert_eq!(words("openai", "gpt-5-chat-latest", false), Effort::Refused);
    assert_eq!(words("openai", "gpt-5.4", true), Effort::Words(&["none"]));
    assert_eq!(words("openai", "gpt-5.6-sol", true), Effort::Required(&["none"]));
    assert_eq!(words("azure", "our-deployment", true), Effort::Any);
    assert_eq!(words("gemini", "models/gemini-2.0-flash", false), Effort::Refused);
    assert_eq!(words("gemini", "gemini-3-pro-preview", false), Effort::Words(&["high", "low"]));
    assert_eq!(words("xai", "grok-4", false), Effort::Refused);
    assert_eq!(words("custom", "anything", false), Effort::Any);
    for row in PRESETS {
        let plain = Capabilities { reasoning: Some(false), ..Capabilities::default() };
        let target = TargetModel::of(row, "anything", &plain, false);
        assert_eq!(target.effort, Effort::Refused, "{}", row.name);
        assert!(target.refuses("verbosity") && target.refuses("thinking"), "{}", row.name);
    }
}

#[test]
fn an_alias_is_an_id_that_is_taken() {
    for rule in [ToolIds::AtMost40, ToolIds::Word, ToolIds::Nine] {
        for id in ["", "call_1", "ü", &"x".repeat(1_000)] {
            for turn in 0..=9 {
                let alias = rule.alias(id, turn);
                assert!(rule.takes(&alias), "{rule:?} {alias}");
                assert_eq!(alias, rule.alias(id, turn));
                assert_ne!(alias, rule.alias(id, turn + 1));
            }
        }
    }
    assert!(
        ToolIds::Nine.takes("D681PevKs")
            && !ToolIds::Nine.takes("D681PevKü")
            && !ToolIds::Nine.takes("call_0fyp")
    );
    assert_eq!(target("vllm", "mistralai/Devstral-Small-2", false).tool_ids, ToolIds::Nine);
}

fn said(status: u16, param: Option<&str>, message: &str) -> UpstreamError {
    UpstreamError {
        status,
        code: None,
        kind: None,
        inner_code: None,
        param: param.map(str::to_owned),
        message: message.to_owned(),
        retry_after: None,
        reset: None,
        token_limit: None,
        requests_used_up: false,
        moderated: false,
        page: false,
        unread: false,
        structured: true,
    }
}

#[test]
fn vendors_name_what_they_refuse_in_many_ways() {
    let sent = Parameters::of(OPTIONAL.iter().copied());
    for (status, param, message, expected) in [
        (400, Some("stream_options"), "Unknown parameter: 'stream_options'.", &["stream_options"][..]),
        (400, None, "Unrecognized request argument supplied: reasoning_effort", &["reasoning_effort"]),
        (400, None, "Unrecognized request arguments supplied: thinking, store", &["store", "thinking"]),
        (422, Some("stream_options"), "stream_options: Extra inputs are not permitted", &["stream_options"]),
        (
            422,
            Some("user"),
            "user: Extra inputs are not permitted; seed: Extra inputs are not permitted",
            &["seed", "user"],
        ),
        (
            400,
            None,
            "Invalid JSON payload received. Unknown name \"metadata\": Cannot find field.\nUnknown name \"store\": Cannot find field.",
            &["metadata", "store"],
        ),
        (400, None, "property 'store' is unsupported, did you mean 'stop'?", &["store"]),
        (400, Some("metadata"), "`metadata` is not supported with this model", &["metadata"]),
        (400, None, "Model grok-4-1-fast does not support parameter reasoningEffort.", &["reasoning_effort"]),
        (400, None, "Argument not supported: metadata", &["metadata"]),
        (
            400,
            Some("temperature"),
            "Unsupported value: 'temperature' does not support 0.5 with this model.",
            &["temperature"],
        ),
        (
            400,
            Some("max_tokens"),
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            &[],
        ),
        (
            400,
            Some("max_tokens"),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            &["max_tokens"],
        ),
        (
            422,
            Some("tools.0.function.strict"),
            "tools.0.function.strict: Extra inputs are not permitted",
            &["strict"],
        ),
        (
            400,
            None,
            "Extra inputs are not permitted, field: 'tools[0].function.strict', value: True",
            &["strict"],
        ),
        (400, None, "Unknown parameter: 'response_format.json_schema.strict'.", &["strict"]),
        (400, None, "A strict policy does not permit this: it is not allowed.", &[]),
        (400, Some("seed"), "seed must be at least 0", &[]),
        (400, None, "The user asked for a store that is not supported.", &[]),
        (429, Some("store"), "Unknown parameter: 'store'.", &[]),
        (400, Some("messages[1].metadata"), "Unknown parameter: 'messages[1].metadata'.", &[]),
    ] {
        let expected = Parameters::of(expected.iter().copied());
        let refusal = refused_parameters(&said(status, param, message), sent);
        assert_eq!(refusal.left_out, expected, "{message}");
        let of_value = message.starts_with("Unsupported value");
        assert_eq!(refusal.themselves, if of_value { Parameters::default() } else { expected }, "{message}");
    }
    let error = said(400, None, "Unknown parameter: 'store'.");
    assert!(refused_parameters(&error, Parameters::of(["seed"])).left_out.is_empty(), "it was not sent");
}

#[test]
fn a_value_a_member_and_a_combination_say_nothing_about_the_parameter() {
    let sent = Parameters::of(OPTIONAL.iter().copied().filter(|name| *name != STREAM_MEMBERS));
    for (param, message, name) in [
        (
            None,
            "'reasoning_effort' does not support 'xhigh' with this model. Supported: low, medium, high",
            "reasoning_effort",
        ),
        (
            Some("reasoning_effort"),
            "Unsupported value: 'xhigh'. Supported values are: 'low' and 'high'.",
            "reasoning_effort",
        ),
        (Some("verbosity"), "'verbosity' does not support 'max'.", "verbosity"),
        (Some("temperature"), "'temperature' does not support 0.2 with this model.", "temperature"),
        (Some("seed"), "'seed' must be less than 10: larger numbers are not supported", "seed"),
        (Some("service_tier"), "'service_tier' is not supported for requests with images", "service_tier"),
        (Some("prediction"), "'prediction' is not supported with tools.", "prediction"),
        (Some("strict"), "'strict' is not supported together with 'pattern'", "strict"),
        (None, "Unknown parameter: 'metadata.zzz'.", "metadata"),
        (Some("logit_bias.zzz"), "Unknown parameter", "logit_bias"),
        (Some("web_search_options"), "Unknown parameter: 'web_search_options.zzz'.", "web_search_options"),
        (None, "Unknown parameter: 'modalities[0]'.", "modalities"),
        (None, "Unknown name \"zzz\" at 'audio': Cannot find field.", "audio"),
        (Some("user"), "user.zzz: Extra inputs are not permitted", "user"),
    ] {
        let refusal = refused_parameters(&said(400, param, message), sent);
        let expected = Refusal { left_out: Parameters::of([name]), themselves: Parameters::default() };
        assert_eq!(refusal, expected, "{message}");
    }
    let inner = said(422, None, "stream_options.include_obfuscation: Extra inputs are not permitted");
    let all = Parameters::of(["stream_options", STREAM_MEMBERS]);
    let expected = Refusal { left_out: Parameters::of([STREAM_MEMBERS]), themselves: Parameters::default() };
    assert_eq!(refused_parameters(&inner, all), expected);
    let usage = said(422, None, "stream_options.include_usage: Extra inputs are not permitted");
    let options = Parameters::of(["stream_options"]);
    assert_eq!(refused_parameters(&usage, all), Refusal { left_out: options, themselves: options });
}

#[test]
fn vendors_name_what_they_refuse_in_messages_by_its_path_or_its_name() {
    let names = [
        "annotations",
        "audio",
        "cache_control",
        "index",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
    ];
    let all = Parameters::of_messages(names).with(Parameters::of(["reasoning", "store"]));
    let alike = Parameters::of_messages(names).without(Parameters::of_messages(["audio"]));
    for (status, param, message, expected) in [
        (
            400,
            Some("messages[1].reasoning_content"),
            "Unknown parameter: 'messages[1].reasoning_content'.",
            "reasoning_content",
        ),
        (400, None, "Unknown parameter: 'messages[1].reasoning'.", "reasoning"),
        (
            400,
            Some("messages[2].tool_calls[0].index"),
            "Unknown parameter: 'messages[2].tool_calls[0].index'.",
            "index",
        ),
        (400, None, "Unrecognized request argument supplied: reasoning_content", "reasoning_content"),
        (
            400,
            None,
            "Additional properties are not allowed ('annotations' was unexpected) - 'messages.1'",
            "annotations",
        ),
        (
            400,
            None,
            "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
            "reasoning_content",
        ),
        (400, None, "property 'reasoning_details' is unsupported", "reasoning_details"),
        (
            422,
            Some("messages.1.assistant.reasoning_content"),
            "messages.1.assistant.reasoning_content: Extra inputs are not permitted",
            "reasoning_content",
        ),
        (
            400,
            None,
            "Extra inputs are not permitted, field: 'messages[2].content[0].cache_control', value: {}",
            "cache_control",
        ),
        (
            400,
            None,
            "Invalid JSON payload received. Unknown name \"reasoning_content\" at 'messages[1]': Cannot find field.",
            "reasoning_content",
        ),
        (422, None, "messages[1]: unknown field `reasoning_details`", "reasoning_details"),
    ] {
        let refusal = refused_parameters(&said(status, param, message), all);
        assert_eq!(refusal.themselves, Parameters::of_messages([expected]), "{message}");
        assert_eq!(refusal.left_out, alike, "{message}");
    }
    let sound = refused_parameters(&said(400, None, "Unknown parameter: 'messages[1].audio'."), all);
    assert_eq!(sound.left_out, Parameters::of_messages(names), "it is refused itself");
    let inside = refused_parameters(
        &said(400, None, "Unknown parameter: 'messages[1].reasoning_details[0].format'."),
        all,
    );
    assert_eq!((inside.themselves, inside.left_out), (Parameters::default(), alike));
    // A parameter of the request is none of a message, nor is what another status says, or what was not sent.
    let own = refused_parameters(&said(400, Some("reasoning"), "Unknown parameter: 'reasoning'."), all);
    assert_eq!(own.left_out, Parameters::of(["reasoning"]));
    for (status, message) in [
        (429, "Unknown parameter: 'messages[1].reasoning_content'."),
        (400, "Unknown parameter: 'messages[1].name'."),
        (400, "messages[1].content: the audio is too long"),
        (400, "Missing required parameter: 'messages[1].content'."),
    ] {
        assert_eq!(refused_parameters(&said(status, None, message), all), Refusal::default(), "{message}");
    }
    let error = said(400, None, "Unknown parameter: 'messages[1].reasoning_content'.");
    assert_eq!(refused_parameters(&error, Parameters::of(["store"])), Refusal::default());
}

#[test]
fn a_set_of_parameters_is_what_was_put_into_it() {
    let some = Parameters::of(["n", "store", "no such thing"]);
    assert!(
        some.contains("n")
            && some.contains("store")
            && !some.contains("seed")
            && !some.contains("no such thing")
    );
    assert_eq!(some.without(Parameters::of(["n"])), Parameters::of(["store"]));
    assert_eq!(some.common(Parameters::of(["n", "seed"])), Parameters::of(["n"]));
    assert_eq!(Parameters::default().with(some), some);
    assert!(Parameters::of(["web_search_options"]).contains("web_search_options"));
}
