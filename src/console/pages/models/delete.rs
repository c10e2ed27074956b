//! `/models/{id}/delete`: what would happen, and the deed.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;

use super::read::{Uses, find};
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::format::count;
use crate::console::components::layout::{Frame, Lit};
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
    /// What keeps it from going, or is touched by it.
    pub(crate) uses: Uses,
    /// How much it was used in the last 24 hours.
    pub(crate) lately: String,
}

/// What would happen.
///
/// # Errors
/// The organization has no model of that id.
pub async fn read(
    visitor: Visitor<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let row = find(&data, &path).await?;
    let lately = data.model_use(&row.name, clock.now() - TimeDelta::hours(24)).await?;
    page(&Page {
        frame: Frame::of(&visitor, &format!("Delete {}", row.name), Lit::Models),
        id: row.id.0.to_string(),
        uses: Uses::of(&row, &visitor.organization),
        lately: used(lately),
        name: row.name,
    })
}

/// A sentence about what happened in a day.
pub(crate) fn used(lately: RecentUse) -> String {
    match (lately.requests, lately.keys) {
        (0, _) => "No request used this model in the last 24 hours.".to_owned(),
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

/// Deletes it.
///
/// # Errors
/// The organization has no model of that id; fallbacks use it.
pub async fn delete(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.visitor.tenant);
    let row = find(&data, &path).await?;
    let gone = data.model_delete(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    flash::redirect(form.visitor.request(), "/models", &format!("{} is deleted.", gone.name))
}
