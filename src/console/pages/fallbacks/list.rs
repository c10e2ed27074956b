//! `GET /fallbacks`: all models with their fallback lists.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::diagrams::chain_diagram::{ChainDiagram, ChainStep, ChainStepKind};
use crate::console::components::format::{counted, share};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::Pagination;
use crate::console::components::status_badge::reason;
use crate::console::http::query::Query;
use crate::console::http::responses::{page, see_other};
use crate::console::pages::fallbacks::editor_page::last_day;
use crate::console::pages::fallbacks::labels::title;
use crate::console::pages::fallbacks::preview::shortened;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::permission::Permission;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{FallbackFilter, FallbackRow, RequestCounts, Store};

/// Number of models per page.
const MODELS: usize = 50;

#[derive(Template)]
#[template(path = "fallbacks/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) notes: Vec<String>,
    pub(crate) models: Vec<ModelLists>,
    pub(crate) pagination: Pagination,
    /// Whether any list exists.
    pub(crate) any_list: bool,
    /// Ids and names of models without a list.
    pub(crate) without: Vec<(String, String)>,
    /// Whether any model exists.
    pub(crate) any_model: bool,
    pub(crate) may_configure: bool,
}

/// A model with its lists.
pub(crate) struct ModelLists {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) enabled: bool,
    /// Requests in the last 24 hours; empty if there were none.
    pub(crate) requests: String,
    /// Share of those requests that a fallback answered.
    pub(crate) rate: String,
    pub(crate) failed: i64,
    pub(crate) lists: Vec<ListLine>,
}

/// One list of the model.
pub(crate) struct ListLine {
    pub(crate) title: &'static str,
    /// Names of the classes that use the list; empty means all.
    pub(crate) narrowed: String,
    pub(crate) diagram: ChainDiagram,
}

/// Renders the page, or redirects to the editor of the model chosen for a new fallback.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let mut query = Query::parse(request.query_string());
    let organization = &console_user.organization;
    if let Some(model) = query.text("model").and_then(|name| organization.models.get(&name)) {
        return Ok(see_other(&format!("/fallbacks/{}", model.id.0)));
    }
    if let Some(unknown) = query.text("model") {
        query.note(format!("There is no model '{unknown}'."));
    }
    let data = store.organization(&console_user.tenant);
    let rows = data.fallback_list(&FallbackFilter::default()).await?;
    let counts = data.request_counts_by_model(&last_day(clock.now())).await?;
    let frame = Frame::of(&console_user, "Fallbacks", NavigationItem::Fallbacks);
    let may_configure = console_user.may(Permission::Configure);
    page(&Page::of(frame, &query, organization, rows, &counts, may_configure))
}

impl Page {
    pub(crate) fn of(
        frame: Frame,
        query: &Query,
        organization: &OrganizationSnapshot,
        rows: Vec<FallbackRow>,
        counts: &BTreeMap<String, RequestCounts>,
        may_configure: bool,
    ) -> Self {
        let mut by_model: BTreeMap<String, Vec<FallbackRow>> = BTreeMap::new();
        rows.into_iter().for_each(|row| by_model.entry(row.model.clone()).or_default().push(row));
        let mut without: Vec<(String, String)> = organization
            .models
            .values()
            .filter(|model| !by_model.contains_key(&*model.name))
            .map(|model| (model.name.to_string(), model.id.0.to_string()))
            .collect();
        without.sort();
        let after = query.text("after");
        let mut rest = by_model.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        let shown: Vec<_> = rest.by_ref().take(MODELS).collect();
        let older =
            rest.next().and_then(|_| shown.last().map(|(name, _)| query.with(&[("after", Some(name))])));
        let pagination = Pagination {
            says: format!(
                "{} of {}, by name",
                shown.len(),
                counted(by_model.len(), "model with fallbacks", "models with fallbacks")
            ),
            newer: after.is_some().then(|| "/fallbacks".to_owned()),
            older: older.map(|query| format!("/fallbacks{query}")),
        };
        let models = shown.into_iter().map(|(name, rows)| {
            ModelLists::of(organization, name, rows, counts.get(name).copied().unwrap_or_default())
        });
        let models = models.collect();
        let (any_list, any_model) = (!by_model.is_empty(), !organization.models.is_empty());
        Self { frame, notes: query.notes(), models, pagination, any_list, without, any_model, may_configure }
    }
}

impl ModelLists {
    fn of(
        organization: &OrganizationSnapshot,
        name: &str,
        rows: &[FallbackRow],
        counts: RequestCounts,
    ) -> Self {
        let model = organization.models.get(name);
        Self {
            name: name.to_owned(),
            path: model.map_or_else(|| "/fallbacks".to_owned(), |model| format!("/fallbacks/{}", model.id.0)),
            enabled: model.is_none_or(|model| model.enabled),
            requests: match counts.requests() {
                0 => String::new(),
                requests => counted(requests, "request", "requests"),
            },
            rate: share(counts.by_fallback, counts.requests()),
            failed: counts.failed,
            lists: rows.iter().map(|row| ListLine::of(organization, row)).collect(),
        }
    }
}

impl ListLine {
    fn of(organization: &OrganizationSnapshot, row: &FallbackRow) -> Self {
        let behind = |name: &String| {
            let model = organization.models.get(name);
            let off = model.is_some_and(|model| !model.enabled);
            let kind = if off { ChainStepKind::PassedOver } else { ChainStepKind::Waiting };
            ChainStep {
                path: model.map(|model| format!("/fallbacks/{}", model.id.0)),
                reason: if off { "Disabled".to_owned() } else { String::new() },
                facts: model.map(|model| vec![model.provider.name.to_string()]).unwrap_or_default(),
                ..ChainStep::new(kind, name)
            }
        };
        let first = ChainStep {
            facts: organization
                .models
                .get(&row.model)
                .map(|model| vec![model.provider.name.to_string()])
                .unwrap_or_default(),
            ..ChainStep::new(ChainStepKind::Asked, &row.model)
        };
        let label = format!("{} fallbacks of {}", title(row.fallback_type), row.model);
        let steps = shortened([first].into_iter().chain(row.fallback_models.iter().map(behind)).collect());
        let words = row.triggers.as_deref().unwrap_or_default().iter().map(|word| reason(word));
        let narrowed = words.collect::<Vec<_>>().join(", ");
        Self { title: title(row.fallback_type), narrowed, diagram: ChainDiagram { label, steps } }
    }
}
