//! `/login` and `/logout`: the response does not reveal whether an address has an account.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::auth::console::console_user::{is_logged_in, may};
use crate::auth::console::sign_in::{LogInResult, SignIn};
use crate::config::Settings;
use crate::config::console::SignUp;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems, PublicForm};
use crate::console::http::responses::{add_cookie, enter, see_other};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::store::Store;

#[derive(Template)]
#[template(path = "sign_in/login.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    email: &'a str,
    next: &'a str,
    sign_up: bool,
}

/// Query parameters of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The page to return to.
    next: String,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    anonymous: AnonymousVisitor,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let query = web::Query::<Query>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let next = own_path(&query.next);
    if is_logged_in(&request, &store, &clock).await? {
        return Ok(see_other(next));
    }
    anonymous.page(200, &page(&anonymous, &settings, Problems::default(), "", next))
}

/// Logs in with address and password.
///
/// # Errors
/// Too many attempts.
pub async fn log_in(
    form: PublicForm,
    sign_in: SignIn,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (anonymous, fields) = (&form.anonymous, &form.fields);
    let (email, next) = (fields.text("email").trim(), own_path(fields.text("next")));
    let problem = match sign_in.log_in(email, fields.secret("password")).await? {
        LogInResult::LoggedIn(signed_in) => return Ok(enter(next, &signed_in)),
        LogInResult::WrongCredentials => "The email address or the password is wrong.",
        LogInResult::NoOrganization => {
            "You do not belong to an organization anymore. Ask an owner for an invitation."
        }
    };
    anonymous.page(422, &page(anonymous, &settings, Problems::of("email", problem), email, next))
}

fn page<'a>(
    anonymous: &AnonymousVisitor,
    settings: &Settings,
    problems: Problems,
    email: &'a str,
    next: &'a str,
) -> Page<'a> {
    let sign_up = settings.console.signup == SignUp::Open;
    Page { frame: Frame::anonymous(anonymous, "Log in"), problems, email, next, sign_up }
}

/// A path of this site; anything that a browser could read as another site becomes `/`.
fn own_path(next: &str) -> &str {
    let leads_away = next.starts_with("//") || next.contains('\\') || next.contains(char::is_control);
    if next.starts_with('/') && !leads_away { next } else { "/" }
}

/// Ends the session.
///
/// # Errors
/// The database cannot be written.
pub async fn log_out(form: Form<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    let gone = sign_in.log_out(&form.console_user).await?;
    let mut response = flash::redirect(form.console_user.request(), "/login", "You are logged out.")?;
    add_cookie(&mut response, &gone);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_redirects_stay_on_this_site() {
        for own in ["/", "/members?after=x", "/events/1#rail"] {
            assert_eq!(own_path(own), own);
        }
        for foreign in ["", "//evil.test", "/\\evil.test", "https://evil.test", "/\t/evil.test", "members"] {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
