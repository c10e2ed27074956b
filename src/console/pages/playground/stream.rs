//! `POST /playground/stream`: streams the answer, for browsers with JavaScript.
//!
//! Server-sent events with JSON data: `began` (the model that answers, and the one it replaces), `piece` (more of the
//! answer), and finally `done` (the HTML of the result). Closing the connection cancels the call.

use std::pin::Pin;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

use super::send::Page;
use crate::auth::console::console_user::may;
use crate::config::Settings;
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::snippets::Snippet;
use crate::console::components::status_badge::label;
use crate::console::error::message;
use crate::console::http::base_url;
use crate::console::http::forms::Form;
use crate::console::http::responses::{event_stream, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::{PlaygroundRequest, TextChunk};
use crate::store::{OrgStore, Store};

/// The HTML that replaces the streamed answer at the end.
#[derive(Template)]
#[template(path = "playground/answer.html")]
struct Parts {
    answer_panel: Option<AnswerPanel>,
    snippets: Vec<Snippet>,
}

/// Sends the request and streams the answer.
///
/// # Errors
/// As for the page without JavaScript: a refused form returns the page with status 422.
pub async fn send(
    form: Form<may::Send>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (page, question) = Page::of_form(&form, &base_url::of(&settings, &request));
    let Some(question) = question else { return page_with(422, &page) };
    let talk = AnswerStream {
        gateway,
        data: store.organization(&form.console_user.tenant),
        question,
        snippets: page.snippets,
        answer: None,
        failure: String::new(),
        stage: Stage::Starting,
    };
    let chunks = stream::try_unfold(talk, async |mut talk| {
        let event = talk.next().await?;
        Ok::<_, Error>(event.map(|event| (event, talk)))
    });
    Ok(event_stream(chunks))
}

/// A request that is running.
struct AnswerStream {
    gateway: web::Data<Gateway>,
    data: OrgStore,
    question: PlaygroundRequest,
    snippets: Vec<Snippet>,
    /// The answer so far; `None` before the first text.
    answer: Option<String>,
    /// Why no model answered, or why the answer was interrupted.
    failure: String,
    stage: Stage,
}

enum Stage {
    /// No model was called yet.
    Starting,
    /// No model has started to answer yet.
    Connecting,
    /// A model is answering.
    Streaming(Pin<Box<dyn Stream<Item = TextChunk>>>),
    /// The result comes next.
    Finishing,
    /// The stream has ended.
    Done,
}

impl AnswerStream {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        loop {
            match &mut self.stage {
                Stage::Starting => {
                    self.stage = Stage::Connecting;
                    let path = format!("/requests/{}", self.question.request_id);
                    return Ok(Some(event("asked", &json!(path))));
                }
                Stage::Connecting => {
                    if let Some(began) = self.ask().await? {
                        return Ok(Some(event("began", &began.into())));
                    }
                }
                Stage::Streaming(chunks) => match chunks.next().await {
                    Some(TextChunk::Text(text)) => {
                        self.answer.get_or_insert_default().push_str(&text);
                        return Ok(Some(event("piece", &text.into())));
                    }
                    Some(TextChunk::Broken(why)) => self.failure = why,
                    None => self.stage = Stage::Finishing,
                },
                Stage::Finishing => {
                    self.stage = Stage::Done;
                    return self.parts().await.map(|html| Some(event("done", &html.into())));
                }
                Stage::Done => return Ok(None),
            }
        }
    }

    /// Names the model that answers and the one it replaces; `None` if no model answers.
    async fn ask(&mut self) -> Result<Option<String>> {
        match self.gateway.stream_playground_answer(&self.question).await {
            Ok(spoken) => {
                self.answer = Some(String::new());
                self.stage = Stage::Streaming(spoken.chunks);
                Ok(Some(describe(&spoken.routing)))
            }
            Err(error) => {
                self.failure = match error {
                    Error::Chain(chain) => chain.failure.message,
                    // The status is already sent, so the page shows the error in place of the answer.
                    error => {
                        tracing::warn!(request_id = %self.question.request_id, %error, "a question was not answered");
                        message(&error)
                    }
                };
                self.stage = Stage::Finishing;
                Ok(None)
            }
        }
    }

    async fn parts(&mut self) -> Result<String> {
        let failure = std::mem::take(&mut self.failure);
        let answer_panel = AnswerPanel::read(&self.data, &self.question, self.answer.take(), failure).await?;
        let parts = Parts { answer_panel: Some(answer_panel), snippets: std::mem::take(&mut self.snippets) };
        parts.render().map_err(Error::internal)
    }
}

/// `smart failed: overloaded. steady is answering.`
fn describe(routing: &RoutingInfo) -> String {
    let served = routing.served.as_deref().unwrap_or("a model");
    match &routing.fallback {
        Some(fallback) => {
            let more = match fallback.hops.saturating_sub(1) {
                0 => String::new(),
                1 => ", and one more after it".to_owned(),
                more => format!(", and {more} more after it"),
            };
            let why = label(fallback.class).to_lowercase();
            format!("{} failed ({why}){more}. {served} is answering.", fallback.from)
        }
        None => format!("{served} is answering."),
    }
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
