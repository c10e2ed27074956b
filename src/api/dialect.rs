//! The dialect of a path. Paths without one belong to the console and are answered with HTML pages.

/// The shape of errors under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"error": {message, type, param, code}}`.
    OpenAi,
    /// The same under `/api/v1`, where `code` is the status as a number.
    OpenRouter,
    /// LiteLLM's shape: `{"detail": {"error": ...}}`.
    LiteLlm,
    /// The management API's shape: `{"error", "message"}`.
    Management,
}

impl Dialect {
    /// The dialect of a path, even of one without a route. None for the console's paths.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let under = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let feather =
            ["/v1/model-router", "/v1/identity", "/api", "/livez", "/readyz", "/health", "/metrics"];
        if under("/api/v1") {
            Some(Self::OpenRouter)
        } else if feather.into_iter().any(under) || under("/openapi.json") {
            Some(Self::Management)
        } else if under("/fallback") {
            Some(Self::LiteLlm)
        } else if under("/v1") || under("/chat") || under("/openai") {
            Some(Self::OpenAi)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_by_whole_segments() {
        for (path, dialect) in [
            ("/v1/chat/completions", Some(Dialect::OpenAi)),
            ("/chat/completions", Some(Dialect::OpenAi)),
            ("/v1/nothing", Some(Dialect::OpenAi)),
            ("/openai/deployments/gpt/chat/completions", Some(Dialect::OpenAi)),
            ("/api/v1/models", Some(Dialect::OpenRouter)),
            ("/api/v2", Some(Dialect::Management)),
            ("/v1/model-router/nothing", Some(Dialect::Management)),
            ("/v1/model-routers", Some(Dialect::OpenAi)),
            ("/v1/identity/whoami", Some(Dialect::Management)),
            ("/livez", Some(Dialect::Management)),
            ("/fallback", Some(Dialect::LiteLlm)),
            ("/fallback/openai/gpt-4o", Some(Dialect::LiteLlm)),
            ("/fallbacks", None),
            ("/apiary", None),
            ("/", None),
        ] {
            assert_eq!(Dialect::of_path(path), dialect, "{path}");
        }
    }
}
