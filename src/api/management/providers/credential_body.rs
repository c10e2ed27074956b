//! The bodies that create and change a credential of a provider. It must fit the provider's preset and address.

use secrecy::SecretString;

use super::body::{Credential, check_credential};
use crate::api::body::values::{Name, Small};
use crate::api::body::{Body as _, BodyFields, Lenient, body};
use crate::domain::error::Result;
use crate::providers::preset;
use crate::store::{CredentialChange, NewCredential, ProviderRow};
use crate::upstream::AddressPolicy;
use crate::validation::bounds::{CREDENTIAL_TIER, CREDENTIAL_WEIGHT};

body! {
    /// A credential to add to a provider.
    pub struct NewCredentialBody ignores ["id", "provider_id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"] {
        /// 1 to 100 printable characters, unique among the provider's credentials.
        name: Lenient<Name>,
        /// The secret, as for a provider. It is stored encrypted and never returned.
        credential: Lenient<Credential>,
        /// Its share of the calls, beside the provider's credentials of the same tier. Default: 1.
        weight: Lenient<Option<Weight>>,
        /// Credentials of a later tier are used while those of the earlier ones are away. Default: 0.
        tier: Lenient<Option<Tier>>,
    }
}

body! {
    /// A change of a credential. Absent fields stay as they are.
    pub struct CredentialChangeBody ignores ["id", "provider_id", "credential_hint", "health", "health_message", "health_at", "created_at", "updated_at"] {
        /// The new name of the credential.
        name: Lenient<Option<Name>>,
        /// The secret in place of the stored one.
        credential: Lenient<Option<Credential>>,
        /// Its share of the calls.
        weight: Lenient<Option<Weight>>,
        /// The tier of the credential.
        tier: Lenient<Option<Tier>>,
    }
}

type Weight = Small<{ *CREDENTIAL_WEIGHT.start() }, { *CREDENTIAL_WEIGHT.end() }>;
type Tier = Small<{ *CREDENTIAL_TIER.start() }, { *CREDENTIAL_TIER.end() }>;

pub(super) fn parse_new(
    bytes: &[u8],
    provider: &ProviderRow,
    policy: &AddressPolicy,
) -> Result<NewCredential> {
    let mut fields = NewCredentialBody::fields(bytes)?;
    let new = read_new(&mut fields, provider, policy);
    fields.finish(new)
}

/// Reads the fields. `None`: a violation was added.
fn read_new(
    fields: &mut BodyFields,
    provider: &ProviderRow,
    policy: &AddressPolicy,
) -> Option<NewCredential> {
    let body = NewCredentialBody::read(fields)?;
    let credential = body.credential.into_valid().map(SecretString::from);
    if let Some(credential) = &credential {
        check(fields, provider, policy, credential);
    }
    Some(NewCredential {
        name: body.name.into_valid()?.0,
        weight: body.weight.into_valid()?.map_or(1, i32::from),
        tier: body.tier.into_valid()?.map_or(0, i32::from),
        credential: credential?,
    })
}

pub(super) fn parse_change(
    bytes: &[u8],
    provider: &ProviderRow,
    policy: &AddressPolicy,
) -> Result<CredentialChange> {
    let mut fields = CredentialChangeBody::fields(bytes)?;
    let change = read_change(&mut fields, provider, policy);
    fields.finish(change)
}

/// Reads the fields. `None`: a violation was added.
fn read_change(
    fields: &mut BodyFields,
    provider: &ProviderRow,
    policy: &AddressPolicy,
) -> Option<CredentialChange> {
    let body = CredentialChangeBody::read(fields)?;
    let credential = body.credential.into_valid().map(|given| given.map(SecretString::from));
    if let Some(Some(credential)) = &credential {
        check(fields, provider, policy, credential);
    }
    Some(CredentialChange {
        name: body.name.into_valid()?.map(|name| name.0),
        weight: body.weight.into_valid()?.map(i32::from),
        tier: body.tier.into_valid()?.map(i32::from),
        credential: credential?,
        seen: None,
    })
}

/// Checks that a credential fits its provider. One of a newer release fits by itself.
fn check(fields: &mut BodyFields, provider: &ProviderRow, policy: &AddressPolicy, credential: &SecretString) {
    if let Some(preset) = preset(&provider.preset) {
        check_credential(fields, policy, (preset, provider.base_url.as_deref()), Some(credential));
    }
}
