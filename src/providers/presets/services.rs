//! How vendors serve a dialect: the path, the credential, and where the address names the model.

use crate::providers::raw_predict::{RawPredict, VERTEX};

/// How a vendor expects the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The header `Authorization: Bearer <credential>`.
    Bearer,
    /// The bare credential in a header with this (lowercase) name.
    Header(&'static str),
    /// An access token of Google, like [`Authentication::Bearer`]. The credential is such a token, or the key file of a
    /// service account, which tokens are made from.
    AccessToken,
    /// AWS signs each request with an access key. The credential is that, or an API key, like [`Authentication::Bearer`].
    Aws,
    /// The vendor takes no credential.
    None,
}

/// How a vendor serves one dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The path below the base URL, with its leading slash.
    pub path: &'static str,
    /// The path of the list of models, likewise; `None` if there is none.
    pub models_path: Option<&'static str>,
    /// How the credential is sent.
    pub authentication: Authentication,
    /// Headers that the vendor requires on every call, as (lowercase name, value).
    pub headers: &'static [(&'static str, &'static str)],
    /// The media type of its streams.
    pub streams: &'static str,
    /// How the address names the model, if the body does not. Then `path` leads to the models.
    pub model_address: Option<&'static ModelAddress>,
    /// What is special of messages at such an address.
    pub raw_predict: Option<&'static RawPredict>,
}

/// How the address of a call names its model and what is wanted of it.
#[derive(Debug, PartialEq, Eq)]
pub struct ModelAddress {
    /// What the base URL has to contain, because the address of a model is below it.
    pub within: &'static [&'static str],
    /// What follows the name of the model for a whole answer.
    pub whole: &'static str,
    /// What follows the name of the model for a stream.
    pub streamed: &'static str,
    /// The name and the value that the query of a stream has; `None` if it has none.
    pub stream_query: Option<(&'static str, &'static str)>,
    /// The name of the version in the query of every call, and its value if the base URL has none. `None` if there is no version.
    pub version: Option<(&'static str, &'static str)>,
    /// The end of an address that refuses a request without content, for a test of the credential. `None` if the list of
    /// models tests it.
    pub test: Option<&'static str>,
    /// What the vendor says of a model that it does not have, after it accepted the credential of such a test.
    pub unknown_model: Option<&'static str>,
}

impl ModelAddress {
    /// The end of the address of a model's answers, with the model's name percent-encoded.
    #[must_use]
    pub fn end_of(&self, model: &str, stream: bool) -> String {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        // Google's list of models has the path in their names.
        let model = model.strip_prefix("models/").unwrap_or(model);
        let mut end = String::with_capacity(model.len() + self.streamed.len());
        for byte in model.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                    end.push(char::from(byte));
                }
                _ => {
                    let digits = [byte >> 4, byte & 15];
                    let digits = digits.map(|digit| HEX.get(usize::from(digit)).copied().unwrap_or(b'0'));
                    end.push('%');
                    end.extend(digits.map(char::from));
                }
            }
        }
        end + if stream { self.streamed } else { self.whole }
    }
}

/// Chat completions as OpenAI serves them.
pub(super) const CHAT_COMPLETIONS: Service = Service {
    path: "/chat/completions",
    models_path: Some("/models"),
    authentication: Authentication::Bearer,
    headers: &[],
    streams: "text/event-stream",
    model_address: None,
    raw_predict: None,
};

/// Responses as OpenAI serves them.
pub(super) const RESPONSES: Service = Service { path: "/responses", ..CHAT_COMPLETIONS };

/// Chat completions as Azure serves them.
pub(super) const AZURE: Service =
    Service { authentication: Authentication::Header("api-key"), ..CHAT_COMPLETIONS };

/// Responses as Azure serves them.
pub(super) const AZURE_RESPONSES: Service =
    Service { authentication: Authentication::Header("api-key"), ..RESPONSES };

/// Messages as Anthropic serves them. The version of the caller takes precedence.
pub(super) const MESSAGES: Service = Service {
    path: "/messages",
    authentication: Authentication::Header("x-api-key"),
    headers: &[("anthropic-version", "2023-06-01")],
    ..CHAT_COMPLETIONS
};

/// Messages as clouds serve them beside other dialects, without a list of models.
pub(super) const CLAUDE_OF_A_CLOUD: Service =
    Service { path: "/anthropic/v1/messages", models_path: None, ..MESSAGES };

