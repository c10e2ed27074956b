//! The list of models in Anthropic's shape, for callers who send `anthropic-version`.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, Result};
use crate::store::snapshot::ModelEntry;

/// The header that all clients of Anthropic's API send.
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The models of a page without `limit`, and the most of one.
const USUAL: usize = 20;
const MOST: usize = 1_000;

/// A model in Anthropic's shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnthropicModel {
    /// The type, always `model`.
    r#type: &'static str,
    /// The model's catalog name.
    id: String,
    /// The name for people, which is the catalog name, too.
    display_name: String,
    /// When it was added, in RFC 3339.
    created_at: String,
    /// The context window in tokens, if the catalog knows it.
    max_input_tokens: Option<i64>,
    /// The longest answer in tokens, if the catalog knows it.
    max_tokens: Option<i64>,
}

/// A page of models in Anthropic's shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnthropicModelList {
    /// The models, sorted by name.
    data: Vec<AnthropicModel>,
    /// Whether more models follow in the direction of the page.
    has_more: bool,
    /// The first id of the page, for `before_id`.
    first_id: Option<String>,
    /// The last id of the page, for `after_id`.
    last_id: Option<String>,
}

/// The place of a page, as Anthropic's clients ask for it.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct PageQuery {
    limit: Option<usize>,
    after_id: Option<String>,
    before_id: Option<String>,
}

/// Whether the caller speaks Anthropic's dialect.
pub(in crate::api) fn is_wanted(request: &HttpRequest) -> bool {
    request.headers().contains_key(VERSION)
}

impl From<&ModelEntry> for AnthropicModel {
    fn from(model: &ModelEntry) -> Self {
        Self {
            r#type: "model",
            id: model.name.to_string(),
            display_name: model.name.to_string(),
            created_at: model.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            max_input_tokens: model.settings.context_window,
            max_tokens: model.settings.max_output_tokens,
        }
    }
}

impl AnthropicModelList {
    /// The page of `models`, which are sorted by name, that the query asks for.
    ///
    /// # Errors
    /// The limit is out of range.
    pub(in crate::api) fn page(models: &[&ModelEntry], query: &PageQuery) -> Result<Self> {
        let limit = query.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            let message = format!("'limit' must be a whole number from 1 to {MOST}.");
            return Err(Error::refused(Some("limit"), "invalid_value", message));
        }
        let after =
            query.after_id.as_deref().map_or(0, |id| models.partition_point(|model| *model.name <= *id));
        let before = query.before_id.as_deref();
        let before = before.map_or(models.len(), |id| models.partition_point(|model| *model.name < *id));
        let within = models.get(after..before).unwrap_or_default();
        // A page before an id ends with the model just before it.
        let from = if query.before_id.is_some() { within.len().saturating_sub(limit) } else { 0 };
        let page: Vec<AnthropicModel> =
            within.iter().skip(from).take(limit).map(|model| AnthropicModel::from(*model)).collect();
        Ok(Self {
            has_more: within.len() > page.len(),
            first_id: page.first().map(|model| model.id.clone()),
            last_id: page.last().map(|model| model.id.clone()),
            data: page,
        })
    }
}
