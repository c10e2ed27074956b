//! Turns a whole completion into the events of a stream, for providers that ignore `stream`.
//!
//! Values keep their bytes; fields that only chunks have are added.

use serde_json::value::RawValue;

use crate::gateway::request::json_object::{RawMember, RawObject, RawText, quoted};

/// The events of a completion: the message and the end of each choice, the usage, then `[DONE]`. A text that is not a
/// completion becomes one event.
pub(super) fn events(body: &[u8]) -> Vec<u8> {
    let mut out = chunks(body).unwrap_or_else(|| {
        let mut out = b"data: ".to_vec();
        one_line(body, &mut out);
        out.extend_from_slice(b"\n\n");
        out
    });
    out.extend_from_slice(b"data: [DONE]\n\n");
    out
}

/// The events of a completion without `[DONE]`. `None` if it is not a completion.
pub(super) fn chunks(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + 1_024);
    write(body, &mut out).map(|()| out)
}

fn write(body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let answer = RawObject::parse(body).ok()?;
    let choices: Vec<&RawValue> = serde_json::from_str(answer.present("choices")?.get()).ok()?;
    let head = head(&answer);
    for (position, choice) in choices.iter().enumerate() {
        let choice = RawObject::parse(choice.get().as_bytes()).ok()?;
        let index =
            choice.present("index").map_or_else(|| position.to_string(), |index| index.get().to_owned());
        let chunk = |out: &mut Vec<u8>| {
            out.extend_from_slice(&head);
            out.extend_from_slice(b"\"choices\":[{\"index\":");
            one_line(index.as_bytes(), out);
        };
        chunk(out);
        said(&choice, out);
        out.extend_from_slice(b",\"finish_reason\":null}]}\n\n");
        if choice.present("finish_reason").is_some() {
            chunk(out);
            ended(&choice, out);
            out.extend_from_slice(b"}]}\n\n");
        }
    }
    if let Some(usage) = answer.present("usage") {
        out.extend_from_slice(&head);
        out.extend_from_slice(b"\"choices\":[],\"usage\":");
        one_line(usage.bytes(), out);
        out.extend_from_slice(b"}\n\n");
    }
    Some(())
}

/// The beginning of every chunk: the completion's own fields.
fn head(answer: &RawObject<'_>) -> Vec<u8> {
    let mut head = b"data: {\"object\":\"chat.completion.chunk\",".to_vec();
    let own = ["choices", "usage", "object", "error"];
    for member in answer.0.iter().filter(|member| !own.contains(&&*member.name)) {
        write_member(member, &mut head);
        head.push(b',');
    }
    head
}

/// The message of a choice as one delta.
fn said(choice: &RawObject<'_>, out: &mut Vec<u8>) {
    for name in ["logprobs", "text"] {
        if let Some(value) = choice.get(name) {
            out.push(b',');
            write_value(name, value, out);
        }
    }
    out.extend_from_slice(b",\"delta\":{");
    let message = ["message", "delta"].iter().find_map(|name| choice.present(name));
    let message = message.and_then(|message| RawObject::parse(message.bytes()).ok());
    let mut first = true;
    for member in message.iter().flat_map(|message| &message.0) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        if member.name == "tool_calls" {
            out.extend_from_slice(b"\"tool_calls\":");
            write_calls(member.value, out);
        } else {
            write_member(member, out);
        }
    }
    out.push(b'}');
}

/// The end of a choice, with its other fields.
fn ended(choice: &RawObject<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"delta\":{}");
    let before = ["index", "message", "delta", "logprobs", "text"];
    for member in choice.0.iter().filter(|member| !before.contains(&&*member.name)) {
        out.push(b',');
        write_member(member, out);
    }
}

/// Adds an index to each call, which clients need to assemble deltas.
fn write_calls(calls: RawText<'_>, out: &mut Vec<u8>) {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(calls.get()) else {
        return one_line(calls.bytes(), out);
    };
    out.push(b'[');
    for (position, call) in list.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let members =
            RawObject::parse(call.get().as_bytes()).ok().filter(|call| call.present("index").is_none());
        let Some(members) = members else {
            one_line(call.get().as_bytes(), out);
            continue;
        };
        out.extend_from_slice(format!("{{\"index\":{position}").as_bytes());
        for member in members.0.iter().filter(|member| member.name != "index") {
            out.push(b',');
            write_member(member, out);
        }
        out.push(b'}');
    }
    out.push(b']');
}

fn write_member(member: &RawMember<'_>, out: &mut Vec<u8>) {
    write_value(&member.name, member.value, out);
}

fn write_value(name: &str, value: RawText<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(quoted(name).as_bytes());
    out.push(b':');
    one_line(value.bytes(), out);
}

/// Writes JSON on one line. Line breaks can occur only between tokens, and an event must have none.
fn one_line(json: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(json);
    for byte in out.iter_mut().skip(from) {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str) -> Vec<String> {
        let text = String::from_utf8(events(body.as_bytes())).expect("UTF-8");
        text.split_terminator("\n\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_completion_becomes_a_message_an_end_and_the_usage() {
        let body = "{\n \"id\": \"c\",\n \"object\":\"chat.completion\",\"created\":1.0,\"x\":[1,\n2],\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"H\\n\\u00e9\",\"tool_calls\":[{\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"logprobs\":null,\"finish_reason\":\"tool_calls\",\"native_finish_reason\":\"x\"}],\"usage\":{\"prompt_tokens\":3}}";
        let head = r#"data: {"object":"chat.completion.chunk","id":"c","created":1.0,"x":[1, 2],"#;
        assert_eq!(
            lines(body),
            [
                format!(
                    r#"{head}"choices":[{{"index":0,"logprobs":null,"delta":{{"role":"assistant","content":"H\n\u00e9","tool_calls":[{{"index":0,"id":"t","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},"finish_reason":null}}]}}"#
                ),
                format!(
                    r#"{head}"choices":[{{"index":0,"delta":{{}},"finish_reason":"tool_calls","native_finish_reason":"x"}}]}}"#
                ),
                format!(r#"{head}"choices":[],"usage":{{"prompt_tokens":3}}}}"#),
                "data: [DONE]".to_owned(),
            ]
        );
    }

    #[test]
    fn what_is_no_completion_is_one_event() {
        assert_eq!(lines("{\"promptFeedback\":\r\n{}}"), ["data: {\"promptFeedback\":  {}}", "data: [DONE]"]);
    }
}
