//! What the form of a provider asks for, by its kind: the base URL and the parts of the credential, with hints.

use secrecy::SecretString;

use crate::console::http::forms::Fields;
use crate::providers::{Authentication, CredentialNeed, PRESETS, Preset, preset};

/// The fields of an access key of AWS, as they are stored, in the order of the form.
const ACCESS_KEY: [&str; 4] = ["access_key_id", "secret_access_key", "session_token", "region"];

/// How the credential of a kind of provider is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialForm {
    /// The provider takes none.
    None,
    /// One line: a key.
    Key,
    /// Several lines: the key file of a service account, or a token.
    KeyFile,
    /// A key, or the parts of an access key of AWS.
    AccessKey,
}

impl CredentialForm {
    /// The form for a kind of provider. Its own dialect decides, which comes first.
    pub(crate) fn of(preset: &Preset) -> Self {
        match preset.services().next().map(|(_, service)| service.authentication) {
            Some(Authentication::Bearer | Authentication::Header(_)) => Self::Key,
            Some(Authentication::AccessToken) => Self::KeyFile,
            Some(Authentication::Aws) => Self::AccessKey,
            Some(Authentication::None) | None => Self::None,
        }
    }

    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::AccessKey)
    }

    pub(crate) fn is_key_file(self) -> bool {
        self == Self::KeyFile
    }

    pub(crate) fn is_access_key(self) -> bool {
        self == Self::AccessKey
    }

    /// The credential that was entered, as it is stored; empty if there is none.
    ///
    /// # Errors
    /// The problem, as a sentence.
    pub(crate) fn read(self, fields: &Fields) -> Result<SecretString, String> {
        let given = fields.text("credential").trim();
        let parts = ACCESS_KEY.map(|name| (name, fields.text(name).trim()));
        let entered = parts.into_iter().filter(|(_, text)| self.is_access_key() && !text.is_empty());
        let entered: serde_json::Map<String, serde_json::Value> =
            entered.map(|(name, text)| (name.to_owned(), text.into())).collect();
        match (entered.is_empty(), given.is_empty()) {
            (true, _) => Ok(given.into()),
            (false, true) => Ok(serde_json::Value::Object(entered).to_string().into()),
            (false, false) => Err("Enter an API key or an access key, not both.".to_owned()),
        }
    }
}

/// The fields that depend on the kind of provider.
#[derive(Debug, Clone)]
pub(crate) struct KindForm {
    /// Whether providers of this kind have an address.
    pub(crate) has_address: bool,
    /// What the base URL looks like, or the default one.
    pub(crate) placeholder: &'static str,
    /// What to enter as the base URL.
    pub(crate) address_hint: String,
    /// How the credential is entered.
    pub(crate) credential: CredentialForm,
    /// Label of the first field of the credential.
    pub(crate) label: &'static str,
    /// Where the credential comes from, after what is stored.
    pub(crate) hint: String,
}

impl KindForm {
    /// The form of the chosen kind, or of the first one in the list. `stored` says what is stored; empty if nothing is.
    pub(crate) fn of(chosen: &str, stored: &str) -> Self {
        preset(chosen).or(PRESETS.first()).map_or_else(Self::empty, |preset| Self::of_preset(preset, stored))
    }

    fn of_preset(preset: &Preset, stored: &str) -> Self {
        let credential = CredentialForm::of(preset);
        let separator = if stored.is_empty() { "" } else { " " };
        Self {
            has_address: preset.credential != CredentialNeed::Never,
            placeholder: preset.base_url.or(preset.base_url_form).unwrap_or("https://"),
            address_hint: address_hint(preset),
            credential,
            label: label(credential, preset.credential),
            hint: format!("{stored}{separator}{}", source(preset.name)),
        }
    }

    /// The form if there is no kind to choose from.
    fn empty() -> Self {
        Self {
            has_address: false,
            placeholder: "",
            address_hint: String::new(),
            credential: CredentialForm::None,
            label: "",
            hint: String::new(),
        }
    }
}

fn address_hint(preset: &Preset) -> String {
    match (preset.base_url, preset.base_url_form) {
        (Some(own), _) => format!("Leave empty for the vendor’s own, {own}."),
        (None, Some(form)) => format!("Like {form}, with your own in place of the words in capitals."),
        (None, None) => "That of your server. It usually ends in /v1.".to_owned(),
    }
}

