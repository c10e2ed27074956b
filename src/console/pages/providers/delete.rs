//! `/providers/{id}/delete`: confirmation page and its POST.

use actix_web::{HttpResponse, web};

use super::line::served;
use super::read::find;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::confirmation::{Choice, Confirmation, Dependents, Link};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::store::Store;

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
    page(&confirmation(frame, row.id.0, &row.name, served(&console_user.organization, row.id)))
}

/// The page of a provider that serves these models, by id and name. They prevent its deletion.
pub(crate) fn confirmation(
    frame: Frame,
    id: impl std::fmt::Display,
    name: &str,
    models: Vec<(String, String)>,
) -> Confirmation {
    let (effect, choice) = match models.len() {
        0 => (
            "It serves no model, so no request is affected. Its credential is erased and cannot be recovered. Recorded \
             requests and events keep its name."
                .to_owned(),
            Choice::Confirm("Delete provider", "Keep it"),
        ),
        1 => (
            "It cannot be deleted: it serves 1 model. Delete it or move it to another provider first.".to_owned(),
            Choice::Prevented,
        ),
        count => (
            format!(
                "It cannot be deleted: it serves {count} models. Delete them or move them to another provider first."
            ),
            Choice::Prevented,
        ),
    };
    let rows: Vec<_> = models
        .into_iter()
        .map(|(id, name)| (Link::new(format!("/models/{id}"), name), String::new()))
        .collect();
    Confirmation {
        frame,
        list: Link::new("/providers", "Providers"),
        resource: Some(Link::new(format!("/providers/{id}"), name)),
        path: format!("/providers/{id}/delete"),
        effects: vec![effect],
        dependents: Some(Dependents { title: "Models that this provider serves", rows })
            .filter(|dependents| !dependents.rows.is_empty()),
        choice,
    }
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
