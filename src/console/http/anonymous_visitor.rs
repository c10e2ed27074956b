//! A visitor without a session: a signed cookie ties their forms to their browser.

use std::future::{Ready, ready};

use actix_web::cookie::Cookie;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::csrf;
use crate::auth::access::{Access, Admits};
use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::auth::part::part;
use crate::config::Settings;
use crate::console::http::responses::{add_cookie, page_with};
use crate::domain::error::{Error, Result};
use crate::store::Store;
use crate::store::vault::{self, Vault};

const BYTES: usize = 16;

/// The browser of a visitor without a session.
#[derive(Debug, Clone)]
pub struct AnonymousVisitor {
    /// CSRF token of this visitor's forms.
    pub form_token: String,
    /// The cookie to set, if the browser has no valid one yet.
    fresh: Option<Cookie<'static>>,
    request: HttpRequest,
}

impl Admits for AnonymousVisitor {
    const ACCESS: Access = Access::Public;
}

impl FromRequest for AnonymousVisitor {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl AnonymousVisitor {
    /// The visitor identified by the cookie, or a new one.
    pub(in crate::console) fn of(request: &HttpRequest) -> Result<Self> {
        let (settings, store) = parts(request)?;
        if let Some(known) = known(settings, store.vault(), request) {
            let form_token = csrf::token_of_anonymous(store.vault(), &known);
            return Ok(Self { form_token, fresh: None, request: request.clone() });
        }
        let secret = vault::random::<BYTES>().map_err(Error::internal)?;
        let fresh = cookies::make(settings, Kind::AnonymousVisitor, sign(store.vault(), &secret), None);
        let form_token = csrf::token_of_anonymous(store.vault(), &secret);
        Ok(Self { form_token, fresh: Some(fresh), request: request.clone() })
    }

    /// The underlying HTTP request.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Renders a page with forms for this visitor.
    ///
    /// # Errors
    /// The template cannot be rendered.
    pub fn page(&self, status: u16, page: &impl Template) -> Result<HttpResponse> {
        let mut response = page_with(status, page)?;
        if let Some(fresh) = &self.fresh {
            add_cookie(&mut response, fresh);
        }
        Ok(response)
    }
}

pub(in crate::console) fn parts(request: &HttpRequest) -> Result<(&Settings, &Store)> {
    Ok((part::<Settings>(request)?, part::<Store>(request)?))
}

fn sign(vault: &Vault, secret: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(secret), csrf::mac(vault, "guest", secret))
}

/// The secret of a valid cookie.
fn known(settings: &Settings, vault: &Vault, request: &HttpRequest) -> Option<Vec<u8>> {
    let value = cookies::read(settings, Kind::AnonymousVisitor, request)?;
    let (secret, mac) = value.split_once('.')?;
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    let right = csrf::mac(vault, "guest", &secret);
    bool::from(right.as_bytes().ct_eq(mac.as_bytes())).then_some(secret)
}
