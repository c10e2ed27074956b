//! `/invite/{secret}`: joins an organization. Viewing the page does not use up the invitation; submitting the form
//! does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::password;
use crate::auth::console::sign_in::{Accepted, Account, Invited, SignIn};
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::console::http::forms::{Fields, Problems, PublicForm};
use crate::console::http::responses::enter;
use crate::domain::error::Result;
use crate::validation::account::parse_name;

#[derive(Template)]
#[template(path = "sign_in/invite.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    invited: &'a Invited,
    secret: &'a str,
    name: &'a str,
}

/// Renders the page.
///
/// # Errors
/// Too many links were tried.
pub async fn read(
    anonymous: AnonymousVisitor,
    secret: web::Path<String>,
    sign_in: SignIn,
) -> Result<HttpResponse> {
    let Some(invited) = sign_in.invitation(&secret).await? else { return gone::page(&anonymous) };
    let frame = Frame::anonymous(&anonymous, "Join an organization");
    let page = Page { frame, problems: Problems::default(), invited: &invited, secret: &secret, name: "" };
    anonymous.page(200, &page)
}

/// Joins the organization and logs in, with a new account or an existing one with the same address.
///
/// # Errors
/// Too many attempts.
pub async fn join(form: PublicForm, secret: web::Path<String>, sign_in: SignIn) -> Result<HttpResponse> {
    let (anonymous, fields) = (&form.anonymous, &form.fields);
    let Some(invited) = sign_in.invitation(&secret).await? else { return gone::page(anonymous) };
    let again = |problems| {
        let frame = Frame::anonymous(anonymous, "Join an organization");
        let name = fields.text("name");
        anonymous.page(422, &Page { frame, problems, invited: &invited, secret: &secret, name })
    };
    let existing = fields.flag(EXISTING);
    let account = match account(fields, &invited, existing) {
        Ok(account) => account,
        Err(problems) => return again(problems),
    };
    let field = if existing { EXISTING } else { "password" };
    match sign_in.accept(&invited, account, fields.secret(field)).await? {
        Accepted::LoggedIn(signed_in) => Ok(enter("/", &signed_in)),
        Accepted::WrongPassword => again(Problems::of(field, "The address or the password is wrong.")),
        Accepted::Gone => gone::page(anonymous),
    }
}

/// A field that only the form for existing accounts has.
const EXISTING: &str = "existing_password";

/// The chosen kind of account. The page shows both forms, so it does not reveal whether the address has an account.
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
