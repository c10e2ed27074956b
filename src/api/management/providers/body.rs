//! The bodies that create and change a provider. Preset, address and credential must fit together.

use secrecy::{ExposeSecret as _, SecretString};
use utoipa::ToSchema;

use crate::api::json_fields::{BodyFields, Change};
use crate::api::management::checks;
use crate::api::management::checks::Need;
use crate::domain::error::{Error, Result};
use crate::providers::{Preset, StreamOptions, preset, upstream_headers};
use crate::store::{NewProvider, ProviderChange, ProviderRow};
use crate::upstream::AddressPolicy;
use crate::validation::provider::{
    AddressFault, LONGEST_ADDRESS, address, credential, known_preset, stream_options,
};

/// Fields that are accepted and ignored, so that a response can be sent back.
const READ_ONLY: &[&str] =
    &["id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"];

/// A provider to create.
#[derive(Debug, ToSchema)]
pub struct NewProviderBody {
    /// 1 to 100 printable characters, unique among the organization's providers.
    pub name: String,
    /// The vendor: `openai`, `anthropic`, `gemini`, `azure`, `openrouter`, ..., `custom`, `simulated`.
    pub preset: String,
    /// The base URL, such as `https://api.example.com/v1`. Required if the preset has none; not allowed for
    /// `simulated`.
    pub base_url: Option<String>,
    /// The vendor's API key. It is stored encrypted and never returned.
    #[schema(write_only)]
    pub credential: Option<String>,
    /// Whether the provider accepts `stream_options`: `auto` (the preset's value, until the provider refuses it),
    /// `supported` or `unsupported`. Default: `auto`.
    #[schema(value_type = StreamOptions, required = false)]
    pub stream_options: Option<String>,
}

/// A change of a provider. Absent fields stay as they are.
#[derive(Debug, ToSchema)]
pub struct ProviderChangeBody {
    /// The provider's new name.
    pub name: Option<String>,
    /// The provider's new vendor.
    pub preset: Option<String>,
    /// Its new base URL; null: the preset's.
    #[schema(nullable)]
    pub base_url: Option<String>,
    /// Its new credential; null removes it. Required again when the vendor, scheme, host or port changes.
    #[schema(nullable, write_only)]
    pub credential: Option<String>,
    /// Whether it accepts `stream_options`.
    #[schema(value_type = StreamOptions, required = false)]
    pub stream_options: Option<String>,
}

/// The fields of a body, each read and checked by itself.
#[derive(Debug)]
pub(super) struct ProviderBodyFields {
    pub(super) name: Option<String>,
    pub(super) preset: Option<&'static Preset>,
    /// None: the field is invalid.
    pub(super) base_url: Option<Change<String>>,
    /// None: the field is invalid.
    pub(super) credential: Option<Change<SecretString>>,
    /// None: the field is absent or invalid.
    pub(super) stream_options: Option<StreamOptions>,
}

/// Reads the fields. `need` applies to the name and the preset.
pub(super) fn read(fields: &mut BodyFields, need: Need) -> ProviderBodyFields {
    fields.ignore(READ_ONLY);
    ProviderBodyFields {
        name: checks::text(fields, "name", need, checks::name),
        preset: checks::text(fields, "preset", need, known_preset),
        base_url: checks::nullable_text(fields, "base_url", |text| {
            checks::printable(text.trim(), LONGEST_ADDRESS)
        }),
        credential: checks::nullable_text(fields, "credential", credential),
        stream_options: checks::text(fields, "stream_options", Need::Optional, stream_options),
    }
}

/// Checks that an address fits its preset and that the address policy allows it.
pub(super) fn check_address(
    fields: &mut BodyFields,
    policy: &AddressPolicy,
    preset: &Preset,
    base_url: Option<&str>,
) {
    let name = preset.name;
    let (kind, message) = match address(policy, preset, base_url) {
        Ok(()) => return,
        Err(AddressFault::NotWanted) => (
            "value_error",
            format!("A provider of the preset '{name}' has no address: leave 'base_url' out."),
        ),
        Err(AddressFault::Missing) => {
            ("missing", format!("A provider of the preset '{name}' needs a 'base_url'."))
        }
        Err(AddressFault::Blocked(blocked)) => {
            ("value_error", format!("'base_url' cannot be used: {blocked}."))
        }
    };
    fields.refuse("base_url", kind, message);
}

/// Checks that a credential fits its preset and can be sent.
pub(super) fn check_credential(fields: &mut BodyFields, preset: &Preset, credential: Option<&SecretString>) {
    let credential = credential.map(|credential| credential.expose_secret());
    if let Err(fault) = upstream_headers(preset, credential) {
        fields.refuse("credential", "value_error", format!("'credential' cannot be used: {fault}."));
    }
}

pub(super) fn parse_new(bytes: &[u8], policy: &AddressPolicy) -> Result<NewProvider> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Required);
    let base_url = body.base_url.map(Change::value);
    let credential = body.credential.map(Change::value);
    if let (Some(preset), Some(base_url)) = (body.preset, &base_url) {
        check_address(&mut fields, policy, preset, base_url.as_deref());
    }
    if let (Some(preset), Some(credential)) = (body.preset, &credential) {
        check_credential(&mut fields, preset, credential.as_ref());
    }
    fields.finish()?;
    // `finish` has already refused a missing required field.
    let missing = || Error::internal("a required field is missing after the checks");
    Ok(NewProvider {
        name: body.name.ok_or_else(missing)?,
        preset: body.preset.ok_or_else(missing)?.name.to_owned(),
        base_url: base_url.flatten(),
        credential: credential.flatten(),
        stream_options: body.stream_options.unwrap_or_default(),
    })
}

pub(super) fn parse_change(
    bytes: &[u8],
    before: &ProviderRow,
    policy: &AddressPolicy,
) -> Result<ProviderChange> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Optional);
    let new_preset = body.preset.or_else(|| preset(&before.preset));
    // Only what changes is checked again.
    let preset_changes = body.preset.is_some_and(|preset| preset.name != before.preset);
    if let (Some(preset), Some(base_url)) = (new_preset, &body.base_url)
        && (preset_changes || *base_url != Change::Keep)
    {
        let kept = before.base_url.as_deref();
        let base_url = match base_url {
            Change::Keep => kept,
            Change::Clear => None,
            Change::Set(address) => Some(address.as_str()),
        };
        check_address(&mut fields, policy, preset, base_url);
    }
    match (new_preset, &body.credential) {
        (Some(preset), Some(Change::Set(credential))) => {
            check_credential(&mut fields, preset, Some(credential));
        }
        (Some(preset), Some(Change::Clear)) => check_credential(&mut fields, preset, None),
        // The store refuses to keep a stored credential when the provider's address changes.
        (Some(preset), Some(Change::Keep)) if preset_changes && !before.has_credential => {
            check_credential(&mut fields, preset, None);
        }
        (Some(_), Some(Change::Keep)) | (None, _) | (_, None) => {}
    }
    fields.finish()?;
    Ok(ProviderChange {
        seen: None,
        name: body.name,
        preset: body.preset.map(|preset| preset.name.to_owned()),
        base_url: body.base_url.and_then(Change::into_option),
        credential: body.credential.and_then(Change::into_option),
        stream_options: body.stream_options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::management::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewProviderBody>(|fields| drop(read(fields, Need::Required)));
        assert_reads_all_of::<ProviderChangeBody>(|fields| drop(read(fields, Need::Optional)));
    }
}
