//! `/fallback`: LiteLLM's fallback management. Beyond LiteLLM's fields a response has the configuration's id (the
//! `router_config_id` of fallback events), its revision, and the error classes that it is limited to.

mod body;
mod revision;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use revision::{IfMatch, etag};
use serde::Serialize;
use url::form_urlencoded;
use uuid::Uuid;

pub use body::FallbackRequest;

use crate::auth::api::api_caller::{ApiCaller, RouterManage, RouterRead};
use crate::domain::error::{Error, Result, Violation};
use crate::domain::fallback_type::FallbackType;
use crate::http::body_reader::BodyReader;
use crate::store::{FallbackFilter, FallbackOutcome, FallbackRow, Store};

/// A fallback list in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Fallback {
    /// The model that the list is for.
    #[schema(example = "smart")]
    model: String,
    /// The models to try, in order.
    #[schema(example = json!(["steady"]), min_items = 1, max_items = 32)]
    fallback_models: Vec<String>,
    /// Which failures use the list.
    fallback_type: FallbackType,
    /// The error classes that use it; null means every class.
    #[schema(required)]
    triggers: Option<Vec<String>>,
    /// The configuration's id. It stays the same as long as the model exists, even when the list is deleted and
    /// created again.
    #[schema(read_only)]
    router_config_id: Uuid,
    /// The revision in force. The `ETag` is this number in quotes.
    #[schema(example = 1, read_only)]
    revision: i64,
    /// When the configuration was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When the revision in force was created.
    #[schema(read_only)]
    updated_at: DateTime<Utc>,
}

impl From<FallbackRow> for Fallback {
    fn from(row: FallbackRow) -> Self {
        Self {
            model: row.model,
            fallback_models: row.fallback_models,
            fallback_type: row.fallback_type,
            triggers: row.triggers,
            router_config_id: row.config_id.0,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The query parameters of the routes for one list.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Selection {
    /// Which of the model's lists to use.
    #[param(required = false, default = "general")]
    pub fallback_type: FallbackType,
}

impl Selection {
    /// Reads the parameters of a query.
    fn of_query(query: &str) -> Result<Self> {
        Ok(Self { fallback_type: fallback_type(query)?.unwrap_or(FallbackType::General) })
    }
}

/// The query's `fallback_type`, if there is one. Any other value is a violation.
fn fallback_type(query: &str) -> Result<Option<FallbackType>> {
    let Some(word) = parameter(query, "fallback_type")? else { return Ok(None) };
    let kind = FallbackType::parse(&word);
    kind.map(Some).ok_or_else(|| {
        Error::Invalid(vec![Violation::query("fallback_type", "literal_error", expected_type())])
    })
}

/// One query parameter. Unknown parameters are ignored, as in LiteLLM.
fn parameter(query: &str, name: &str) -> Result<Option<String>> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
    let value = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() {
        let message = format!("The parameter '{name}' is a duplicate. Send it once.");
        return Err(Error::Invalid(vec![Violation::query(name, "value_error", message)]));
    }
    Ok(value)
}

/// LiteLLM's message for an unknown type.
fn expected_type() -> String {
    let words = FallbackType::ALL.map(|kind| format!("'{}'", kind.as_str()));
    let (last, others) = words.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    format!("Input should be {} or {last}", others.join(", "))
}

/// The filters in the query.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Only lists of this type.
    #[param(required = false)]
    pub fallback_type: Option<FallbackType>,
    /// Only lists of the model with this name.
    #[param(required = false)]
    pub model: Option<String>,
}

impl Filters {
    fn of_query(query: &str) -> Result<Self> {
        Ok(Self { fallback_type: fallback_type(query)?, model: parameter(query, "model")? })
    }
}

/// Fallback lists in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FallbackList {
    /// Sorted by model name, then type. A model has at most three.
    fallbacks: Vec<Fallback>,
}

/// List fallback lists
///
/// Every list in force that matches the filters.
///
/// # Errors
/// A filter is invalid (422).
#[utoipa::path(get, path = "", params(Filters),
    responses((status = 200, description = "The lists in force", body = FallbackList), (status = 422, description = "An unknown `fallback_type`")))]
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let Filters { fallback_type, model } = Filters::of_query(request.query_string())?;
    let filter = FallbackFilter { fallback_type, model };
    let rows = store.organization(&caller.tenant).fallback_list(&filter).await?;
    let fallbacks = rows.into_iter().map(Fallback::from).collect();
    Ok(HttpResponse::Ok().json(FallbackList { fallbacks }))
}

/// Read a fallback list
///
/// Send the response's `ETag` as `If-Match` with a change.
///
/// # Errors
/// 404: no list of this type is in force for a model of this name, whether the model exists or not.
#[utoipa::path(get, path = "", operation_id = "getFallback",
    params(("model" = String, Path, description = "The model's catalog name; it may contain slashes, as they are or as `%2F`"), Selection),
    responses(
        (status = 200, description = "The list in force", body = Fallback, headers(("ETag" = String, description = "The revision number in quotes"))),
        (status = 404, description = "No such list is in force"),
        (status = 422, description = "An unknown `fallback_type`")))]
