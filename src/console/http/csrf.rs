//! CSRF protection: verifies that a form was sent from one of our pages, by the browser it was rendered for.
//!
//! Two independent checks: the origin headers of the browser, and a token in the page that belongs to the session, or
//! to the anonymous visitor's cookie before login.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::ids::SessionId;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::config::Settings;
use crate::domain::error::{Error, Result, VisitFault};
use crate::store::vault::{self, Vault};

/// Name of the form field that holds the token.
pub const FIELD: &str = "form_token";

/// Checks that the request comes from our origin. Clients that are not browsers send no origin and pass: they carry no
/// one else's cookies.
///
/// # Errors
/// [`VisitFault::ForeignOrigin`].
pub fn check_origin(settings: &Settings, request: &HttpRequest) -> Result<()> {
    if comes_from_us(settings, request.headers()) {
        return Ok(());
    }
    Err(Error::Visit(VisitFault::ForeignOrigin))
}

fn comes_from_us(settings: &Settings, headers: &HeaderMap) -> bool {
    // Pages cannot forge this header, and it covers scheme and port.
    if let Some(site) = headers.get("sec-fetch-site") {
        return ["same-origin", "none"].iter().any(|own| site.as_bytes() == own.as_bytes());
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let own = match &settings.server.public_url {
        Some(url) => url.origin().ascii_serialization(),
        None => match headers.get(HOST).and_then(|host| host.to_str().ok()) {
            Some(host) => format!("http://{host}"),
            None => return false,
        },
    };
    origin.as_bytes().eq_ignore_ascii_case(own.as_bytes())
}

/// Token of forms for a signed-in person, masked differently every time.
#[must_use]
pub fn token_of_session(vault: &Vault, session_id: SessionId) -> String {
    masked(&mac(vault, "form of a session", session_id.0.as_bytes()))
}

/// Token of forms for an anonymous visitor, derived from the secret in their cookie.
#[must_use]
pub fn token_of_anonymous(vault: &Vault, anonymous: &[u8]) -> String {
    masked(&mac(vault, "form of a guest", anonymous))
}

/// Id of the resource that a form will create, signed for the session: submitting the form twice creates one resource,
/// and clients cannot choose the id.
#[must_use]
pub fn once_of_session(vault: &Vault, session_id: SessionId, id: Uuid) -> String {
    format!("{id}.{}", mac(vault, &format!("once in session {session_id}"), id.as_bytes()))
}

/// Verifies such an id.
///
/// # Errors
/// [`VisitFault::FormStale`].
pub fn check_once(vault: &Vault, session_id: SessionId, sent: &str) -> Result<Uuid> {
    let stale = || Error::Visit(VisitFault::FormStale);
    let id = sent.split_once('.').and_then(|(id, _)| id.parse().ok()).ok_or_else(stale)?;
    let right = once_of_session(vault, session_id, id);
    bool::from(right.as_bytes().ct_eq(sent.as_bytes())).then_some(id).ok_or_else(stale)
}

/// Compares a submitted token with the expected one.
///
/// # Errors
/// [`VisitFault::FormStale`].
pub fn check_token(expected: &str, sent: &str) -> Result<()> {
    let (expected, sent) = (unmasked(expected), unmasked(sent));
    if expected.len() == TOKEN_BYTES && bool::from(expected.ct_eq(&sent)) {
        return Ok(());
    }
    Err(Error::Visit(VisitFault::FormStale))
}

/// Length of a token in bytes: the text of a keyed hash.
const TOKEN_BYTES: usize = 64;

/// A token under a random mask, preceded by the mask, in URL-safe base64. Because the spelling differs every time, the
/// compressed length of a page does not leak the token.
fn masked(token: &str) -> String {
    // Without random numbers the unmasked token is used, which is equally valid.
    let mask = vault::random::<TOKEN_BYTES>().unwrap_or([0; TOKEN_BYTES]);
    let hidden = token.bytes().zip(mask).map(|(letter, mask)| letter ^ mask);
    let bytes: Vec<u8> = mask.into_iter().chain(hidden).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The unmasked token; empty if the text is not valid.
fn unmasked(text: &str) -> Vec<u8> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 2 * TOKEN_BYTES);
    let bytes = bytes.unwrap_or_default();
    let (mask, hidden) = bytes.split_at(bytes.len() / 2);
    mask.iter().zip(hidden).map(|(mask, hidden)| mask ^ hidden).collect()
}

/// A keyed hash, encoded as text.
pub(in crate::console) fn mac(vault: &Vault, purpose: &str, data: &[u8]) -> String {
    vault.keyed_hasher(purpose).update(data).finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn passes(public_url: Option<&str>, headers: &[(&'static str, &'static str)]) -> bool {
        let mut settings = Settings::default();
        settings.server.public_url = public_url.map(|url| url.parse().expect("a URL"));
        let mut request = TestRequest::post();
        for header in headers {
            request = request.insert_header(*header);
        }
        comes_from_us(&settings, request.to_http_request().headers())
    }

    #[test]
    fn only_our_own_origin_may_send_a_form() {
        let host = ("host", "gateway.test");
        for origin in ["http://gateway.test", "http://GATEWAY.test"] {
            assert!(passes(None, &[host, ("origin", origin)]), "{origin}");
        }
        for origin in [
            "https://gateway.test",
            "http://gateway.test:81",
            "http://a.gateway.test",
            "http://other.test",
            "null",
            "",
        ] {
            assert!(!passes(None, &[host, ("origin", origin)]), "{origin}");
        }
        // Behind a proxy the host header is the proxy's; the configured URL is ours.
        let public = Some("https://gateway.test/");
        assert!(passes(public, &[("host", "10.0.0.1:8080"), ("origin", "https://gateway.test")]));
        assert!(!passes(public, &[host, ("origin", "http://gateway.test")]));
        assert!(passes(None, &[host]), "no browser");
        assert!(!passes(None, &[("origin", "http://gateway.test")]), "no host");
    }

    #[test]
    fn a_token_is_masked_differently_every_time() {
        let token = "0123456789abcdef".repeat(4);
        let (one, other) = (masked(&token), masked(&token));
        assert_ne!(one, other);
        assert!(check_token(&one, &other).is_ok());
        let foreign = masked(&"0123456789abcdee".repeat(4));
        for wrong in [
            "",
            "zz",
            one.get(..170).unwrap_or_default(),
            token.as_str(),
            foreign.as_str(),
            &"00".repeat(128),
        ] {
            assert!(check_token(&one, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sec_fetch_site_takes_precedence() {
        let host = ("host", "gateway.test");
        for (site, ours) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false), ("", false)]
        {
            assert_eq!(passes(None, &[host, ("sec-fetch-site", site)]), ours, "{site}");
        }
        assert!(!passes(None, &[host, ("origin", "http://gateway.test"), ("sec-fetch-site", "cross-site")]));
    }
}
