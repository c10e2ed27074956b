//! Audit entries.

mod read;

use sea_orm::prelude::Json;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::error::Error;
pub use read::{AuditFilter, AuditRow};

/// The audit entry of a change. The states contain no secrets.
pub(in crate::store) struct AuditEntry {
    /// The action, such as `model.create` or `fallback.delete`.
    pub(in crate::store) action: &'static str,
    /// The kind of resource: `model`, `provider`, `provider_credential`, `api_key`, `error_mapping`, `fallback`, `organization`, `member`,
    /// `invitation` or `user`.
    pub(in crate::store) resource_kind: &'static str,
    pub(in crate::store) resource_id: Uuid,
    pub(in crate::store) resource_name: String,
    pub(in crate::store) before: Option<Json>,
    pub(in crate::store) after: Option<Json>,
}

impl AuditEntry {
    /// Creates an entry with the states before and after the change: `None` before a create and after a delete.
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
