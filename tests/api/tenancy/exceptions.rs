//! What does not follow from the shape of a route, and why.

use serde_json::{Value, json};

use super::matrix::{Foreign, Row, Shape};
use super::victim::Victim;

/// Changes the derived row of a route, or adds rows to it.
pub(super) struct Exception {
    /// `METHOD path`, as in the list of routes. It is also of the route's aliases.
    pub(super) title: &'static str,
    rows: fn(Row, &Victim) -> Vec<Row>,
}

const fn exception(title: &'static str, rows: fn(Row, &Victim) -> Vec<Row>) -> Exception {
    Exception { title, rows }
}

pub(super) const EXCEPTIONS: &[Exception] = &[
    exception("POST /v1/chat/completions", |row, _| {
        // Azure's clients name the model and a version of the API in the address.
        let version =
            if row.path.starts_with("/openai/deployments") { "?api-version=2024-10-21" } else { "" };
        vec![Row { path: format!("{}{version}", row.path), ..row.showing("victim-answer") }]
    }),
    exception("POST /v1/responses", |row, _| vec![row.showing("victim-answer")]),
    exception("POST /v1/messages", |row, _| vec![row.of_a_message().showing("victim-answer")]),
    exception("POST /v1/messages/count_tokens", |row, _| vec![row.of_a_message().showing("4711")]),
    exception("POST /v1/embeddings", |row, _| {
        let mut row = row.of_model("victim/embedding").showing("victim-answer");
        row.body["dimensions"] = json!(1);
        vec![row]
    }),
    exception("POST /v1/completions", |row, _| {
        vec![row.of_model("victim/completion").showing("victim-answer")]
    }),
    exception("POST /v1/moderations", |row, _| {
        vec![row.of_model("victim/moderation").showing("victim-answer")]
    }),
    exception("POST /v1/rerank", |row, _| vec![row.of_model("victim/rerank").showing("victim-answer")]),
    exception("POST /v1/images/generations", |row, _| {
        vec![row.of_model("victim/image").showing("victim-answer")]
    }),
    exception("POST /v1/audio/speech", |row, _| vec![row.of_model("victim/speech").showing("victim-answer")]),
    exception("POST /v1/audio/transcriptions", |row, _| {
        vec![row.of_model("victim/transcription").showing("victim-answer")]
    }),
    exception("POST /v1/audio/translations", |row, _| {
        vec![row.of_model("victim/transcription").showing("victim-answer")]
    }),
    exception("POST /v1/model-router/explain", |row, _| vec![row.showing("victim/second")]),
    exception("POST /fallback", |row, _| {
        // The victim has the list of the example already, and to set it again changes nothing.
        let list = json!({"model": "victim/second", "fallback_models": ["victim/first"]});
        // An own model must not fall back to a foreign one. Its owner gets an error about the unknown model.
        let foreign_target = json!({"model": "stranger/model", "fallback_models": ["victim/first"]});
        let refused = Row { body: foreign_target, owner: 404, foreign: Foreign::Refused(400), ..row.clone() };
        vec![Row { body: list, ..row.showing("victim/second") }, refused]
    }),
    exception("GET /fallback", |row, _| vec![row.showing("victim/first")]),
    exception("GET /fallback/{model:.+}", |row, _| vec![row.showing("victim/second")]),
    exception("DELETE /fallback/{model:.+}", |row, _| vec![row.showing("deleted")]),
    exception("GET /v1/model-router/fallback-events", |row, victim| {
        with_filters(row, victim.id("fallback-events"))
    }),
    exception("GET /v1/model-router/requests", |row, victim| with_filters(row, victim.id("requests"))),
    exception("GET /v1/model-router/usage", |row, _| {
        // By day alone it names nothing of the victim.
        vec![Row { path: "/v1/model-router/usage?group_by=model".to_owned(), ..row.showing("victim/second") }]
    }),
    // The result of the test is not about the names of the provider.
    exception("POST /v1/model-router/providers/{id}/test", |row, _| {
        vec![Row { shows: vec!["remedy".to_owned()], ..row }]
    }),
    exception("GET /v1/model-router/providers/{id}/credentials", |row, _| {
        vec![Row { shows: vec!["victim-credential".to_owned()], ..row }]
    }),
    exception("POST /v1/model-router/providers/{id}/credentials", |row, victim| {
        vec![Row { shows: vec![victim.id("providers").to_owned(), "On demand".to_owned()], ..row }]
    }),
    exception("POST /v1/model-router/credentials/{id}/test", |row, _| {
        vec![Row { shows: vec!["remedy".to_owned()], ..row }]
    }),
    // Later rows call the model, so it stays enabled.
    exception("PATCH /v1/model-router/models/{id}", |row, _| {
        vec![Row { body: json!({"enabled": true}), ..row }]
    }),
    exception("POST /v1/model-router/budgets", |row, victim| {
        // The example is of the organization's own budget, which names nothing foreign.
        let body =
            json!({"api_key_id": victim.id("api-keys"), "period": "month", "soft_limit_nano_dollars": 5});
        vec![Row { body, foreign: Foreign::Refused(422), ..row }]
    }),
    exception("GET /v1/model-router/limits", |row, _| vec![row.showing("victim/second")]),
    exception("POST /v1/identity/api-keys", |row, _| {
        // A key with one scope cannot grant another one.
        vec![Row { body: json!({"name": "new-key", "scopes": ["keys:manage"]}), ..row }]
    }),
    exception("GET /v1/identity/whoami", |row, victim| vec![row.showing(&victim.organization)]),
    exception("GET /metrics", |row, _| {
        // Closed unless a token is configured.
        vec![Row { owner: 404, foreign: Foreign::Own(404), ..row }]
    }),
];

/// The rows of a route: the derived one, or those of the exception with the title.
pub(super) fn apply(title: &str, row: Row, victim: &Victim) -> Vec<Row> {
    match EXCEPTIONS.iter().find(|exception| exception.title == title) {
        Some(exception) => (exception.rows)(row, victim),
        None => vec![row],
    }
}

/// Whether there is an exception for a route.
pub(super) fn says_what_it_shows(shape: &Shape<'_>) -> bool {
    let title = format!("{} {}", shape.method.as_str(), shape.path);
    EXCEPTIONS.iter().any(|exception| exception.title == title)
}

impl Row {
    /// The row, for the model of the victim that speaks Anthropic's dialect.
    fn of_a_message(mut self) -> Self {
        self.body["model"] = "victim/claude".into();
        self.body["models"] = Value::Null;
        self
    }

    /// The row, for a model of the victim of another kind than chat, which the path of Azure's clients names.
    fn of_model(mut self, name: &str) -> Self {
        self.path = self.path.replace("victim/first", name);
        self.body["model"] = name.into();
        self.body["models"] = Value::Null;
        self
    }

    /// The row, with one more string that its owner sees.
    fn showing(mut self, text: &str) -> Self {
        self.shows.push(text.to_owned());
        self
    }
}

/// A list as it is, and with each of the filters that find its row.
fn with_filters(row: Row, id: &str) -> Vec<Row> {
    let folder = row.path.split('?').next().unwrap_or_default().to_owned();
    let filtered = ["session_id=victim-session", "origin=live"].map(|filter| Row {
        path: format!("{folder}?{filter}"),
        body: Value::Null,
        shows: vec![id.to_owned()],
        ..row.clone()
    });
    [row].into_iter().chain(filtered).collect()
}
