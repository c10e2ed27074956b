//! `POST /fallbacks/{id}`: all buttons of the editor. Unsaved changes live only in the form.

use actix_web::{HttpResponse, web};

use super::draft::{Command, Draft, ListDraft};
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::{EditorPage, Notices};
use crate::console::pages::fallbacks::labels::{enumerate, title};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::store::{NOTHING_IN_FORCE, NewFallback, Store};

/// Renders the changed draft, or saves it.
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
    let (console_user, data) = (&form.console_user, store.organization(&form.console_user.tenant));
    let editor = EditorPage::open(console_user, &path, &data, clock.now()).await?;
    let (mut draft, command) = (Draft::read(&form.fields), Command::read(&form.fields));
    draft.follow(&command, &form.fields);
    let cooldowns = &gateway.shared_state.cooldowns;
    let Command::Save { confirmed } = command else {
        return page_with(200, &editor.page(&draft, Notices::default(), cooldowns)?);
    };
    if let Some((status, notices)) = blocking_notices(&editor, &mut draft, confirmed) {
        return page_with(status, &editor.page(&draft, notices, cooldowns)?);
    }
    let lists = lists(&editor, &draft);
    let kinds: Vec<FallbackType> = lists.iter().map(|(new, _)| new.fallback_type).collect();
    match data.fallback_save(lists).await {
        Ok(kinds) => flash::redirect(
            console_user.request(),
            &format!("/fallbacks/{path}"),
            &success_message(&editor.model.name, &kinds),
        ),
        // Someone else saved after the page was opened.
        Err(Error::RevisionChanged { .. }) => {
            let editor = EditorPage::open(console_user, &path, &data, clock.now()).await?;
            let both = draft.rebase(&editor.rows, &editor.history);
            let conflicts = editor.conflicts(if both.is_empty() { &kinds } else { &both });
            let notices = Notices { conflicts, ..Notices::default() };
            page_with(409, &editor.page(&draft, notices, cooldowns)?)
        }
        Err(error) => Err(error),
    }
}

/// Why the draft cannot be saved yet, with the status of the page that says so.
fn blocking_notices(editor: &EditorPage, draft: &mut Draft, confirmed: bool) -> Option<(u16, Notices)> {
    let conflicts = draft.rebase(&editor.rows, &editor.history);
    if !conflicts.is_empty() {
        return Some((409, Notices { conflicts: editor.conflicts(&conflicts), ..Notices::default() }));
    }
    let problems = draft.problems(&editor.model.name, &editor.organization);
    if !problems.is_empty() {
        return Some((422, Notices { problems, ..Notices::default() }));
    }
    let losses = editor.losses(draft);
    (!confirmed && !losses.is_empty()).then(|| (200, Notices { losses, ..Notices::default() }))
}

/// The changed lists, each with the revision that was seen. All are saved, or none.
fn lists(editor: &EditorPage, draft: &Draft) -> Vec<(NewFallback, i64)> {
    let list = |list: &ListDraft| {
        let new = NewFallback {
            model: editor.model.name.to_string(),
            fallback_models: list.models.clone(),
            fallback_type: list.kind,
            triggers: list.stored_triggers(),
        };
        (new, list.revision.unwrap_or(NOTHING_IN_FORCE))
    };
    draft.changed(&editor.rows).map(list).collect()
}

fn success_message(model: &str, kinds: &[FallbackType]) -> String {
    if kinds.is_empty() {
        return format!("Nothing was changed. The fallbacks of {model} stay as they are.");
    }
    let titles: Vec<String> = kinds.iter().map(|kind| title(*kind).to_lowercase()).collect();
    format!("Saved. The next request for {model} uses it: {}.", enumerate(&titles))
}
