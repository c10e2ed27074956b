//! `GET /events/unclassified`: rejected requests with a message that no rule recognizes, a form that maps each, and the
//! organization's mappings.

pub mod mappings;
mod sentence;

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::Problems;
use crate::console::http::responses::page_with;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::providers::SentenceClass;
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ErrorMappingRow, EventFilter, MOST_MAPPINGS, Store};
use sentence::shown;
pub(crate) use sentence::{Sentence, sentences};

/// Path of the page.
const PATH: &str = "/events/unclassified";
/// Number of recent rejected requests that are examined.
const LOOKED_AT: u64 = 1_000;

#[derive(Template)]
#[template(path = "events/unclassified.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) may_configure: bool,
    pub(crate) classes: [SentenceClass; 6],
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) mappings: Vec<MappingLine>,
}

/// A mapping as a table row.
#[derive(Debug)]
pub(crate) struct MappingLine {
    pub(crate) id: String,
    pub(crate) contains: String,
    pub(crate) provider: String,
    pub(crate) status: String,
    pub(crate) word: String,
    pub(crate) since: Timestamp,
}

impl MappingLine {
    pub(crate) fn of(row: &ErrorMappingRow, organization: &OrganizationSnapshot) -> Self {
        Self {
            id: row.id.to_string(),
            contains: shown(&row.contains),
            provider: provider_name(row, organization),
            status: row.status.map_or_else(|| "any".to_owned(), |status| status.to_string()),
            word: row.word().to_owned(),
            since: row.created_at.into(),
        }
    }
}

/// Name of the provider that a mapping applies to; empty if it cannot be called.
fn provider_name(row: &ErrorMappingRow, organization: &OrganizationSnapshot) -> String {
    match row.provider_id {
        None => "every provider".to_owned(),
        Some(id) => organization
            .providers
            .get(&id)
            .map_or_else(|| "a provider".to_owned(), |provider| provider.name.to_string()),
    }
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    console_user: ConsoleUser<may::Read>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    show(&console_user, &store, &gateway, &clock, Problems::default()).await
}

/// Renders the page with the problems of a form.
async fn show<P: Requires>(
    console_user: &ConsoleUser<P>,
    store: &Store,
    gateway: &Gateway,
    clock: &Clock,
    problems: Problems,
) -> Result<HttpResponse> {
    let filter = EventFilter {
        error_class: Some(ErrorClass::InvalidRequest),
        origin: Some(Origin::Live),
        ..EventFilter::default()
    };
    let data = store.organization(&console_user.tenant);
    let rows = data.event_batch(&filter, None, LOOKED_AT).await?;
    let mappings = data.error_mapping_list(&PageRequest { limit: MOST_MAPPINGS, cursor: None }).await?;
    let status = if problems.is_empty() { 200 } else { 422 };
    let organization = &console_user.organization;
    let installation = gateway.shared_state.sentences.load();
    let page = Page {
        frame: Frame::of(console_user, "Unclassified failures", NavigationItem::Events),
        problems,
        may_configure: console_user.may(Permission::Configure),
        classes: SentenceClass::ALL,
        sentences: sentences(&rows, organization, &installation, clock.now()),
        mappings: mappings.items.iter().map(|row| MappingLine::of(row, organization)).collect(),
    };
    page_with(status, &page)
}
