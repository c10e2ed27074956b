//! `POST /fallbacks/{id}/revert`: an old list as a new revision.

use actix_web::{HttpResponse, web};

use super::draft::Draft;
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::{Desk, Notices, REVISIONS, model_of};
use crate::console::pages::fallbacks::labels::{enumerate, title};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::store::{FallbackRevision, NewFallback, Store};

/// Puts the list of a revision in force again, without the models that are gone.
///
/// # Errors
/// The organization has no such model, or the model no such revision.
pub async fn revert(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, fields) = (&form.visitor, &form.fields);
    let model = model_of(visitor, &path)?;
    let data = store.organization(&visitor.tenant);
    let absent = || Error::absent("revision", fields.text("number"));
    let kind = FallbackType::parse(fields.text("kind")).ok_or_else(absent)?;
    let number = fields.text("number").parse().map_err(|_| absent())?;
    let history = data.fallback_history(&model.name, REVISIONS).await?;
    let wanted = |old: &&FallbackRevision| old.fallback_type == kind && old.number == number;
    let old = history.iter().find(wanted).filter(|old| !old.fallback_models.is_empty()).ok_or_else(absent)?;
    let lives = |name: &String| visitor.organization.models.contains_key(name);
    let (living, gone): (Vec<String>, Vec<String>) = old.fallback_models.iter().cloned().partition(lives);
    let new = NewFallback {
        model: model.name.to_string(),
        fallback_models: living.clone(),
        fallback_type: kind,
        triggers: old.triggers.clone(),
    };
    // A form without a number was not made by a page: it fits nothing.
    let seen = fields.text("current").parse().unwrap_or(-1);
    let outcome = if living.is_empty() { None } else { Some(data.fallback_set(new, Some(seen)).await) };
    let (status, notices) = match outcome {
        Some(Ok(_)) => {
            let text = said(kind, number, &gone);
            return flash::redirect(visitor.request(), &format!("/fallbacks/{path}"), &text);
        }
        Some(Err(Error::RevisionChanged { .. })) => (409, Notices::default()),
        Some(Err(error)) => return Err(error),
        None => (422, Notices { problems: nobody_left(kind, number), ..Notices::default() }),
    };
    let desk = Desk::open(visitor, &path, &data, clock.now()).await?;
    let conflicts = if status == 409 { desk.conflicts(&[kind]) } else { Vec::new() };
    let draft = Draft::in_force(&desk.rows);
    let page = desk.page(&draft, Notices { conflicts, ..notices }, &gateway.shared_state.cooldowns)?;
    page_with(status, &page)
}

fn nobody_left(kind: FallbackType, number: i64) -> Problems {
    let message =
        format!("{}: none of the models of revision {number} is in the catalogue any more.", title(kind));
    Problems::of(kind.as_str(), message)
}

fn said(kind: FallbackType, number: i64, gone: &[String]) -> String {
    let list = title(kind);
    if gone.is_empty() {
        return format!("{list}: the list of revision {number} is in force again.");
    }
    let verb = if gone.len() == 1 { "is" } else { "are" };
    format!(
        "{list}: the list of revision {number} is in force again, without {}, which {verb} not in the catalogue any more.",
        enumerate(gone)
    )
}
