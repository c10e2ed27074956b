//! `GET /start`: what is done, and what comes next.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::config::Settings;
use crate::console::components::answer_panel::Outcome;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::snippets::{KEY, curl};
use crate::console::http::responses::page;
use crate::console::http::{base_url, csrf};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::permission::Permission;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, RequestFilter, Store};

/// What the test request asks.
pub(super) const PROMPT: &str = "Are you there?";
/// The name of the model that fails, where none is made yet.
pub(super) const MODEL: &str = "smart";

#[derive(Template)]
#[template(path = "start/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    /// How many keys live.
    pub(crate) keys: usize,
    /// The key that was just made, this once.
    pub(crate) new_key: Option<String>,
    /// The id of the key to be made, signed.
    pub(crate) once: String,
    pub(crate) curl: String,
    /// The model that the command asks.
    pub(crate) called: String,
    /// The model that the test asks.
    pub(crate) model: String,
    /// Whether a request was sent yet.
    pub(crate) sent: bool,
    pub(crate) outcome: Option<Outcome>,
    /// The page of the newest fallback event.
    pub(crate) event: Option<String>,
    /// Whether there is a provider that is not simulated.
    pub(crate) provider: bool,
    pub(crate) may_make_keys: bool,
    pub(crate) may_configure: bool,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    visitor: Visitor<may::Read>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    page(&Page::of(&visitor, &visitor.organization, &store, &clock, &settings).await?)
}

impl Page {
    /// As things stand in `organization`, which may be newer than the visitor's.
    pub(super) async fn of<P: Requires>(
        visitor: &Visitor<P>,
        organization: &OrganizationSnapshot,
        store: &Store,
        clock: &Clock,
        settings: &Settings,
    ) -> Result<Self> {
        let data = store.organization(&visitor.tenant);
        let live = EventFilter { origin: Some("live".to_owned()), ..EventFilter::default() };
        let event = data.event_batch(&live, None, 1).await?.pop();
        let real = RequestFilter { origin: Some("live".to_owned()), ..RequestFilter::default() };
        let sent = !data.request_batch(&real, None, 1).await?.is_empty();
        let simulated = super::simulated::existing(organization);
        let model = simulated.clone().unwrap_or_else(|| MODEL.to_owned());
        let called =
            simulated.or_else(|| organization.models.keys().min().cloned()).unwrap_or(MODEL.to_owned());
        Ok(Self {
            frame: Frame::of(visitor, "First steps", Lit::Start),
            keys: organization.keys.len(),
            new_key: None,
            once: csrf::once_of_session(store.vault(), visitor.session_id, clock.new_id()),
            curl: curl(&base_url::of(settings, visitor.request()), KEY, &called, PROMPT),
            called,
            model,
            sent,
            outcome: None,
            event: event.map(|event| format!("/events/{}", event.id.0)),
            provider: organization
                .providers
                .values()
                .any(|provider| provider.preset.name != super::simulated::PRESET),
            may_make_keys: visitor.may(Permission::ManageKeys),
            may_configure: visitor.may(Permission::Configure),
        })
    }

    /// How many of the steps are done.
    pub(crate) fn done(&self) -> usize {
        [self.keys > 0, self.sent, self.event.is_some(), self.provider]
            .into_iter()
            .filter(|done| *done)
            .count()
    }
}
