//! `POST /account/name`.

use actix_web::HttpResponse;

use super::read::page_with_name;
use crate::auth::console::console_user::may;
use crate::auth::console::sign_in::Entrance;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::domain::error::Result;
use crate::validation::account::parse_name;

/// Changes how the visitor wants to be called; empty: by the address.
///
/// # Errors
/// The database cannot be written.
pub async fn change(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let Form { visitor, fields } = &form;
    let typed = fields.text("name");
    let name = match Some(typed.trim()).filter(|typed| !typed.is_empty()).map(parse_name).transpose() {
        Ok(name) => name,
        Err(objection) => {
            return page_with_name(visitor, &entrance, typed, Problems::of("name", objection)).await;
        }
    };
    let changed = entrance.rename(visitor, name).await?;
    let said = if changed { "Your name is changed." } else { "Nothing was changed." };
    flash::redirect(visitor.request(), "/account", said)
}
