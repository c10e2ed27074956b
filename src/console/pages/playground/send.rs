//! `/playground`: the form, the answer, and the same request as code.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::prompt::parse_prompt;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::config::Settings;
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::snippets::{KEY, Snippet, snippets};
use crate::console::http::base_url;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::query::Query;
use crate::console::http::responses::page_with;
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::gateway::request::drills::Drills;
use crate::store::Store;
use crate::store::snapshot::OrganizationSnapshot;

/// Prompt that is filled in at first.
const DEFAULT_PROMPT: &str = "Why is the sky blue? Answer in one sentence.";

#[derive(Template)]
#[template(path = "playground/send.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    /// Name and provider of each model, by name.
    pub(crate) models: Vec<(String, String)>,
    pub(crate) model: String,
    /// Path of the chosen model's fallback lists.
    pub(crate) fallbacks: Option<String>,
    pub(crate) prompt: String,
    pub(crate) answer_panel: Option<AnswerPanel>,
    pub(crate) snippets: Vec<Snippet>,
}

/// Renders the page; the query parameters `model` and `prompt` prefill it.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(
    console_user: ConsoleUser<may::Send>,
    request: HttpRequest,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let query = Query::parse(request.query_string());
    let organization = &console_user.organization;
    let wanted =
        query.text("model").filter(|name| organization.chat_models().any(|model| *model.name == **name));
    let first = || organization.chat_models().map(|model| model.name.to_string()).min();
    let model = wanted.or_else(first).unwrap_or_default();
    let prompt = query.text("prompt").unwrap_or_else(|| DEFAULT_PROMPT.to_owned());
    let frame = Frame::of(&console_user, "Playground", NavigationItem::Playground);
    page_with(200, &Page::of(frame, organization, &base_url::of(&settings, &request), model, prompt))
}

/// Sends the request and shows the answer.
///
/// # Errors
/// The request could not be sent at all.
pub async fn send(
    form: Form<may::Send>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let mut page = Page::of_form(&form, &base_url::of(&settings, &request));
    let Some(question) = page.question(&form.console_user) else { return page_with(422, &page) };
    let data = store.organization(&form.console_user.tenant);
    page.answer_panel = Some(AnswerPanel::ask(&gateway, &data, &question).await?);
    page_with(200, &page)
}

impl Page {
    /// The page with the submitted values.
    pub(super) fn of_form(form: &Form<may::Send>, address: &str) -> Self {
        let (console_user, fields) = (&form.console_user, &form.fields);
        let frame = Frame::of(console_user, "Playground", NavigationItem::Playground);
        let (model, prompt) = (fields.text("model").to_owned(), fields.text("prompt").to_owned());
        Self::of(frame, &console_user.organization, address, model, prompt)
    }

    /// The request to send; `None` if it is invalid, with the problems recorded.
    pub(super) fn question(&mut self, console_user: &ConsoleUser<may::Send>) -> Option<PlaygroundRequest> {
        if !console_user.organization.chat_models().any(|model| *model.name == *self.model) {
            self.problems.add("model", "There is no such model. Choose one from the list.");
        }
        let prompt = self.problems.check("prompt", parse_prompt(&self.prompt));
        let prompt = prompt.filter(|_| self.problems.is_empty())?;
        Some(PlaygroundRequest {
            organization: console_user.organization.clone(),
            request_id: console_user.request_id,
            model: self.model.clone(),
            prompt,
            drills: Drills::default(),
        })
    }

    pub(crate) fn of(
        frame: Frame,
        organization: &OrganizationSnapshot,
        address: &str,
        model: String,
        prompt: String,
    ) -> Self {
        let mut models: Vec<(String, String)> = organization
            .chat_models()
            .map(|model| (model.name.to_string(), model.provider.name.to_string()))
            .collect();
        models.sort();
        let known = organization.models.get(&model);
        Self {
            frame,
            problems: Problems::default(),
            models,
            fallbacks: known.map(|known| format!("/fallbacks/{}", known.id.0)),
            snippets: snippets(address, KEY, &model, prompt.trim()),
            model,
            prompt,
            answer_panel: None,
        }
    }
}
