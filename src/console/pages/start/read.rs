//! `GET /start`: the first steps and which of them are done.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::config::Settings;
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::snippets::{KEY, curl};
use crate::console::http::responses::page;
use crate::console::http::{base_url, csrf};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::origin::Origin;
use crate::domain::permission::Permission;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{EventFilter, RequestFilter, Store};

/// Prompt of the test request.
pub(super) const DEFAULT_PROMPT: &str = "Are you there?";
/// Name of the failing model before one exists.
pub(super) const MODEL: &str = "smart";

#[derive(Template)]
#[template(path = "start/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    /// Number of active keys.
    pub(crate) keys: usize,
    /// The key that was just created; shown only once.
    pub(crate) new_key: Option<String>,
    /// Signed id of the key to be created.
    pub(crate) once: String,
    pub(crate) curl: String,
    /// Model in the command.
    pub(crate) called: String,
    /// Model of the test request.
    pub(crate) model: String,
    /// Whether a request was sent.
    pub(crate) sent: bool,
    pub(crate) answer_panel: Option<AnswerPanel>,
    /// Path of the newest fallback event.
    pub(crate) event: Option<String>,
    /// Whether a provider exists that is not simulated.
    pub(crate) provider: bool,
    pub(crate) may_make_keys: bool,
    pub(crate) may_configure: bool,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    page(&Page::of(&console_user, &console_user.organization, &store, &clock, &settings).await?)
}

impl Page {
    /// The page for the given snapshot, which may be newer than the one of the session.
    pub(super) async fn of<P: Requires>(
        console_user: &ConsoleUser<P>,
        organization: &OrganizationSnapshot,
        store: &Store,
        clock: &Clock,
        settings: &Settings,
    ) -> Result<Self> {
        let data = store.organization(&console_user.tenant);
        let live = EventFilter { origin: Some(Origin::Live), ..EventFilter::default() };
        let event = data.event_batch(&live, None, 1).await?.pop();
        let real = RequestFilter { origin: Some(Origin::Live), ..RequestFilter::default() };
        let sent = !data.request_batch(&real, None, 1).await?.is_empty();
        let simulated = super::simulated::existing(organization);
        let model = simulated.clone().unwrap_or_else(|| MODEL.to_owned());
        let called = simulated
            .or_else(|| organization.chat_models().map(|model| model.name.to_string()).min())
            .unwrap_or(MODEL.to_owned());
        Ok(Self {
            frame: Frame::of(console_user, "First steps", NavigationItem::Start),
            keys: organization.keys.len(),
            new_key: None,
            once: csrf::once_of_session(store.vault(), console_user.session_id, clock.new_id()),
            curl: curl(&base_url::of(settings, console_user.request()), KEY, &called, DEFAULT_PROMPT),
            called,
            model,
            sent,
            answer_panel: None,
            event: event.map(|event| format!("/events/{}", event.id.0)),
            provider: organization
                .providers
                .values()
                .any(|provider| provider.preset.name != super::simulated::PRESET),
            may_make_keys: console_user.may(Permission::ManageKeys),
            may_configure: console_user.may(Permission::Configure),
        })
    }

    /// Number of completed steps.
    pub(crate) fn done(&self) -> usize {
        [self.keys > 0, self.sent, self.event.is_some(), self.provider]
            .into_iter()
            .filter(|done| *done)
            .count()
    }
}
