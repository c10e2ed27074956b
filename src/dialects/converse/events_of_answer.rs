//! Writes a whole answer as the events of a stream, for a server that does not stream.

use serde_json::json;

use crate::dialects::members::Members;

/// The events, as server-sent events. `None` if it is not an answer.
#[must_use]
pub fn events(body: &[u8]) -> Option<Vec<u8>> {
    let body: Members<'_> = serde_json::from_slice(body).ok()?;
    let message = body.object("output")?.object("message")?;
    let mut out = Vec::new();
    let mut write = |name: &str, json: &str| {
        // A line break between values is a blank; inside a text there are none.
        let json = json.replace(['\n', '\r'], " ");
        out.extend_from_slice(["data: {\"", name, "\":", &json, "}\n\n"].concat().as_bytes());
    };
    write("messageStart", r#"{"role":"assistant"}"#);
    for (index, block) in message.list("content")?.into_iter().filter_map(Members::of).enumerate() {
        let mut add = |delta: serde_json::Value| {
            let event = json!({"contentBlockIndex": index, "delta": delta});
            write("contentBlockDelta", &event.to_string());
        };
        if let Some(text) = block.text("text") {
            add(json!({"text": text}));
        } else if let Some(reasoning) = block.object("reasoningContent") {
            if let Some(data) = reasoning.text("redactedContent") {
                add(json!({"reasoningContent": {"redactedContent": data}}));
            }
            for name in ["text", "signature"] {
                let text = reasoning.object("reasoningText").and_then(|reasoning| reasoning.text(name));
                if let Some(text) = text {
                    add(json!({"reasoningContent": {name: text}}));
                }
            }
        } else if let Some(call) = block.object("toolUse") {
            let start = json!({
                "toolUseId": call.text("toolUseId"), "name": call.text("name"), "type": call.text("type"),
            });
            let start = json!({"contentBlockIndex": index, "start": {"toolUse": start}});
            write("contentBlockStart", &start.to_string());
            let input = json!({"toolUse": {"input": call.raw("input")?.get()}});
            let event = json!({"contentBlockIndex": index, "delta": input});
            write("contentBlockDelta", &event.to_string());
        }
    }
    let reason = json!(body.text("stopReason").unwrap_or_default());
    let more = body.raw("additionalModelResponseFields").map_or("null", |more| more.get());
    write("messageStop", &format!(r#"{{"stopReason":{reason},"additionalModelResponseFields":{more}}}"#));
    let usage = body.raw("usage").map_or("{}", |usage| usage.get());
    let tier = body.raw("serviceTier").map_or("null", |tier| tier.get());
    write("metadata", &format!(r#"{{"usage":{usage},"serviceTier":{tier}}}"#));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::answers::{Event, Stop};
    use crate::dialects::converse::read_stream::Reader;

    #[test]
    fn a_whole_answer_reads_like_its_stream() {
        let body = r#"{"output":{"message":{"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"T","signature":"c2ln"}}},{"text":"Hi"},
            {"toolUse":{"toolUseId":"t","name":"n","input":{"z": 1.0}}}]}},
            "stopReason":"tool_use","additionalModelResponseFields":{"stop_sequence":"END"},"usage":{"inputTokens":9}}"#;
        let written = String::from_utf8(events(body.as_bytes()).expect("events")).expect("UTF-8");
        let (mut reader, mut found) = (Reader::default(), Vec::new());
        for line in written.lines().filter_map(|line| line.strip_prefix("data: ")) {
            reader.read(line.as_bytes(), &mut found);
        }
        assert_eq!(
            found.split_off(1),
            [
                Event::Reasoning("T".to_owned()),
                Event::Signature("c2ln".to_owned()),
                Event::Text("Hi".to_owned()),
                Event::Call { position: 0, id: "t".to_owned(), name: "n".to_owned() },
                Event::Input { position: 0, json: r#"{"z": 1.0}"#.to_owned() },
                Event::StopSequence("END".to_owned()),
                Event::Stop(Stop::Calls),
            ]
        );
        assert!(
            written
                .ends_with("data: {\"metadata\":{\"usage\":{\"inputTokens\":9},\"serviceTier\":null}}\n\n")
        );
        assert!(events(br#"{"message":"Slow down"}"#).is_none());
    }
}