fn label(form: CredentialForm, need: CredentialNeed) -> &'static str {
    match (form, need) {
        (CredentialForm::KeyFile, _) => "Key file or access token",
        (CredentialForm::AccessKey, _) => "API key, or the access key below",
        (CredentialForm::None | CredentialForm::Key, CredentialNeed::Optional) => "API key (optional)",
        (CredentialForm::None | CredentialForm::Key, CredentialNeed::Required | CredentialNeed::Never) => {
            "API key"
        }
    }
}

/// Where people get the credential of a kind of provider.
fn source(name: &str) -> &'static str {
    match name {
        "openai" => "Create one at platform.openai.com under API keys.",
        "anthropic" => "Create one at console.anthropic.com under API keys. It begins with sk-ant-.",
        "gemini" | "gemini-native" => "Create one at aistudio.google.com under API keys.",
        "azure" | "azure-deployments" => "In the Azure portal, under Keys and Endpoint of the resource.",
        "openrouter" => "Create one at openrouter.ai under Keys. It begins with sk-or-.",
        "groq" => "Create one at console.groq.com under API Keys. It begins with gsk_.",
        "mistral" => "Create one at console.mistral.ai under API Keys.",
        "together" => "Create one at api.together.ai under API keys.",
        "deepseek" => "Create one at platform.deepseek.com under API keys.",
        "xai" => "Create one at console.x.ai under API Keys. It begins with xai-.",
        "fireworks" => "Create one at app.fireworks.ai under API Keys.",
        "ollama" => "Only Ollama’s cloud needs one. Create it at ollama.com under Keys.",
        "vllm" => "The --api-key that the server was started with, if there is one.",
        "custom" | "custom-messages" => "Leave empty if the server accepts requests without one.",
        "foundry" => "The key of the resource in Microsoft Foundry.",
        "bedrock-messages" => "An API key of Amazon Bedrock, from the Bedrock console under API keys.",
        "bedrock" => {
            "An API key of Amazon Bedrock, from its console. An IAM access key signs each request instead."
        }
        "vertex-messages" | "vertex-gemini" => {
            "The whole file of a service account with the role Vertex AI User, from “{” to “}”. An access token works for an hour."
        }
        _ => "From the vendor’s console.",
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(form: CredentialForm, pairs: &[(&str, &str)]) -> Option<String> {
        form.read(&Fields::of(pairs)).ok().map(|credential| credential.expose_secret().to_owned())
    }

    #[test]
    fn each_kind_asks_for_what_it_needs() {
        for preset in PRESETS {
            let form = KindForm::of(preset.name, "");
            assert_eq!(form.has_address, preset.credential != CredentialNeed::Never, "{}", preset.name);
            let takes_one = form.credential != CredentialForm::None;
            assert_eq!(takes_one, preset.credential != CredentialNeed::Never, "{}", preset.name);
            if takes_one {
                assert_ne!(source(preset.name), source("one without a row"), "{}", preset.name);
            }
        }
        let placeholder = |name| KindForm::of(name, "").placeholder;
        assert_eq!(placeholder("groq"), "https://api.groq.com/openai/v1");
        assert!(placeholder("azure").contains("RESOURCE") && placeholder("vllm") == "https://");
        let hint = KindForm::of("vertex-messages", "").address_hint;
        assert!(
            hint.contains("/projects/PROJECT/locations/LOCATION"),
            "a field is too narrow for it: {hint}"
        );
        assert!(KindForm::of("vertex-messages", "").credential.is_key_file());
        assert_eq!(KindForm::of("vllm", "").label, "API key (optional)");
        assert_eq!(KindForm::of("", "").hint, KindForm::of("openai", "").hint);
        let stored = KindForm::of("openai", "Stored: ••••x.").hint;
        assert!(stored.starts_with("Stored: ••••x. Create one at"), "{stored}");
    }

    #[test]
    fn the_parts_of_an_access_key_are_stored_as_one_credential() {
        let of_aws = |pairs: &[(&str, &str)]| read(CredentialForm::AccessKey, pairs);
        let parts = [
            ("access_key_id", " AKIA1 "),
            ("secret_access_key", "s/e+c"),
            ("session_token", ""),
            ("region", ""),
        ];
        let stored = r#"{"access_key_id":"AKIA1","secret_access_key":"s/e+c"}"#;
        assert_eq!(of_aws(&parts).as_deref(), Some(stored));
        assert_eq!(of_aws(&[("credential", " key ")]).as_deref(), Some("key"));
        assert_eq!(of_aws(&[]).as_deref(), Some(""));
        assert_eq!(of_aws(&[("credential", "key"), parts[0]]), None);
        // They were entered before another kind was chosen.
        assert_eq!(read(CredentialForm::Key, &parts).as_deref(), Some(""));
    }
}
