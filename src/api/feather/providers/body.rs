//! What a provider's body may hold, and what must fit together in it: the preset, the address, the credential.
//!
//! Imports `providers` for the presets, `upstream` for the gate.

use secrecy::{ExposeSecret as _, SecretString};
use utoipa::ToSchema;

use crate::api::feather::checks::{self, Need, Objection};
use crate::api::fields::{Change, Fields};
use crate::error::Result;
use crate::providers::{CredentialNeed, PRESETS, Preset, chat_url, preset, upstream_headers};
use crate::upstream::Gate;

/// The longest address, in characters.
const LONGEST_ADDRESS: usize = 2_048;
/// The longest credential, in bytes: no vendor's server takes longer headers.
const LONGEST_CREDENTIAL: usize = 8_192;

/// What may be sent back as it was read, without any effect.
const READ_ONLY: &[&str] =
    &["id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"];

/// A provider to be made.
#[derive(Debug, ToSchema)]
pub struct NewProviderBody {
    /// 1 to 100 printable characters, unique among the organization's providers.
    pub name: String,
    /// The vendor: `openai`, `anthropic`, `gemini`, `azure`, `openrouter`, ..., `custom`, `simulated`.
    pub preset: String,
    /// The base address, such as `https://api.example.com/v1`. Required where the preset has none of its own;
    /// `simulated` takes none.
    pub base_url: Option<String>,
    /// The vendor's API key. It is sealed, and never returned.
    #[schema(write_only)]
    pub credential: Option<String>,
}

/// A change of a provider: what is left out stays.
#[derive(Debug, ToSchema)]
pub struct ProviderChangeBody {
    /// Its new name.
    pub name: Option<String>,
    /// Its new vendor.
    pub preset: Option<String>,
    /// Its new address; null: the preset's.
    #[schema(nullable)]
    pub base_url: Option<String>,
    /// Its new credential; null removes it. Demanded again when the vendor, scheme, host or port changes.
    #[schema(nullable, write_only)]
    pub credential: Option<String>,
}

/// The fields of a body, each by itself.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) name: Option<String>,
    pub(super) preset: Option<&'static Preset>,
    /// None: it was refused.
    pub(super) base_url: Option<Change<String>>,
    /// None: it was refused.
    pub(super) credential: Option<Change<SecretString>>,
}

/// Reads the fields.
pub(super) fn read(fields: &mut Fields, need: Need) -> Said {
    fields.ignore(READ_ONLY);
    Said {
        name: checks::text(fields, "name", need, checks::name),
        preset: checks::text(fields, "preset", need, known_preset),
        base_url: checks::nullable_text(fields, "base_url", |text| {
            checks::printable(text.trim(), LONGEST_ADDRESS)
        }),
        credential: checks::nullable_text(fields, "credential", credential),
    }
}

fn known_preset(name: &str) -> Result<&'static Preset, Objection> {
    preset(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        Objection::new("literal_error", format!("must be one of '{}'", names.join("', '")))
    })
}

fn credential(text: &str) -> Result<SecretString, Objection> {
    if text.is_empty() || text.len() > LONGEST_CREDENTIAL {
        let expected = format!(
            "must be 1 to {LONGEST_CREDENTIAL} bytes; leave it out, or send null, where there is none"
        );
        return Err(Objection::new("value_error", expected));
    }
    Ok(SecretString::from(text))
}

/// Checks that an address fits its preset and may be called.
pub(super) fn check_address(fields: &mut Fields, gate: &Gate, preset: &Preset, base_url: Option<&str>) {
    if preset.credential == CredentialNeed::Never {
        if base_url.is_some() {
            let message =
                format!("A provider of the preset '{}' has no address: leave 'base_url' out.", preset.name);
            fields.refuse("base_url", "value_error", message);
        }
        return;
    }
    let Some(address) = base_url.or(preset.base_url) else {
        let message = format!("A provider of the preset '{}' needs a 'base_url'.", preset.name);
        fields.refuse("base_url", "missing", message);
        return;
    };
    if let Err(blocked) = gate.check(&chat_url(preset, address)) {
        fields.refuse("base_url", "value_error", format!("'base_url' cannot be used: {blocked}."));
    }
}

/// Checks that a credential fits its preset and can be sent.
pub(super) fn check_credential(fields: &mut Fields, preset: &Preset, credential: Option<&SecretString>) {
    let credential = credential.map(|credential| credential.expose_secret());
    if let Err(fault) = upstream_headers(preset, credential) {
        fields.refuse("credential", "value_error", format!("'credential' cannot be used: {fault}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::feather::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewProviderBody>(|fields| drop(read(fields, Need::Required)));
        assert_reads_all_of::<ProviderChangeBody>(|fields| drop(read(fields, Need::Optional)));
    }
}
