//! The signature of a request to AWS (Signature Version 4), which proves that its sender has a secret, covers the bytes of the
//! body, and is valid for five minutes.
//!
//! What is signed is a canonical form of the request: its method, path, query, some headers and the hash of the body. The key is
//! made of the secret, the day, the region and the service.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::credential::AccessKey;
use crate::providers::calls::sensitive;
use crate::providers::presets::InvalidCredential;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of the scope.
const TERMINATION: &str = "aws4_request";
/// The header with the time.
const DATE: &str = "x-amz-date";
/// The header with the token of a temporary key.
const TOKEN: &str = "x-amz-security-token";
/// The digits of an escape in an address.
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// What a signature is valid for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The region of the endpoint, such as `us-east-1`.
    pub region: &'a str,
    /// AWS's name of the service that checks it, such as `bedrock`.
    pub service: &'a str,
}

/// What of a request is signed besides the time.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// The address, as it is sent.
    pub url: &'a Url,
    /// The value of `Content-Type`, if it is sent.
    pub content_type: Option<&'a str>,
    /// The pieces of the body, as they are sent.
    pub body: &'a [Bytes],
}

/// The headers that sign a request at this time.
///
/// # Errors
/// A header cannot carry what the key holds.
pub fn sign(
    key: &AccessKey,
    scope: Scope<'_>,
    now: DateTime<Utc>,
    request: &Request<'_>,
) -> Result<HeaderMap, InvalidCredential> {
    let time = now.format("%Y%m%dT%H%M%SZ").to_string();
    let day = time.get(..8).unwrap_or_default();
    let token = key.session_token.as_deref().map(String::as_str);
    let (canonical, names) = canonical(request, &time, token);
    let credential_scope = [day, scope.region, scope.service, TERMINATION].join("/");
    let to_sign = [ALGORITHM, &time, &credential_scope, &hex(&Sha256::digest(canonical))].join("\n");
    let signature = hex(&keyed(&signing_key(&key.secret, day, scope)?, &to_sign)?);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{credential_scope}, SignedHeaders={names}, Signature={signature}",
        *key.id
    );
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(
        HeaderName::from_static(DATE),
        HeaderValue::try_from(time).map_err(|_| InvalidCredential::Characters)?,
    );
    if let Some(token) = token {
        headers.insert(HeaderName::from_static(TOKEN), sensitive(token.to_owned())?);
    }
    headers.insert(AUTHORIZATION, sensitive(authorization)?);
    Ok(headers)
}

/// The canonical form of a request, and the names of the headers in it.
fn canonical(request: &Request<'_>, time: &str, token: Option<&str>) -> (String, String) {
    let Request { method, url, content_type, body } = *request;
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    // In the order of their names.
    let headers =
        [("content-type", content_type), ("host", Some(host.as_str())), (DATE, Some(time)), (TOKEN, token)];
    let headers: Vec<(&str, &str)> =
        headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers.iter().flat_map(|(name, value)| [*name, ":", value.trim(), "\n"]).collect();
    let hash = body.iter().fold(Sha256::new(), |hash, piece| hash.chain_update(piece)).finalize();
    // The path is encoded once more than it is sent.
    let path = encoded(url.path(), "/");
    let canonical = [method, &path, &query(url), &lines, &names, &hex(&hash)].join("\n");
    (canonical, names)
}

/// The parts of the query in their order, encoded once.
fn query(url: &Url) -> String {
    let parts = url.query().unwrap_or_default().split('&').filter(|part| !part.is_empty());
    let mut parts: Vec<(String, String)> = parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (encoded(name, "%"), encoded(value, "%")))
        .collect();
    parts.sort_unstable();
    let parts: Vec<String> = parts.into_iter().map(|(name, value)| [&name, "=", &value].concat()).collect();
    parts.join("&")
}

