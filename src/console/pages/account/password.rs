//! `POST /account/password`.

use actix_web::HttpResponse;

use super::read::page;
use crate::auth::console::console_user::may;
use crate::auth::console::password;
use crate::auth::console::sign_in::Entrance;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::domain::error::{Error, Result};

/// Changes the password, which ends every other session.
///
/// # Errors
/// Too many attempts.
pub async fn change(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let Form { visitor, fields } = &form;
    let new = fields.secret("new_password");
    let own =
        [&*visitor.user.email, visitor.user.name.as_deref().unwrap_or_default(), &visitor.organization.name];
    if let Some(objection) = password::objection(&new, &own) {
        return page(visitor, &entrance, Problems::of("new_password", objection)).await;
    }
    let problems = match entrance.change_password(visitor, fields.secret("current_password"), new).await {
        Ok(true) => {
            let done = "Your password is changed, and your other sessions are ended.";
            return flash::redirect(visitor.request(), "/account", done);
        }
        Ok(false) => Problems::of("current_password", "This is not your current password."),
        Err(Error::Conflict { message }) => Problems::of("new_password", message),
        Err(error) => return Err(error),
    };
    page(visitor, &entrance, problems).await
}
