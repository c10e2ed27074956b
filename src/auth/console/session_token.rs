//! Signs and verifies the token in the session cookie, which only names a session row.

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::error::Error;

const ISSUER: &str = "failsoft";
const AUDIENCE: &str = "console";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Id of the user.
    sub: Uuid,
    /// Id of the session.
    jti: Uuid,
    /// Issued at, in Unix seconds.
    iat: i64,
    /// Expires at, in Unix seconds.
    exp: i64,
}

/// Signs a token for a session.
///
/// # Errors
/// Signing failed.
pub fn sign(
    key: &[u8; 32],
    (user_id, session_id): (UserId, SessionId),
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<String, Error> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user_id.0,
        jti: session_id.0,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).map_err(Error::internal)
}

/// The ids in a valid, unexpired token. The caller must check that the session still exists.
#[must_use]
pub fn read(key: &[u8; 32], token: &str, now: DateTime<Utc>) -> Option<(UserId, SessionId)> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // The library would use the system clock; the expiry is checked below.
    rules.validate_exp = false;
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(key), &rules).ok()?.claims;
    let lasts = claims.exp > now.timestamp();
    lasts.then_some((UserId(claims.sub), SessionId(claims.jti)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::TimeDelta;

    const KEY: [u8; 32] = [7; 32];

    fn of() -> (UserId, SessionId) {
        (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)))
    }

    fn signed_by_hand(header: &str, claims: &serde_json::Value) -> String {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let unsigned = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
        let signature = jsonwebtoken::crypto::sign(
            unsigned.as_bytes(),
            &EncodingKey::from_secret(&KEY),
            Algorithm::HS256,
        );
        format!("{unsigned}.{}", signature.expect("a signature"))
    }

    #[test]
    fn a_token_is_valid_until_it_expires() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let end = now + TimeDelta::days(7);
        let token = sign(&KEY, of(), now, end).expect("a token");
        assert_eq!(read(&KEY, &token, end - TimeDelta::seconds(1)), Some(of()));
        assert_eq!(read(&KEY, &token, end), None);
        assert_eq!(read(&[8; 32], &token, now), None);
        for cut in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[cut] = if changed[cut] == b'A' { b'E' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(read(&KEY, &changed, now), None, "character {cut}");
        }
    }

    #[test]
    fn tokens_with_another_algorithm_issuer_or_audience_are_refused() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (user, session) = of();
        let claims = |iss: &str, aud: &str| {
            serde_json::json!({"iss": iss, "aud": aud, "sub": user, "jti": session,
                "iat": now.timestamp(), "exp": now.timestamp() + 60})
        };
        let plain = r#"{"alg":"HS256","typ":"JWT"}"#;
        assert_eq!(read(&KEY, &signed_by_hand(plain, &claims(ISSUER, AUDIENCE)), now), Some(of()));
        assert_eq!(read(&KEY, &signed_by_hand(plain, &claims("other", AUDIENCE)), now), None);
        assert_eq!(read(&KEY, &signed_by_hand(plain, &claims(ISSUER, "api")), now), None);
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS384"}"#, r#"{"alg":"RS256"}"#] {
            assert_eq!(read(&KEY, &signed_by_hand(header, &claims(ISSUER, AUDIENCE)), now), None, "{header}");
        }
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            URL_SAFE_NO_PAD.encode(claims(ISSUER, AUDIENCE).to_string())
        );
        assert_eq!(read(&KEY, &unsigned, now), None);
    }
}
