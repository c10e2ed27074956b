//! Validation of providers: preset, address and credential.

use secrecy::{ExposeSecret as _, SecretString};

use super::{ViolationReason, placeholder};
use crate::providers::aws::credential::{AccessKey, region_of};
use crate::providers::service_account::{ServiceAccount, TOKEN_SERVICE};
use crate::providers::{
    CredentialNeed, InvalidCredential, PRESETS, Preset, StreamOptions, access_key, check_credential,
    key_file, preset, service_url,
};
use crate::upstream::{AddressPolicy, Blocked};

/// The longest address, in characters.
pub const LONGEST_ADDRESS: usize = 2_048;
/// The longest credential, in bytes. No vendor's server accepts longer headers.
const LONGEST_CREDENTIAL: usize = 8_192;

/// Why an address does not fit its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressFault {
    /// Providers of this preset have no address.
    NotWanted,
    /// The preset has no default address, and none was given. Holds what it looks like, if that is known.
    Missing(Option<&'static str>),
    /// It lacks a part of what it has to look like.
    Incomplete(&'static str),
    /// It has this placeholder of an example in it.
    Placeholder(String),
    /// The address policy does not allow it.
    Blocked(Blocked),
}

/// Why a credential does not fit its provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// It is missing, unwanted or malformed.
    #[error(transparent)]
    Invalid(InvalidCredential),
    /// The address policy does not allow the token service that it names.
    #[error(transparent)]
    TokenService(Blocked),
}

/// Finds a preset by name.
///
/// # Errors
/// There is no such preset.
pub fn known_preset(name: &str) -> Result<&'static Preset, ViolationReason> {
    preset(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        ViolationReason::new("literal_error", format!("must be one of '{}'", names.join("', '")))
    })
}

/// Checks the length of a vendor's API key, without the blanks and line breaks at its ends that come along when it is copied.
///
/// # Errors
/// It is empty or too long.
pub fn credential(text: &str) -> Result<SecretString, ViolationReason> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_CREDENTIAL {
        let expected = format!(
            "must be 1 to {LONGEST_CREDENTIAL} bytes; leave it out, or send null, where there is none"
        );
        return Err(ViolationReason::new("value_error", expected));
    }
    Ok(SecretString::from(text))
}

/// Parses whether a provider accepts `stream_options`.
///
/// # Errors
/// It is none of the accepted values.
pub fn stream_options(text: &str) -> Result<StreamOptions, ViolationReason> {
    StreamOptions::parse(text).ok_or_else(|| {
        let words = StreamOptions::ALL.map(StreamOptions::as_str);
        ViolationReason::new("literal_error", format!("must be one of '{}'", words.join("', '")))
    })
}

/// Checks that an address fits its preset and that the address policy allows it.
///
/// # Errors
/// Why the address does not fit.
pub fn address(policy: &AddressPolicy, preset: &Preset, base_url: Option<&str>) -> Result<(), AddressFault> {
    if preset.credential == CredentialNeed::Never {
        return if base_url.is_some() { Err(AddressFault::NotWanted) } else { Ok(()) };
    }
    let address = base_url.or(preset.base_url).ok_or(AddressFault::Missing(preset.base_url_form))?;
    if let Some(left) = placeholder::in_address(address) {
        return Err(AddressFault::Placeholder(left.to_owned()));
    }
    // Both the address as stored and the URLs that calls derive from it must be allowed.
    policy.check(address.trim()).map_err(AddressFault::Blocked)?;
    if let Some(host) = placeholder::example_host(address) {
        return Err(AddressFault::Placeholder(host));
    }
    for (_, service) in preset.services() {
        policy.check(&service_url(preset, service, address)).map_err(AddressFault::Blocked)?;
        let within = service.model_address.map(|address| address.within).unwrap_or_default();
        if !within.iter().all(|part| address.contains(part)) {
            return Err(AddressFault::Incomplete(preset.base_url_form.unwrap_or_default()));
        }
    }
    Ok(())
}

/// Checks that a credential fits its preset and its address, and that the address policy allows the token service that it
/// names.
///
/// # Errors
/// Why the credential does not fit.
pub fn fitting_credential(
    policy: &AddressPolicy,
    preset: &Preset,
    base_url: Option<&str>,
    credential: Option<&SecretString>,
) -> Result<(), CredentialFault> {
    let credential = credential.map(|credential| credential.expose_secret());
    check_credential(preset, credential).map_err(CredentialFault::Invalid)?;
    for (_, service) in preset.services() {
        if let Some(key_file) = key_file(service, credential) {
            let account = ServiceAccount::parse(key_file).map_err(CredentialFault::Invalid)?;
            let allowed = policy.check_token_service(account.token_service(), TOKEN_SERVICE);
            allowed.map_err(CredentialFault::TokenService)?;
        }
        if let Some(access_key) = access_key(service, credential) {
            let key = AccessKey::parse(access_key).map_err(CredentialFault::Invalid)?;
            let url = base_url.and_then(|url| url::Url::parse(url.trim()).ok());
            let named = url.as_ref().and_then(|url| region_of(url.host_str()?));
            if key.region.is_none() && named.is_none() {
                return Err(CredentialFault::Invalid(InvalidCredential::Region));
            }
        }
    }
    Ok(())
}
