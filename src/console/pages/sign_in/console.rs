//! `/enter/{secret}`: into the console of a demo. Opening the link uses nothing up; sending its form does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::sign_in::Entrance;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::console::http::forms::PublicForm;
use crate::console::http::responses;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "enter/console.html")]
struct Page<'a> {
    frame: Frame,
    secret: &'a str,
    email: &'a str,
}

/// The page.
///
/// # Errors
/// Too many links were tried.
pub async fn read(guest: Guest, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let Some((_, email)) = entrance.console_link(&secret).await? else { return gone::page(&guest) };
    let frame = Frame::guest(&guest, "Open the console");
    guest.page(200, &Page { frame, secret: &secret, email: &email })
}

/// Logs in.
///
/// # Errors
/// Too many links were tried.
pub async fn enter(form: PublicForm, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let Some((link, _)) = entrance.console_link(&secret).await? else { return gone::page(&form.guest) };
    match entrance.enter(&link).await? {
        Some(entered) => Ok(responses::enter("/", &entered)),
        None => gone::page(&form.guest),
    }
}
