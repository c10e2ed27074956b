//! Passwords: argon2id, off the request threads. The only user of argon2.

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::Error;

/// The shortest password that is taken, in characters.
pub const SHORTEST: usize = 10;
/// The longest, in bytes: longer ones only serve to keep us busy.
pub const LONGEST: usize = 1_024;

/// Why a password is not taken, in one sentence; none if it is.
#[must_use]
pub fn objection(password: &SecretString) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        return Some(format!("The password must have at least {SHORTEST} characters."));
    }
    (password.len() > LONGEST).then(|| format!("The password must have at most {LONGEST} bytes."))
}

/// Hashes a password.
///
/// # Errors
/// The hash could not be made.
pub async fn hash(password: SecretString) -> Result<String, Error> {
    off_thread(move || {
        let hashed = Argon2::default().hash_password(password.expose_secret().as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await
}

/// Does the password belong to the hash?
///
/// # Errors
/// The hash is damaged.
pub async fn verify(password: SecretString, hash: String) -> Result<bool, Error> {
    off_thread(move || {
        let hash = PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
    })
    .await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse".into()).await.expect("a hash");
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse".into(), hashed.clone()).await.expect("verified"));
        assert!(!verify("battery staple".into(), hashed).await.expect("verified"));
    }
}
