//! The key file of a service account of Google Cloud, and the signed request for an access token.
//!
//! An application signs with the account's key that it wants a token (RFC 7523), and Google answers with one that lasts an
//! hour.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::presets::InvalidCredential;

/// Google's own token service.
pub const TOKEN_SERVICE: &str = "https://oauth2.googleapis.com/token";

/// What the tokens are for: all APIs of Google Cloud that the account may use.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long a signed request is valid, in seconds; Google allows no more.
const VALID: i64 = 3_600;
/// The labels of RSA keys in PEM, with whether the key is in PKCS #8.
const LABELS: [(&str, bool); 2] = [("PRIVATE KEY", true), ("RSA PRIVATE KEY", false)];
/// The object identifier of RSA in DER.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The tags of DER that a key in PKCS #8 has.
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// A service account with its key.
#[derive(PartialEq, Eq)]
pub struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    token_service: String,
    /// The key in PKCS #1.
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

/// The fields of a key file that are read.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    token_uri: Option<String>,
}

/// What a signed request for a token says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Whether a credential is a key file rather than a token.
#[must_use]
pub fn is_key_file(credential: &str) -> bool {
    credential.trim_start().starts_with('{')
}

/// The part of a credential that must not be shown: of a key file its key, without line breaks; otherwise all of it.
#[must_use]
pub fn secret_part(credential: &str) -> Zeroizing<String> {
    let key = read(credential).and_then(|file| file.private_key.map(Zeroizing::new));
    let lines = key.as_ref().and_then(|key| lines(key)).map(|(lines, _)| lines);
    lines.unwrap_or_else(|| credential.to_owned().into())
}

/// The text that a credential is recognized by: of a key file the id of its key, otherwise the credential itself.
#[must_use]
pub fn recognized_by(credential: &str) -> Cow<'_, str> {
    match read(credential).and_then(|file| file.private_key_id) {
        Some(id) => Cow::Owned(id),
        None => Cow::Borrowed(credential),
    }
}

impl ServiceAccount {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`InvalidCredential`] names what is missing or wrong, and never repeats it.
    pub fn parse(credential: &str) -> Result<Self, InvalidCredential> {
        let file = read(credential).ok_or(InvalidCredential::KeyFile)?;
        if file.kind.as_deref() != Some("service_account") {
            return Err(InvalidCredential::KeyFileType);
        }
        let email = file.client_email.filter(|email| !email.is_empty());
        let email = email.ok_or(InvalidCredential::ClientEmail)?;
        let key = file.private_key.map(Zeroizing::new).ok_or(InvalidCredential::PrivateKey)?;
        let key = der(&key).ok_or(InvalidCredential::PrivateKey)?;
        let token_service = file.token_uri.unwrap_or_else(|| TOKEN_SERVICE.to_owned());
        Ok(Self { email, key_id: file.private_key_id, token_service, key })
    }

    /// Reads a key file and tries its key, which takes a millisecond.
    ///
    /// # Errors
    /// As [`ServiceAccount::parse`]; the key does not sign.
    pub fn checked(credential: &str) -> Result<Self, InvalidCredential> {
        let account = Self::parse(credential)?;
        account.request(0).map(|_| account)
    }

    /// The address of the service that makes tokens of it.
    #[must_use]
    pub fn token_service(&self) -> &str {
        &self.token_service
    }

    /// The signed request for a token, at this time in Unix seconds.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn request(&self, now: i64) -> Result<Zeroizing<String>, InvalidCredential> {
        let header = Header { kid: self.key_id.clone(), ..Header::new(Algorithm::RS256) };
        let claims =
            Claims { iss: &self.email, scope: SCOPE, aud: &self.token_service, iat: now, exp: now + VALID };
        let signed = encode(&header, &claims, &EncodingKey::from_rsa_der(&self.key));
        signed.map(Zeroizing::new).map_err(|_| InvalidCredential::PrivateKey)
    }
}

fn read(credential: &str) -> Option<KeyFile> {
    is_key_file(credential).then(|| serde_json::from_str(credential).ok()).flatten()
}

/// The base64 of a key in PEM without line breaks, and whether it is in PKCS #8.
fn lines(pem: &str) -> Option<(Zeroizing<String>, bool)> {
    let pem = pem.trim();
    LABELS.into_iter().find_map(|(label, wrapped)| {
        let text = pem.strip_prefix(&format!("-----BEGIN {label}-----"))?;
        let text = text.strip_suffix(&format!("-----END {label}-----"))?;
        Some((Zeroizing::new(text.split_ascii_whitespace().collect()), wrapped))
    })
}

