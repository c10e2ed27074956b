//! The meaning of a choice's `finish_reason`, whatever its case and spelling.
//!
//! Only the reason of an answer without content is interpreted. With content, the caller gets the vendor's word as it
//! is. A word that matches no row and no stem is [`FinishMeaning::Unknown`].

/// What a `finish_reason` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishMeaning {
    /// The model finished its answer, or reached its length limit.
    Complete,
    /// The model calls tools. Without a call, there is no answer.
    Calls,
    /// A filter withheld the answer.
    Filtered,
    /// The prompt leaves no room for an answer.
    ContextWindow,
    /// The vendor has no capacity for this request now.
    Overloaded,
    /// The bare word `error`, which some routers write into a broken stream, even after content.
    Error,
    /// The inference of the answer failed.
    Broken,
    /// A word that matches no row and no stem.
    Unknown,
}

/// The meaning of a `finish_reason`, and the rule that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishReason {
    /// What the word means for the gateway.
    pub finish: FinishMeaning,
    /// The rule, such as `finish_reason:safety`. Rule names are stored, so they never change.
    pub rule: &'static str,
}

struct Row {
    word: &'static str,
    ending: FinishReason,
}

macro_rules! rows {
    ($($finish:ident { $($word:literal)* })*) => {
        &[$($(Row {
            word: $word,
            ending: FinishReason { finish: FinishMeaning::$finish, rule: concat!("finish_reason:", $word) },
        },)*)*]
    };
}

/// Words are compared ignoring case and punctuation.
static ROWS: &[Row] = rows! {
    Complete {
        "stop" "length" "end_turn" "pause_turn" "stop_sequence" "eos" "eos_token" "eot" "end"
        "complete" "completed" "finished" "done" "normal"
        "max_tokens" "max_length" "max_output_tokens" "max_completion_tokens" "max_new_tokens" "max_output"
        "model_length" "token_limit"
    }
    Calls { "tool_calls" "function_call" "tool_call" "tool_use" "function_calls" }
    Filtered {
        "content_filter" "content_filtered"
        // Gemini.
        "safety" "recitation" "blocklist" "prohibited_content" "spii" "language" "model_armor" "escalation"
        "image_safety" "image_prohibited_content" "image_recitation"
        // Zhipu, Bedrock, Cohere, Anthropic.
        "sensitive" "guardrail_intervened" "error_toxic" "refusal"
    }
    ContextWindow { "model_context_window_exceeded" "context_length_exceeded" "error_limit" }
    Overloaded { "insufficient_system_resource" "overloaded" "engine_overloaded" }
    Error { "error" }
    Broken {
        "network_error" "engine_error" "abort" "aborted" "timeout" "cancelled" "canceled"
        // Gemini.
        "malformed_function_call" "malformed_response" "unexpected_tool_call" "too_many_tool_calls"
        "missing_thought_signature" "other" "no_image" "image_other"
    }
};

/// The meaning of unlisted words that contain one of these stems. Filters come first, because `safety_error` is a
/// filter.
static STEMS: &[(&str, FinishReason)] = &[
    ("safety", A_FILTER),
    ("filter", A_FILTER),
    ("polic", A_FILTER),
    ("sensitiv", A_FILTER),
    ("moderat", A_FILTER),
    ("block", A_FILTER),
    ("prohibit", A_FILTER),
    ("guard", A_FILTER),
    ("toxic", A_FILTER),
    ("refus", A_FILTER),
    ("censor", A_FILTER),
    ("violat", A_FILTER),
    ("unsafe", A_FILTER),
    ("harm", A_FILTER),
    ("error", A_BREAK),
    ("fail", A_BREAK),
    ("abort", A_BREAK),
    ("malformed", A_BREAK),
    ("timeout", A_BREAK),
    ("timedout", A_BREAK),
    ("cancel", A_BREAK),
    ("invalid", A_BREAK),
    ("exception", A_BREAK),
    ("unavailable", A_BREAK),
    ("interrupt", A_BREAK),
    ("unexpected", A_BREAK),
    ("disconnect", A_BREAK),
    ("resource", A_BREAK),
];

const A_FILTER: FinishReason =
    FinishReason { finish: FinishMeaning::Filtered, rule: "finish_reason:of_a_filter" };
const A_BREAK: FinishReason =
    FinishReason { finish: FinishMeaning::Broken, rule: "finish_reason:of_a_failure" };
const UNKNOWN: FinishReason = FinishReason { finish: FinishMeaning::Unknown, rule: "finish_reason:unknown" };
const STOP: FinishReason = FinishReason { finish: FinishMeaning::Complete, rule: "finish_reason:stop" };

