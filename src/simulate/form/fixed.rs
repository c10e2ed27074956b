//! Bodies that are the same for every request in a dialect: ones that break off, and errors with the status 200.

use bytes::Bytes;
use serde_json::json;

use super::Form;
use super::event_stream::exception;

/// Bodies that are the same for every request in a dialect.
pub(in crate::simulate) struct Fixed {
    /// An answer that ends in the middle.
    pub(in crate::simulate) broken_json: Bytes,
    /// A stream that does.
    pub(in crate::simulate) broken_event: Bytes,
    /// An error in place of an answer.
    pub(in crate::simulate) error: Bytes,
    /// An error in place of a stream.
    pub(in crate::simulate) error_event: Bytes,
}

impl Fixed {
    /// The bodies of a dialect.
    pub(in crate::simulate) fn of(form: Form) -> Self {
        match form {
            Form::Completion => Self::completion(),
            Form::Message => Self::message(),
            Form::Response => Self::response(),
            Form::Gemini => Self::gemini(),
            Form::Converse => Self::converse(),
        }
    }

    fn completion() -> Self {
        let error = json!({ "error": {
            "message": "The upstream of this provider is overloaded.", "type": "server_error", "param": null, "code": 503,
        } });
        Self {
            broken_json:
                r#"{"id":"chatcmpl-simulated","object":"chat.completion","choices":[{"index":0,"mess"#.into(),
            broken_event:
                "data: {\"id\":\"chatcmpl-simulated\",\"object\":\"chat.completion.chunk\",\"choi\n\n".into(),
            error: error.to_string().into(),
            error_event: format!("data: {error}\n\n").into(),
        }
    }

    fn message() -> Self {
        let error =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        let mut whole = error.clone();
        whole["request_id"] = "req_simulated".into();
        Self {
            broken_json: r#"{"id":"msg_simulated","type":"message","role":"assistant","content":[{"ty"#
                .into(),
            broken_event: "event: message_start\ndata: {\"type\":\"message_start\",\"mess\n\n".into(),
            error: whole.to_string().into(),
            error_event: format!("event: error\ndata: {error}\n\n").into(),
        }
    }

    fn response() -> Self {
        let error = json!({ "code": "server_is_overloaded", "message": "Our servers are currently overloaded. Please try again later." });
        let response = json!({
            "id": "resp_simulated", "object": "response", "created_at": 0, "status": "failed", "error": error, "output": [],
        });
        let mut begun = response.clone();
        begun["status"] = "in_progress".into();
        begun["error"] = json!(null);
        let begun = json!({ "type": "response.created", "sequence_number": 0, "response": begun });
        let failed = json!({ "type": "response.failed", "sequence_number": 1, "response": response });
        Self {
            broken_json: r#"{"id":"resp_simulated","object":"response","status":"completed","output":[{"ty"#
                .into(),
            broken_event: "event: response.created\ndata: {\"type\":\"response.created\",\"resp\n\n".into(),
            error: response.to_string().into(),
            error_event: format!(
                "event: response.created\ndata: {begun}\n\nevent: response.failed\ndata: {failed}\n\n"
            )
            .into(),
        }
    }

    fn gemini() -> Self {
        let error = json!({ "error": {
            "code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE",
        } });
        Self {
            broken_json: r#"{"candidates":[{"content":{"parts":[{"te"#.into(),
            broken_event: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"te\r\n\r\n".into(),
            error: error.to_string().into(),
            error_event: format!("data: {error}\r\n\r\n").into(),
        }
    }

    fn converse() -> Self {
        let error = json!({ "message": "Bedrock is unable to process your request." });
        let event = exception("serviceUnavailableException", &error);
        Self {
            broken_json: r#"{"output":{"message":{"role":"assistant","content":[{"te"#.into(),
            broken_event: event.slice(..event.len() / 2),
            error: json!({ "__type": "ServiceUnavailableException", "message": error["message"] })
                .to_string()
                .into(),
            error_event: event,
        }
    }
}
