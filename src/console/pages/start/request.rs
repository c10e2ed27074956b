//! `POST /start/request`: sends a real request to a simulated model that fails, so that another one answers.

use actix_web::{HttpResponse, web};

use super::read::{DEFAULT_PROMPT, Page};
use super::simulated;
use crate::auth::console::console_user::may;
use crate::config::Settings;
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::dialects::CallerDialect;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills::Drills;
use crate::store::Store;

/// Creates the simulated models if needed, sends the request, and shows its result.
///
/// # Errors
/// The names of the models are taken, or the request could not be sent.
pub async fn send(
    form: Form<may::Configure>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let data = store.organization(&console_user.tenant);
    let model = match simulated::existing(&console_user.organization) {
        Some(model) => model,
        None => simulated::create(&console_user.organization, &data).await?,
    };
    let organization = store.snapshots().organization(console_user.organization.id).ok_or(Error::NotReady)?;
    let question = PlaygroundRequest {
        organization: organization.clone(),
        request_id: console_user.request_id,
        dialect: CallerDialect::ChatCompletions,
        model,
        prompt: DEFAULT_PROMPT.to_owned(),
        drills: Drills::default(),
    };
    let answer_panel = AnswerPanel::ask(&gateway, &data, &question).await?;
    let mut shown = Page::of(console_user, &organization, &store, &clock, &settings).await?;
    shown.answer_panel = Some(answer_panel);
    page(&shown)
}