/// Interprets a `finish_reason`. `None` means that the choice is not finished: some vendors send an empty string or
/// the word `null` in every chunk before the last.
pub fn finish(reason: &str) -> Option<FinishReason> {
    if reason == "stop" {
        return Some(STOP);
    }
    let word: String = reason
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    // Some proxies print the name of the enumeration first.
    let word = word.strip_prefix("finishreason").unwrap_or(&word);
    if matches!(word, "" | "null" | "none") {
        return None;
    }
    let same = |row: &&Row| {
        let letters = row.word.bytes().filter(|byte| *byte != b'_');
        letters.eq(word.bytes())
    };
    if let Some(row) = ROWS.iter().find(same) {
        return Some(row.ending);
    }
    let stem = STEMS.iter().find(|(stem, _)| word.contains(stem));
    Some(stem.map_or(UNKNOWN, |(_, ending)| *ending))
}

/// Combines a router's `finish_reason` with the vendor's own (`native_finish_reason`), for an answer without content.
/// If the vendor reports a filter or a failure, that wins.
#[must_use]
pub fn with_native(ending: FinishReason, native: &str) -> FinishReason {
    match (ending.finish, finish(native)) {
        (
            FinishMeaning::Complete | FinishMeaning::Calls | FinishMeaning::Unknown | FinishMeaning::Error,
            Some(native),
        ) => match native.finish {
            FinishMeaning::Filtered
            | FinishMeaning::ContextWindow
            | FinishMeaning::Overloaded
            | FinishMeaning::Broken => native,
            FinishMeaning::Complete | FinishMeaning::Calls if ending.finish == FinishMeaning::Unknown => {
                native
            }
            FinishMeaning::Complete
            | FinishMeaning::Calls
            | FinishMeaning::Error
            | FinishMeaning::Unknown => ending,
        },
        (
            FinishMeaning::Filtered
            | FinishMeaning::ContextWindow
            | FinishMeaning::Overloaded
            | FinishMeaning::Broken
            | FinishMeaning::Complete
            | FinishMeaning::Calls
            | FinishMeaning::Unknown
            | FinishMeaning::Error,
            _,
        ) => ending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reason: &str) -> Option<FinishMeaning> {
        finish(reason).map(|ending| ending.finish)
    }

    #[test]
    fn every_vendors_word_is_read_in_any_case() {
        for (finish, words) in [
            (FinishMeaning::Complete, "stop STOP length MAX_TOKENS end_turn COMPLETE model_length eos"),
            (FinishMeaning::Calls, "tool_calls tool_use TOOL_CALL function_call FUNCTION_CALLS"),
            (
                FinishMeaning::Filtered,
                "content_filter CONTENT_FILTERED content-filter SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII \
                 IMAGE_SAFETY sensitive guardrail_intervened ERROR_TOXIC refusal FinishReason.SAFETY LANGUAGE \
                 FINISH_REASON_SAFETY content_moderation blocked_by_policy new_sensitive",
            ),
            (FinishMeaning::ContextWindow, "model_context_window_exceeded ERROR_LIMIT"),
            (FinishMeaning::Overloaded, "insufficient_system_resource"),
            (FinishMeaning::Error, "error ERROR Error"),
            (
                FinishMeaning::Broken,
                "network_error MALFORMED_FUNCTION_CALL OTHER engine_error abort UNEXPECTED_TOOL_CALL TIMEOUT \
                 internal_server_error request_failed cancelled",
            ),
            (FinishMeaning::Unknown, "banana FINISH_REASON_UNSPECIFIED"),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(of(word), Some(finish), "{word}");
            }
        }
        for word in ["", "null", "None", " "] {
            assert_eq!(of(word), None, "{word}");
        }
    }

    #[test]
    fn no_word_has_two_rows() {
        for (position, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(position + 1).all(|other| other.word != row.word), "{}", row.word);
        }
    }

    #[test]
    fn a_vendors_own_word_says_more_than_a_routers() {
        let with =
            |reason: &str, native: &str| finish(reason).map(|ending| with_native(ending, native).finish);
        assert_eq!(with("stop", "SAFETY"), Some(FinishMeaning::Filtered));
        assert_eq!(with("error", "MALFORMED_FUNCTION_CALL"), Some(FinishMeaning::Broken));
        assert_eq!(with("stop", "end_turn"), Some(FinishMeaning::Complete));
        assert_eq!(with("stop", "whatever"), Some(FinishMeaning::Complete));
        assert_eq!(with("content_filter", "STOP"), Some(FinishMeaning::Filtered));
        assert_eq!(with("whatever", "STOP"), Some(FinishMeaning::Complete));
        assert_eq!(with("error", "stop"), Some(FinishMeaning::Error));
    }
}
