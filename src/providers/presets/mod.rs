//! The supported vendors, one row each. To add a vendor that speaks the OpenAI dialect, add a row with what differs.

mod invalid_credential;
mod services;

use crate::dialects::Dialect;
use crate::dialects::gemini::signature::Signer;

pub use invalid_credential::InvalidCredential;
use services::{
    AZURE, AZURE_DEPLOYMENTS, AZURE_RESPONSES, CHAT_COMPLETIONS, CLAUDE_OF_A_CLOUD, CLAUDE_ON_VERTEX,
    CONVERSE, GEMINI, GEMINI_ON_VERTEX, MESSAGES, RESPONSES,
};
pub use services::{Authentication, ModelAddress, Service};

/// Whether a provider of this kind has a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialNeed {
    /// A call without one always fails.
    Required,
    /// Some installations require one.
    Optional,
    /// The provider has no use for one, so storing one is a mistake.
    Never,
}

/// Documents such as PDF, as parts of the type `file` in chat completions: what a request has of them, or a vendor takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Documents {
    /// No documents at all.
    #[default]
    None,
    /// Their bytes, in the request itself.
    Inline,
    /// Their address, as well.
    Addressed,
}

/// A vendor: a provider's defaults and the vendor's special cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The stable name that a stored provider refers to, such as `openai`.
    pub name: &'static str,
    /// The name that people see.
    pub title: &'static str,
    /// The default base URL; `None` if each installation has its own and the provider must name it. No trailing
    /// slash.
    pub base_url: Option<&'static str>,
    /// What the base URL of an installation looks like, where the vendor says so.
    pub base_url_form: Option<&'static str>,
    /// Whether a credential is required, optional or not allowed.
    pub credential: CredentialNeed,
    /// How it serves chat completions; `None` if it does not.
    pub chat_completions: Option<Service>,
    /// How it serves Messages; `None` if it does not.
    pub messages: Option<Service>,
    /// How it serves Responses; `None` if it does not. Then requests for them are translated.
    pub responses: Option<Service>,
    /// How it serves Google's `generateContent`; `None` if it does not.
    pub gemini: Option<Service>,
    /// How it serves Amazon Bedrock's Converse; `None` if it does not.
    pub converse: Option<Service>,
    /// Whether `stream_options.include_usage` may be sent. If not, the tokens of a streamed answer are estimated
    /// unless the vendor reports them anyway.
    pub stream_usage: bool,
    /// The longest completion (`/completions`) of a request without a limit, in tokens, if the vendor documents one.
    pub completion_tokens: Option<i64>,
    /// Which documents its chat completions take, of models that see.
    pub documents: Documents,
    /// Which of the router fields `provider`, `route`, `transforms`, `plugins`, `usage` the vendor understands. The
    /// others are removed before the call.
    pub understands: &'static [&'static str],
    /// Whether it surely holds threads of Messages. Others may ignore that one goes on, and answer without the rest of it.
    pub threads: bool,
    /// The vendor's name in `known_models.json`, if its models are listed there.
    pub known_as: Option<&'static str>,
}

impl Preset {
    /// How the vendor serves a dialect; `None` if it does not.
    #[must_use]
    pub const fn service(&self, dialect: Dialect) -> Option<&Service> {
        match dialect {
            Dialect::ChatCompletions => self.chat_completions.as_ref(),
            Dialect::Messages => self.messages.as_ref(),
            Dialect::Responses => self.responses.as_ref(),
            Dialect::Gemini => self.gemini.as_ref(),
            Dialect::Converse => self.converse.as_ref(),
        }
    }

    /// The endpoint that signs the calls of its answers, if they are of Gemini.
    #[must_use]
    pub fn signer(&self) -> Signer {
        match self.gemini {
            Some(Service { authentication: Authentication::AccessToken, .. }) => Signer::Vertex,
            Some(_) | None => Signer::Studio,
        }
    }

    /// Whether the vendor serves a dialect.
    #[must_use]
    pub const fn serves(&self, dialect: Dialect) -> bool {
        self.service(dialect).is_some()
    }