/// A text in which everything is encoded but letters, digits, `-`, `.`, `_`, `~` and what is `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let letter = char::from(byte);
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || kept.contains(letter)
        {
            out.push(letter);
        } else {
            let digit = |digit: u8| DIGITS.get(usize::from(digit)).copied().map_or('0', char::from);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// The key that requests of a day are signed with.
fn signing_key(secret: &str, day: &str, scope: Scope<'_>) -> Result<Zeroizing<Vec<u8>>, InvalidCredential> {
    let first = Zeroizing::new(["AWS4", secret].concat().into_bytes());
    let parts = [day, scope.region, scope.service, TERMINATION];
    parts.into_iter().try_fold(first, |key, part| keyed(&key, part))
}

fn keyed(key: &[u8], text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidCredential> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).map_err(|_| InvalidCredential::SecretAccessKey)?;
    code.update(text.as_bytes());
    Ok(code.finalize().into_bytes().to_vec().into())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |digit: u8| {
        DIGITS.get(usize::from(digit)).map_or('0', |digit| char::from(digit.to_ascii_lowercase()))
    };
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    const OF_THE_SUITE: Scope<'static> = Scope { region: "us-east-1", service: "service" };

    fn key(session_token: Option<&str>) -> AccessKey {
        AccessKey {
            id: ID.to_owned().into(),
            secret: SECRET.to_owned().into(),
            session_token: session_token.map(|token| token.to_owned().into()),
            region: None,
        }
    }

    /// The headers of a request at the time of AWS's own examples.
    fn signed(key: &AccessKey, scope: Scope<'_>, request: &Request<'_>) -> HeaderMap {
        let now = DateTime::from_timestamp(1_440_938_160, 0).expect("a time");
        sign(key, scope, now, request).expect("a signature")
    }

    /// The vectors that AWS publishes: get-vanilla, get-vanilla-query-order-key-case, post-vanilla,
    /// post-x-www-form-urlencoded and post-sts-header-before.
    #[test]
    fn the_published_vectors_are_signed() {
        let form = "application/x-www-form-urlencoded";
        for (method, query, content_type, body, token, names, signature) in [
            (
                "GET",
                "",
                None,
                "",
                None,
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "GET",
                "?Param2=value2&Param1=value1",
                None,
                "",
                None,
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "",
                None,
                "",
                None,
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "POST",
                "",
                Some(form),
                "Param1=value1",
                None,
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "POST",
                "",
                None,
                "",
                Some(SESSION),
                "host;x-amz-date;x-amz-security-token",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
        ] {
            let url = Url::parse(&format!("https://example.amazonaws.com/{query}")).expect("an address");
            let body = [Bytes::copy_from_slice(body.as_bytes())];
            let request = Request { method, url: &url, content_type, body: &body };
            let headers = signed(&key(token), OF_THE_SUITE, &request);
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(headers[AUTHORIZATION], expected);
            assert_eq!(headers["x-amz-date"], "20150830T123600Z");
            assert_eq!(
                headers.get("x-amz-security-token").map(HeaderValue::as_bytes),
                token.map(str::as_bytes)
            );
            assert!(headers[AUTHORIZATION].is_sensitive());
        }
    }

    /// As botocore signs it: the colon in the name of the model is encoded in the address, and once more in what is signed.
    #[test]
    fn a_call_of_a_model_is_signed_like_botocore_does() {
        let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse";
        let url = Url::parse(url).expect("an address");
        let scope = Scope { region: "us-east-1", service: "bedrock" };
        let whole = [Bytes::from_static(br#"{"messages":[]}"#)];
        let pieces = [r#"{"mess"#, "", r#"ages":[]}"#].map(|piece| Bytes::from_static(piece.as_bytes()));
        for body in [&whole[..], &pieces[..]] {
            let request = Request { method: "POST", url: &url, content_type: Some("application/json"), body };
            let headers = signed(&key(None), scope, &request);
            let signature = "dba7f2f77cc33808be655f27b8ebf1d1b1d77751fc96dad0bd71e020cb07c442";
            assert!(headers[AUTHORIZATION].to_str().expect("ASCII").ends_with(signature), "{headers:?}");
        }
    }

    #[test]
    fn a_port_of_its_own_is_signed() {
        let url = Url::parse("http://127.0.0.1:8080/a b:%2F?x=%20:&y").expect("an address");
        let request = Request { method: "POST", url: &url, content_type: None, body: &[] };
        let (canonical, _) = canonical(&request, "T", None);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            canonical,
            format!(
                "POST\n/a%2520b%3A%252F\nx=%20%3A&y=\nhost:127.0.0.1:8080\nx-amz-date:T\n\nhost;x-amz-date\n{empty}"
            )
        );
    }
}