/// The RSA key of a PEM, in PKCS #1.
fn der(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (lines, wrapped) = lines(pem)?;
    let der = Zeroizing::new(STANDARD.decode(&*lines).ok()?);
    if !wrapped {
        return Some(der);
    }
    // A version, the algorithm, and the key itself as octets.
    let (info, _) = value(SEQUENCE, &der)?;
    let (_, rest) = value(INTEGER, info)?;
    let (algorithm, rest) = value(SEQUENCE, rest)?;
    let (key, _) = value(OCTETS, rest)?;
    (value(OBJECT, algorithm)?.0 == RSA).then(|| key.to_vec().into())
}

/// The content of the value of this tag that a DER begins with, and what follows it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length).filter(|_| *found == tag)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::{Value, json};

    use super::*;

    /// Made for the tests, and used nowhere else.
    const KEY: &str = include_str!("../../tests/api/support/service_account/key.pem");
    const PUBLIC: &str = include_str!("../../tests/api/support/service_account/public.pem");

    fn file() -> Value {
        json!({
            "type": "service_account", "project_id": "p", "private_key_id": "0123456789abcdef", "private_key": KEY,
            "client_email": "gateway@p.iam.gserviceaccount.com", "token_uri": TOKEN_SERVICE,
        })
    }

    fn public() -> DecodingKey {
        let lines: String = PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines).expect("base64");
        DecodingKey::from_rsa_der(&der)
    }

    #[test]
    fn a_request_is_signed_by_the_account() {
        let account = ServiceAccount::checked(&file().to_string()).expect("an account");
        let signed = account.request(1_700_000_000).expect("a request");
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[TOKEN_SERVICE]);
        rules.validate_exp = false;
        let read = decode::<Value>(signed.as_bytes(), &public(), &rules).expect("a valid signature");
        assert_eq!(read.header.kid.as_deref(), Some("0123456789abcdef"));
        assert_eq!(
            read.claims,
            json!({
                "iss": "gateway@p.iam.gserviceaccount.com", "scope": SCOPE, "aud": TOKEN_SERVICE,
                "iat": 1_700_000_000, "exp": 1_700_003_600,
            })
        );
        assert!(!format!("{account:?}").contains("key"), "{account:?}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named_without_its_content() {
        let changed = |name: &str, value: Value| {
            let mut file = file();
            file[name] = value;
            file.to_string()
        };
        let cut = KEY.replace("MII", "MIJ");
        let other = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE KEY-----\n";
        for (text, fault) in [
            ("{".to_owned(), InvalidCredential::KeyFile),
            ("{}".to_owned(), InvalidCredential::KeyFileType),
            (changed("private_key", json!(7)), InvalidCredential::KeyFile),
            (changed("type", json!("authorized_user")), InvalidCredential::KeyFileType),
            (changed("client_email", Value::Null), InvalidCredential::ClientEmail),
            (changed("client_email", json!("")), InvalidCredential::ClientEmail),
            (changed("private_key", Value::Null), InvalidCredential::PrivateKey),
            (changed("private_key", json!("secret")), InvalidCredential::PrivateKey),
            (changed("private_key", json!(cut)), InvalidCredential::PrivateKey),
            (changed("private_key", json!(other)), InvalidCredential::PrivateKey),
            (changed("private_key", json!(PUBLIC)), InvalidCredential::PrivateKey),
        ] {
            let found = ServiceAccount::checked(&text).expect_err(&text);
            assert_eq!(found, fault, "{text}");
            assert!(!found.to_string().contains("MII"), "{found}");
        }
    }

    #[test]
    fn the_secret_of_a_file_is_its_key_in_one_line() {
        let secret = secret_part(&file().to_string());
        let lines: Vec<&str> = KEY.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(*secret, lines.concat());
        assert_eq!(*secret_part("ya29.token"), "ya29.token");
        assert_eq!(*secret_part("{broken"), "{broken");
        assert_eq!(recognized_by(&file().to_string()), "0123456789abcdef");
        assert_eq!(recognized_by("ya29.token"), "ya29.token");
    }
}
