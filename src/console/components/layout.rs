//! The page frame: navigation, signed-in person, flash message, CSRF token.

use actix_web::HttpRequest;

use crate::auth::console::console_user::{ConsoleUser, PageUser, Requires};
use crate::auth::console::cookies;
use crate::config::Settings;
use crate::console::http::anonymous_visitor::{AnonymousVisitor, parts};
use crate::console::http::assets;
use crate::console::http::csrf;
use crate::console::http::flash;
use crate::console::http::flash::Flash;
use crate::domain::permission::{Permission, Role};

/// What the layout of a page shows.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// The highlighted navigation entry.
    pub highlighted: NavigationItem,
    /// The signed-in person, if any.
    pub person: Option<Person>,
    /// Message carried over a redirect.
    pub flash: Option<Flash>,
    /// What the search field contains.
    pub find: String,
    /// CSRF token of the page's forms.
    pub csrf: String,
    /// Path of the style sheet.
    pub stylesheet: &'static str,
    /// Path of the script; empty if there is none.
    pub script: &'static str,
    /// Whether the page was loaded over plain HTTP from another machine, so that input can be intercepted.
    pub plain_http: bool,
}

/// The person who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Email address of the account.
    pub email: String,
    /// Name of the organization.
    pub organization: String,
    /// Role in the organization.
    pub role: Role,
}

impl Person {
    /// Whether the role grants the permission. Pages omit what it does not grant.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is called as its page")]
pub enum NavigationItem {
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
    /// The frame of a page for a signed-in person.
    #[must_use]
    pub fn of(console_user: &ConsoleUser<impl Requires>, title: &str, highlighted: NavigationItem) -> Self {
        let mut frame = Self::of_request(console_user.request(), title);
        frame.highlighted = highlighted;
        frame.person = Some(Person {
            email: console_user.user.email.clone(),
            organization: console_user.organization.name.to_string(),
            role: console_user.role,
        });
        if let Ok((_, store)) = parts(console_user.request()) {
            frame.csrf = csrf::token_of_session(store.vault(), console_user.session_id);
        }
        frame
    }

    /// The frame of a public page with forms.
    #[must_use]
    pub fn anonymous(anonymous: &AnonymousVisitor, title: &str) -> Self {
        Self { csrf: anonymous.form_token.clone(), ..Self::of_request(anonymous.request(), title) }
    }

    /// The frame of a public page without forms.
    #[must_use]
    pub fn public(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            highlighted: NavigationItem::None,
            person: None,
            flash: None,
            find: String::new(),
            csrf: String::new(),
            stylesheet: assets::path("console.css"),
            script: assets::path("console.js"),
            plain_http: false,
        }
    }

    /// The frame of an error page, with the person if the request was already authenticated.
    pub(in crate::console) fn of_error(request: &HttpRequest, title: &str) -> Self {
        use actix_web::HttpMessage as _;
        let mut frame = Self { plain_http: is_plain(request), ..Self::public(title) };
        let seen = request.extensions().get::<PageUser>().cloned();
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

/// Whether the server was reached by a loopback name, so that nothing crosses a network.
fn stays_on_this_machine(settings: &Settings, request: &HttpRequest) -> bool {
    let called = request.connection_info().host().to_owned();
    let host = match &settings.server.public_url {
        Some(url) => url.host_str().unwrap_or_default(),
        None => called.rsplit_once(':').map_or(called.as_str(), |(host, _)| host),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
