//! The page that shows a new link, this once: it answers the form itself, because a redirect would have to keep the
//! secret somewhere.

use actix_web::{HttpResponse, web};
use askama::Template;
use secrecy::SecretString;

use crate::auth::console::console_user::{Requires, Visitor};
use crate::auth::console::link_secret;
use crate::config::Settings;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::timestamp::Moment;
use crate::console::http::base_url;
use crate::console::http::responses::page;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "members/link.html")]
struct Page<'a> {
    frame: Frame,
    title: &'static str,
    email: &'a str,
    /// What whoever has it can do.
    allows: &'static str,
    link: String,
    expires: Moment,
}

/// A link as it is shown.
pub(super) struct Shown<'a> {
    pub(super) title: &'static str,
    pub(super) email: &'a str,
    pub(super) allows: &'static str,
    /// The first part of its path: `invite`, `reset`.
    pub(super) page: &'static str,
    pub(super) secret: &'a SecretString,
    pub(super) expires: Moment,
}

pub(super) fn show<P: Requires>(
    visitor: &Visitor<P>,
    settings: &web::Data<Settings>,
    shown: Shown<'_>,
) -> Result<HttpResponse> {
    let link = format!(
        "{}{}",
        base_url::of(settings, visitor.request()),
        link_secret::path(shown.page, shown.secret)
    );
    page(&Page {
        frame: Frame::of(visitor, shown.title, Lit::Members),
        title: shown.title,
        email: shown.email,
        allows: shown.allows,
        link,
        expires: shown.expires,
    })
}
