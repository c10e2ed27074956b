//! `POST /start/request`: a real request for a simulated model that fails, so that another one answers.

use actix_web::{HttpResponse, web};

use super::read::{PROMPT, Page};
use super::simulated;
use crate::auth::console::console_user::may;
use crate::config::Settings;
use crate::console::components::answer_panel::Outcome;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills::Drills;
use crate::store::Store;

/// Makes the simulated models if they are not there, asks the one that fails, and shows what came of it.
///
/// # Errors
/// The names of the models are taken; the request could not be made at all.
pub async fn send(
    form: Form<may::Configure>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let data = store.organization(&visitor.tenant);
    let model = match simulated::existing(&visitor.organization) {
        Some(model) => model,
        None => simulated::create(&visitor.organization, &data).await?,
    };
    let organization = store.directory().organization(visitor.organization.id).ok_or(Error::NotReady)?;
    let question = PlaygroundRequest {
        organization: organization.clone(),
        request_id: visitor.request_id,
        model,
        prompt: PROMPT.to_owned(),
        drills: Drills::default(),
    };
    let outcome = Outcome::ask(&gateway, &data, &question).await?;
    let mut shown = Page::of(visitor, &organization, &store, &clock, &settings).await?;
    shown.outcome = Some(outcome);
    page(&shown)
}
