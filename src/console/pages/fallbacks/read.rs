//! `GET /fallbacks/{id}`: the editor with a model's saved lists.

use actix_web::{HttpResponse, web};

use super::draft::Draft;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::http::responses::page;
use crate::console::pages::fallbacks::editor_page::{EditorPage, Notices};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::Store;

/// Renders the page.
///
/// # Errors
/// The organization has no such model.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let editor = EditorPage::open(&console_user, &path, &data, clock.now()).await?;
    let draft = Draft::in_force(&editor.rows);
    page(&editor.page(&draft, Notices::default(), &gateway.shared_state.cooldowns)?)
}
