//! Secrets at rest, encrypted with XChaCha20-Poly1305 under the operator's master key.
//!
//! A sealed value is bound to its organization, row, field and key version, so it cannot be decrypted anywhere else. The
//! pepper of the API keys and the session-signing key are random, created once and sealed, so a new master key changes
//! neither. A check value detects a wrong master key at the start.

mod master_key;
mod rotate;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use entity::instance_secrets;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::domain::clock::Clock;
use crate::store::database::connections::Connections;
pub use rotate::rotate;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key is not 32 bytes in base64.
    #[error("the master key {origin} is not 32 bytes in base64; make one with: openssl rand -base64 32")]
    Malformed {
        /// The source of the key: `in FAILSOFT_MASTER_KEY` or the file.
        origin: String,
    },
    /// The secrets of this database were sealed with another key.
    #[error(
        "the master key is not the one that sealed this database: set FAILSOFT_MASTER_KEY (or the key file) to the key in use, or restore it from your backup"
    )]
    Wrong,
    /// The key file cannot be read or created.
    #[error("cannot read or make the master key file {path}: {source}")]
    File {
        /// The path of the file.
        path: std::path::PathBuf,
        /// The cause of the failure.
        source: std::io::Error,
    },
    /// A key is required and missing.
    #[error(
        "FAILSOFT_MASTER_KEY is required with PostgreSQL: 32 random bytes in base64 (make one with: openssl rand -base64 32)"
    )]
    Missing,
    /// A sealed value was damaged or moved.
    #[error("a sealed value does not open: it was damaged, or copied from elsewhere")]
    Damaged,
    /// The operating system returned no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(String),
    /// The secrets cannot be read from the database.
    #[error("cannot read the sealed secrets: {0}")]
    Database(#[from] sea_orm::DbErr),
}

/// The place of a sealed value, which is authenticated with it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The organization; nil for secrets of the installation.
    pub organization: Uuid,
    /// The row; nil for secrets of the installation.
    pub row: Uuid,
    /// The name of the field.
    pub field: &'a str,
}

impl<'a> Place<'a> {
    fn instance(field: &'a str) -> Self {
        Self { organization: Uuid::nil(), row: Uuid::nil(), field }
    }

    fn associated_data(&self, version: u32) -> Vec<u8> {
        let mut data = Vec::with_capacity(64);
        data.extend_from_slice(self.organization.as_bytes());
        data.extend_from_slice(self.row.as_bytes());
        data.extend_from_slice(&version.to_be_bytes());
        data.extend_from_slice(self.field.as_bytes());
        data
    }
}

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 1 + 4 + NONCE_BYTES;

/// Seals and opens values with one master key.
pub(super) struct Sealer {
    cipher: XChaCha20Poly1305,
    version: u32,
}

impl Sealer {
    fn new(key: &[u8; 32], version: u32) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()), version }
    }

    /// Returns format, key version, nonce and ciphertext.
    fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let data = place.associated_data(self.version);
        let payload = Payload { msg: plain, aad: &data };
        let cipher = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Damaged)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + cipher.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.version.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher);
        Ok(sealed)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (header, cipher) = sealed.split_at_checked(HEADER_BYTES).ok_or(VaultError::Damaged)?;
        let version = version_of(header)?;
        let nonce: [u8; NONCE_BYTES] =
            header.get(5..).and_then(|nonce| nonce.try_into().ok()).ok_or(VaultError::Damaged)?;
        let data = place.associated_data(version);
        let payload = Payload { msg: cipher, aad: &data };
        let plain = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Damaged)?;
        Ok(Zeroizing::new(plain))
    }
}

fn version_of(sealed: &[u8]) -> Result<u32, VaultError> {
    match sealed {
        [FORMAT, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(VaultError::Damaged),
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(bytes)
}

/// The decrypted secrets of this installation.
pub struct Vault {
    sealer: Sealer,
    pepper: Zeroizing<[u8; 32]>,
    signing_key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Vault(key version {})", self.sealer.version)
    }
}

impl Vault {
    /// Encrypts a text for one place in the database.
    ///
    /// # Errors
    /// The operating system returns no random bytes.
    pub fn seal(&self, place: Place<'_>, plain: &SecretString) -> Result<Vec<u8>, VaultError> {
        self.sealer.seal(place, plain.expose_secret().as_bytes())
    }

    /// Decrypts a text that was sealed for this place.
    ///
    /// # Errors
    /// [`VaultError::Damaged`]: the value is damaged or was sealed for another place.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretString, VaultError> {
        let plain = self.sealer.open(place, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Damaged)?;
        Ok(text.into())
    }

    /// The keyed hash of an API key, which is stored and looked up.
    #[must_use]
    pub fn key_hash(&self, key: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.pepper, key.as_bytes()).as_bytes()
    }

    /// A keyed hasher for a purpose, independent of those for other purposes.
    #[must_use]
    pub fn keyed_hasher(&self, purpose: &str) -> blake3::Hasher {
        let key = blake3::keyed_hash(&self.pepper, purpose.as_bytes());
        blake3::Hasher::new_keyed(key.as_bytes())
    }

    /// The key that signs sessions.
    #[must_use]
    pub fn signing_key(&self) -> &[u8; 32] {
        &self.signing_key
    }

    /// A short public id of this installation, the same in all processes.
    #[must_use]
    pub fn instance_name(&self) -> String {
        let hash = self.keyed_hasher("instance name").finalize();
        hash.to_hex().chars().take(16).collect()
    }
}

