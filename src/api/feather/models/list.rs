//! `GET /v1/model-router/models`.

use actix_web::{HttpRequest, HttpResponse, web};
use entity::ids::ProviderId;

use super::ModelResponse;
use crate::api::feather::page::{CursorPage, Size, requested};
use crate::api::feather::query::Query;
use crate::auth::principal::{Caller, RouterRead};
use crate::error::Result;
use crate::gateway::Gateway;
use crate::store::page::{Page, PageRequest, Position};
use crate::store::{ModelRow, OrgStore, Store};

/// What the cursors of this list are sealed for.
const LIST: &str = "models";
/// Rows that are looked through at once.
const BATCH: u64 = 200;

/// List models
///
/// The models of the organization's catalogue, newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of its range; the cursor is not one of this list.
#[utoipa::path(get, path = "/v1/model-router/models", tag = "model-router",
    operation_id = "listModels", security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "Models on a page, 50 unless said otherwise"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("name" = Option<String>, Query, description = "The model of that name"),
        ("provider_id" = Option<uuid::Uuid>, Query, description = "Models that it serves"),
        ("enabled" = Option<bool>, Query, description = "Models that may, or may not, be called")),
    responses((status = 200, description = "A page", body = CursorPage<ModelResponse>),
        (status = 400, description = "The cursor is not one of this list"), (status = 422)))]
pub async fn list(
    caller: Caller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = Query::parse(request.query_string());
    let filter = Filter {
        name: query.model_name("name"),
        provider_id: query.id("provider_id"),
        enabled: query.boolean("enabled"),
    };
    let page = requested(query, &data, LIST, Size::PAGE)?;
    let shown = |row| ModelResponse::from(row).with_cooldown(&caller.organization, &gateway);
    let page = filter.page(&data, page).await?.map(shown);
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}

/// Which models. Every field that is set narrows the choice.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    name: Option<String>,
    provider_id: Option<ProviderId>,
    enabled: Option<bool>,
}

impl Filter {
    /// The page of the models that match. A catalogue is short enough to be looked through.
    async fn page(&self, data: &OrgStore, page: PageRequest) -> Result<Page<ModelRow>> {
        if *self == Self::default() {
            return data.model_list(&page).await;
        }
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut found: Vec<ModelRow> = Vec::new();
        let mut cursor = page.cursor;
        loop {
            let batch = data.model_list(&PageRequest { limit: BATCH, cursor }).await?;
            found.extend(batch.items.into_iter().filter(|row| self.matches(row)));
            let more = found.len() > limit;
            if more || batch.next.is_none() {
                found.truncate(limit);
                let last = found.last().filter(|_| more);
                let next = last.map(|row| Position { created_at: row.created_at, id: row.id.0 });
                return Ok(Page { items: found, next });
            }
            cursor = batch.next;
        }
    }

    fn matches(&self, row: &ModelRow) -> bool {
        self.name.as_ref().is_none_or(|name| *name == row.name)
            && self.provider_id.is_none_or(|id| id == row.provider_id)
            && self.enabled.is_none_or(|enabled| enabled == row.enabled)
    }
}
