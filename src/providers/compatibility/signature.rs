//! Whether a vendor's error refuses the reasoning in the history of a request: its signature is not the vendor's own, or the
//! reasoning is missing where the vendor requires it.

use crate::providers::errors::UpstreamError;

/// The words with which vendors name such reasoning. An error may repeat them from a request.
pub const REASONING_WORDS: &[&str] = &[
    "data",
    "encrypted_content",
    "reasoning",
    "redacted_thinking",
    "signature",
    "thinking",
    "thought_signature",
    "tool_result",
    "tool_use",
];

/// Codes of such errors.
const CODES: &[&str] = &["invalid_encrypted_content", "thinking_signature_invalid"];

/// What they say of an item that the provider does not keep, or keeps for another account. OpenAI's status for it is 404.
const UNKNOWN_ITEM: &[&str] = &["item with id", "not found"];

/// What their messages say, in lowercase, without quotes and with blanks in place of `_`: all words of a row.
///
/// "messages.1.content.0: Invalid `signature` in `thinking` block" and "messages.1.content.0.thinking.signature: Field
/// required" (V Anthropic); "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified" and
/// "Expected `thinking` or `redacted_thinking`, but found `tool_use`" (R pydantic/pydantic-ai#3757); "Thought signature is
/// not valid", "Function call is missing a thought_signature" (R BerriAI/litellm#32140, #16893); "The encrypted content
/// gAAA... could not be verified" (R openai/codex#3573, #9045). "Invalid value: 'thinking'. Supported values are: 'text' and
/// 'refusal'", of the `content` of an assistant. "Invalid `data` in `redacted_thinking` block" (R anthropics/claude-code#56708).
/// "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item", of OpenAI.
const WORDS: &[&[&str]] = &[
    &["signature", "thinking"],
    &["thought signature"],
    &["thinking blocks", "cannot be modified"],
    &["expected thinking or redacted thinking"],
    &["must start with a thinking block"],
    &["encrypted content", "verified"],
    &["encrypted content", "decrypted"],
    &["invalid encrypted content"],
    &["without its required", "item"],
    &["reasoning input items"],
    &["invalid data", "redacted thinking"],
    &["thinking blocks", "must match the parameters"],
    &["contains any thinking blocks", "first block must be thinking"],
    &["redacted thinking", "field required"],
    &["final block", "cannot be thinking"],
    &["invalid value: thinking", "content"],
    &["invalid value: redacted thinking", "content"],
    &["invalid value: reasoning", "content"],
];

/// Whether the error refuses the reasoning in the history. Only a 400 does, and a 404 about an item.
#[must_use]
pub fn refuses_reasoning(error: &UpstreamError) -> bool {
    if !matches!(error.status, 400 | 404) {
        return false;
    }
    let says = |said: &str, row: &[&str]| row.iter().all(|words| said.contains(words));
    if says(&error.message.to_lowercase(), UNKNOWN_ITEM) {
        return true;
    }
    if error.status != 400 {
        return false;
    }
    let mut labels = [&error.code, &error.kind, &error.inner_code].into_iter().flatten();
    if labels.any(|label| CODES.contains(&label.as_str())) {
        return true;
    }
    let param = error.param.as_deref().unwrap_or_default();
    let said = [error.message.as_str(), " ", param].concat();
    let said = said.to_lowercase().replace('_', " ").replace(['`', '\'', '"'], "");
    WORDS.iter().any(|row| says(&said, row))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::providers::parse_error;

    fn refused(status: u16, error: &serde_json::Value) -> bool {
        let body = json!({"error": error}).to_string();
        let now = chrono::DateTime::UNIX_EPOCH;
        refuses_reasoning(&parse_error(status, &HeaderMap::new(), body.as_bytes(), now))
    }

    #[test]
    fn errors_about_signatures_are_recognized_in_the_words_of_each_vendor() {
        for message in [
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "messages.1.content.0.thinking.signature: Field required",
            "messages.3.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
            "Thought signature is not valid.",
            "Function call is missing a thought_signature in functionCall parts.",
            "The encrypted content gAAA... could not be verified.",
            "messages.23.content.2: Invalid `data` in `redacted_thinking` block",
            "messages.3.content.10: When providing `thinking` or `redacted_thinking` blocks, the blocks must match the parameters during the original request.",
            "messages.17.content.0: If an assistant message contains any thinking blocks, the first block must be thinking or redacted_thinking. Found text.",
            "messages.1.content.1.redacted_thinking.data: Field required",
            "messages.1: The final block in an assistant message cannot be `thinking`.",
        ] {
            assert!(refused(400, &json!({"message": message})), "{message}");
            assert!(!refused(429, &json!({"message": message})), "{message}");
        }
        assert!(refused(400, &json!({"message": "no", "code": "invalid_encrypted_content"})));
        let part = "Invalid value: 'thinking'. Supported values are: 'text' and 'refusal'.";
        assert!(refused(400, &json!({"message": part, "param": "messages[1].content[0].type"})));
    }

    #[test]
    fn other_errors_are_not() {
        for message in [
            "The request signature does not match.",
            "thinking.budget_tokens: Input should be greater than or equal to 1024",
            "max_tokens must be greater than thinking.budget_tokens",
            "prompt is too long",
            "Invalid value: 'reasoning'. Supported values are: 'usage'.",
        ] {
            assert!(!refused(400, &json!({"message": message})), "{message}");
        }
    }
}
