//! What stands around every page: the rail of entries, who is here, a message, the token of its forms.

use actix_web::HttpRequest;

use crate::auth::console::console_user::{Requires, Seen, Visitor};
use crate::auth::console::cookies;
use crate::config::Settings;
use crate::console::http::anonymous_visitor::{Guest, parts};
use crate::console::http::assets;
use crate::console::http::csrf;
use crate::console::http::flash;
use crate::console::http::flash::Flash;
use crate::domain::permission::{Permission, Role};

/// What the layout of a page shows.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The page's title.
    pub title: String,
    /// The entry of the rail that is lit.
    pub lit: Lit,
    /// Who is logged in.
    pub person: Option<Person>,
    /// A message that came over a redirect.
    pub flash: Option<Flash>,
    /// The token of the page's forms.
    pub csrf: String,
    /// The path of the style sheet.
    pub stylesheet: &'static str,
    /// The path of the script; empty if there is none.
    pub script: &'static str,
    /// People come over plain http from elsewhere: what they type can be read on the way.
    pub plain_http: bool,
}

/// Who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The address.
    pub email: String,
    /// The organization's name.
    pub organization: String,
    /// The role there.
    pub role: Role,
}

impl Person {
    /// Does the role allow it? What it does not allow is absent from pages.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

/// The entries of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is called as its page")]
pub enum Lit {
    None,
    Overview,
    Events,
    Requests,
    Usage,
    Playground,
    Fallbacks,
    Models,
    Providers,
    Keys,
    Members,
    Audit,
    Settings,
    Account,
    Start,
}

impl Frame {
    /// Around a page for somebody who is logged in.
    #[must_use]
    pub fn of(visitor: &Visitor<impl Requires>, title: &str, lit: Lit) -> Self {
        let mut frame = Self::of_request(visitor.request(), title);
        frame.lit = lit;
        frame.person = Some(Person {
            email: visitor.user.email.clone(),
            organization: visitor.organization.name.to_string(),
            role: visitor.role,
        });
        if let Ok((_, store)) = parts(visitor.request()) {
            frame.csrf = csrf::token_of_session(store.vault(), visitor.session_id);
        }
        frame
    }

    /// Around a page for anybody, with forms.
    #[must_use]
    pub fn guest(guest: &Guest, title: &str) -> Self {
        Self { csrf: guest.form_token.clone(), ..Self::of_request(guest.request(), title) }
    }

    /// Around a page for anybody, without forms.
    #[must_use]
    pub fn public(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            lit: Lit::None,
            person: None,
            flash: None,
            csrf: String::new(),
            stylesheet: assets::path("console.css"),
            script: assets::path("console.js"),
            plain_http: false,
        }
    }

    /// Around the page of an error: with the person, if it is known by then who it is.
    pub(in crate::console) fn of_error(request: &HttpRequest, title: &str) -> Self {
        use actix_web::HttpMessage as _;
        let mut frame = Self { plain_http: is_plain(request), ..Self::public(title) };
        let seen = request.extensions().get::<Seen>().cloned();
        if let (Some(seen), Ok((_, store))) = (seen, parts(request)) {
            frame.csrf = csrf::token_of_session(store.vault(), seen.session_id);
            frame.person =
                Some(Person { email: seen.email, organization: seen.organization, role: seen.role });
        }
        frame
    }

    fn of_request(request: &HttpRequest, title: &str) -> Self {
        Self { flash: flash::take(request), plain_http: is_plain(request), ..Self::public(title) }
    }
}

fn is_plain(request: &HttpRequest) -> bool {
    let Ok((settings, _)) = parts(request) else { return false };
    !cookies::is_secure(settings) && !stays_on_this_machine(settings, request)
}

/// Called by a name of the loopback, nothing of it is on any wire.
fn stays_on_this_machine(settings: &Settings, request: &HttpRequest) -> bool {
    let called = request.connection_info().host().to_owned();
    let host = match &settings.server.public_url {
        Some(url) => url.host_str().unwrap_or_default(),
        None => called.rsplit_once(':').map_or(called.as_str(), |(host, _)| host),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
