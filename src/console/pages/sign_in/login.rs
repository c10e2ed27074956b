//! `/login`: known and unknown addresses are answered alike.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::auth::console::console_user::is_logged_in;
use crate::auth::console::sign_in::{Entrance, LogIn};
use crate::config::Settings;
use crate::config::console::SignUp;
use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::console::http::forms::{Problems, PublicForm};
use crate::console::http::responses::{enter, see_other};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::store::Store;

#[derive(Template)]
#[template(path = "enter/login.html")]
struct Page<'a> {
    frame: Frame,
    problems: Problems,
    email: &'a str,
    next: &'a str,
    sign_up: bool,
}

/// What a link to the log-in says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The page that was wanted.
    next: String,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    request: HttpRequest,
    guest: Guest,
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
    guest.page(200, &page(&guest, &settings, Problems::default(), "", next))
}

/// Logs in.
///
/// # Errors
/// Too many attempts.
pub async fn log_in(
    form: PublicForm,
    entrance: Entrance,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (guest, fields) = (&form.guest, &form.fields);
    let (email, next) = (fields.text("email").trim(), own_path(fields.text("next")));
    let problem = match entrance.log_in(email, fields.secret("password")).await? {
        LogIn::In(entered) => return Ok(enter(next, &entered)),
        LogIn::Wrong => "The e-mail address or the password is wrong.",
        LogIn::Nowhere => "You belong to no organisation any more. Ask an owner of one for an invitation.",
    };
    guest.page(422, &page(guest, &settings, Problems::of("email", problem), email, next))
}

fn page<'a>(
    guest: &Guest,
    settings: &Settings,
    problems: Problems,
    email: &'a str,
    next: &'a str,
) -> Page<'a> {
    let sign_up = settings.console.signup == SignUp::Open;
    Page { frame: Frame::guest(guest, "Log in"), problems, email, next, sign_up }
}

/// A path of this site, and nothing that a browser would take for another's address.
fn own_path(next: &str) -> &str {
    let leads_away = next.starts_with("//") || next.contains('\\') || next.contains(char::is_control);
    if next.starts_with('/') && !leads_away { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_in_leads_nowhere_else() {
        for own in ["/", "/members?after=x", "/events/1#rail"] {
            assert_eq!(own_path(own), own);
        }
        for foreign in ["", "//evil.test", "/\\evil.test", "https://evil.test", "/\t/evil.test", "members"] {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
