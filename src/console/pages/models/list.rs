//! `GET /models`: the model catalog.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::form::label;
use super::line::ModelLine;
use super::read::choices;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::{Pagination, ROWS, direction, pagination};
use crate::console::components::time_range::Choice;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::error::Result;
use crate::domain::operation::ModelKind;
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{ModelFilter, Store};

#[derive(Template)]
#[template(path = "models/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<ModelLine>,
    pub(crate) pagination: Pagination,
    pub(crate) may_configure: bool,
    /// Whether a provider exists that could serve a model.
    pub(crate) served: bool,
    /// Filter for a part of the name.
    pub(crate) part: String,
    pub(crate) providers: Vec<Choice>,
    /// Id of the selected provider.
    pub(crate) provider: String,
    pub(crate) kinds: Vec<Choice>,
    /// The word of the selected kind; empty for any.
    pub(crate) kind: String,
    pub(crate) states: Vec<Choice>,
    /// `true`, `false` or empty.
    pub(crate) enabled: String,
}

impl Page {
    /// Whether any filter is set that can be cleared.
    pub(crate) fn is_narrow(&self) -> bool {
        [&self.part, &self.provider, &self.kind, &self.enabled].iter().any(|text| !text.is_empty())
    }
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let mut query = Query::parse(request.query_string());
    let filter = filter(&mut query);
    let direction = direction(&mut query, &data, LIST);
    let rows_page = data.model_page(&filter, direction, ROWS).await?;
    let organization = &console_user.organization;
    let line = |row| ModelLine::of(row, organization, &gateway.shared_state.cooldowns);
    page(&Page {
        frame: Frame::of(&console_user, "Models", NavigationItem::Models),
        notes: query.notes(),
        lines: rows_page.items.iter().map(line).collect(),
        pagination: pagination(&rows_page, &query, &data, LIST, "/models", ("model", "models")),
        may_configure: console_user.may(Permission::Configure),
        served: !organization.providers.is_empty(),
        part: filter.contains.unwrap_or_default(),
        providers: with_any("Any", choices(&data).await?),
        provider: filter.provider_id.map(|id| id.to_string()).unwrap_or_default(),
        kinds: kinds(),
        kind: filter.kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        states: states(),
        enabled: filter.enabled.map(|enabled| enabled.to_string()).unwrap_or_default(),
    })
}

/// Parses the filters in the query string.
fn filter(query: &mut Query) -> ModelFilter {
    ModelFilter {
        contains: query.text("name"),
        provider_id: query.id("provider", "Provider"),
        kind: query.one_of("kind", "Kind", &ModelKind::ALL),
        enabled: query.parsed("enabled", "State", |text| text.parse().ok()),
        ..ModelFilter::default()
    }
}

/// Options for the kind of a model.
pub(crate) fn kinds() -> Vec<Choice> {
    with_any("Any", ModelKind::ALL.map(|kind| Choice::new(kind.as_str(), label(kind))).to_vec())
}

/// Options for the state of a model.
pub(crate) fn states() -> Vec<Choice> {
    with_any("Any", vec![Choice::new("true", "Enabled"), Choice::new("false", "Disabled")])
}

fn with_any(label: &str, choices: Vec<Choice>) -> Vec<Choice> {
    [Choice::new("", label)].into_iter().chain(choices).collect()
}
