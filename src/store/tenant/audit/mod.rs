//! What is written down about a change.

mod read;

use sea_orm::prelude::Json;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::error::Error;
pub use read::{AuditFilter, AuditRow};

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
