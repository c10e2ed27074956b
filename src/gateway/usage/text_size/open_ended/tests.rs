//! Content of unknown size in every shape, and what only looks like it.

use super::*;

#[test]
fn content_of_unknown_size_is_found_in_any_shape() {
    for (content, expected) in [
        (r#""Hello""#, false),
        (r#"[{"type":"text","text":"an \"audio\": x"}]"#, false),
        (r#"[{"type":"image_url","image_url":{"url":"https://a.example/x.png","detail":"high"}}]"#, false),
        (r#"[{"type":"image_url","image_url":"data:image/png;base64,AAAA"}]"#, false),
        (
            r#"[{"type":"image_url","image_url":{"detail":"low","url":"data:application/pdf;base64,AAAA"}}]"#,
            true,
        ),
        (r#"[{"type":"image_url","image_url":{"url":"data:\u0076ideo/mp4;base64,AAAA"}}]"#, true),
        (r#"[{"type":"input_audio","input_audio":{"data":"UklGRiQAAABXQVZF","format":"wav"}}]"#, false),
        (r#"[{"type":"input_audio","input_audio":{"format":"mp3","data":"\/\/uQxAAA"}}]"#, false),
        (r#"[{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,UklGRiQA"}}]"#, false),
        (r#"[{"type":"input_audio","input_audio":{"data":"T2dnUwAC","format":"wav"}}]"#, true),
        (r#"[{"type":"input_audio","input_audio":{"data":"https://a.example/x.wav"}}]"#, true),
        (r#"[{"type":"audio_url","audio_url":{"url":"https://a.example/x"}}]"#, true),
        (r#"[{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AAAA"}}]"#, true),
        (r#"[{"type":"file","file":{"file_id":"f-1"}}]"#, true),
        (r#"[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}]"#, true),
        (r#"[{"type":"x","File\u005fID":"f-1"}]"#, true),
        (r#"[[[{"x":{"fileUri":"f-1"}}]]]"#, true),
        (r#"[{"type":"document","source":{"type":"url","url":"https://a.example/x"}}]"#, true),
        (r#"[{"type":"document_url","document_url":"https://a.example/x.pdf"}]"#, true),
        (r#"[{"type":"image_url","image_url":"https://a.example/x.PDF"}]"#, true),
        (r#"[{"type":"image_url","image_url":"https://a.example/get?file=x.pdf"}]"#, true),
        (r#"[{"type":"image_url","image_url":{"url":"gs://bucket/x.mp4"}}]"#, true),
        (r#"[{"type":"image_url","image_url":{"url":"gs://bucket/x"}}]"#, true),
        (r#"[{"type":"image_url","image_url":"https://www.youtube.com/watch?v=x"}]"#, true),
        (
            r#"[{"type":"image_url","image_url":{"url":"https://a.example/x","format":"application/pdf"}}]"#,
            true,
        ),
        (r#"[{"type":"image_url","image_url":{"url":"https://a.example/x","mime_type":"video/mp4"}}]"#, true),
        (r#"[{"type":"image_url","image_url":{"url":"https://a.example/x.jpg?size=2.5&v=a.b"}}]"#, false),
        (r#"[{"type":"image_url","image_url":"https://a.example/photos/7"}]"#, false),
        (r#"[{"type":"image_url","image_url":"https://a.example"}]"#, false),
        (r#"[{"type":"input_image","image_url":"https://a.example/x.pdf"}]"#, true),
        (r#"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]"#, false),
        (r#"[{"type":"image","source":{"type":"url","url":"https://a.example/x.png"}}]"#, false),
        (r#"[{"type":"image","source":{"type":"file","file_id":"f-1"}}]"#, true),
        (r#"[{"type":"thinking","thinking":"x","signature":"y"},{"type":"tool_use","input":{}}]"#, false),
    ] {
        let messages = format!(r#"[{{"role":"user","content":{content}}}]"#);
        assert_eq!(in_messages(messages.as_bytes()), expected, "{content}");
    }
    for (message, expected) in [
        (r#"{"role":"assistant","audio":{"id":"audio_1"}}"#, true),
        (r#"{"role":"assistant","Audio":{"id":"audio_1"}}"#, true),
        (r#"{"role":"assistant","content":"Hi","audio":null,"refusal":null}"#, false),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"arguments":"{\"file_id\":\"x\"}"}}]}"#,
            false,
        ),
    ] {
        assert_eq!(in_messages(message.as_bytes()), expected, "{message}");
    }
}

#[test]
fn what_vendors_search_for_is_of_unknown_size() {
    for (name, value, expected) in [
        ("web_search_options", "{}", true),
        ("web_search_options", "null", false),
        ("enable_search", "false", false),
        ("enable_search", "true", true),
        ("search_parameters", r#"{"mode":"off"}"#, false),
        ("search_parameters", r#"{"mode":"auto"}"#, true),
        ("temperature", "1", false),
    ] {
        assert_eq!(is_search(name, value.as_bytes()), expected, "{name} {value}");
    }
    for (name, value, expected) in [
        ("previous_response_id", "\"r-1\"", true),
        ("previous_response_id", "null", false),
        ("extra_body", r#"{"google":{"cached_content":"cachedContents/a"}}"#, true),
        ("extra_body", r#"{"google":{"thinking_config":{"thinking_budget":1}}}"#, false),
        ("audio", r#"{"voice":"a","format":"wav"}"#, false),
        ("data_sources", r#"[{"type":"azure_search"}]"#, true),
        ("mcp_servers", "[]", false),
        ("extra_body", r#"{"compound_custom":{"tools":{"enabled_tools":["visit_website"]}}}"#, true),
        ("prompt", r#"{"id":"pmpt_1"}"#, true),
        ("prompt", r#""a text""#, false),
    ] {
        assert_eq!(in_field(name, value.as_bytes()), expected, "{name} {value}");
    }
}
