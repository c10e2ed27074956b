//! `/keys/{id}/revoke`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;

use super::line::KeyLine;
use super::read::find;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::format::count;
use crate::console::components::layout::{Frame, NavigationItem};
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
    /// Number of uses in the last 24 hours, as a sentence.
    pub(crate) lately: String,
}

/// Renders the confirmation page.
///
/// # Errors
/// The organization has no key with this id.
pub async fn read(
    console_user: ConsoleUser<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let row = find(&data, &path).await?;
    let lately = data.api_key_use(row.id, clock.now() - TimeDelta::hours(24)).await?.requests;
    let lately = match lately {
        0 => "No requests were made with it in the last 24 hours.".to_owned(),
        1 => "One request was made with it in the last 24 hours.".to_owned(),
        requests => format!("{} requests were made with it in the last 24 hours.", count(requests)),
    };
    let used = console_user.organization.last_uses().get(&row.id).copied();
    let frame = Frame::of(&console_user, &format!("Revoke {}", row.name), NavigationItem::Keys);
    page(&Page { frame, line: KeyLine::of(&row, used, clock.now()), lately })
}

/// Revokes the key.
///
/// # Errors
/// The organization has no key with this id.
pub async fn revoke(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    let row = find(&data, &path).await?;
    let gone = data.api_key_revoke(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    let said = format!("{} was revoked. It is rejected from now on.", gone.name);
    flash::redirect(form.console_user.request(), "/keys", &said)
}
