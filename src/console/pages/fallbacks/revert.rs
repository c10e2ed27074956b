//! `POST /fallbacks/{id}/revert`: restores an old revision as a new one.

use actix_web::{HttpResponse, web};

use super::draft::Draft;
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::{EditorPage, Notices, REVISIONS, model_of};
use crate::console::pages::fallbacks::labels::{enumerate, title};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::store::{FallbackRevision, NewFallback, Store};

/// Restores the list of a revision, without models that no longer exist.
///
/// # Errors
/// The organization has no such model, or the model has no such revision.
pub async fn revert(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, fields) = (&form.console_user, &form.fields);
    let model = model_of(console_user, &path)?;
    let data = store.organization(&console_user.tenant);
    let absent = || Error::absent("revision", fields.text("number"));
    let kind = FallbackType::parse(fields.text("kind")).ok_or_else(absent)?;
    let number = fields.text("number").parse().map_err(|_| absent())?;
    let history = data.fallback_history(&model.name, REVISIONS).await?;
    let wanted = |old: &&FallbackRevision| old.fallback_type == kind && old.number == number;
    let old = history.iter().find(wanted).filter(|old| !old.fallback_models.is_empty()).ok_or_else(absent)?;
    let known = &console_user.organization.models;
    // A model that was deleted may have been made again as one of another kind.
    let lives = |name: &String| known.get(name).is_some_and(|it| it.settings.kind == model.settings.kind);
    let (living, gone): (Vec<String>, Vec<String>) = old.fallback_models.iter().cloned().partition(lives);
    let new = NewFallback {
        model: model.name.to_string(),
        fallback_models: living.clone(),
        fallback_type: kind,
        triggers: old.triggers.clone(),
    };
    // Only a form that we did not render lacks a number; it matches no revision.
    let seen = fields.text("current").parse().unwrap_or(-1);
    let outcome = if living.is_empty() { None } else { Some(data.fallback_set(new, Some(seen)).await) };
    let (status, notices) = match outcome {
        Some(Ok(_)) => {
            let text = success_message(kind, number, &gone);
            return flash::redirect(console_user.request(), &format!("/fallbacks/{path}"), &text);
        }
        Some(Err(Error::RevisionChanged { .. })) => (409, Notices::default()),
        Some(Err(error)) => return Err(error),
        None => (422, Notices { problems: no_fallbacks_left(kind, number), ..Notices::default() }),
    };
    let editor = EditorPage::open(console_user, &path, &data, clock.now()).await?;
    let conflicts = if status == 409 { editor.conflicts(&[kind]) } else { Vec::new() };
    let draft = Draft::in_force(&editor.rows);
    let page = editor.page(&draft, Notices { conflicts, ..notices }, &gateway.shared_state.cooldowns)?;
    page_with(status, &page)
}

fn no_fallbacks_left(kind: FallbackType, number: i64) -> Problems {
    let message =
        format!("{}: none of the models of revision {number} is in the catalog anymore.", title(kind));
    Problems::of(kind.as_str(), message)
}

fn success_message(kind: FallbackType, number: i64, gone: &[String]) -> String {
    let list = title(kind);
    if gone.is_empty() {
        return format!("{list}: the list of revision {number} is in effect again.");
    }
    let verb = if gone.len() == 1 { "is" } else { "are" };
    format!(
        "{list}: the list of revision {number} is in force again, without {}, which {verb} not in the catalog anymore.",
        enumerate(gone)
    )
}
