//! The bodies that create and change a provider. Preset, address and credential must fit together.

use secrecy::SecretString;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::api::body::values::{BodyText, Name};
use crate::api::body::{Body as _, BodyFields, Lenient, Patch, Schemas, body, reference};
use crate::api::management::limits::fields::{LimitedTokens, RequestsPerMinute};
use crate::domain::error::Result;
use crate::providers::{Preset, StreamOptions, preset};
use crate::store::{NewProvider, ProviderChange, ProviderLimits, ProviderRow};
use crate::upstream::AddressPolicy;
use crate::validation::provider::{
    AddressFault, LONGEST_ADDRESS, address, credential, fitting_credential, known_preset, stream_options,
};
use crate::validation::{ViolationReason, printable};

body! {
    /// A provider to create.
    pub struct NewProviderBody ignores ["id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"] {
        /// 1 to 100 printable characters, unique among the organization's providers.
        name: Lenient<Name>,
        /// The vendor: `openai`, `anthropic`, `gemini`, `azure`, `openrouter`, ..., `custom`, `simulated`.
        preset: Lenient<PresetName>,
        /// The base URL, such as `https://api.example.com/v1`. Required if the preset has none; not allowed for
        /// `simulated`.
        base_url: Lenient<Patch<BaseUrl>>,
        /// The vendor's API key; for `vertex-messages` and `vertex-gemini` the JSON of a service account's key file, or an
        /// access token; for `bedrock` the JSON of an access key of AWS, or an API key. Blanks and line breaks at its ends are
        /// left out. It is stored encrypted and never returned.
        credential: Lenient<Patch<Credential>>,
        /// Whether the provider accepts `stream_options`: `auto` (the preset's value, until the provider refuses it),
        /// `supported` or `unsupported`. Default: `auto`.
        stream_options: Lenient<Option<StreamOptions>>,
        /// Requests per minute that the account at the provider may make; null: not known. Its models are passed over
        /// instead of asking in vain.
        requests_per_minute: Lenient<Patch<RequestsPerMinute>>,
        /// Tokens per minute that the account may use, of prompts and answers together; null: not known.
        tokens_per_minute: Lenient<Patch<LimitedTokens>>,
    }
}

body! {
    /// A change of a provider. Absent fields stay as they are.
    pub struct ProviderChangeBody ignores ["id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"] {
        /// The provider's new name.
        name: Lenient<Option<Name>>,
        /// The provider's new vendor.
        preset: Lenient<Option<PresetName>>,
        /// Its new base URL; null: the preset's.
        base_url: Lenient<Patch<BaseUrl>>,
        /// Its new credential; null removes it. Required again when the vendor, scheme, host or port changes.
        credential: Lenient<Patch<Credential>>,
        /// Whether it accepts `stream_options`.
        stream_options: Lenient<Option<StreamOptions>>,
        /// Requests per minute that its account may make; null: not known.
        requests_per_minute: Lenient<Patch<RequestsPerMinute>>,
        /// Tokens per minute that its account may use; null: not known.
        tokens_per_minute: Lenient<Patch<LimitedTokens>>,
    }
}

/// The preset of a vendor.
#[derive(Debug, Clone, Copy)]
struct PresetName(&'static Preset);

impl BodyText for PresetName {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        known_preset(text).map(Self)
    }
}

/// The address of a provider.
#[derive(Debug)]
struct BaseUrl(String);

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.0
    }
}

impl BodyText for BaseUrl {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        printable(text.trim(), LONGEST_ADDRESS).map(Self)
    }
}

/// A vendor's API key.
#[derive(Debug)]
pub(super) struct Credential(SecretString);

impl From<Credential> for SecretString {
    fn from(credential: Credential) -> Self {
        credential.0
    }
}

impl BodyText for Credential {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        credential(text).map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).write_only(true).into()
    }
}

