//! `/reset/{secret}`: sets a new password. Viewing the page does not use up the link; submitting the form does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::password;
use crate::auth::console::sign_in::{Reset, SignIn};
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::console::http::flash;
use crate::console::http::forms::{Problems, PublicForm};
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "sign_in/reset.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    secret: &'a str,
    email: &'a str,
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
    let Some((_, email)) = sign_in.reset_link(&secret).await? else { return gone::page(&anonymous) };
    let frame = Frame::anonymous(&anonymous, "New password");
    anonymous.page(200, &Page { frame, problems: Problems::default(), secret: &secret, email: &email })
}

/// Sets the password. It does not log in: that needs the new password.
///
/// # Errors
/// Too many links were tried.
pub async fn set(form: PublicForm, secret: web::Path<String>, sign_in: SignIn) -> Result<HttpResponse> {
    let anonymous = &form.anonymous;
    let Some((link, email)) = sign_in.reset_link(&secret).await? else { return gone::page(anonymous) };
    let password = form.fields.secret("password");
    let again = |objection| {
        let frame = Frame::anonymous(anonymous, "New password");
        let problems = Problems::of("password", objection);
        anonymous.page(422, &Page { frame, problems, secret: &secret, email: &email })
    };
    if let Some(objection) = password::objection(&password, &[&email]) {
        return again(objection);
    }
    match sign_in.reset(&link, &email, password).await? {
        Reset::Done => flash::redirect(
            anonymous.request(),
            "/login",
            "Your password was changed. Log in with the new one.",
        ),
        Reset::Refused(objection) => again(objection),
        Reset::Gone => gone::page(anonymous),
    }
}
