//! `/providers/{id}/delete`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::line::served;
use super::read::find;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
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
    /// Ids and names of models that it serves, which prevent its deletion.
    pub(crate) models: Vec<(String, String)>,
}

/// Renders the confirmation page.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn read(
    console_user: ConsoleUser<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&console_user.tenant), &path).await?;
    let frame = Frame::of(&console_user, &format!("Delete {}", row.name), NavigationItem::Providers);
    let models = served(&console_user.organization, row.id);
    page(&Page { frame, id: row.id.0.to_string(), name: row.name, models })
}

/// Deletes the provider.
///
/// # Errors
/// The organization has no provider with this id, or it serves models.
pub async fn delete(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    let row = find(&data, &path).await?;
    let gone = data.provider_delete(row.id).await?.ok_or_else(|| Error::absent(super::WHAT, row.id))?;
    flash::redirect(form.console_user.request(), "/providers", &format!("{} was deleted.", gone.name))
}
