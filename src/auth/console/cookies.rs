//! The console's cookies: names and attributes.
//!
//! With an https public URL, cookies are Secure and have the `__Host-` prefix.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};

use crate::config::Settings;

/// Purpose of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The token of a session.
    Session,
    /// Ties forms to a browser without a session.
    AnonymousVisitor,
    /// A message carried over one redirect.
    Flash,
    /// Marks a browser that a person has logged in with before.
    Device,
}

/// Whether people use https. Only the configuration tells, because TLS ends at the proxy.
#[must_use]
pub fn is_secure(settings: &Settings) -> bool {
    settings.server.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
}

fn name(settings: &Settings, kind: Kind) -> &'static str {
    match (kind, is_secure(settings)) {
        (Kind::Session, true) => "__Host-failsoft",
        (Kind::Session, false) => "failsoft",
        (Kind::AnonymousVisitor, true) => "__Host-failsoft-guest",
        (Kind::AnonymousVisitor, false) => "failsoft-guest",
        (Kind::Flash, true) => "__Host-failsoft-flash",
        (Kind::Flash, false) => "failsoft-flash",
        (Kind::Device, true) => "__Host-failsoft-device",
        (Kind::Device, false) => "failsoft-device",
    }
}

/// Reads a cookie of the request.
#[must_use]
pub fn read(settings: &Settings, kind: Kind, request: &HttpRequest) -> Option<String> {
    request.cookie(name(settings, kind)).map(|cookie| cookie.value().to_owned())
}

/// Builds a cookie. Without an age it lasts for the browser session.
#[must_use]
pub fn make(settings: &Settings, kind: Kind, value: String, age: Option<Duration>) -> Cookie<'static> {
    let mut cookie = Cookie::new(name(settings, kind), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    if is_secure(settings) {
        cookie.set_secure(true);
    }
    let age = age.map(|age| CookieDuration::seconds(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)));
    cookie.set_max_age(age);
    cookie
}

/// Builds a cookie that deletes another.
#[must_use]
pub fn removal(settings: &Settings, kind: Kind) -> Cookie<'static> {
    make(settings, kind, String::new(), Some(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_cookies_are_secure_and_host_only() {
        let mut settings = Settings::default();
        let plain = make(&settings, Kind::Session, "x".to_owned(), None).to_string();
        assert_eq!(plain, "failsoft=x; HttpOnly; SameSite=Lax; Path=/");
        settings.server.public_url = Some("https://gateway.test".parse().expect("a URL"));
        let secure =
            make(&settings, Kind::Session, "x".to_owned(), Some(Duration::from_secs(60))).to_string();
        assert_eq!(secure, "__Host-failsoft=x; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        let gone = removal(&settings, Kind::Flash).to_string();
        assert!(gone.starts_with("__Host-failsoft-flash=;") && gone.ends_with("Max-Age=0"), "{gone}");
    }
}
