//! `/fallbacks/{id}/try`: a request whose models fail on purpose, to see that the others answer.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::answer_panel::Outcome;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::status_badge::label;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::responses::page_with;
use crate::console::pages::fallbacks::editor_page::model_of;
use crate::console::pages::fallbacks::labels::typical;
use crate::console::pages::playground::prompt::parse_prompt;
use crate::domain::error::Result;
use crate::domain::error_class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::gateway::Gateway;
use crate::gateway::preview::chain_preview::chain_preview;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills;
use crate::gateway::request::drills::Drills;
use crate::store::Store;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};

/// What is asked if nobody thinks of anything else.
const PROMPT: &str = "Say hello in one sentence.";

#[derive(Template)]
#[template(path = "fallbacks/try.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) model: String,
    pub(crate) model_id: String,
    pub(crate) prompt: String,
    pub(crate) steps: Vec<TrialStep>,
    pub(crate) problems: Problems,
    pub(crate) outcome: Option<Outcome>,
}

/// A model that may be asked.
pub(crate) struct TrialStep {
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) enabled: bool,
    /// How it can fail on purpose.
    pub(crate) ways: Vec<Way>,
}

/// A way to fail.
pub(crate) struct Way {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) chosen: bool,
}

/// The form, with the model itself about to fail.
///
/// # Errors
/// The organization has no such model.
pub async fn read(
    visitor: Visitor<may::Configure>,
    path: web::Path<String>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let model = model_of(&visitor, &path)?;
    let chosen = |name: &str| (name == &*model.name).then_some(ErrorClass::Unavailable);
    let steps = steps(&visitor.organization, &model, &gateway, chosen)?;
    let page = Page::of(frame(&visitor, &model), &model, PROMPT, steps);
    page_with(200, &page)
}

/// Asks, and shows what came of it.
///
/// # Errors
/// The organization has no such model; the request could not be made at all.
pub async fn run(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, fields) = (&form.visitor, &form.fields);
    let model = model_of(visitor, &path)?;
    let failing = failing(fields, &visitor.organization);
    let chosen = |name: &str| failing.iter().find(|(failing, _)| failing == name).map(|(_, class)| *class);
    let steps = steps(&visitor.organization, &model, &gateway, chosen)?;
    let mut page = Page::of(frame(visitor, &model), &model, fields.text("prompt"), steps);
    let Some(prompt) = page.problems.check("prompt", parse_prompt(fields.text("prompt"))) else {
        return page_with(422, &page);
    };
    let question = PlaygroundRequest {
        organization: visitor.organization.clone(),
        request_id: visitor.request_id,
        model: model.name.to_string(),
        prompt,
        drills: Drills::of(failing)?,
    };
    page.outcome = Some(Outcome::ask(&gateway, &store.organization(&visitor.tenant), &question).await?);
    page_with(200, &page)
}

fn frame<P: crate::auth::console::console_user::Requires>(visitor: &Visitor<P>, model: &ModelEntry) -> Frame {
    Frame::of(visitor, &format!("Try the fallbacks of {}", model.name), Lit::Fallbacks)
}

impl Page {
    pub(crate) fn of(frame: Frame, model: &ModelEntry, prompt: &str, steps: Vec<TrialStep>) -> Self {
        Self {
            frame,
            model: model.name.to_string(),
            model_id: model.id.0.to_string(),
            prompt: prompt.to_owned(),
            steps,
            problems: Problems::default(),
            outcome: None,
        }
    }
}

/// Who is to fail, and how. What the form does not know is left out.
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

/// Everybody who may be asked, whichever way the model fails.
fn steps(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    gateway: &Gateway,
    chosen: impl Fn(&str) -> Option<ErrorClass>,
) -> Result<Vec<TrialStep>> {
    let mut steps: Vec<TrialStep> = Vec::new();
    for kind in FallbackType::ALL {
        let chain_preview =
            chain_preview(organization, model, typical(kind), &gateway.shared_state.cooldowns)?;
        for candidate in chain_preview.candidates {
            if steps.iter().any(|step| step.model == candidate.model) {
                continue;
            }
            let class = chosen(&candidate.model);
            let enabled = organization.models.get(&candidate.model).is_some_and(|model| model.enabled);
            steps.push(TrialStep {
                ways: ways(class),
                model: candidate.model,
                provider: candidate.provider,
                enabled,
            });
        }
    }
    Ok(steps)
}

pub(crate) fn ways(chosen: Option<ErrorClass>) -> Vec<Way> {
    let way =
        |class: ErrorClass| Way { word: class.as_str(), label: label(class), chosen: chosen == Some(class) };
    drills::callable().map(way).collect()
}
