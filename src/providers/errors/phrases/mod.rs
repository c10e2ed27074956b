//! The meaning of vendors' error messages, for errors without a known code. A message is the least reliable fact:
//! vendors change the wording at will, and it may quote the caller. So rows are as specific as the wording allows,
//! and callers of this module only ask about responses that mark the request as invalid.
//!
//! An operator can add messages in a file ([`Sentences`]), and an organization can map the ones it sees
//! ([`Mappings`]). A [`MessageRules`] consults both, the organization's mappings first. `scope` decides whether a message
//! is about the request or about the model.

mod amounts;
mod limits;
mod mapping;
mod message;
pub(crate) mod message_rules;
mod named;
mod of_the_request;
mod outages;
mod scope;
pub(crate) mod sentences_file;
mod values;

use unicode_normalization::UnicodeNormalization as _;

use crate::providers::Meaning;
pub use limits::says_what_is_limited;
pub use mapping::{
    LONGEST_PART, MOST_PARTS, Mapping, MappingMeaning, Mappings, SHORTEST_PART, SentenceClass,
    UnusableMapping,
};
use message::{Mask, Message};
pub use message_rules::MessageRules;
pub use named::is_a_budget_without_owner;
pub use scope::SentenceScope;
pub use sentences_file::{LONGEST_FILE, Sentences, UnusableSentences};
pub use values::is_of_an_unknown_value;

/// One message: all parts must occur, in this order.
struct Row {
    rule: &'static str,
    meaning: Meaning,
    /// The only status that the row applies to, if there is one.
    only: Option<u16>,
    parts: &'static [&'static str],
    mask: Mask,
}

macro_rules! rows {
    ($($meaning:ident { $($name:literal [$($part:literal),+])* })*) => {
        &[$($(Row {
            rule: concat!("phrase:", $name),
            meaning: Meaning::$meaning,
            only: None,
            parts: &[$($part),+],
            mask: Mask::of(&[$($part),+]),
        },)*)*]
    };
}

/// A 413 for a limit on tokens per minute, not for the context window. It usually has a code.
static TOKENS_PER_MINUTE: Row = Row {
    rule: "phrase:groq_tokens_per_minute",
    meaning: Meaning::RateLimited,
    only: Some(413),
    parts: &["tokens per minute"],
    mask: Mask::of(&["tokens per minute"]),
};

/// The money of our account at the vendor, and quotas of a day or longer that do not say when they reset. Vendors send these messages with statuses that say something else, such as 403
/// or 429.
static MONEY: &[Row] = rows! {
    QuotaExhausted {
        "anthropic_credit_balance" ["credit balance is too low"]
        "anthropic_spend_limit" ["reached your specified", "api usage limits"]
        "xai_credits_or_spending_limit" ["used all available credits or reached its monthly spending limit"]
        "xai_no_credits" ["doesn't have any credits"]
        "xai_out_of_credits" ["run out of credits"]
        "fireworks_account_suspended" ["is suspended", "spending limit or failure to pay"]
        "moonshot_account_suspended" ["suspended due to insufficient balance"]
        "moonshot_account_inactive" ["is not active", "exceeded current quota"]
        "openrouter_key_limit" ["key limit exceeded", "manage it using"]
        "mistral_inactive_subscription" ["inactive subscription or usage limit reached"]
        "cohere_trial_month" ["trial key", "calls / month"]
        "bedrock_tokens_per_day" ["too many tokens per day"]
        "siliconflow_account_balance" ["account balance is insufficient"]
        "ark_overdue_balance" ["account has an overdue balance"]
        "huggingface_included_credits" ["exceeded your monthly included credits"]
        "insufficient_balance" ["insufficient balance"]
        "insufficient_account_balance" ["insufficient account balance"]
        "insufficient_credits" ["insufficient credits"]
        "not_enough_balance" ["not enough balance"]
        "stability_balance" ["not have enough balance"]
        "sufficient_credits" ["sufficient credits"]
        "enough_credits" ["enough credits"]
        "credits_are_required" ["credits are required"]
        "elevenlabs_quota" ["exceeds your", "quota of"]
        "new_api_user_quota" ["用户额度不足"]
        "new_api_pre_consumed_quota" ["pre-consume", "quota"]
        "one_api_quota" ["quota is not enough"]
        "one_api_token_quota" ["token quota exhausted"]
    }
};

