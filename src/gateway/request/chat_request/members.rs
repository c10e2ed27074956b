//! Which fields of a body are for the gateway, by dialect.

use crate::dialects::Dialect;

/// Fields that are meant for the gateway and are never sent to providers.
pub const OWN_MEMBERS: [&str; 9] = [
    "models",
    "fallbacks",
    "disable_fallbacks",
    "max_fallbacks",
    "num_retries",
    "session_id",
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
];

/// Fields of chat completions that only routing vendors understand; their presets list them.
pub const ROUTER_MEMBERS: [&str; 5] = ["provider", "route", "transforms", "plugins", "usage"];

/// Whether a field is meant for the gateway. Anthropic has `fallbacks` of its own, which pass.
#[must_use]
pub fn is_own(dialect: Dialect, name: &str) -> bool {
    let anothers = match dialect {
        Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini | Dialect::Converse => false,
        Dialect::Messages => name == "fallbacks",
    };
    !anothers && OWN_MEMBERS.contains(&name)
}

/// Claude Code's mark of a long context window, which it puts after the name of a model and usually removes itself.
const LONG_CONTEXT: &str = "[1m]";

/// The model that a caller means by a name.
#[must_use]
pub fn meant(dialect: Dialect, name: String) -> String {
    let plain = match dialect {
        Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini | Dialect::Converse => None,
        Dialect::Messages => name.strip_suffix(LONG_CONTEXT).map(str::to_owned),
    };
    plain.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::error::Result;
    use crate::gateway::request::chat_request::{ChatRequest, Wanted};

    fn messages(body: &'static str) -> Result<Wanted> {
        Ok(ChatRequest::parse_as(Dialect::Messages, Bytes::from_static(body.as_bytes()))?.wanted)
    }

    #[test]
    fn the_fallbacks_of_anthropic_are_not_the_gateways() {
        let stored = Wanted::Stored("smart".to_owned());
        for body in [
            r#"{"model":"smart","fallbacks":"default"}"#,
            r#"{"model":"smart","fallbacks":[{"model":"x"}]}"#,
            r#"{"model":"smart[1m]"}"#,
        ] {
            assert_eq!(messages(body).expect(body), stored, "{body}");
        }
        for body in [
            r#"{"model":"smart","models":["steady"]}"#,
            r#"{"model":"smart[1m]","models":["steady[1m]","smart"]}"#,
        ] {
            let listed = messages(body).expect("a list");
            assert_eq!(listed, Wanted::List(vec!["smart".to_owned(), "steady".to_owned()]), "{body}");
        }
        assert!(
            ChatRequest::parse(Bytes::from_static(br#"{"model":"smart","fallbacks":"default"}"#)).is_err()
        );
    }

    #[test]
    fn only_the_limits_of_messages_are_checked() {
        assert!(messages(r#"{"model":"smart","n":0,"stream_options":7}"#).is_ok());
        assert!(messages(r#"{"model":"smart","max_tokens":1.5}"#).is_err());
        assert!(messages(r#"{"model":"smart","stream":"yes"}"#).is_err());
    }
}
