//! The actor of a change: an API key, a user, or the system.

use entity::ids::{ApiKeyId, UserId};
use uuid::Uuid;

const API_KEY: &str = "api_key";
const USER: &str = "user";

/// The actor of a change, as the audit log records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: &'static str,
    id: Option<Uuid>,
    label: String,
    request_id: Option<Uuid>,
}

impl Actor {
    /// An API key, by its id and name, in a request.
    #[must_use]
    pub fn api_key(id: Uuid, name: &str, request_id: Option<Uuid>) -> Self {
        Self { kind: API_KEY, id: Some(id), label: name.to_owned(), request_id }
    }

    /// A user, by id and email address, in a request.
    #[must_use]
    pub fn user(id: Uuid, email: &str, request_id: Option<Uuid>) -> Self {
        Self { kind: USER, id: Some(id), label: email.to_owned(), request_id }
    }

    /// The system, with a label such as `command line` or `demo`.
    #[must_use]
    pub fn system(label: &str) -> Self {
        Self { kind: "system", id: None, label: label.to_owned(), request_id: None }
    }

    /// The same actor in the request of that id.
    #[must_use]
    pub fn within(self, request_id: Uuid) -> Self {
        Self { request_id: Some(request_id), ..self }
    }

    /// The id of the API key; `None` for users and the system.
    #[must_use]
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        self.id.filter(|_| self.kind == API_KEY).map(ApiKeyId)
    }

    /// The id of the user; `None` for API keys and the system.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.id.filter(|_| self.kind == USER).map(UserId)
    }

    /// `api_key`, `user` or `system`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The id of the key or the user; `None` for the system.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The name of the key, the email address of the user, or the label of the system.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The id of the request; `None` outside of a request.
    #[must_use]
    pub fn request_id(&self) -> Option<Uuid> {
        self.request_id
    }
}
