//! Finds the error that an event without content reports, in any of the forms that vendors use.

use super::error_of_choice;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::request::json_object::RawObject;
use crate::providers::error_instead_of_answer;
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
