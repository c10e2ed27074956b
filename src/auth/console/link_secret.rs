//! Secrets of one-time links: invitations, password resets, demo logins. A secret is as powerful as a password: random,
//! stored as a keyed hash, valid once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::error::Error;
use crate::store::vault::{self, Vault};

/// How long an invitation is valid.
pub const INVITATION: TimeDelta = TimeDelta::days(7);
/// How long a password reset link is valid.
pub const RESET: TimeDelta = TimeDelta::hours(24);
/// How long a demo login link is valid.
pub const CONSOLE: TimeDelta = TimeDelta::hours(24);

const BYTES: usize = 32;

/// Generates a secret and its stored hash.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate(vault: &Vault) -> Result<(SecretString, [u8; 32]), Error> {
    let bytes = vault::random::<BYTES>().map_err(Error::internal)?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(vault, &secret);
    Ok((secret.into(), hash))
}

/// The stored hash of a secret.
#[must_use]
pub fn hash(vault: &Vault, secret: &str) -> [u8; 32] {
    *vault.keyed_hasher("link secret").update(secret.as_bytes()).finalize().as_bytes()
}

/// The path of a link, such as `/invite/...`.
#[must_use]
pub fn path(page: &str, secret: &SecretString) -> String {
    format!("/{page}/{}", secret.expose_secret())
}
