//! Which dialect a path speaks.

/// The shape of errors under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"error": {message, type, param, code}}`.
    OpenAi,
    /// The same under `/api/v1`, where `code` is the status as a number.
    OpenRouter,
    /// `{"detail": {"error": ...}}`.
    LiteLlm,
    /// `{"error", "message"}`.
    Feather,
}

impl Dialect {
    /// The dialect of a path, whether anything is there or not.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let under = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if under("/v1/model-router") || under("/v1/identity") {
            Self::Feather
        } else if under("/api/v1") {
            Self::OpenRouter
        } else if under("/fallback") {
            Self::LiteLlm
        } else if under("/v1") || under("/chat") {
            Self::OpenAi
        } else {
            Self::Feather
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_by_whole_segments() {
        for (path, dialect) in [
            ("/v1/chat/completions", Dialect::OpenAi),
            ("/chat/completions", Dialect::OpenAi),
            ("/v1/nothing", Dialect::OpenAi),
            ("/api/v1/models", Dialect::OpenRouter),
            ("/v1/model-router/nothing", Dialect::Feather),
            ("/v1/model-routers", Dialect::OpenAi),
            ("/v1/identity/whoami", Dialect::Feather),
            ("/fallback", Dialect::LiteLlm),
            ("/fallback/openai/gpt-4o", Dialect::LiteLlm),
            ("/fallbacks", Dialect::Feather),
            ("/", Dialect::Feather),
        ] {
            assert_eq!(Dialect::of_path(path), dialect, "{path}");
        }
    }
}
