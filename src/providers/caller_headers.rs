//! What the headers of a caller choose at a vendor: a feature, or something of the account.

/// Headers that clients send by themselves, and that choose nothing.
const PLAIN_HEADERS: [&str; 3] =
    ["traceparent", "anthropic-version", "anthropic-dangerous-direct-browser-access"];

/// The header with the beta features of a message.
const FEATURES: &str = "anthropic-beta";

/// Starts of features that every account has, without limits of their own: those that Claude Code always sends, and
/// those that only change the form of a request. Others, such as a long context or a fast mode, may be refused alone.
const PLAIN_FEATURES: [&str; 7] = [
    "claude-code-",
    "context-management-",
    "fine-grained-tool-streaming-",
    "interleaved-thinking-",
    "prompt-caching-",
    "structured-outputs-",
    "token-efficient-tools-",
];

/// The end of a header's name that names something of the account, such as a workspace.
const OF_THE_ACCOUNT: &str = "-id";

/// Whether a header chooses nothing that has limits, permissions and failures of its own.
#[must_use]
pub fn is_plain(name: &str, value: &[u8]) -> bool {
    PLAIN_HEADERS.contains(&name) || name == FEATURES && has_plain_features(value)
}

/// Whether a header names a workspace or another resource of the account.
#[must_use]
pub fn names_a_resource(name: &str) -> bool {
    name.ends_with(OF_THE_ACCOUNT)
}

fn has_plain_features(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|feature| {
        feature.is_empty() || PLAIN_FEATURES.iter().any(|plain| feature.starts_with(plain.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_plain_if_every_account_has_it() {
        for (name, value, plain) in [
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("anthropic-version", "2023-06-01", true),
            ("anthropic-beta", "", true),
            ("anthropic-beta", "claude-code-20250219, interleaved-thinking-2025-05-14", true),
            ("anthropic-beta", "claude-code-20250219,context-1m-2025-08-07", false),
            ("anthropic-beta", "fast-mode-2026-02-01", false),
            ("anthropic-workspace-id", "wrkspc_1", false),
        ] {
            assert_eq!(is_plain(name, value.as_bytes()), plain, "{name}: {value}");
        }
        assert!(names_a_resource("anthropic-workspace-id") && !names_a_resource("anthropic-beta"));
    }
}
