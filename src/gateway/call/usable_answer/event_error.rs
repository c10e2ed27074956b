//! Finds the error that an event without content reports, in any of the forms that vendors use.

use super::{error_at_the_start, error_of_choice};
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::request::json_object::RawObject;
use crate::providers::error_instead_of_answer;
use crate::upstream::bare_event::stray;
use crate::upstream::sse::event_name;

/// The fault for the data of an event without content, if it reports an error as chunks of chats do.
pub(in crate::gateway::call) fn error_of(line: &[u8]) -> Option<Fault> {
    match Inspected::new(line) {
        Err(NoAnswer::Error(error)) => Some(Fault::Upstream(error)),
        Err(NoAnswer::Broken) => error_instead_of_answer(line).map(|error| Fault::Upstream(Box::new(error))),
        Err(NoAnswer::Blocked) => None,
        Ok(chunk) if chunk.choices.error => Some(error_of_choice(&chunk, line)),
        Ok(chunk) if chunk.choices.broken_off => Some(Fault::Garbage(Garbage::Inference)),
        Ok(chunk) => chunk.error_beside(line).map(Fault::Upstream),
    }
}

/// The fault for the lines of an event that are no fields, if they are a JSON text that reports an error. Clients ignore them,
/// so that they do not pass.
pub(in crate::gateway::call) fn error_in_stray(event: &[u8]) -> Option<Fault> {
    let stray = stray(event);
    let first = |text: &[u8]| match error_at_the_start(text) {
        Some(NoAnswer::Error(error)) => Some(Fault::Upstream(error)),
        Some(NoAnswer::Blocked | NoAnswer::Broken) | None => None,
    };
    // Each of them may be a text, or all together.
    let lines = stray.split(|byte| matches!(byte, b'\n' | b'\r'));
    let mut texts = lines.chain([stray.as_slice()]).map(<[u8]>::trim_ascii);
    texts.find_map(|text| match text.first()? {
        b'{' => error_of(text).or_else(|| first(text)),
        b'[' => first(text),
        _ => None,
    })
}

/// Reads an event without content that is not known. Returns whether clients can know it: one without a type is of no
/// dialect.
///
/// # Errors
/// It reports an error.
pub(in crate::gateway::call) fn is_of_a_dialect(event: &[u8], line: &[u8]) -> Result<bool, Fault> {
    let members = RawObject::parse(line).ok();
    let kind = members.as_ref().and_then(|members| members.present("type"));
    let kind = kind.map(|kind| kind.get().trim_matches('"')).or_else(|| event_name(event));
    // A tool that failed does not end a response.
    let is_of_a_tool = kind.is_some_and(|kind| kind.starts_with("response.") && kind.ends_with(".failed"));
    match error_of(line) {
        Some(fault) if !is_of_a_tool => Err(fault),
        Some(_) | None => Ok(kind.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_beside_the_fields_of_an_event_is_one() {
        for event in [
            "data: 1\n{\"error\":\"no\"}\n\n",
            "{\"error\":{\"message\":\"no\"}}\r\ndata: 1\r\n\r\n",
            "id: 1\n{\n  \"error\": {\n    \"code\": 500\n  }\n}\ndata: 1\n\n",
            "data: 1\n[{\"error\":{\"code\":429}}]",
            "data: 1\n{\"error\":{\"code\":429}} and more",
            "data: 1\n{\"detail\":\"no\"}",
        ] {
            assert!(error_in_stray(event.as_bytes()).is_some(), "{event}");
        }
        for event in [
            "data: {\"error\":\"no\"}\n\n",
            ": {\"error\":\"no\"}\ndata: 1\n\n",
            "data: 1\n{\"a\":1}\n{\n\n",
            "data: 1\nerror: no\n\n",
        ] {
            assert!(error_in_stray(event.as_bytes()).is_none(), "{event}");
        }
    }

    #[test]
    fn the_forms_of_errors_are_read_and_events_of_dialects_are_none() {
        for error in [
            r#"{"object":"error","message":"no","type":"InternalServerError","param":null,"code":500}"#,
            r#"{"code":400,"message":"no"}"#,
            r#"{"message":"no"}"#,
            r#"{"detail":"no"}"#,
            r#"{"detail":[{"msg":"no"}]}"#,
            r#"{"errors":[{"message":"no"}]}"#,
            r#"{"error_code":17,"error_msg":"no"}"#,
            r#"{"base_resp":{"status_code":1004,"status_msg":"no"}}"#,
            r#"{"error":"no"}"#,
            r#"{"type":"error","message":"no"}"#,
            r#"{"type":"image_generation.failed","error":{"message":"no"}}"#,
            r#"{"object":"text_completion","choices":[{"index":0,"text":"","error":{"message":"no"}}]}"#,
            r#"{"object":"text_completion","choices":[{"index":0,"text":"","finish_reason":"error"}]}"#,
            r#"{"status":500,"title":"no"}"#,
            r#"{"msg":"no","success":false}"#,
        ] {
            assert!(error_of(error.as_bytes()).is_some(), "{error}");
            assert!(is_of_a_dialect(b"", error.as_bytes()).is_err(), "{error}");
        }
        for (data, known) in [
            (r#"{"type":"ping"}"#, true),
            (r#"{"type":"content_block_stop","index":0}"#, true),
            (r#"{"type":"response.of_next_year","a":1.50}"#, true),
            (r#"{"type":"response.output_text.done","text":"an error: no","item_id":"msg_1"}"#, true),
            (r#"{"type":"response.code_interpreter_call_code.done","code":"raise error"}"#, true),
            (r#"{"type":"response.mcp_call.failed","error":"no"}"#, true),
            (r#"{"type":"progress","message":"one of two"}"#, true),
            (r#"{"a":1}"#, false),
        ] {
            assert!(is_of_a_dialect(b"", data.as_bytes()).is_ok_and(|is| is == known), "{data}");
        }
        assert!(is_of_a_dialect(b"event: ping\ndata: {\"a\":1}\n\n", br#"{"a":1}"#).is_ok_and(|is| is));
    }
}