/// Parts are lowercase with straight quotes. The first matching row wins, so messages shared by several vendors come
/// last.
static ROWS: &[Row] = rows! {
    QuotaExhausted {
        "openai_current_quota" ["exceeded your current quota", "billing"]
    }
    Authentication {
        "gemini_api_key_invalid" ["api key not valid"]
        "xai_incorrect_api_key" ["incorrect api key provided"]
    }
    ModelNotFound {
        "openrouter_model_id" ["is not a valid model id"]
        "bedrock_model_identifier" ["the provided model identifier is invalid"]
        "deepseek_model_not_exist" ["model not exist"]
    }
    ContextWindow {
        "openai_exceeds_context_window" ["exceeds the context window"]
        "openai_exceeds_models_context_window" ["exceeds the model's context window"]
        "openai_exceeds_this_context_window" ["exceeds this model's context window"]
        "litellm_context_window" ["contextwindowexceedederror"]
        "mistral_prompt_too_large" ["too large for model with", "maximum context length"]
        "fireworks_prompt_too_long" ["the prompt is too long:"]
        "anthropic_prompt_too_long" ["prompt is too long"]
        "anthropic_input_and_output" ["input length and", "exceed context limit"]
        "gemini_input_token_count" ["input token count", "exceeds the maximum"]
        "groq_reduce_the_length" ["reduce the length of the messages"]
        "xai_maximum_prompt_length" ["maximum prompt length is"]
        "vllm_context_length_is_only" ["the model's context length is only"]
        "vllm_passed_input_tokens" ["you passed", "input tokens", "maximum input length"]
        "vllm_maximum_model_length" ["is longer than the maximum model length"]
        "together_model_context_length" ["is longer than the model's context length"]
        "together_inputs_and_new_tokens" ["`inputs` tokens + `max_new_tokens` must be"]
        "ollama_input_length" ["input length exceeds", "context length"]
        "sglang_input_length" ["input length", "exceeds the maximum allowed length"]
        "tensorrt_input_length" ["prompt length", "exceeds maximum input length"]
        "ollama_prompt_too_long" ["prompt too long", "context length"]
        "bedrock_input_too_long" ["input is too long for requested model"]
        "bedrock_too_many_input_tokens" ["too many input tokens"]
        "cohere_too_many_tokens" ["too many tokens", "cannot exceed"]
        "cerebras_current_length" ["current length is", "while limit is"]
        "llamacpp_context_size" ["exceeds the available context size"]
        "lmstudio_context_size" ["context size has been exceeded"]
        "ds4_context_size" ["but the configured context size is"]
        "lmstudio_context_length" ["greater than the context length"]
        "moonshot_token_limit" ["exceeded model token limit"]
        "omlx_context_window" ["prompt too long", "exceeds max context window"]
        "atlas_sequence_length" ["prompt too long", "exceeds max_seq_len"]
        "zhipu_tokens_in_request" ["tokens in request more than max tokens allowed"]
        "bedrock_too_long_for_this_model" ["input is too long for this model"]
        "minimax_context_window" ["context window exceeds limit"]
        "dashscope_input_range" ["range of input length should be"]
        "copilot_token_count" ["prompt token count of", "exceeds the limit of"]
        "poolside_input_length" ["exceeds the maximum allowed input length"]
        "sglang_context_limit" ["model's maximum context limit"]
        "watsonx_input_length" ["maximum input length is", "tokens"]
        "huggingface_input_limit" ["input too long", "input tokens", "limit is"]
        "huggingface_inputs_must_have" ["`inputs` must have less than", "tokens"]
        "zhipu_max_length" ["prompt exceeds max length"]
        "ark_maximum_length" ["input length", "exceeds the maximum length"]
        "cohere_size_limit" ["too many tokens: size limit exceeded"]
        "bedrock_prompt_tokens" ["prompt tokens", "exceed model maximum"]
        "openai_configured_limit" ["input tokens exceed the configured limit"]
        "openai_maximum_context_length" ["maximum context length"]
        "any_maximum_number_of_tokens" ["exceeds the maximum number of tokens"]
        "any_context_length_exceeded" ["context length exceeded"]
        "any_context_window_exceeded" ["context window exceeded"]
    }
    ContentPolicy {
        "openai_safety_system" ["as a result of our safety system"]
        "openai_the_safety_system" ["as a result of the safety system"]
        "openai_usage_policy" ["violating our usage policy"]
        "litellm_content_policy" ["contentpolicyviolationerror"]
        "azure_content_management" ["content management policy"]
        "azure_invalid_content" ["the model produced invalid content"]
        "anthropic_content_filtering" ["content filtering policy"]
        "gemini_prompt_blocked" ["prompt was blocked"]
        "gemini_response_blocked" ["the response was blocked"]
        "moonshot_high_risk" ["considered high risk"]
        "dashscope_inappropriate_content" ["may contain inappropriate content"]
        "deepseek_content_risk" ["content exists risk"]
        "zhipu_sensitive_content" ["可能包含不安全或敏感内容"]
    }
};