pub async fn read(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    model: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let kind = Selection::of_query(request.query_string())?.fallback_type;
    let model = model.into_inner();
    match store.organization(&caller.tenant).fallback_find(&model, kind).await? {
        Some(row) => Ok(HttpResponse::Ok().insert_header(etag(row.revision)).json(Fallback::from(row))),
        None => Err(Error::FallbackAbsent { model, kind: kind.as_str().to_owned() }),
    }
}

/// A fallback list that was created or replaced.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FallbackSet {
    #[serde(flatten)]
    fallback: Fallback,
    /// Whether it was created or updated.
    #[schema(example = "Fallback configuration created successfully")]
    message: &'static str,
}

/// Create or replace a fallback list
///
/// The list takes effect immediately. Setting the list that is already in force changes nothing, not even the
/// revision. With `If-Match` the change applies only if the list has not changed since it was read.
///
/// # Errors
/// In this order: fields (422, with the names that are unknown), unknown model (404), unknown fallbacks (400), self-fallback
/// (400), revision (412). Each names what is wrong with the others, too.
#[utoipa::path(post, path = "", request_body = FallbackRequest,
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of the list that the change is based on; `*` requires that there is a list")),
    responses(
        (status = 200, description = "The list was created or replaced", body = FallbackSet, headers(("ETag" = String, description = "The revision number in quotes"))),
        (status = 400, description = "Unknown fallback models, or the model is its own fallback"),
        (status = 404, description = "The model is not in the catalog"),
        (status = 412, description = "The revision in force is not the one in `If-Match`"),
        (status = 422, description = "A field is invalid")))]
pub async fn set(
    caller: ApiCaller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    reader: web::Data<BodyReader>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let is_known = |name: &str| caller.organization.models.contains_key(name);
    let new =
        body::parse(&body.bytes).map_err(|error| body::with_unknown_names(error, &body.bytes, is_known))?;
    let if_match = IfMatch::of(request.headers())?;
    let store = store.organization(&caller.tenant);
    let expected = if_match.expected(&store, &new.model, new.fallback_type).await?;
    let (row, outcome) = store.fallback_set(new, expected).await?;
    let message = match outcome {
        FallbackOutcome::Created => "Fallback configuration created successfully",
        FallbackOutcome::Replaced => "Fallback configuration updated successfully",
    };
    let etag = etag(row.revision);
    Ok(HttpResponse::Ok().insert_header(etag).json(FallbackSet { fallback: row.into(), message }))
}

/// A fallback list that was deleted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FallbackDeleted {
    /// The model of the list.
    #[schema(example = "smart")]
    model: String,
    /// Which of its lists.
    fallback_type: FallbackType,
    /// A confirmation for people to read.
    #[schema(example = "Fallback configuration deleted successfully")]
    message: &'static str,
}

/// Delete a fallback list
///
/// The change takes effect immediately. A list created later has the same `router_config_id` and the next revision.
///
/// # Errors
/// As for reading; 412 when `If-Match` names another revision.
#[utoipa::path(delete, path = "",
    params(
        ("model" = String, Path, description = "The model's catalog name; it may contain slashes, as they are or as `%2F`"), Selection,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the list that the change is based on")),
    responses(
        (status = 200, description = "The list was deleted", body = FallbackDeleted),
        (status = 404, description = "No such list is in force"),
        (status = 412, description = "The revision in force is not the one in `If-Match`"),
        (status = 422, description = "An unknown `fallback_type`")))]
pub async fn delete(
    caller: ApiCaller<RouterManage>,
    request: HttpRequest,
    model: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let kind = Selection::of_query(request.query_string())?.fallback_type;
    let if_match = IfMatch::of(request.headers())?;
    let model = model.into_inner();
    let store = store.organization(&caller.tenant);
    let expected = if_match.expected(&store, &model, kind).await?;
    if store.fallback_delete(&model, kind, expected).await?.is_none() {
        return Err(Error::FallbackAbsent { model, kind: kind.as_str().to_owned() });
    }
    let message = "Fallback configuration deleted successfully";
    Ok(HttpResponse::Ok().json(FallbackDeleted { model, fallback_type: kind, message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_picks_a_type_and_general_is_the_default() {
        for (query, kind) in [
            ("", FallbackType::General),
            ("other=1", FallbackType::General),
            ("fallback_type=context_window", FallbackType::ContextWindow),
            ("a=b&fallback_type=content%5Fpolicy", FallbackType::ContentPolicy),
        ] {
            assert_eq!(Selection::of_query(query).expect(query).fallback_type, kind);
        }
        for query in
            ["fallback_type=", "fallback_type=General", "fallback_type=general&fallback_type=general"]
        {
            assert!(matches!(Selection::of_query(query), Err(Error::Invalid(_))), "{query}");
        }
        assert_eq!(expected_type(), "Input should be 'general', 'context_window' or 'content_policy'");
    }
}
