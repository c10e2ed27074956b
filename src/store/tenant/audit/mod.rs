//! Who acts, and what is written down about it.

mod read;

use entity::ids::{ApiKeyId, UserId};
use sea_orm::prelude::Json;
use serde::Serialize;
use uuid::Uuid;

use crate::store::Error;
pub use read::{AuditFilter, AuditRow};

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
    pub(in crate::store) fn api_key_id(&self) -> Option<ApiKeyId> {
        self.id.filter(|_| self.kind == API_KEY).map(ApiKeyId)
    }

    /// The person who acts, if one does.
    pub(in crate::store) fn user_id(&self) -> Option<UserId> {
        self.id.filter(|_| self.kind == USER).map(UserId)
    }

    pub(in crate::store) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(in crate::store) fn id(&self) -> Option<Uuid> {
        self.id
    }

    pub(in crate::store) fn label(&self) -> &str {
        &self.label
    }

    pub(in crate::store) fn request_id(&self) -> Option<Uuid> {
        self.request_id
    }
}

/// What a change did to one thing. Neither side ever holds a secret.
pub(in crate::store) struct AuditEntry {
    /// `model.create`, `fallback.delete` ...
    pub(in crate::store) action: &'static str,
    /// `model`, `provider`, `api_key`, `error_mapping`, `fallback`, `organization`, `member`, `invitation`, `user`.
    pub(in crate::store) resource_kind: &'static str,
    pub(in crate::store) resource_id: Uuid,
    pub(in crate::store) resource_name: String,
    pub(in crate::store) before: Option<Json>,
    pub(in crate::store) after: Option<Json>,
}

impl AuditEntry {
    /// An entry on a thing that was one of two states: none before it was made, none after it was deleted.
    pub(in crate::store) fn new<T: Serialize>(
        action: &'static str,
        resource_kind: &'static str,
        resource_id: Uuid,
        resource_name: &str,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Self, Error> {
        let state = |state: Option<&T>| state.map(serde_json::to_value).transpose().map_err(Error::internal);
        Ok(Self {
            action,
            resource_kind,
            resource_id,
            resource_name: resource_name.to_owned(),
            before: state(before)?,
            after: state(after)?,
        })
    }
}
