//! `/signup`: an organization, and its first owner.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::password;
use crate::auth::console::sign_in::Entrance;
use crate::config::Settings;
use crate::config::console::SignUp;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::console::http::forms::{Problems, PublicForm};
use crate::console::http::responses::enter;
use crate::domain::error::Result;
use crate::validation::account::{parse_email, parse_name};

#[derive(Template)]
#[template(path = "enter/signup.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    open: bool,
    organization: &'a str,
    email: &'a str,
}

/// The page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(guest: Guest, settings: web::Data<Settings>) -> Result<HttpResponse> {
    let open = settings.console.signup == SignUp::Open;
    let frame = Frame::guest(&guest, "Sign up");
    guest.page(200, &Page { frame, problems: Problems::default(), open, organization: "", email: "" })
}

/// Makes the organization, and logs its owner in. Whether the address has an account already makes no difference: a page
/// that said so would say it to all.
///
/// # Errors
/// Too many attempts.
pub async fn sign_up(
    form: PublicForm,
    entrance: Entrance,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (guest, fields) = (&form.guest, &form.fields);
    let (organization, email) = (fields.text("organization"), fields.text("email"));
    let again = |status, open, problems| {
        let frame = Frame::guest(guest, "Sign up");
        guest.page(status, &Page { frame, problems, open, organization, email })
    };
    if settings.console.signup == SignUp::Closed {
        return again(403, false, Problems::default());
    }
    let mut problems = Problems::default();
    let name = problems.check("organization", parse_name(organization));
    let address = problems.check("email", parse_email(email));
    let password = fields.secret("password");
    if let Some(objection) = password::objection(&password, &[email, organization]) {
        problems.add("password", objection);
    }
    let (Some(name), Some(address), true) = (name, address, problems.is_empty()) else {
        return again(422, true, problems);
    };
    Ok(enter("/start", &entrance.sign_up(&name, &address, password).await?))
}
