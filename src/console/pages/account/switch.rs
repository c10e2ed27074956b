//! `POST /account/switch`: another organization of one's own. A session is for one, so this makes another.

use actix_web::HttpResponse;

use crate::auth::console::console_user::may;
use crate::auth::console::sign_in::Entrance;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::console::http::responses::enter;
use crate::domain::error::{Error, Result};

/// Switches.
///
/// # Errors
/// [`Error::Absent`]: it is not one of the visitor's.
pub async fn switch(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let wanted = form.fields.text("organization");
    let to = path::id("organisation", wanted)?;
    match entrance.switch(&form.visitor, to).await? {
        Some(entered) => Ok(enter("/", &entered)),
        None => Err(Error::absent("organisation", wanted)),
    }
}
