//! `/keys/{id}/revoke`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;

use super::line::KeyLine;
use super::read::find;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::confirmation::{Choice, Confirmation, Link};
use crate::console::components::format::count;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::Store;

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
    page(&confirmation(frame, &KeyLine::of(&row, used, clock.now()), &lately))
}

/// The page of a key. `lately` is the number of its requests as a sentence.
pub(crate) fn confirmation(frame: Frame, line: &KeyLine, lately: &str) -> Confirmation {
    let (effect, choice) = if line.revoked {
        ("This key is already revoked.".to_owned(), Choice::Done)
    } else {
        let effect = format!(
            "{lately} From the moment you confirm, every request with {} is rejected with status 401. Answers that have \
             started are completed. This cannot be undone: an app that still needs access needs a new key.",
            line.shape
        );
        (effect, Choice::Confirm("Revoke key", "Keep it"))
    };
    Confirmation {
        frame,
        list: Link::new("/keys", "API keys"),
        resource: Some(Link::new(format!("/keys/{}", line.id), line.name.clone())),
        path: format!("/keys/{}/revoke", line.id),
        effects: vec![effect],
        dependents: None,
        choice,
    }
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
