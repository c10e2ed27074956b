//! A message carried over one redirect, in a signed cookie that expires after a minute and is removed once shown.

use std::time::Duration;

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::csrf;
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::console::http::anonymous_visitor::parts;
use crate::console::http::responses::{add_cookie, see_other};
use crate::domain::error::Result;

/// A message that came over a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// What happened, in one sentence.
    pub text: String,
}

/// Marks a request that showed the message, so that the response removes the cookie.
struct Shown;

const AGE: Duration = Duration::from_secs(60);
const PURPOSE: &str = "flash";

/// Redirects to a page that shows the message once.
///
/// # Errors
/// The application was built without a part.
pub fn redirect(request: &HttpRequest, path: &str, text: &str) -> Result<HttpResponse> {
    let (settings, store) = parts(request)?;
    let encoded = URL_SAFE_NO_PAD.encode(text);
    let value = format!("{encoded}.{}", csrf::mac(store.vault(), PURPOSE, encoded.as_bytes()));
    let mut response = see_other(path);
    add_cookie(&mut response, &cookies::make(settings, Kind::Flash, value, Some(AGE)));
    Ok(response)
}

/// Takes the message of the request and marks it as shown.
pub(in crate::console) fn take(request: &HttpRequest) -> Option<Flash> {
    let (settings, store) = parts(request).ok()?;
    let value = cookies::read(settings, Kind::Flash, request)?;
    request.extensions_mut().insert(Shown);
    let (encoded, mac) = value.split_once('.')?;
    let right = csrf::mac(store.vault(), PURPOSE, encoded.as_bytes());
    if !bool::from(right.as_bytes().ct_eq(mac.as_bytes())) {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    Some(Flash { text })
}

/// Removes the cookie of a message that was shown. The middleware calls it for every response.
pub fn finish<B>(request: &HttpRequest, response: &mut HttpResponse<B>) {
    if request.extensions().get::<Shown>().is_none() {
        return;
    }
    if let Ok((settings, _)) = parts(request) {
        add_cookie(response, &cookies::removal(settings, Kind::Flash));
    }
}
