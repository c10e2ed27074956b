//! `GET /events.csv`: every row that the filters of the page select.

use actix_web::{HttpRequest, HttpResponse, web};

use super::filter::Filters;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::http::csv::csv_file;
use crate::console::http::query::Query;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::http::listings::fallback_events::FallbackEventResponse;
use crate::store::Store;
use crate::store::pagination::Position;

/// Streams the file.
///
/// # Errors
/// The first rows cannot be read.
pub async fn file(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let filter = Filters::read(&mut query, data.organization_id(), clock.now()).rows();
    let read = async move |after: Option<Position>, limit| data.event_batch(&filter, after, limit).await;
    csv_file::<_, FallbackEventResponse, _>(read).await
}
