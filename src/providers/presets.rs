//! The vendors that a provider can be, one row each. A row holds all that differs between
//! vendors who speak the OpenAI dialect; adding such a vendor is adding a row.

/// How a vendor wants to be shown the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// `Authorization: Bearer <credential>`.
    Bearer,
    /// The bare credential in a header of this (lowercase) name.
    Header(&'static str),
    /// Not at all.
    None,
}

/// Whether a provider of this kind has a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialNeed {
    /// A call without one is pointless.
    Required,
    /// Some installations want one.
    Optional,
    /// It has nowhere to go, so storing one is a mistake.
    Never,
}

/// A vendor: the defaults of a provider and the vendor's peculiarities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The stable name that a stored provider carries, such as `openai`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// The address of an account that says nothing else; `None` if each installation has
    /// its own and the provider must name it. No trailing slash.
    pub base_url: Option<&'static str>,
    /// How the credential travels.
    pub authentication: Authentication,
    /// Whether there is a credential.
    pub credential: CredentialNeed,
    /// What follows the base address for chat completions, with its leading slash.
    pub chat_path: &'static str,
    /// Headers that this vendor wants with every call, as (lowercase name, value).
    pub extra_headers: &'static [(&'static str, &'static str)],
    /// Whether `stream_options.include_usage` may be sent; where it may not, a streamed
    /// answer's tokens are estimated unless the vendor reports them unasked.
    pub stream_usage: bool,
    /// Which of the router fields `provider`, `route`, `transforms`, `plugins`, `usage` the
    /// vendor knows; the others are taken out before the call.
    pub understands: &'static [&'static str],
    /// The vendor's name in `known_models.json`, if its models are listed there.
    pub known_as: Option<&'static str>,
}

/// A vendor that follows the OpenAI dialect in everything; rows say only what differs.
const OPENAI_COMPATIBLE: Preset = Preset {
    name: "",
    title: "",
    base_url: None,
    authentication: Authentication::Bearer,
    credential: CredentialNeed::Required,
    chat_path: "/chat/completions",
    extra_headers: &[],
    stream_usage: true,
    understands: &[],
    known_as: None,
};

/// Every vendor, in the order in which people should see them.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "openai",
        title: "OpenAI",
        base_url: Some("https://api.openai.com/v1"),
        known_as: Some("openai"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "anthropic",
        title: "Anthropic",
        base_url: Some("https://api.anthropic.com/v1"),
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
    // Every resource has its own host: https://<resource>.openai.azure.com/openai/v1
    Preset {
        name: "azure",
        title: "Azure OpenAI",
        authentication: Authentication::Header("api-key"),
        known_as: Some("azure"),
        ..OPENAI_COMPATIBLE
    },
    Preset {
        name: "openrouter",
        title: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
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
    // Refuses unknown fields with a 422, `stream_options` among them; it reports a stream's
    // usage in the last chunk unasked.
    Preset {
        name: "mistral",
        title: "Mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        stream_usage: false,
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
    // The installation on the same machine; the address gate admits it only if the operator
    // allows that address. Ollama's own cloud wants a key.
    Preset {
        name: "ollama",
        title: "Ollama",
        base_url: Some("http://localhost:11434/v1"),
        credential: CredentialNeed::Optional,
        ..OPENAI_COMPATIBLE
    },
    Preset { name: "vllm", title: "vLLM", credential: CredentialNeed::Optional, ..OPENAI_COMPATIBLE },
    Preset {
        name: "custom",
        title: "Other (OpenAI-compatible)",
        credential: CredentialNeed::Optional,
        ..OPENAI_COMPATIBLE
    },
    // Served by this process itself, so it has neither an address nor a credential.
    Preset {
        name: "simulated",
        title: "Simulated",
        authentication: Authentication::None,
        credential: CredentialNeed::Never,
        ..OPENAI_COMPATIBLE
    },
];

/// The vendor of this name, exactly as stored.
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
            assert!(row.chat_path.starts_with('/'), "{}", row.name);
            if let Some(base) = row.base_url {
                let parsed = url::Url::parse(base).expect(row.name);
                assert!(!base.ends_with('/'), "{}", row.name);
                assert!(parsed.scheme() == "https" || row.name == "ollama");
            }
        }
    }

    #[test]
    fn a_vendor_without_authentication_takes_no_credential() {
        for row in PRESETS {
            assert_eq!(
                row.authentication == Authentication::None,
                row.credential == CredentialNeed::Never,
                "{}",
                row.name
            );
        }
    }
}
