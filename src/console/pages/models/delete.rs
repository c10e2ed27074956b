//! `/models/{id}/delete`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;

use super::read::{Uses, find};
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::format::count;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{RecentUse, Store};

#[derive(Template)]
#[template(path = "models/delete.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Fallbacks and keys that use the model.
    pub(crate) uses: Uses,
    /// Number of uses in the last 24 hours, as a sentence.
    pub(crate) lately: String,
}

/// Renders the confirmation page.
///
/// # Errors
/// The organization has no model with this id.
pub async fn read(
    console_user: ConsoleUser<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let row = find(&data, &path).await?;
    let lately = data.model_use(&row.name, clock.now() - TimeDelta::hours(24)).await?;
    page(&Page {
        frame: Frame::of(&console_user, &format!("Delete {}", row.name), NavigationItem::Models),
        id: row.id.0.to_string(),
        uses: Uses::of(&row, &console_user.organization),
        lately: used(lately),
        name: row.name,
    })
}

/// Uses in the last 24 hours, as a sentence.
pub(crate) fn used(lately: RecentUse) -> String {
    match (lately.requests, lately.keys) {
        (0, _) => "No requests used this model in the last 24 hours.".to_owned(),
        (1, _) => "One request used this model in the last 24 hours.".to_owned(),
        (requests, 1) => {
            format!("1 key used this model in the last 24 hours, in {} requests.", count(requests))
        }
        (requests, keys) => {
            format!(
                "{} keys used this model in the last 24 hours, in {} requests.",
                count(keys),
                count(requests)
            )
        }
    }
}

/// Deletes the model.
///
/// # Errors
/// The organization has no model with this id, or fallbacks use it.
pub async fn delete(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    let row = find(&data, &path).await?;
    let gone = data.model_delete(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    flash::redirect(form.console_user.request(), "/models", &format!("{} was deleted.", gone.name))
}
