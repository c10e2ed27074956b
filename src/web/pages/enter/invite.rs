//! `/invite/{secret}`: joining an organization. Opening the link uses nothing up; sending its form does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::account::parse_name;
use crate::auth::entrance::{Accepted, Entrance, Invited};
use crate::auth::password;
use crate::error::Result;
use crate::web::forms::{Problems, PublicForm};
use crate::web::guest::Guest;
use crate::web::layout::Frame;
use crate::web::response::see_other_with;

#[derive(Template)]
#[template(path = "enter/invite.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    invited: &'a Invited,
    secret: &'a str,
    name: &'a str,
}

/// The page.
///
/// # Errors
/// Too many links were tried.
pub async fn read(guest: Guest, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let Some(invited) = entrance.invitation(&secret).await? else { return gone::page(&guest) };
    let frame = Frame::guest(&guest, "Join an organisation");
    let page = Page { frame, problems: Problems::default(), invited: &invited, secret: &secret, name: "" };
    guest.page(200, &page)
}

/// Joins, and logs in.
///
/// # Errors
/// Too many attempts.
pub async fn join(form: PublicForm, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let (guest, fields) = (&form.guest, &form.fields);
    let Some(invited) = entrance.invitation(&secret).await? else { return gone::page(guest) };
    let typed = fields.text("name");
    let again = |problems| {
        let frame = Frame::guest(guest, "Join an organisation");
        guest.page(422, &Page { frame, problems, invited: &invited, secret: &secret, name: typed })
    };
    let mut problems = Problems::default();
    let password = fields.secret("password");
    let mut name = None;
    if !invited.known {
        if !typed.trim().is_empty() {
            name = problems.check("name", parse_name(typed));
        }
        if let Some(objection) = password::objection(&password) {
            problems.add("password", objection);
        }
    }
    if !problems.is_empty() {
        return again(problems);
    }
    match entrance.accept(&invited, name, password).await? {
        Accepted::In(cookie) => Ok(see_other_with("/", &cookie)),
        Accepted::WrongPassword => again(Problems::of("password", "The password is wrong.")),
        Accepted::Gone => gone::page(guest),
    }
}
