//! `/enter/{secret}`: login to a demo's console by link. Viewing the page does not use up the link; submitting the form
//! does.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::gone;
use crate::auth::console::sign_in::SignIn;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::console::http::forms::PublicForm;
use crate::console::http::responses;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "sign_in/console.html")]
struct Page<'a> {
    frame: Frame,
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
    let Some((_, email)) = sign_in.console_link(&secret).await? else { return gone::page(&anonymous) };
    let frame = Frame::anonymous(&anonymous, "Open the console");
    anonymous.page(200, &Page { frame, secret: &secret, email: &email })
}

/// Logs in with the link.
///
/// # Errors
/// Too many links were tried.
pub async fn enter(form: PublicForm, secret: web::Path<String>, sign_in: SignIn) -> Result<HttpResponse> {
    let Some((link, _)) = sign_in.console_link(&secret).await? else { return gone::page(&form.anonymous) };
    match sign_in.enter(&link).await? {
        Some(signed_in) => Ok(responses::enter("/", &signed_in)),
        None => gone::page(&form.anonymous),
    }
}
