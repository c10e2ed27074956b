//! `POST /logout`.

use actix_web::HttpResponse;

use crate::auth::console::console_user::may;
use crate::auth::console::sign_in::Entrance;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::add_cookie;
use crate::domain::error::Result;

/// Ends the session.
///
/// # Errors
/// The database cannot be written.
pub async fn log_out(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let gone = entrance.log_out(&form.visitor).await?;
    let mut response = flash::redirect(form.visitor.request(), "/login", "You are logged out.")?;
    add_cookie(&mut response, &gone);
    Ok(response)
}
