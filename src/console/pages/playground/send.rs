//! `/playground`: the form, the answer, and the same request as code, in each dialect.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::prompt::parse_prompt;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::config::Settings;
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::snippets::{KEY, Snippet, snippets};
use crate::console::components::time_range::Choice;
use crate::console::http::base_url;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::query::Query;
use crate::console::http::responses::page_with;
use crate::console::pages::models::line::with_price;
use crate::dialects::CallerDialect;
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
    /// Name and provider of each model, by name, and whether it has no price.
    pub(crate) models: Vec<(String, String)>,
    pub(crate) model: String,
    pub(crate) dialects: Vec<Choice>,
    /// Word of the chosen dialect.
    pub(crate) dialect: String,
    /// Path of the chosen model's fallback lists.
    pub(crate) fallbacks: Option<String>,
    pub(crate) prompt: String,
    pub(crate) answer_panel: Option<AnswerPanel>,
    pub(crate) snippets: Vec<Snippet>,
}

/// What a person asks for on the page.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) dialect: CallerDialect,
    pub(crate) model: String,
    pub(crate) prompt: String,
}

impl Asked {
    /// What the form asks for. A form without a dialect asks for a chat completion; `None` is one that does not exist.
    fn of(fields: &Fields) -> (Self, Option<CallerDialect>) {
        let word = fields.text("dialect");
        let chosen = if word.is_empty() { Some(CallerDialect::ChatCompletions) } else { dialect_of(word) };
        let asked = Self {
            dialect: chosen.unwrap_or(CallerDialect::ChatCompletions),
            model: fields.text("model").to_owned(),
            prompt: fields.text("prompt").to_owned(),
        };
        (asked, chosen)
    }
}

/// The dialects of callers, with their words in the form and their labels.
const DIALECTS: [(CallerDialect, &str, &str); 3] = [
    (CallerDialect::ChatCompletions, "chat_completions", "OpenAI’s chat completions"),
    (CallerDialect::Messages, "messages", "Anthropic’s Messages"),
    (CallerDialect::Responses, "responses", "OpenAI’s Responses"),
];

/// The dialect with this word.
fn dialect_of(word: &str) -> Option<CallerDialect> {
    DIALECTS.iter().find(|(_, known, _)| *known == word).map(|(dialect, ..)| *dialect)
}

/// Renders the page; the query parameters `model`, `prompt` and `dialect` prefill it.
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
    let dialect = query.text("dialect").and_then(|name| dialect_of(&name));
    let asked = Asked { dialect: dialect.unwrap_or(CallerDialect::ChatCompletions), model, prompt };
    let frame = Frame::of(&console_user, "Playground", NavigationItem::Playground);
    page_with(200, &Page::of(frame, organization, &base_url::of(&settings, &request), asked))
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
    let (page, question) = Page::of_form(&form, &base_url::of(&settings, &request));
    let Some(question) = question else { return page_with(422, &page) };
    let data = store.organization(&form.console_user.tenant);
    let answer_panel = Some(AnswerPanel::ask(&gateway, &data, &question).await?);
    page_with(200, &Page { answer_panel, ..page })
}

impl Page {
    /// The page with the submitted values, and the request to send; `None` if it is invalid, with the problems on the page.
    pub(super) fn of_form(form: &Form<may::Send>, address: &str) -> (Self, Option<PlaygroundRequest>) {
        let console_user = &form.console_user;
        let (asked, chosen) = Asked::of(&form.fields);
        let mut problems = Problems::default();
        if chosen.is_none() {
            problems.add("dialect", "There is no such dialect. Choose one from the list.");
        }
        if !console_user.organization.chat_models().any(|model| *model.name == *asked.model) {
            problems.add("model", "There is no such model. Choose one from the list.");
        }
        let prompt = problems.check("prompt", parse_prompt(&asked.prompt));
        let question = prompt.filter(|_| problems.is_empty()).map(|prompt| PlaygroundRequest {
            organization: console_user.organization.clone(),
            request_id: console_user.request_id,
            dialect: asked.dialect,
            model: asked.model.clone(),
            prompt,
            drills: Drills::default(),
        });
        let frame = Frame::of(console_user, "Playground", NavigationItem::Playground);
        (Self { problems, ..Self::of(frame, &console_user.organization, address, asked) }, question)
    }

    pub(crate) fn of(frame: Frame, organization: &OrganizationSnapshot, address: &str, asked: Asked) -> Self {
        let Asked { dialect, model, prompt } = asked;
        let mut models: Vec<(String, String)> = organization
            .chat_models()
            .map(|model| (model.name.to_string(), with_price(&model.provider.name, model)))
            .collect();
        models.sort();
        let known = organization.models.get(&model);
        Self {
            frame,
            problems: Problems::default(),
            models,
            fallbacks: known.map(|known| format!("/fallbacks/{}", known.id.0)),
            snippets: snippets(dialect, address, KEY, &model, prompt.trim()),
            model,
            dialects: DIALECTS.map(|(_, word, label)| Choice::new(word, label)).into(),
            dialect: DIALECTS
                .iter()
                .find(|(known, ..)| *known == dialect)
                .map(|(_, word, _)| (*word).to_owned())
                .unwrap_or_default(),
            prompt,
            answer_panel: None,
        }
    }
}
