//! What came of a question that somebody asked from a page: the answer, who gave it, and what happened before.
//!
//! `templates/parts/outcome.html` draws it.

use entity::ids::RequestId;

use crate::console::components::attempt_summary::{attempts, sentence};
use crate::console::components::chain_diagram::Rail;
use crate::console::components::format::{count, duration, money};
use crate::console::components::status_badge::reason;
use crate::console::components::timing_bar::Strip;
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::store::pagination::PageRequest;
use crate::store::{EventFilter, EventRow, OrgStore, RequestRow};

/// The most events of a request that are linked.
const EVENTS: u64 = 40;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// In one sentence.
    pub story: String,
    /// Everybody who was asked.
    pub rail: Option<Rail>,
    /// Where the time went.
    pub strip: Option<Strip>,
    /// What was answered; none: nobody did.
    pub answer: Option<String>,
    /// Who answered.
    pub served: String,
    /// Why nobody answered, or why the answer broke off; empty if all is well.
    pub failure: String,
    /// Time, tokens and cost, as far as they are known.
    pub facts: Vec<String>,
    /// The request's page; none if it was not recorded.
    pub request: Option<String>,
    /// The events that it left, in order.
    pub events: Vec<EventLink>,
}

/// The way to an event.
#[derive(Debug)]
pub struct EventLink {
    /// Its page.
    pub path: String,
    /// What it is about.
    pub label: String,
}

impl Outcome {
    /// Asks, and tells what came of it.
    ///
    /// # Errors
    /// What kept the question from being asked at all.
    pub async fn ask(gateway: &Gateway, data: &OrgStore, question: &PlaygroundRequest) -> Result<Self> {
        let (answer, failure) = match gateway.playground_answer(question).await {
            Ok(answer) => (Some(answer), String::new()),
            Err(Error::Chain(chain)) => (None, chain.failure.message),
            Err(error) => return Err(error),
        };
        Self::read(data, question, answer, failure).await
    }

    /// Tells what came of a question that was asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn read(
        data: &OrgStore,
        question: &PlaygroundRequest,
        answer: Option<String>,
        failure: String,
    ) -> Result<Self> {
        let id = RequestId(question.request_id);
        let row = data.request_find(id).await?;
        let filter = EventFilter { request_id: Some(id), ..EventFilter::default() };
        let events = data.event_list(&filter, &PageRequest { limit: EVENTS, cursor: None }).await?.items;
        Ok(Self::of(answer, failure, row.as_ref(), &events))
    }

    /// The title of the answer.
    #[must_use]
    pub fn said_by(&self) -> String {
        let facts = self.facts.iter().map(|fact| format!(" · {fact}"));
        let did = if self.failure.is_empty() { "answered" } else { "broke off" };
        format!("{} {did}{}", self.served, facts.collect::<String>())
    }

    pub(crate) fn of(
        answer: Option<String>,
        failure: String,
        row: Option<&RequestRow>,
        events: &[EventRow],
    ) -> Self {
        Self {
            story: row.map(|row| sentence(row, &attempts(row))).unwrap_or_default(),
            rail: row.map(Rail::of_request),
            strip: row.and_then(Strip::of_request),
            served: row.and_then(|row| row.served_model.clone()).unwrap_or_default(),
            facts: row.map(facts).unwrap_or_default(),
            request: row.map(|row| format!("/requests/{}", row.id.0)),
            events: events.iter().rev().map(EventLink::of).collect(),
            answer,
            failure,
        }
    }
}

impl EventLink {
    fn of(event: &EventRow) -> Self {
        let next = event.next_model.as_deref().unwrap_or("nobody");
        Self {
            path: format!("/events/{}", event.id.0),
            label: format!("{} → {next}: {}", event.failed_model, reason(&event.error_class).to_lowercase()),
        }
    }
}

fn facts(row: &RequestRow) -> Vec<String> {
    let tokens = row.input_tokens.zip(row.output_tokens);
    let tokens = tokens.map(|(input, output)| format!("{} tokens in, {} out", count(input), count(output)));
    let cost = row.cost_nano_dollars.filter(|_| row.served_model.is_some()).map(money);
    [Some(duration(row.total_ms)), tokens, cost].into_iter().flatten().collect()
}
