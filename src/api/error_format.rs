//! The format of errors under a path. Paths without one belong to the console and are answered with HTML pages.

/// The shape of errors under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// `{"error": {message, type, param, code}}`.
    OpenAi,
    /// Anthropic's shape: `{"type": "error", "error": {type, message}, "request_id"}`.
    Anthropic,
    /// OpenAI's under `/api/v1`, where `code` is the status as a number.
    OpenRouter,
    /// LiteLLM's shape: `{"detail": {"error": ...}}`.
    LiteLlm,
    /// The management API's shape: `{"error", "message"}`.
    Management,
}

/// The first segments of OpenAI's endpoints. Clients with a base URL that lacks `/v1` call them without it.
const OPENAI: [&str; 11] = [
    "/v1",
    "/v2",
    "/chat",
    "/responses",
    "/embeddings",
    "/completions",
    "/moderations",
    "/rerank",
    "/images",
    "/audio",
    "/openai",
];

impl ErrorFormat {
    /// The format of a path, even of one without a route. None for the console's paths.
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
        } else if under("/v1/messages") || under("/messages") {
            Some(Self::Anthropic)
        } else if OPENAI.into_iter().any(under) {
            Some(Self::OpenAi)
        } else {
            None
        }
    }

    /// Whether its paths are calls of models.
    #[must_use]
    pub fn is_of_inference(self) -> bool {
        match self {
            Self::OpenAi | Self::Anthropic | Self::OpenRouter => true,
            Self::LiteLlm | Self::Management => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_by_whole_segments() {
        for (path, format) in [
            ("/v1/chat/completions", Some(ErrorFormat::OpenAi)),
            ("/chat/completions", Some(ErrorFormat::OpenAi)),
            ("/v1/messages", Some(ErrorFormat::Anthropic)),
            ("/v1/messages/count_tokens", Some(ErrorFormat::Anthropic)),
            ("/messages", Some(ErrorFormat::Anthropic)),
            ("/messages/count_tokens", Some(ErrorFormat::Anthropic)),
            ("/v1/responses", Some(ErrorFormat::OpenAi)),
            ("/responses", Some(ErrorFormat::OpenAi)),
            ("/embeddings", Some(ErrorFormat::OpenAi)),
            ("/audio/speech", Some(ErrorFormat::OpenAi)),
            ("/v2/rerank", Some(ErrorFormat::OpenAi)),
            ("/v1/nothing", Some(ErrorFormat::OpenAi)),
            ("/openai/deployments/gpt/chat/completions", Some(ErrorFormat::OpenAi)),
            ("/api/v1/models", Some(ErrorFormat::OpenRouter)),
            ("/api/v2", Some(ErrorFormat::Management)),
            ("/v1/model-router/nothing", Some(ErrorFormat::Management)),
            ("/v1/model-routers", Some(ErrorFormat::OpenAi)),
            ("/v1/identity/whoami", Some(ErrorFormat::Management)),
            ("/livez", Some(ErrorFormat::Management)),
            ("/fallback", Some(ErrorFormat::LiteLlm)),
            ("/fallback/openai/gpt-4o", Some(ErrorFormat::LiteLlm)),
            ("/fallbacks", None),
            ("/apiary", None),
            ("/", None),
        ] {
            assert_eq!(ErrorFormat::of_path(path), format, "{path}");
        }
    }
}