const CHECK: &str = "check";
const CHECK_TEXT: &[u8] = b"failsoft";
const PEPPER: &str = "api_key_pepper";
const SIGNING_KEY: &str = "session_signing_key";

/// Checks that the master key is readable and has the form of a key, without a database.
///
/// # Errors
/// [`VaultError`]: it is malformed, missing or unreadable.
pub fn check_master_key(settings: &Settings) -> Result<(), VaultError> {
    master_key::check_form(settings)
}

/// Reads the secrets of the installation, or creates them at the first start.
pub(super) async fn open(
    writer: &Connections,
    settings: &Settings,
    clock: &Clock,
) -> Result<Vault, VaultError> {
    let stored = instance_secrets::Entity::find_by_id(CHECK.to_owned()).one(writer).await?;
    let key = master_key::load(settings, stored.is_none())?;
    let version = stored.as_ref().map_or(Ok(1), |row| version_of(&row.sealed))?;
    let mut sealer = Sealer::new(&key, version);
    if let (Some(check), Some(new)) = (&stored, master_key::load_staged(settings)) {
        let staged = Sealer::new(&new, version);
        if staged.open(Place::instance(CHECK), &check.sealed).is_ok() {
            // A rotation was interrupted between the commit and the replacement of the file.
            master_key::promote(&master_key::path(settings))?;
            sealer = staged;
        }
    }
    // The check value is written first, with "do nothing on conflict": if two processes start at the same time, the
    // second reads what the first wrote.
    let check = secret(writer, &sealer, clock, CHECK, CHECK_TEXT).await.map_err(|error| match error {
        VaultError::Damaged => VaultError::Wrong,
        error => error,
    })?;
    if check.as_slice() != CHECK_TEXT {
        return Err(VaultError::Wrong);
    }
    let pepper = secret(writer, &sealer, clock, PEPPER, &random::<32>()?).await?;
    let signing_key = secret(writer, &sealer, clock, SIGNING_KEY, &random::<32>()?).await?;
    let fixed = |bytes: &[u8]| -> Result<Zeroizing<[u8; 32]>, VaultError> {
        Ok(Zeroizing::new(bytes.try_into().map_err(|_| VaultError::Damaged)?))
    };
    Ok(Vault { pepper: fixed(&pepper)?, signing_key: fixed(&signing_key)?, sealer })
}

/// Reads the secret of that name, or stores `fresh` if there is none.
async fn secret(
    writer: &Connections,
    sealer: &Sealer,
    clock: &Clock,
    name: &'static str,
    fresh: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let find = || instance_secrets::Entity::find_by_id(name.to_owned()).one(writer);
    let row = match find().await? {
        Some(row) => row,
        None => {
            let now = clock.now();
            instance_secrets::Entity::insert(instance_secrets::ActiveModel {
                name: Set(name.to_owned()),
                sealed: Set(sealer.seal(Place::instance(name), fresh)?),
                created_at: Set(now),
                updated_at: Set(now),
            })
            .on_conflict(OnConflict::column(instance_secrets::Column::Name).do_nothing().to_owned())
            .exec_without_returning(writer)
            .await?;
            find().await?.ok_or(VaultError::Damaged)?
        }
    };
    sealer.open(Place::instance(name), &row.sealed)
}

fn decode_key(text: &str, origin: &str) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let malformed = || VaultError::Malformed { origin: origin.to_owned() };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed())?;
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(row: u128) -> Place<'static> {
        Place { organization: Uuid::from_u128(1), row: Uuid::from_u128(row), field: "credential" }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_under_its_key() {
        let sealer = Sealer::new(&[7; 32], 1);
        let sealed = sealer.seal(place(1), b"sk-secret").expect("sealed");
        assert_eq!(sealer.open(place(1), &sealed).expect("opened").as_slice(), b"sk-secret");
        assert!(sealer.open(place(2), &sealed).is_err());
        assert!(Sealer::new(&[8; 32], 1).open(place(1), &sealed).is_err());
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let sealer = Sealer::new(&[7; 32], 1);
        let sealed = sealer.seal(place(1), b"sk-secret").expect("sealed");
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(sealer.open(place(1), &damaged).is_err(), "byte {index}");
            assert!(sealer.open(place(1), &sealed[..index]).is_err(), "cut at {index}");
        }
    }
}
