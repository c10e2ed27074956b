//! `POST /logout`.

use actix_web::HttpResponse;

use crate::auth::entrance::Entrance;
use crate::auth::visitor::may;
use crate::error::Result;
use crate::web::flash;
use crate::web::forms::Form;
use crate::web::response::add_cookie;

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
