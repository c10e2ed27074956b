//! `POST /playground/stream`: the same question, answered as it comes, for pages with a script.
//!
//! Server-sent events whose data is JSON: `began` (who answers, and whose place it takes), `piece` (more of the answer),
//! and in the end `done`, the parts of the page as they are without a script. Who stops reading cancels the call.

use std::pin::Pin;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

use super::send::Page;
use crate::auth::console::console_user::may;
use crate::config::Settings;
use crate::console::components::answer_panel::Outcome;
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

/// What the end of the stream puts in the place of what stands on the page.
#[derive(Template)]
#[template(path = "playground/answer.html")]
struct Parts {
    outcome: Option<Outcome>,
    snippets: Vec<Snippet>,
}

/// Asks, and tells what is said as it is said.
///
/// # Errors
/// As of the page without a script: a refused form is the page, with status 422.
pub async fn send(
    form: Form<may::Send>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let mut page = Page::of_form(&form, &base_url::of(&settings, &request));
    let Some(question) = page.question(&form.visitor) else { return page_with(422, &page) };
    let talk = Talk {
        gateway,
        data: store.organization(&form.visitor.tenant),
        question,
        snippets: page.snippets,
        answer: None,
        failure: String::new(),
        stage: Stage::Opening,
    };
    let chunks = stream::try_unfold(talk, async |mut talk| {
        let event = talk.next().await?;
        Ok::<_, Error>(event.map(|event| (event, talk)))
    });
    Ok(event_stream(chunks))
}

/// A question under way.
struct Talk {
    gateway: web::Data<Gateway>,
    data: OrgStore,
    question: PlaygroundRequest,
    snippets: Vec<Snippet>,
    /// What was said so far; none: nothing.
    answer: Option<String>,
    /// Why nobody answered, or why it broke off.
    failure: String,
    stage: Stage,
}

enum Stage {
    /// Nobody was asked yet.
    Opening,
    /// Nobody answers yet.
    Asking,
    /// Somebody does.
    Listening(Pin<Box<dyn Stream<Item = TextChunk>>>),
    /// What came of it is told next.
    Telling,
    /// Nothing more.
    Over,
}

impl Talk {
    /// The next event; none at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        loop {
            match &mut self.stage {
                Stage::Opening => {
                    self.stage = Stage::Asking;
                    let path = format!("/requests/{}", self.question.request_id);
                    return Ok(Some(event("asked", &json!(path))));
                }
                Stage::Asking => {
                    if let Some(began) = self.ask().await? {
                        return Ok(Some(event("began", &began.into())));
                    }
                }
                Stage::Listening(chunks) => match chunks.next().await {
                    Some(TextChunk::Text(text)) => {
                        self.answer.get_or_insert_default().push_str(&text);
                        return Ok(Some(event("piece", &text.into())));
                    }
                    Some(TextChunk::Broken(why)) => self.failure = why,
                    None => self.stage = Stage::Telling,
                },
                Stage::Telling => {
                    self.stage = Stage::Over;
                    return self.parts().await.map(|html| Some(event("done", &html.into())));
                }
                Stage::Over => return Ok(None),
            }
        }
    }

    /// Who answers, and whose place it takes; none where nobody does.
    async fn ask(&mut self) -> Result<Option<String>> {
        match self.gateway.stream_playground_answer(&self.question).await {
            Ok(spoken) => {
                self.answer = Some(String::new());
                self.stage = Stage::Listening(spoken.chunks);
                Ok(Some(told(&spoken.routing)))
            }
            Err(error) => {
                self.failure = match error {
                    Error::Chain(chain) => chain.failure.message,
                    // The headers are gone: the page says it in the place of an answer.
                    error => {
                        tracing::warn!(request_id = %self.question.request_id, %error, "a question was not answered");
                        message(&error)
                    }
                };
                self.stage = Stage::Telling;
                Ok(None)
            }
        }
    }

    async fn parts(&mut self) -> Result<String> {
        let failure = std::mem::take(&mut self.failure);
        let outcome = Outcome::read(&self.data, &self.question, self.answer.take(), failure).await?;
        let parts = Parts { outcome: Some(outcome), snippets: std::mem::take(&mut self.snippets) };
        parts.render().map_err(Error::internal)
    }
}

/// `smart failed: overloaded. steady is answering.`
fn told(routing: &RoutingInfo) -> String {
    let served = routing.served.as_deref().unwrap_or("somebody");
    match &routing.fallback {
        Some(fallback) => {
            let more = match fallback.hops.saturating_sub(1) {
                0 => String::new(),
                1 => ", and one more behind it".to_owned(),
                more => format!(", and {more} more behind it"),
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
