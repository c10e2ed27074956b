//! `GET /fallbacks/{id}`: a model's lists as they are in force, to be changed.

use actix_web::{HttpResponse, web};

use super::draft::Draft;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::http::responses::page;
use crate::console::pages::fallbacks::editor_page::{Desk, Notices};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::Store;

/// The page.
///
/// # Errors
/// The organization has no such model.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let desk = Desk::open(&visitor, &path, &data, clock.now()).await?;
    let draft = Draft::in_force(&desk.rows);
    page(&desk.page(&draft, Notices::default(), &gateway.shared_state.cooldowns)?)
}
