//! Who makes a change.

use entity::ids::{ApiKeyId, UserId};
use uuid::Uuid;

const API_KEY: &str = "api_key";
const USER: &str = "user";

/// Who makes a change: a key, a person, or the system itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: &'static str,
    id: Option<Uuid>,
    label: String,
    request_id: Option<Uuid>,
}

impl Actor {
    /// An API key, by its id and name.
    #[must_use]
    pub fn api_key(id: Uuid, name: &str, request_id: Option<Uuid>) -> Self {
        Self { kind: API_KEY, id: Some(id), label: name.to_owned(), request_id }
    }

    /// A person, by id and address.
    #[must_use]
    pub fn user(id: Uuid, email: &str, request_id: Option<Uuid>) -> Self {
        Self { kind: USER, id: Some(id), label: email.to_owned(), request_id }
    }

    /// The command line, the demo, a start.
    #[must_use]
    pub fn system(label: &str) -> Self {
        Self { kind: "system", id: None, label: label.to_owned(), request_id: None }
    }

    /// The same, in that request.
    #[must_use]
    pub fn within(self, request_id: Uuid) -> Self {
        Self { request_id: Some(request_id), ..self }
    }

    /// The key that acts, if one does.
    #[must_use]
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        self.id.filter(|_| self.kind == API_KEY).map(ApiKeyId)
    }

    /// The person who acts, if one does.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.id.filter(|_| self.kind == USER).map(UserId)
    }

    /// `api_key`, `user` or `system`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The key's or the person's id.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The key's name, the person's address, or what the system does.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The request in which it acts.
    #[must_use]
    pub fn request_id(&self) -> Option<Uuid> {
        self.request_id
    }
}
