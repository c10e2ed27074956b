//! `GET /requests.csv`: the rows of the page, all of them.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::SecondsFormat;

use super::filter::Filters;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::http::csv::{Exported, export};
use crate::console::http::query::Query;
use crate::domain::clock::Clock;
use crate::store::pagination::Position;
use crate::store::{RequestRow, Store};

/// The file.
pub async fn file(
    visitor: Visitor<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> HttpResponse {
    let data = store.organization(&visitor.tenant);
    let mut query = Query::parse(request.query_string());
    let filter = Filters::read(&mut query, data.organization_id(), clock.now()).rows();
    export(async move |after: Option<Position>, limit| data.request_batch(&filter, after, limit).await)
}

impl Exported for RequestRow {
    const FILE: &'static str = "requests";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "requested_model",
        "served_model",
        "served_provider",
        "outcome",
        "error_class",
        "status_code",
        "hops",
        "upstream_calls",
        "first_frame_ms",
        "total_ms",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "cache_write_tokens",
        "usage_flag",
        "estimated",
        "cost_nano_dollars",
        "cost_source",
        "api_key_name",
        "session",
        "origin",
    ];

    fn cells(&self) -> Vec<String> {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let session = self.session_ref.clone().or_else(|| self.session_id.map(|id| id.to_string()));
        vec![
            self.id.0.to_string(),
            self.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.requested_model.clone(),
            text(&self.served_model),
            text(&self.served_provider),
            self.outcome.clone(),
            text(&self.error_class),
            self.status_code.to_string(),
            self.hops.to_string(),
            self.upstream_calls.to_string(),
            number(self.first_frame_ms),
            self.total_ms.to_string(),
            number(self.input_tokens),
            number(self.output_tokens),
            number(self.cached_tokens),
            number(self.reasoning_tokens),
            number(self.cache_write_tokens),
            text(&self.usage_flag),
            self.estimated.to_string(),
            number(self.cost_nano_dollars),
            text(&self.cost_source),
            text(&self.api_key_name),
            session.unwrap_or_default(),
            self.origin.clone(),
        ]
    }
}
