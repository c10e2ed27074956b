//! `/invite/{secret}`: joining an organization. Opening the link uses nothing up; sending its form does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::password;
use crate::auth::console::sign_in::{Accepted, Account, Entrance, Invited};
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::console::http::forms::{Fields, Problems, PublicForm};
use crate::console::http::responses::enter;
use crate::domain::error::Result;
use crate::validation::account::parse_name;

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

/// Joins, and logs in: with a new account, or with the one of the address that the person has.
///
/// # Errors
/// Too many attempts.
pub async fn join(form: PublicForm, secret: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let (guest, fields) = (&form.guest, &form.fields);
    let Some(invited) = entrance.invitation(&secret).await? else { return gone::page(guest) };
    let again = |problems| {
        let frame = Frame::guest(guest, "Join an organisation");
        let name = fields.text("name");
        guest.page(422, &Page { frame, problems, invited: &invited, secret: &secret, name })
    };
    let existing = fields.flag(EXISTING);
    let account = match account(fields, &invited, existing) {
        Ok(account) => account,
        Err(problems) => return again(problems),
    };
    let field = if existing { EXISTING } else { "password" };
    match entrance.accept(&invited, account, fields.secret(field)).await? {
        Accepted::In(entered) => Ok(enter("/", &entered)),
        Accepted::WrongPassword => again(Problems::of(field, "The address or the password is wrong.")),
        Accepted::Gone => gone::page(guest),
    }
}

/// The field that only the form for an account that there is has.
const EXISTING: &str = "existing_password";

/// The account that was chosen. Both forms stand on the page whether the address has an account or not.
fn account(fields: &Fields, invited: &Invited, existing: bool) -> std::result::Result<Account, Problems> {
    if existing {
        return Ok(Account::Existing);
    }
    let mut problems = Problems::default();
    let typed = Some(fields.text("name")).filter(|typed| !typed.trim().is_empty());
    let name = typed.and_then(|typed| problems.check("name", parse_name(typed)));
    let own = [&invited.invitation.email, &invited.organization, fields.text("name")];
    if let Some(objection) = password::objection(&fields.secret("password"), &own) {
        problems.add("password", objection);
    }
    if problems.is_empty() { Ok(Account::New { name }) } else { Err(problems) }
}