    /// The services of the vendor that a request can be translated for. Each has at least one, and its own dialect comes first.
    pub fn services(&self) -> impl Iterator<Item = (Dialect, &Service)> {
        let translated = [Dialect::Messages, Dialect::Gemini, Dialect::Converse, Dialect::ChatCompletions];
        translated.into_iter().filter_map(move |dialect| Some((dialect, self.service(dialect)?)))
    }
}

/// A vendor that follows the OpenAI dialect in everything; the rows state only the differences.
const OPENAI_COMPATIBLE: Preset = Preset {
    name: "",
    title: "",
    base_url: None,
    base_url_form: None,
    credential: CredentialNeed::Required,
    chat_completions: Some(CHAT_COMPLETIONS),
    messages: None,
    responses: None,
    gemini: None,
    converse: None,
    stream_usage: true,
    completion_tokens: None,
    documents: Documents::None,
    understands: &[],
    threads: false,
    known_as: None,
};

/// Every vendor, in display order.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "openai",
        title: "OpenAI",
        base_url: Some("https://api.openai.com/v1"),
        responses: Some(RESPONSES),
        // V platform.openai.com/docs/api-reference/completions/create: `max_tokens` is 16 by default.
        completion_tokens: Some(16),
        // V developers.openai.com/api/docs/guides/file-inputs: in chat completions PDF only, and no addresses.
        documents: Documents::Inline,
        known_as: Some("openai"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "anthropic",
        title: "Anthropic",
        base_url: Some("https://api.anthropic.com/v1"),
        messages: Some(MESSAGES),
        threads: true,
        known_as: Some("anthropic"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "gemini",
        title: "Google Gemini",
        base_url: Some("https://generativelanguage.googleapis.com/v1beta/openai"),
        known_as: Some("google"),
        ..OPENAI_COMPATIBLE
    },
    // The dialect of Google itself, with signatures of calls and summaries of thoughts.
    Preset {
        name: "gemini-native",
        title: "Google Gemini (native)",
        base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
        chat_completions: None,
        gemini: Some(GEMINI),
        known_as: Some("google"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "azure",
        title: "Azure OpenAI",
        // No documents: "Invalid Value: 'file'. This model does not support file content types." (R
        // openai/openai-python#2826, Azure/azure-sdk-for-net#51873). Its Responses take them.
        base_url_form: Some("https://RESOURCE.openai.azure.com/openai/v1"),
        chat_completions: Some(AZURE),
        responses: Some(AZURE_RESPONSES),
        completion_tokens: Some(16),
        known_as: Some("azure"),
        ..OPENAI_COMPATIBLE
    },
    // Each deployment at an address of its own, before Azure's v1: for installations and proxies that have no other.
    Preset {
        name: "azure-deployments",
        title: "Azure OpenAI (deployments)",
        base_url_form: Some("https://RESOURCE.openai.azure.com/openai"),
        chat_completions: Some(AZURE_DEPLOYMENTS),
        completion_tokens: Some(16),
        known_as: Some("azure"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "openrouter",
        title: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        // V openrouter.ai/docs/features/multimodal/pdfs: any model, as bytes or by address in `file_data`.
        documents: Documents::Addressed,
        understands: &["provider", "route", "transforms", "plugins", "usage"],
        known_as: Some("openrouter"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "groq",
        title: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        known_as: Some("groq"),
        ..OPENAI_COMPATIBLE
    },
    // Refuses unknown fields with a 422, including `stream_options`; always reports a stream's usage in the last
    // chunk.
    Preset {
        name: "mistral",
        title: "Mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        stream_usage: false,
        // V docs.mistral.ai/studio/document-processing/document-qna: PDF by address, and as bytes in a data URL.
        documents: Documents::Addressed,
        known_as: Some("mistral"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "together",
        title: "Together AI",
        base_url: Some("https://api.together.xyz/v1"),
        known_as: Some("togetherai"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "deepseek",
        title: "DeepSeek",
        base_url: Some("https://api.deepseek.com"),
        known_as: Some("deepseek"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "xai",
        title: "xAI",
        base_url: Some("https://api.x.ai/v1"),
        known_as: Some("xai"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "fireworks",
        title: "Fireworks AI",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        known_as: Some("fireworks-ai"),
        ..OPENAI_COMPATIBLE
    },
    // Ollama on the same machine. The address policy admits it only if the operator allows that address. Ollama's
    // cloud requires a key.
    Preset {
        name: "ollama",
        title: "Ollama",
        base_url: Some("http://localhost:11434/v1"),
        credential: CredentialNeed::Optional,
        ..OPENAI_COMPATIBLE
    },
    // Its `CompletionRequest` has the default of OpenAI, unless `max_tokens` is null.
    Preset {
        name: "vllm",
        title: "vLLM",
        credential: CredentialNeed::Optional,
        completion_tokens: Some(16),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "custom",
        title: "Other (OpenAI-compatible)",
        credential: CredentialNeed::Optional,
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "foundry",
        title: "Claude in Microsoft Foundry",
        base_url_form: Some("https://RESOURCE.services.ai.azure.com/anthropic"),
        chat_completions: None,
        messages: Some(CLAUDE_OF_A_CLOUD),
        known_as: Some("azure"),
        ..OPENAI_COMPATIBLE
    },
    // With an API key of Bedrock.
    Preset {
        name: "bedrock-messages",
        title: "Claude on Amazon Bedrock",
        base_url_form: Some("https://bedrock-mantle.REGION.api.aws/anthropic"),
        chat_completions: None,
        messages: Some(CLAUDE_OF_A_CLOUD),
        ..OPENAI_COMPATIBLE
    },
    // All models of Bedrock, with an access key of AWS or an API key of Bedrock.
    Preset {
        name: "bedrock",
        title: "Amazon Bedrock",
        base_url_form: Some("https://bedrock-runtime.REGION.amazonaws.com"),
        chat_completions: None,
        converse: Some(CONVERSE),
        ..OPENAI_COMPATIBLE
    },
    // The global location has no prefix: https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/global
    Preset {
        name: "vertex-messages",
        title: "Claude on Google Vertex AI",
        base_url_form: Some(
            "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION",
        ),
        chat_completions: None,
        messages: Some(CLAUDE_ON_VERTEX),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "vertex-gemini",
        title: "Gemini on Google Vertex AI",
        base_url_form: Some(
            "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION",
        ),
        chat_completions: None,
        gemini: Some(GEMINI_ON_VERTEX),
        known_as: Some("google"),
        ..OPENAI_COMPATIBLE
    },
    // Servers with an address like that of Anthropic's clients, to which these add `/v1/messages`.
    Preset {
        name: "custom-messages",
        title: "Other (Anthropic-compatible)",
        credential: CredentialNeed::Optional,
        chat_completions: None,
        messages: Some(Service { path: "/v1/messages", models_path: Some("/v1/models"), ..MESSAGES }),
        ..OPENAI_COMPATIBLE
    },
    // Served by this process itself, so it has neither an address nor a credential.
    Preset {
        name: "simulated",
        title: "Simulated",
        documents: Documents::Addressed,
        credential: CredentialNeed::Never,
        chat_completions: Some(Service { authentication: Authentication::None, ..CHAT_COMPLETIONS }),
        messages: Some(Service { authentication: Authentication::None, ..MESSAGES }),
        responses: Some(Service { authentication: Authentication::None, ..RESPONSES }),
        ..OPENAI_COMPATIBLE
    },
];

/// Looks up a vendor by its exact stored name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for row in PRESETS {
            assert_eq!(preset(row.name), Some(row));
            assert!(!row.title.is_empty());
        }
        assert_eq!(preset("OpenAI"), None);
        assert_eq!(preset(""), None);
    }

    #[test]
    fn addresses_and_paths_join_without_doubled_or_missing_slashes() {
        for row in PRESETS {
            assert!(row.services().next().is_some(), "{}", row.name);
            assert!(row.services().all(|(_, service)| service.path.starts_with('/')), "{}", row.name);
            if let Some(base) = row.base_url {
                let parsed = url::Url::parse(base).expect(row.name);
                assert!(!base.ends_with('/'), "{}", row.name);
                assert!(parsed.scheme() == "https" || row.name == "ollama");
            }
            assert!(row.base_url.is_none() || row.base_url_form.is_none(), "{}", row.name);
        }
    }

    #[test]
    fn a_vendor_without_authentication_takes_no_credential() {
        for row in PRESETS {
            for (_, service) in row.services() {
                assert_eq!(
                    service.authentication == Authentication::None,
                    row.credential == CredentialNeed::Never,
                    "{}",
                    row.name
                );
            }
        }
    }
}
