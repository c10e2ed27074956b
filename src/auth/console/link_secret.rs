//! The secrets of links: invitations, new passwords, the demo's console. Whoever has the link is let in, so its secret
//! is as good as a password: random, stored as a keyed hash, good once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::error::Error;
use crate::store::vault::{self, Vault};

/// An invitation works for so long.
pub const INVITATION: TimeDelta = TimeDelta::days(7);
/// A link for a new password works for so long.
pub const RESET: TimeDelta = TimeDelta::hours(24);
/// A link into the demo's console works for so long.
pub const CONSOLE: TimeDelta = TimeDelta::hours(24);

const BYTES: usize = 32;

/// A new secret, and the hash under which it is stored.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate(vault: &Vault) -> Result<(SecretString, [u8; 32]), Error> {
    let bytes = vault::random::<BYTES>().map_err(Error::internal)?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(vault, &secret);
    Ok((secret.into(), hash))
}

/// The hash of a secret that a link holds.
#[must_use]
pub fn hash(vault: &Vault, secret: &str) -> [u8; 32] {
    *vault.keyed_hasher("link secret").update(secret.as_bytes()).finalize().as_bytes()
}

/// The path of a link, such as `/invite/...`.
#[must_use]
pub fn path(page: &str, secret: &SecretString) -> String {
    format!("/{page}/{}", secret.expose_secret())
}
