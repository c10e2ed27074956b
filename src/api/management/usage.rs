//! `GET /v1/model-router/usage`: requests, tokens and cost, summed up from the roll-ups.

use actix_web::HttpResponse;
use actix_web::http::header::VARY;
use entity::ids::OrganizationId;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::call::Call;
use super::checks::ViolationReason;
use super::page::{PageParameters, Size};
use super::query::QueryParameters;
use crate::auth::api::api_caller::RouterRead;
use crate::domain::error::{Error, Result};
use crate::domain::origin::Origin;
use crate::http::listings::export::{Format, Listed as _, export};
use crate::http::listings::usage::UsageResponse;
use crate::store::pagination::foreign_cursor;
use crate::store::{OrgStore, UsageBy, UsageFilter, UsagePlace};

/// The origins of which usage is counted, for the API description.
#[derive(Debug)]
pub struct CountedOrigin;

impl PartialSchema for CountedOrigin {
    fn schema() -> RefOr<Schema> {
        let words = Origin::COUNTED.map(Origin::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl ToSchema for CountedOrigin {}

/// One page of usage.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsagePage {
    /// The rows: newest day first, then sorted by model, key and session.
    items: Vec<UsageResponse>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Add up usage
///
/// Requests, tokens and cost by any of day, model, key and session. The figures are written together with the
/// requests, so their sum is the sum of the request log, to the nano-dollar. Days are UTC days; drills are not
/// counted.
///
/// With `Accept: text/csv` or `application/x-ndjson` all rows are streamed, at most 100,000.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "",
    params(PageParameters,
        ("group_by" = Option<String>, Query, description = "Any of `day`, `model`, `key` and `session`, separated by commas; `day` by default. By `session`, requests without a session are left out"),
        ("model" = Option<String>, Query, description = "The model that answered"),
        ("api_key_id" = Option<uuid::Uuid>, Query, description = "The API key of the request"),
        ("session_id" = Option<String>, Query, description = "The session: a UUID, or the text that the caller sent"),
        ("origin" = Option<CountedOrigin>, Query, description = "Where the requests come from"),
        ("since" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "From the UTC day of this time on (RFC 3339)"),
        ("until" = Option<chrono::DateTime<chrono::Utc>>, Query, description = "Only days that begin before this time (RFC 3339)")),
    responses((status = 200, content(
        (UsagePage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn add_up(call: Call<RouterRead>) -> Result<HttpResponse> {
    let mut query = call.query();
    let format = Format::preferred(call.request());
    let data = call.data;
    let filter = filter(&mut query, data.organization_id());
    let size = if format.is_some() { Size::EXPORT } else { Size::PAGE };
    let limit = size.read(&mut query);
    let cursor = query.text("cursor");
    query.finish()?;
    let after = cursor.map(|cursor| place(&data, &cursor)).transpose()?;
    if let Some(format) = format {
        let read =
            async move |after: Option<UsagePlace>, limit| data.usage(&filter, after.as_ref(), limit).await;
        return export::<_, UsageResponse, _>(format, (after, limit), read).await;
    }
    let mut rows = data.usage(&filter, after.as_ref(), limit.saturating_add(1)).await?;
    let has_more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let last = rows.last().filter(|_| has_more).map(UsagePlace::from);
    let next_cursor = last.map(|last| sealed(&data, &last)).transpose()?;
    let items = rows.into_iter().map(UsageResponse::from).collect();
    Ok(HttpResponse::Ok().insert_header((VARY, "Accept")).json(UsagePage { items, next_cursor, has_more }))
}

fn filter(query: &mut QueryParameters, organization_id: OrganizationId) -> UsageFilter {
    let (since, until) = query.span();
    UsageFilter {
        by: query.parsed("group_by", groups).unwrap_or_else(|| vec![UsageBy::Day]),
        since,
        until,
        origin: query.one_of("origin", &Origin::COUNTED),
        model: query.model_name("model"),
        api_key_id: query.id("api_key_id"),
        session_id: query.session("session_id", organization_id),
    }
}

fn groups(text: &str) -> Result<Vec<UsageBy>, ViolationReason> {
    let words: Option<Vec<UsageBy>> = text.split(',').map(|word| UsageBy::parse(word.trim())).collect();
    words.ok_or_else(|| {
        let known = UsageBy::ALL.map(UsageBy::as_str).join("', '");
        ViolationReason::new("literal_error", format!("must be any of '{known}', joined by commas"))
    })
}

fn sealed(data: &OrgStore, place: &UsagePlace) -> Result<String> {
    Ok(data.seal_place(UsageResponse::NAME, serde_json::to_vec(place).map_err(Error::internal)?))
}

fn place(data: &OrgStore, cursor: &str) -> Result<UsagePlace> {
    serde_json::from_slice(&data.unseal_place(UsageResponse::NAME, cursor)?).map_err(|_| foreign_cursor())
}
