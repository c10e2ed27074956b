//! OpenAI's words for errors in the streams of responses, on which Codex and the SDKs act.

use std::time::Duration;

use serde_json::json;

use crate::domain::clock::retry_after_seconds;
use crate::domain::failure::class::ErrorClass;

/// The code of a failed response. Codex shortens its prompt, waits, gives up, or repeats the request by it, which it does for
/// every code that it does not know.
#[must_use]
pub const fn code(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimited | ErrorClass::NoHeadroom => "rate_limit_exceeded",
        ErrorClass::QuotaExhausted | ErrorClass::OverBudget => "insufficient_quota",
        ErrorClass::Overloaded | ErrorClass::Cooldown => "server_is_overloaded",
        ErrorClass::ContextWindowExceeded | ErrorClass::TooLarge => "context_length_exceeded",
        // The same request fails again.
        ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::LacksCapability => "invalid_prompt",
        ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Deadline => "server_error",
    }
}

/// Whether a stream says that a prompt does not fit, in place of the status: clients shorten it only then.
#[must_use]
pub const fn is_about_size(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::ContextWindowExceeded | ErrorClass::TooLarge)
}

/// The message of a failed response. Codex reads from it how long it has to wait.
#[must_use]
pub fn message(class: ErrorClass, message: &str, retry_after: Option<Duration>) -> String {
    match (class, retry_after) {
        (ErrorClass::RateLimited | ErrorClass::NoHeadroom, Some(wait)) => {
            let end = if message.ends_with(['.', '!']) { "" } else { "." };
            format!("{message}{end} Please try again in {}s.", retry_after_seconds(wait))
        }
        (_, _) => message.to_owned(),
    }
}

/// A response that failed, in the words of its stream.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The id of the response, as a JSON string.
    pub id: &'a str,
    /// The time of the response in seconds, as JSON.
    pub created: &'a str,
    /// The name of the model, as a JSON string.
    pub model: &'a str,
    /// The code of the error.
    pub code: &'a str,
    /// The sentence for people.
    pub message: &'a str,
    /// What the gateway knows besides, as JSON.
    pub details: &'a str,
}

impl Failed<'_> {
    /// The events of a stream that has no answer. SDKs fail at a stream that begins with another one.
    #[must_use]
    pub fn stream(&self) -> String {
        let begun = [(0, "response.created"), (1, "response.in_progress")];
        let begun = begun.map(|(number, kind)| self.event(kind, number, "in_progress", "null"));
        begun.concat() + &self.event_after(2)
    }

    /// The event that ends the stream, as the one with this number.
    #[must_use]
    pub fn event_after(&self, number: u64) -> String {
        let error = json!({"code": self.code, "message": self.message});
        self.event("response.failed", number, "failed", &error.to_string())
    }

    fn event(&self, kind: &str, number: u64, status: &str, error: &str) -> String {
        let Self { id, created, model, details, .. } = self;
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},\"response\":{{\"id\":{id},\"object\":\"response\",\"created_at\":{created},\"status\":\"{status}\",\"error\":{error},\"incomplete_details\":null,\"model\":{model},\"output\":[],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],\"usage\":null,\"failsoft\":{details}}}}}\n\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn codex_finds_the_time_to_wait_in_the_message() {
        let wait = Some(Duration::from_secs(3));
        let limited = message(ErrorClass::RateLimited, "Too many requests", wait);
        assert_eq!(limited, "Too many requests. Please try again in 3s.");
        assert_eq!(message(ErrorClass::RateLimited, "No.", None), "No.");
        assert_eq!(message(ErrorClass::Unavailable, "Down.", wait), "Down.");
    }

    #[test]
    fn a_failed_response_has_what_clients_require() {
        let failed = Failed {
            id: "\"resp_1\"",
            created: "7",
            model: "\"m\"",
            code: code(ErrorClass::ContextWindowExceeded),
            message: "Too \"long\".",
            details: "null",
        };
        let event = failed.event_after(4);
        let data = event.strip_prefix("event: response.failed\ndata: ").expect("its name");
        let data: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!("response.failed"), &json!(4)));
        let error = json!({"code": "context_length_exceeded", "message": "Too \"long\"."});
        assert_eq!((&data["response"]["status"], &data["response"]["error"]), (&json!("failed"), &error));
        let stream = failed.stream();
        let events: Vec<Value> = stream
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).expect(data))
            .collect();
        let kinds = ["response.created", "response.in_progress", "response.failed"];
        for (number, (event, kind)) in events.iter().zip(kinds).enumerate() {
            assert_eq!(
                (&event["type"], &event["sequence_number"]),
                (&json!(kind), &json!(number)),
                "{event}"
            );
        }
        assert!(events.len() == kinds.len() && stream.starts_with("event: response.created\n"), "{stream}");
    }
}