/// Messages as Vertex AI serves them, at addresses of their models.
pub(super) const CLAUDE_ON_VERTEX: Service = Service {
    path: "/publishers/anthropic/models",
    models_path: None,
    authentication: Authentication::AccessToken,
    headers: &[],
    model_address: Some(&RAW_PREDICT),
    raw_predict: Some(&VERTEX),
    ..CHAT_COMPLETIONS
};

/// Converse as Amazon Bedrock serves it, at addresses of its models.
pub(super) const CONVERSE: Service = Service {
    path: "/model",
    models_path: None,
    authentication: Authentication::Aws,
    streams: "application/vnd.amazon.eventstream",
    model_address: Some(&OF_BEDROCK),
    ..CHAT_COMPLETIONS
};

static OF_BEDROCK: ModelAddress = ModelAddress {
    within: &[],
    whole: "/converse",
    streamed: "/converse-stream",
    stream_query: None,
    version: None,
    // A request without messages is refused, whether the account has access to this model or not.
    test: Some("amazon.nova-micro-v1%3A0/converse"),
    unknown_model: None,
};

static RAW_PREDICT: ModelAddress = ModelAddress {
    within: &["/projects/", "/locations/"],
    whole: ":rawPredict",
    streamed: ":streamRawPredict",
    stream_query: None,
    version: None,
    // Needs no name of a model, and is free.
    test: Some(VERTEX.count),
    unknown_model: None,
};

/// Gemini as Google's AI Studio serves it.
pub(super) const GEMINI: Service = Service {
    path: "/models",
    models_path: Some("/models"),
    authentication: Authentication::Header("x-goog-api-key"),
    headers: &[],
    streams: "text/event-stream",
    model_address: Some(&GENERATE_CONTENT),
    raw_predict: None,
};

/// Gemini as Google's Vertex AI serves it, without a list of models.
pub(super) const GEMINI_ON_VERTEX: Service = Service {
    path: "/publishers/google/models",
    models_path: None,
    authentication: Authentication::AccessToken,
    headers: &[],
    streams: "text/event-stream",
    model_address: Some(&GENERATE_CONTENT_ON_VERTEX),
    raw_predict: None,
};

/// Without the query, a stream is one JSON array.
static GENERATE_CONTENT: ModelAddress = ModelAddress {
    within: &[],
    whole: ":generateContent",
    streamed: ":streamGenerateContent",
    stream_query: Some(("alt", "sse")),
    version: None,
    test: None,
    unknown_model: None,
};

static GENERATE_CONTENT_ON_VERTEX: ModelAddress = ModelAddress {
    within: &["/projects/", "/locations/"],
    whole: ":generateContent",
    streamed: ":streamGenerateContent",
    stream_query: Some(("alt", "sse")),
    version: None,
    // Counting tokens is free.
    test: Some("gemini-2.5-flash:countTokens"),
    unknown_model: Some("Publisher Model"),
};

/// Chat completions as Azure serves them at addresses of deployments. The body may name the model, too.
pub(super) const AZURE_DEPLOYMENTS: Service =
    Service { path: "/deployments", model_address: Some(&DEPLOYMENT), ..AZURE };

static DEPLOYMENT: ModelAddress = ModelAddress {
    within: &["/openai"],
    whole: "/chat/completions",
    streamed: "/chat/completions",
    stream_query: None,
    // V learn.microsoft.com/azure/ai-services/openai/reference: the last version with a date that is not a preview. It takes
    // `stream_options`, which came with 2024-09-01-preview.
    version: Some(("api-version", "2024-10-21")),
    test: None,
    unknown_model: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_model_is_one_part_of_the_path() {
        for (model, end) in [
            ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5@20250929:rawPredict"),
            ("a b/c?d#e:f%2F", "a%20b%2Fc%3Fd%23e%3Af%252F:rawPredict"),
            ("..", "..:rawPredict"),
            ("m\u{fc}", "m%C3%BC:rawPredict"),
        ] {
            assert_eq!(RAW_PREDICT.end_of(model, false), end);
            let url = url::Url::parse(&format!("https://h.example/v1/models/{end}")).expect("an address");
            assert_eq!(url.path(), format!("/v1/models/{end}"), "parsers of addresses leave it as it is");
        }
        assert_eq!(RAW_PREDICT.end_of("m", true), "m:streamRawPredict");
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0";
        let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-pro-v1%3A0";
        assert_eq!(OF_BEDROCK.end_of(arn, false), format!("{encoded}/converse"));
        assert_eq!(OF_BEDROCK.end_of(arn, true), format!("{encoded}/converse-stream"));
        assert_eq!(GENERATE_CONTENT.end_of("models/gemini-x", true), "gemini-x:streamGenerateContent");
    }
}
