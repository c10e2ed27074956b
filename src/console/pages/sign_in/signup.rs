//! `/signup`: creates an organization and its first owner.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::password;
use crate::auth::console::sign_in::SignIn;
use crate::config::Settings;
use crate::config::console::SignUp;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::console::http::forms::{Problems, PublicForm};
use crate::console::http::responses::enter;
use crate::domain::error::Result;
use crate::validation::account::{parse_email, parse_name};

#[derive(Template)]
#[template(path = "sign_in/signup.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    open: bool,
    organization: &'a str,
    email: &'a str,
}

/// Renders the page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(anonymous: AnonymousVisitor, settings: web::Data<Settings>) -> Result<HttpResponse> {
    let open = settings.console.signup == SignUp::Open;
    let frame = Frame::anonymous(&anonymous, "Sign up");
    anonymous.page(200, &Page { frame, problems: Problems::default(), open, organization: "", email: "" })
}

/// Creates the organization and logs its owner in. The response does not reveal whether the address already has an
/// account.
///
/// # Errors
/// Too many attempts.
pub async fn sign_up(
    form: PublicForm,
    sign_in: SignIn,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (anonymous, fields) = (&form.anonymous, &form.fields);
    let (organization, email) = (fields.text("organization"), fields.text("email"));
    let again = |status, open, problems| {
        let frame = Frame::anonymous(anonymous, "Sign up");
        anonymous.page(status, &Page { frame, problems, open, organization, email })
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
    Ok(enter("/start", &sign_in.sign_up(&name, &address, password).await?))
}
