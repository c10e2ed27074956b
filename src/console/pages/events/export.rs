//! `GET /events.csv`: the rows of the page, all of them.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::SecondsFormat;

use super::filter::Filters;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::http::csv::{Exported, export};
use crate::console::http::query::Query;
use crate::domain::clock::Clock;
use crate::store::pagination::Position;
use crate::store::{EventRow, Store};

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
    export(async move |after: Option<Position>, limit| data.event_batch(&filter, after, limit).await)
}

impl Exported for EventRow {
    const FILE: &'static str = "fallback-events";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "request_id",
        "hop",
        "failed_model",
        "next_model",
        "error_class",
        "status_code",
        "matched_rule",
        "error_message",
        "attempts",
        "duration_ms",
        "session",
        "origin",
    ];

    fn cells(&self) -> Vec<String> {
        let session = self.session_ref.clone().or_else(|| self.session_id.map(|id| id.to_string()));
        vec![
            self.id.0.to_string(),
            self.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.request_id.0.to_string(),
            self.hop.to_string(),
            self.failed_model.clone(),
            self.next_model.clone().unwrap_or_default(),
            self.error_class.clone(),
            self.status_code.map(|status| status.to_string()).unwrap_or_default(),
            self.matched_rule.clone().unwrap_or_default(),
            self.error_message.clone().unwrap_or_default(),
            self.attempts.to_string(),
            self.duration_ms.to_string(),
            session.unwrap_or_default(),
            self.origin.clone(),
        ]
    }
}
