//! `/fallbacks/{id}/try`: a request with models that fail on purpose, to test the fallbacks.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::status_badge::label;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::model_of;
use crate::console::pages::fallbacks::labels::typical;
use crate::console::pages::playground::prompt::parse_prompt;
use crate::dialects::CallerDialect;
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::gateway::preview::chain_preview::chain_preview;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills;
use crate::gateway::request::drills::Drills;
use crate::store::Store;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// Prompt that is filled in at first.
const DEFAULT_PROMPT: &str = "Say hello in one sentence.";

#[derive(Template)]
#[template(path = "fallbacks/try.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) model: String,
    pub(crate) model_id: String,
    pub(crate) prompt: String,
    pub(crate) steps: Vec<TryOutStep>,
    pub(crate) problems: Problems,
    pub(crate) answer_panel: Option<AnswerPanel>,
}

/// A model that may be called.
pub(crate) struct TryOutStep {
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) enabled: bool,
    /// The failures to choose from.
    pub(crate) ways: Vec<FailureOption>,
}

/// A failure to choose.
pub(crate) struct FailureOption {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) chosen: bool,
}

/// Renders the form, with the model itself set to fail.
///
/// # Errors
/// The organization has no such model.
pub async fn read(
    console_user: ConsoleUser<may::Configure>,
    path: web::Path<String>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let model = model_of(&console_user, &path)?;
    let chosen = |name: &str| (name == &*model.name).then_some(ErrorClass::Unavailable);
    let steps = steps(&console_user.organization, &model, &gateway, chosen)?;
    let page = Page::of(frame(&console_user, &model), &model, DEFAULT_PROMPT, steps);
    page_with(200, &page)
}

/// Sends the request and shows its result.
///
/// # Errors
/// The organization has no such model, or the request could not be sent.
pub async fn run(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, fields) = (&form.console_user, &form.fields);
    let model = model_of(console_user, &path)?;
    let failing = failing(fields, &console_user.organization);
    let chosen = |name: &str| failing.iter().find(|(failing, _)| failing == name).map(|(_, class)| *class);
    let steps = steps(&console_user.organization, &model, &gateway, chosen)?;
    let mut page = Page::of(frame(console_user, &model), &model, fields.text("prompt"), steps);
    let Some(prompt) = page.problems.check("prompt", parse_prompt(fields.text("prompt"))) else {
        return page_with(422, &page);
    };
    let question = PlaygroundRequest {
        organization: console_user.organization.clone(),
        request_id: console_user.request_id,
        dialect: CallerDialect::ChatCompletions,
        model: model.name.to_string(),
        prompt,
        drills: Drills::of(failing)?,
    };
    page.answer_panel =
        Some(AnswerPanel::ask(&gateway, &store.organization(&console_user.tenant), &question).await?);
    page_with(200, &page)
}

fn frame<P: crate::auth::console::console_user::Requires>(
    console_user: &ConsoleUser<P>,
    model: &ModelEntry,
) -> Frame {
    Frame::of(console_user, &format!("Try the fallbacks of {}", model.name), NavigationItem::Fallbacks)
}

impl Page {
    pub(crate) fn of(frame: Frame, model: &ModelEntry, prompt: &str, steps: Vec<TryOutStep>) -> Self {
        Self {
            frame,
            model: model.name.to_string(),
            model_id: model.id.0.to_string(),
            prompt: prompt.to_owned(),
            steps,
            problems: Problems::default(),
            answer_panel: None,
        }
    }
}

/// The models that are set to fail, with their classes. Unknown models and classes are ignored.
fn failing(fields: &Fields, organization: &OrganizationSnapshot) -> Vec<(String, ErrorClass)> {
    let pairs = fields.list("step").into_iter().zip(fields.list("fails"));
    let mut failing: Vec<(String, ErrorClass)> = Vec::new();
    for (model, word) in pairs {
        let class = drills::callable().find(|class| class.as_str() == word);
        let new = organization.models.contains_key(model) && failing.iter().all(|(known, _)| known != model);
        failing.extend(class.filter(|_| new).map(|class| (model.to_owned(), class)));
    }
    failing
}

/// All models that may be called, whatever the failure.
fn steps(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    gateway: &Gateway,
    chosen: impl Fn(&str) -> Option<ErrorClass>,
) -> Result<Vec<TryOutStep>> {
    let mut steps: Vec<TryOutStep> = Vec::new();
    for kind in FallbackType::ALL {
        let chain_preview =
            chain_preview(organization, model, typical(kind), &gateway.shared_state.cooldowns)?;
        for candidate in chain_preview.candidates {
            if steps.iter().any(|step| step.model == candidate.model) {
                continue;
            }
            let class = chosen(&candidate.model);
            let enabled = organization.models.get(&candidate.model).is_some_and(|model| model.enabled);
            steps.push(TryOutStep {
                ways: ways(class),
                model: candidate.model,
                provider: candidate.provider,
                enabled,
            });
        }
    }
    Ok(steps)
}

pub(crate) fn ways(chosen: Option<ErrorClass>) -> Vec<FailureOption> {
    let way = |class: ErrorClass| FailureOption {
        word: class.as_str(),
        label: label(class),
        chosen: chosen == Some(class),
    };
    drills::callable().map(way).collect()
}
