//! The page that shows a new link once. It answers the form directly, because a redirect would need to store the
//! secret.

use actix_web::{HttpResponse, web};
use askama::Template;
use secrecy::SecretString;

use crate::auth::console::console_user::{ConsoleUser, Requires};
use crate::auth::console::link_secret;
use crate::config::Settings;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::timestamp::Timestamp;
use crate::console::http::base_url;
use crate::console::http::responses::page;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "members/link.html")]
struct Page<'a> {
    frame: Frame,
    title: &'static str,
    email: &'a str,
    /// What the link allows.
    allows: &'static str,
    link: String,
    expires: Timestamp,
}

/// A link to show.
pub(super) struct LinkView<'a> {
    pub(super) title: &'static str,
    pub(super) email: &'a str,
    pub(super) allows: &'static str,
    /// First segment of the path: `invite`, `reset`.
    pub(super) page: &'static str,
    pub(super) secret: &'a SecretString,
    pub(super) expires: Timestamp,
}

pub(super) fn show<P: Requires>(
    console_user: &ConsoleUser<P>,
    settings: &web::Data<Settings>,
    shown: LinkView<'_>,
) -> Result<HttpResponse> {
    let link = format!(
        "{}{}",
        base_url::of(settings, console_user.request()),
        link_secret::path(shown.page, shown.secret)
    );
    page(&Page {
        frame: Frame::of(console_user, shown.title, NavigationItem::Members),
        title: shown.title,
        email: shown.email,
        allows: shown.allows,
        link,
        expires: shown.expires,
    })
}
