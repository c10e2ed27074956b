//! `/keys/{id}/revoke`: what would happen, and the deed.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;

use super::line::KeyLine;
use super::read::find;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::format::count;
use crate::console::components::layout::{Frame, Lit};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::Store;

#[derive(Template)]
#[template(path = "keys/revoke.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) line: KeyLine,
    /// How much it was used in the last 24 hours.
    pub(crate) lately: String,
}

/// What would happen.
///
/// # Errors
/// The organization has no key of that id.
pub async fn read(
    visitor: Visitor<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let row = find(&data, &path).await?;
    let lately = data.api_key_use(row.id, clock.now() - TimeDelta::hours(24)).await?.requests;
    let lately = match lately {
        0 => "No request was made with it in the last 24 hours.".to_owned(),
        1 => "One request was made with it in the last 24 hours.".to_owned(),
        requests => format!("{} requests were made with it in the last 24 hours.", count(requests)),
    };
    let used = visitor.organization.last_uses().get(&row.id).copied();
    let frame = Frame::of(&visitor, &format!("Revoke {}", row.name), Lit::Keys);
    page(&Page { frame, line: KeyLine::of(&row, used, clock.now()), lately })
}

/// Revokes it.
///
/// # Errors
/// The organization has no key of that id.
pub async fn revoke(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.visitor.tenant);
    let row = find(&data, &path).await?;
    let gone = data.api_key_revoke(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    let said = format!("{} is revoked: it is refused from now on.", gone.name);
    flash::redirect(form.visitor.request(), "/keys", &said)
}
