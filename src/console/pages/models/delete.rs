//! `/models/{id}/delete`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;

use super::read::{Uses, find};
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::confirmation::{Choice, Confirmation, Dependents, Link};
use crate::console::components::format::{count, counted};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{RecentUse, Store};

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
    let frame = Frame::of(&console_user, &format!("Delete {}", row.name), NavigationItem::Models);
    let uses = Uses::of(&row, &console_user.organization);
    page(&confirmation(frame, row.id.0, &row.name, &uses, used(lately)))
}

/// The page of a model with these uses. Fallbacks prevent its deletion.
pub(crate) fn confirmation(
    frame: Frame,
    id: impl std::fmt::Display,
    name: &str,
    uses: &Uses,
    lately: String,
) -> Confirmation {
    let (effects, choice) = if uses.in_fallbacks() {
        let prevented = "This model cannot be deleted while fallbacks use it. Change or delete them first.";
        (vec![prevented.to_owned(), lately], Choice::Prevented)
    } else {
        let refused =
            format!("{lately} From now on, requests that ask for it are refused: the model is unknown then.");
        let last = "This cannot be undone. Recorded requests, events and costs are kept.".to_owned();
        let effects = [Some(refused), named_by_keys(&uses.keys), Some(last)];
        (effects.into_iter().flatten().collect(), Choice::Confirm("Delete model", "Keep it"))
    };
    Confirmation {
        list: Link::new("/models", "Models"),
        resource: Some(Link::new(format!("/models/{id}"), name)),
        path: format!("/models/{id}/delete"),
        effects,
        dependents: uses.in_fallbacks().then(|| fallbacks(&id.to_string(), name, uses)),
        choice,
        frame,
    }
}

/// The keys that are restricted to the model.
fn named_by_keys(keys: &[String]) -> Option<String> {
    if keys.is_empty() {
        return None;
    }
    let names = counted(keys.len(), "key names", "keys name");
    let keys = keys.join(", ");
    Some(format!(
        "{names} it in the list of models ({keys}); it is removed there. A key whose list is empty then may use no model."
    ))
}

/// The fallbacks that use the model.
fn fallbacks(id: &str, name: &str, uses: &Uses) -> Dependents {
    let row =
        |id: &str, name: &str, note: &str| (Link::new(format!("/fallbacks/{id}"), name), note.to_owned());
    let own = uses.has_fallbacks.then(|| row(id, name, "has fallbacks of its own"));
    let others = uses.behind.iter().map(|(id, name)| row(id, name, "falls back to it"));
    Dependents { title: "Fallbacks that use it", rows: own.into_iter().chain(others).collect() }
}

/// Uses in the last 24 hours, as a sentence.
pub(crate) fn used(lately: RecentUse) -> String {
    match (lately.requests, lately.keys) {
        (0, _) => "No requests used this model in the last 24 hours.".to_owned(),
        (1, _) => "One request used this model in the last 24 hours.".to_owned(),
        // Of console users.
        (requests, 0) => format!("{} requests used this model in the last 24 hours.", count(requests)),
        (requests, keys) => format!(
            "{} used this model in the last 24 hours, in {} requests.",
            counted(keys, "key", "keys"),
            count(requests)
        ),
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
