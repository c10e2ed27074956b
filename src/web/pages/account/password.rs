//! `POST /account/password`.

use actix_web::HttpResponse;

use super::read::page;
use crate::auth::entrance::Entrance;
use crate::auth::password;
use crate::auth::visitor::may;
use crate::error::Result;
use crate::web::flash;
use crate::web::forms::{Form, Problems};

/// Changes the password, which ends every other session.
///
/// # Errors
/// Too many attempts.
pub async fn change(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let Form { visitor, fields } = &form;
    let new = fields.secret("new_password");
    if let Some(objection) = password::objection(&new) {
        return page(visitor, &entrance, Problems::of("new_password", objection)).await;
    }
    if !entrance.change_password(visitor, fields.secret("current_password"), new).await? {
        let problems = Problems::of("current_password", "This is not your current password.");
        return page(visitor, &entrance, problems).await;
    }
    let done = "Your password is changed, and your other sessions are ended.";
    flash::redirect(visitor.request(), "/account", done)
}