/// The meaning of a normalized message, by the rows above.
fn built_in(status: u16, message: &Message) -> Option<(Meaning, &'static str)> {
    std::iter::once(&TOKENS_PER_MINUTE)
        .chain(MONEY)
        .chain(ROWS)
        .find(|row| row.only.is_none_or(|only| only == status) && message.fits_masked(row.mask, row.parts))
        .map(|row| (row.meaning, row.rule))
}

/// The meaning of a message that says that the account has no money left, whatever its status.
pub(crate) fn about_money(message: &str) -> Option<(Meaning, &'static str)> {
    let message = Message::of(message);
    MONEY.iter().find(|row| message.fits_masked(row.mask, row.parts)).map(|row| (row.meaning, row.rule))
}

/// Whether all parts occur, in this order.
fn fits(parts: &[impl AsRef<str>], message: &str) -> bool {
    let mut rest = message;
    parts.iter().all(|part| {
        let part = part.as_ref();
        let at = memchr::memmem::find(rest.as_bytes(), part.as_bytes());
        let after = at.and_then(|at| rest.get(at + part.len()..));
        rest = after.unwrap_or(rest);
        after.is_some()
    })
}

/// Lowercase in every script, composed letters, straight quotes, single blanks, nothing of zero width: vendors vary
/// all of them.
fn normalized(message: &str) -> String {
    if message.is_ascii() {
        let lower = message.to_ascii_lowercase();
        return if has_single_blanks(&lower) {
            lower
        } else {
            lower.split_whitespace().collect::<Vec<_>>().join(" ")
        };
    }
    let visible =
        message.nfc().filter(|letter| !matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'));
    let straight = visible.flat_map(char::to_lowercase).map(|letter| match letter {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201f}' | '\u{2033}' => '"',
        other => other,
    });
    let straight: String = straight.collect();
    straight.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether all blanks of an ASCII text are single ones between words, as in most messages.
fn has_single_blanks(text: &str) -> bool {
    let is_other_blank = |byte: u8| byte < b' ' && char::from(byte).is_whitespace();
    // Without a branch for each byte, the compiler compares many bytes at a time.
    let pairs = text.bytes().zip(text.bytes().skip(1));
    let double = pairs.fold(false, |found, (first, second)| found | (first == b' ' && second == b' '));
    let other = text.bytes().fold(false, |found, byte| found | is_other_blank(byte));
    !double && !other && !text.starts_with(' ') && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn meaning(status: u16, message: &str) -> Option<(Meaning, &'static str)> {
        Sentences::default().meaning(status, message)
    }

    #[test]
    fn letters_of_every_script_are_folded() {
        for (sent, read) in [
            ("RÉSUMÉ  trop long", "résumé trop long"),
            ("RE\u{301}SUME\u{301} trop long", "résumé trop long"),
            ("ПРЕВЫШЕНА длина", "превышена длина"),
            ("\u{200b}\u{200b}too\u{200b} long", "too long"),
            ("Too LONG", "too long"),
            (" too long", "too long"),
            ("too long ", "too long"),
            ("too  long", "too long"),
            ("too\tlong", "too long"),
            ("too\u{b}long\n", "too long"),
            ("too\u{1f}long", "too\u{1f}long"),
            ("", ""),
        ] {
            assert_eq!(normalized(sent), read);
        }
    }

    #[test]
    fn rules_are_unique_and_parts_are_normalized() {
        let rows = || MONEY.iter().chain(ROWS);
        let names: BTreeSet<_> = rows().map(|row| row.rule).collect();
        assert_eq!(names.len(), rows().count());
        for row in rows() {
            for part in row.parts {
                assert_eq!(&normalized(part), part, "{}", row.rule);
            }
        }
    }

    #[test]
    fn every_row_can_be_reached() {
        for row in MONEY.iter().chain(ROWS).chain([&TOKENS_PER_MINUTE]) {
            let sentence = row.parts.join(" 123 ");
            let found = meaning(row.only.unwrap_or(400), &sentence).expect(row.rule);
            assert_eq!(found.1, row.rule);
        }
    }

    #[test]
    fn case_quotes_and_blanks_do_not_matter() {
        let message = "Your input is  longer\nthan the MODEL\u{2019}S context length";
        let found = meaning(400, message).expect("meaning");
        assert_eq!(found.1, "phrase:together_model_context_length");
    }

    #[test]
    fn parts_must_come_in_order() {
        assert_eq!(meaning(400, "cannot exceed: too many tokens"), None);
        assert_eq!(meaning(400, "exceeds the maximum for the input token count"), None);
    }

    #[test]
    fn tokens_per_minute_are_a_rate_only_where_groq_says_so() {
        let message = "Request too large on tokens per minute (TPM): Limit 6000";
        assert_eq!(meaning(413, message).map(|found| found.0), Some(Meaning::RateLimited));
        assert_eq!(meaning(400, message), None);
    }
}
