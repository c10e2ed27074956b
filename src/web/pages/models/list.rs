//! `GET /models`: the catalogue.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::ModelLine;
use crate::auth::permission::Permission;
use crate::auth::visitor::{Visitor, may};
use crate::error::Result;
use crate::gateway::Gateway;
use crate::store::Store;
use crate::web::layout::{Frame, Lit};
use crate::web::pager::Pager;
use crate::web::query::Query;
use crate::web::response::page;
use crate::web::turning::{ROWS, pager, turn};

#[derive(Template)]
#[template(path = "models/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<ModelLine>,
    pub(crate) pager: Pager,
    pub(crate) may_configure: bool,
    /// Whether there is a provider that could serve one.
    pub(crate) served: bool,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.model_sheet(turn, ROWS).await?;
    let organization = &visitor.organization;
    let line = |row| ModelLine::of(row, organization, &gateway.listeners.cooldowns);
    page(&Page {
        frame: Frame::of(&visitor, "Models", Lit::Models),
        notes: query.notes(),
        lines: sheet.items.iter().map(line).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/models", ("model", "models")),
        may_configure: visitor.may(Permission::Configure),
        served: !organization.providers.is_empty(),
    })
}