impl BodyText for StreamOptions {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        stream_options(text)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

/// Checks that an address fits its preset and that the address policy allows it.
fn check_address(fields: &mut BodyFields, policy: &AddressPolicy, preset: &Preset, base_url: Option<&str>) {
    let name = preset.name;
    let (kind, message) = match address(policy, preset, base_url) {
        Ok(()) => return,
        Err(AddressFault::NotWanted) => (
            "value_error",
            format!("A provider of the preset '{name}' has no address: leave 'base_url' out."),
        ),
        Err(AddressFault::Missing(form)) => {
            let form = form.map(|form| format!(" It looks like {form}.")).unwrap_or_default();
            ("missing", format!("A provider of the preset '{name}' needs a 'base_url'.{form}"))
        }
        Err(AddressFault::Incomplete(form)) => (
            "value_error",
            format!("'base_url' is incomplete: that of the preset '{name}' looks like {form}."),
        ),
        Err(AddressFault::Placeholder(left)) => (
            "value_error",
            format!("'base_url' still has the placeholder '{left}' in it: replace it with your own."),
        ),
        Err(AddressFault::Blocked(blocked)) => {
            ("value_error", format!("'base_url' cannot be used: {blocked}."))
        }
    };
    fields.refuse("base_url", kind, message);
}

/// Checks that a credential fits its preset and can be sent.
pub(super) fn check_credential(
    fields: &mut BodyFields,
    policy: &AddressPolicy,
    (preset, base_url): (&Preset, Option<&str>),
    credential: Option<&SecretString>,
) {
    if let Err(fault) = fitting_credential(policy, preset, base_url, credential) {
        fields.refuse("credential", "value_error", format!("'credential' cannot be used: {fault}."));
    }
}

pub(super) fn parse_new(bytes: &[u8], policy: &AddressPolicy) -> Result<NewProvider> {
    let mut fields = NewProviderBody::fields(bytes)?;
    let new = read_new(&mut fields, policy);
    fields.finish(new)
}

/// Reads the fields and checks them together. `None`: a violation was added.
fn read_new(fields: &mut BodyFields, policy: &AddressPolicy) -> Option<NewProvider> {
    let body = NewProviderBody::read(fields)?;
    let base_url = body.base_url.into_valid().map(Patch::value::<String>);
    let credential = body.credential.into_valid().map(Patch::value::<SecretString>);
    let preset = body.preset.into_valid().map(|preset| preset.0);
    if let (Some(preset), Some(base_url)) = (preset, &base_url) {
        check_address(fields, policy, preset, base_url.as_deref());
    }
    if let (Some(preset), Some(base_url), Some(credential)) = (preset, &base_url, &credential) {
        check_credential(fields, policy, (preset, base_url.as_deref()), credential.as_ref());
    }
    Some(NewProvider {
        name: body.name.into_valid()?.0,
        preset: preset?.name.to_owned(),
        base_url: base_url?,
        credential: credential?,
        stream_options: body.stream_options.into_valid()?.unwrap_or_default(),
        limits: ProviderLimits {
            requests_per_minute: body.requests_per_minute.into_valid()?.value(),
            tokens_per_minute: body.tokens_per_minute.into_valid()?.value(),
        },
    })
}

pub(super) fn parse_change(
    bytes: &[u8],
    before: &ProviderRow,
    policy: &AddressPolicy,
) -> Result<ProviderChange> {
    let mut fields = ProviderChangeBody::fields(bytes)?;
    let change = read_change(&mut fields, before, policy);
    fields.finish(change)
}

/// Reads the fields and checks them together with those that stay. `None`: a violation was added.
fn read_change(
    fields: &mut BodyFields,
    before: &ProviderRow,
    policy: &AddressPolicy,
) -> Option<ProviderChange> {
    let body = ProviderChangeBody::read(fields)?;
    let to_preset = body.preset.valid().copied().flatten().map(|preset| preset.0);
    let new_preset = to_preset.or_else(|| preset(&before.preset));
    // Only what changes is checked again.
    let preset_changes = to_preset.is_some_and(|preset| preset.name != before.preset);
    if let (Some(preset), Some(base_url)) = (new_preset, body.base_url.valid())
        && (preset_changes || !matches!(base_url, Patch::Keep))
    {
        let base_url = match base_url {
            Patch::Keep => before.base_url.as_deref(),
            Patch::Clear => None,
            Patch::Set(address) => Some(address.0.as_str()),
        };
        check_address(fields, policy, preset, base_url);
    }
    let place = new_preset.map(|preset| match body.base_url.valid() {
        Some(Patch::Set(address)) => (preset, Some(address.0.as_str())),
        Some(Patch::Clear) => (preset, None),
        Some(Patch::Keep) | None => (preset, before.base_url.as_deref()),
    });
    match (place, body.credential.valid()) {
        (Some(place), Some(Patch::Set(credential))) => {
            check_credential(fields, policy, place, Some(&credential.0));
        }
        (Some(place), Some(Patch::Clear)) => check_credential(fields, policy, place, None),
        // The store refuses to keep a stored credential when the provider's address changes.
        (Some(place), Some(Patch::Keep)) if preset_changes && !before.has_credential => {
            check_credential(fields, policy, place, None);
        }
        (Some(_), Some(Patch::Keep)) | (None, _) | (_, None) => {}
    }
    Some(ProviderChange {
        seen: None,
        name: body.name.into_valid()?.map(|name| name.0),
        preset: body.preset.into_valid()?.map(|preset| preset.0.name.to_owned()),
        base_url: body.base_url.into_valid()?.into_option(),
        credential: body.credential.into_valid()?.into_option(),
        stream_options: body.stream_options.into_valid()?,
        requests_per_minute: body.requests_per_minute.into_valid()?.into_option(),
        tokens_per_minute: body.tokens_per_minute.into_valid()?.into_option(),
    })
}
