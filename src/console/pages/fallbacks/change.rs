//! `POST /fallbacks/{id}`: every button of the editor. What is not saved lives in the form alone.

use actix_web::{HttpResponse, web};

use super::draft::{Command, Draft, ListDraft};
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::{Desk, Notices};
use crate::console::pages::fallbacks::labels::{enumerate, title};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::store::{NOTHING_IN_FORCE, NewFallback, Store};

/// Shows the draft as it is then, or puts it in force.
///
/// # Errors
/// The organization has no such model.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, data) = (&form.visitor, store.organization(&form.visitor.tenant));
    let desk = Desk::open(visitor, &path, &data, clock.now()).await?;
    let (mut draft, command) = (Draft::read(&form.fields), Command::read(&form.fields));
    draft.follow(&command, &form.fields);
    let cooldowns = &gateway.shared_state.cooldowns;
    let Command::Save { confirmed } = command else {
        return page_with(200, &desk.page(&draft, Notices::default(), cooldowns)?);
    };
    if let Some((status, notices)) = objections(&desk, &mut draft, confirmed) {
        return page_with(status, &desk.page(&draft, notices, cooldowns)?);
    }
    let lists = lists(&desk, &draft);
    let kinds: Vec<FallbackType> = lists.iter().map(|(new, _)| new.fallback_type).collect();
    match data.fallback_save(lists).await {
        Ok(kinds) => {
            flash::redirect(visitor.request(), &format!("/fallbacks/{path}"), &said(&desk.model.name, &kinds))
        }
        // Somebody was faster, after the desk was opened.
        Err(Error::RevisionChanged { .. }) => {
            let desk = Desk::open(visitor, &path, &data, clock.now()).await?;
            let both = draft.settle(&desk.rows, &desk.history);
            let conflicts = desk.conflicts(if both.is_empty() { &kinds } else { &both });
            let notices = Notices { conflicts, ..Notices::default() };
            page_with(409, &desk.page(&draft, notices, cooldowns)?)
        }
        Err(error) => Err(error),
    }
}

/// Why the draft is not put in force yet, and the status of the page that says so.
fn objections(desk: &Desk, draft: &mut Draft, confirmed: bool) -> Option<(u16, Notices)> {
    let conflicts = draft.settle(&desk.rows, &desk.history);
    if !conflicts.is_empty() {
        return Some((409, Notices { conflicts: desk.conflicts(&conflicts), ..Notices::default() }));
    }
    let problems = draft.problems(&desk.model.name, &desk.organization);
    if !problems.is_empty() {
        return Some((422, Notices { problems, ..Notices::default() }));
    }
    let losses = desk.losses(draft);
    (!confirmed && !losses.is_empty()).then(|| (200, Notices { losses, ..Notices::default() }))
}

/// The lists that the draft changes, each with the revision that was seen: all of them are put in force, or none.
fn lists(desk: &Desk, draft: &Draft) -> Vec<(NewFallback, i64)> {
    let list = |list: &ListDraft| {
        let new = NewFallback {
            model: desk.model.name.to_string(),
            fallback_models: list.models.clone(),
            fallback_type: list.kind,
            triggers: list.stored_triggers(),
        };
        (new, list.revision.unwrap_or(NOTHING_IN_FORCE))
    };
    draft.changed(&desk.rows).map(list).collect()
}

fn said(model: &str, kinds: &[FallbackType]) -> String {
    if kinds.is_empty() {
        return format!("Nothing was different: the fallbacks of {model} stay as they are.");
    }
    let titles: Vec<String> = kinds.iter().map(|kind| title(*kind).to_lowercase()).collect();
    format!("Saved. The next request for {model} uses it: {}.", enumerate(&titles))
}
