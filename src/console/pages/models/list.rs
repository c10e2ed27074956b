//! `GET /models`: the catalogue.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::LIST;
use super::line::ModelLine;
use super::read::choices;
use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::pager::Pager;
use crate::console::components::pagination::{ROWS, pager, turn};
use crate::console::components::time_range::Choice;
use crate::console::http::query::Query;
use crate::console::http::responses::page;
use crate::domain::error::Result;
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{ModelFilter, Store};

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
    /// The part of the name that is looked for.
    pub(crate) part: String,
    pub(crate) providers: Vec<Choice>,
    /// The id of the one that is looked for.
    pub(crate) provider: String,
    pub(crate) states: Vec<Choice>,
    /// `true`, `false` or empty.
    pub(crate) enabled: String,
}

impl Page {
    /// Whether filters are in force that could be taken away.
    pub(crate) fn is_narrow(&self) -> bool {
        [&self.part, &self.provider, &self.enabled].iter().any(|text| !text.is_empty())
    }
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
    let filter = filter(&mut query);
    let turn = turn(&mut query, &data, LIST);
    let sheet = data.model_sheet(&filter, turn, ROWS).await?;
    let organization = &visitor.organization;
    let line = |row| ModelLine::of(row, organization, &gateway.shared_state.cooldowns);
    page(&Page {
        frame: Frame::of(&visitor, "Models", Lit::Models),
        notes: query.notes(),
        lines: sheet.items.iter().map(line).collect(),
        pager: pager(&sheet, &query, &data, LIST, "/models", ("model", "models")),
        may_configure: visitor.may(Permission::Configure),
        served: !organization.providers.is_empty(),
        part: filter.contains.unwrap_or_default(),
        providers: with_any("Any", choices(&data).await?),
        provider: filter.provider_id.map(|id| id.to_string()).unwrap_or_default(),
        states: states(),
        enabled: filter.enabled.map(|enabled| enabled.to_string()).unwrap_or_default(),
    })
}

/// What the address asks for.
fn filter(query: &mut Query) -> ModelFilter {
    ModelFilter {
        contains: query.text("name"),
        provider_id: query.id("provider", "Provider"),
        enabled: query.parsed("enabled", "State", |text| text.parse().ok()),
        ..ModelFilter::default()
    }
}

/// Whether a model may be called, as a choice.
pub(crate) fn states() -> Vec<Choice> {
    with_any("Any", vec![Choice::new("true", "May be called"), Choice::new("false", "Switched off")])
}

fn with_any(label: &str, choices: Vec<Choice>) -> Vec<Choice> {
    [Choice::new("", label)].into_iter().chain(choices).collect()
}
