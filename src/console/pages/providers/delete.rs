//! `/providers/{id}/delete`: what would happen, and the deed.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::line::served;
use super::read::find;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::store::Store;

#[derive(Template)]
#[template(path = "providers/delete.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Ids and names of the models that it serves, which keep it from going.
    pub(crate) models: Vec<(String, String)>,
}

/// What would happen.
///
/// # Errors
/// The organization has no provider of that id.
pub async fn read(
    visitor: Visitor<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&visitor.tenant), &path).await?;
    let frame = Frame::of(&visitor, &format!("Delete {}", row.name), Lit::Providers);
    let models = served(&visitor.organization, row.id);
    page(&Page { frame, id: row.id.0.to_string(), name: row.name, models })
}

/// Deletes it.
///
/// # Errors
/// The organization has no provider of that id; it serves models.
pub async fn delete(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.visitor.tenant);
    let row = find(&data, &path).await?;
    let gone = data.provider_delete(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    flash::redirect(form.visitor.request(), "/providers", &format!("{} is deleted.", gone.name))
}
