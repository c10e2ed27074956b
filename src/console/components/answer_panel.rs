//! The panel that shows the answer to a request sent from a page: the answer, the model that gave it, and its attempts.
//!
//! `templates/components/answer_panel.html` draws it.

use entity::ids::RequestId;

use crate::console::components::attempt_summary::{adaptations, attempts, sentence};
use crate::console::components::diagrams::chain_diagram::ChainDiagram;
use crate::console::components::diagrams::timing_bar::TimingBar;
use crate::console::components::format::{count, counted, duration, money};
use crate::console::components::status_badge::StatusBadge;
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::preview::playground_request::PlaygroundRequest;
use crate::store::pagination::PageRequest;
use crate::store::{EventFilter, FallbackEventRow, OrgStore, RequestRow};

/// Maximum number of linked events.
const EVENTS: u64 = 40;

/// Result of a request that was sent from a page.
#[derive(Debug)]
pub struct AnswerPanel {
    /// What happened, in one sentence.
    pub story: String,
    /// The attempts, in order.
    pub diagram: Option<ChainDiagram>,
    /// Time spent per attempt.
    pub timing_bar: Option<TimingBar>,
    /// The answer's text; `None` if no model answered.
    pub answer: Option<String>,
    /// Name of the model that answered; empty if none did.
    pub served: String,
    /// Why no model answered, or why the answer was interrupted; empty on success.
    pub failure: String,
    /// The called models that got another request than the typed one, and what was changed for them.
    pub adapted: Vec<(String, String)>,
    /// Time, tokens and cost, as far as they are known.
    pub facts: Vec<String>,
    /// Path of the request's page; `None` if it was not recorded.
    pub request: Option<String>,
    /// The request's fallback events, oldest first.
    pub events: Vec<EventLink>,
}

/// A link to a fallback event.
#[derive(Debug)]
pub struct EventLink {
    /// Path of the event's page.
    pub path: String,
    /// Link text: failed model, next model, reason.
    pub label: String,
}

impl AnswerPanel {
    /// Sends the request and collects its result.
    ///
    /// # Errors
    /// The request could not be sent at all.
    pub async fn ask(gateway: &Gateway, data: &OrgStore, question: &PlaygroundRequest) -> Result<Self> {
        let (answer, failure) = match gateway.playground_answer(question).await {
            Ok(answer) => (Some(answer), String::new()),
            Err(Error::Chain(chain)) => (None, chain.failure.message),
            Err(error) => return Err(error),
        };
        Self::read(data, question, answer, failure).await
    }

    /// Collects the result of a request that was already sent.
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

    /// Title above the answer: model, tokens, cost.
    #[must_use]
    pub fn title(&self) -> String {
        let facts = self.facts.iter().map(|fact| format!(" · {fact}"));
        let did = if self.failure.is_empty() { "answered" } else { "broke off" };
        format!("{} {did}{}", self.served, facts.collect::<String>())
    }

    pub(crate) fn of(
        answer: Option<String>,
        failure: String,
        row: Option<&RequestRow>,
        events: &[FallbackEventRow],
    ) -> Self {
        Self {
            story: row.map(|row| sentence(row, &attempts(row))).unwrap_or_default(),
            diagram: row.map(ChainDiagram::of_request),
            timing_bar: row.and_then(TimingBar::of_request),
            served: row.and_then(|row| row.served_model.clone()).unwrap_or_default(),
            adapted: row.map(|row| adaptations(&attempts(row))).unwrap_or_default(),
            facts: row.map(facts).unwrap_or_default(),
            request: row.map(|row| format!("/requests/{}", row.id.0)),
            events: events.iter().rev().map(EventLink::of).collect(),
            answer,
            failure,
        }
    }
}

impl EventLink {
    fn of(event: &FallbackEventRow) -> Self {
        let next = event.next_model.as_deref().unwrap_or("none");
        Self {
            path: format!("/events/{}", event.id.0),
            label: format!(
                "{} → {next}: {}",
                event.failed_model,
                StatusBadge::of_failure(event.error_class.as_str(), event.matched_rule.as_deref())
                    .word
                    .to_lowercase()
            ),
        }
    }
}

fn facts(row: &RequestRow) -> Vec<String> {
    let tokens = row.input_tokens.zip(row.output_tokens);
    let tokens = tokens
        .map(|(input, output)| format!("{} in, {} out", counted(input, "token", "tokens"), count(output)));
    let cost = row.cost_nano_dollars.filter(|_| row.served_model.is_some()).map(money);
    [Some(duration(row.total_ms)), tokens, cost].into_iter().flatten().collect()
}
