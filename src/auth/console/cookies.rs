//! The cookies of the console: their names, and who may read them.
//!
//! Where people come over https, each is `__Host-` and Secure: no other host can set it, no plain connection sees it.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};

use crate::config::Settings;

/// What a cookie holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The session's token.
    Session,
    /// What ties a form to a browser before anybody is logged in.
    Guest,
    /// A message over one redirect.
    Flash,
    /// That a person has logged in with this browser before.
    Device,
}

/// Do people come over https? Only the operator knows: TLS ends before us.
#[must_use]
pub fn is_secure(settings: &Settings) -> bool {
    settings.server.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
}

fn name(settings: &Settings, kind: Kind) -> &'static str {
    match (kind, is_secure(settings)) {
        (Kind::Session, true) => "__Host-failsoft",
        (Kind::Session, false) => "failsoft",
        (Kind::Guest, true) => "__Host-failsoft-guest",
        (Kind::Guest, false) => "failsoft-guest",
        (Kind::Flash, true) => "__Host-failsoft-flash",
        (Kind::Flash, false) => "failsoft-flash",
        (Kind::Device, true) => "__Host-failsoft-device",
        (Kind::Device, false) => "failsoft-device",
    }
}

/// The value that the browser sent.
#[must_use]
pub fn read(settings: &Settings, kind: Kind, request: &HttpRequest) -> Option<String> {
    request.cookie(name(settings, kind)).map(|cookie| cookie.value().to_owned())
}

/// A cookie to be set. Without an age it ends with the browser.
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

/// The cookie that takes one away.
#[must_use]
pub fn removal(settings: &Settings, kind: Kind) -> Cookie<'static> {
    make(settings, kind, String::new(), Some(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_a_cookie_is_this_hosts_alone() {
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
