//! `/reset/{secret}`: a new password. Opening the link uses nothing up; sending its form does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::password;
use crate::auth::console::sign_in::{Entrance, Reset};
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::console::http::flash;
use crate::console::http::forms::{Problems, PublicForm};
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "enter/reset.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    secret: &'a str,
    email: &'a str,
}

/// The page.
///
/// # Errors
/// Too many links were tried.
pub async fn read(guest: Guest, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let Some((_, email)) = entrance.reset_link(&secret).await? else { return gone::page(&guest) };
    let frame = Frame::guest(&guest, "New password");
    guest.page(200, &Page { frame, problems: Problems::default(), secret: &secret, email: &email })
}

/// Sets the password. Whoever knows it logs in with it: the link alone makes no session.
///
/// # Errors
/// Too many links were tried.
pub async fn set(form: PublicForm, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let guest = &form.guest;
    let Some((link, email)) = entrance.reset_link(&secret).await? else { return gone::page(guest) };
    let password = form.fields.secret("password");
    let again = |objection| {
        let frame = Frame::guest(guest, "New password");
        let problems = Problems::of("password", objection);
        guest.page(422, &Page { frame, problems, secret: &secret, email: &email })
    };
    if let Some(objection) = password::objection(&password, &[&email]) {
        return again(objection);
    }
    match entrance.reset(&link, &email, password).await? {
        Reset::Done => {
            flash::redirect(guest.request(), "/login", "Your password is changed. Log in with it.")
        }
        Reset::Refused(objection) => again(objection),
        Reset::Gone => gone::page(guest),
    }
}
