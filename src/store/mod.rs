//! The only access to the database.
//!
//! The connections are private to [`Store`]. The data of an organization is accessed through [`OrgStore`], which
//! requires a [`Tenant`](crate::domain::tenant::Tenant), the proof that a caller is authenticated. Work without a caller
//! uses [`System`](maintenance::system::System); a test lists its callers.

pub mod accounts;
pub mod archive;
pub(crate) mod bulk_insert;
pub mod database;
mod handle;
pub mod maintenance;
pub mod pagination;
pub mod recorder;
pub mod records;
pub(crate) mod rollups;
pub mod snapshot;
pub mod tenant;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod transaction;
pub mod vault;

pub use accounts::invitations::{InvitationRow, Joining, NewInvitation};
pub use accounts::memberships::{MANAGES_MEMBERS, MemberRow};
pub use accounts::one_time_links::{LinkKind, LinkOutcome, LinkRow};
pub use accounts::outstanding_links::OutstandingLinks;
pub use accounts::sessions::{ABSOLUTE, IDLE, LiveSession, NewSession, SessionRow};
pub use accounts::users::{OwnOrganization, UserRow};
pub use database::connect::ConnectError;
pub use database::single_server::{Claim, ClaimError};
pub use handle::{OrgStore, Store};
pub use maintenance::expiry::KEPT;
pub use records::fallback_event::FallbackEventRow;
pub use records::request::{REQUEST_COLUMNS, RequestRow};
pub use rollups::histogram::Histogram;
pub use rollups::{BUCKET, EventRollupFilter, RecentUse, RequestCounts, RequestTimes, RollupSpan};
pub use tenant::api_keys::{ApiKeyChange, ApiKeyRow, NewApiKey, unknown_limited_models, unknown_models};
pub use tenant::audit::{AuditFilter, AuditRow};
pub use tenant::budgets::{BudgetChange, BudgetRow, NewBudget, Spent, SpentByDay, unknown_key};
pub use tenant::error_mappings::{ErrorMappingRow, MOST_MAPPINGS, NewErrorMapping};
pub use tenant::events::EventFilter;
pub use tenant::fallbacks::{
    FallbackFilter, FallbackOutcome, FallbackRevision, FallbackRow, NOTHING_IN_FORCE, NewFallback,
};
pub use tenant::key_grants::{BoundKey, KeyGrant};
pub use tenant::limits::{Limits, LimitsChange, ModelLimits, NamedLimit, ProviderLimits};
pub use tenant::models::{FilledModel, ModelFields, ModelFilter, ModelRow, ModelSettings};
pub use tenant::organization_settings::{OrganizationSettings, TypedFallbacks, UnpricedModels};
pub use tenant::providers::credentials::{CredentialChange, CredentialRow, MOST_CREDENTIALS, NewCredential};
pub use tenant::providers::{NewProvider, ProviderChange, ProviderHealth, ProviderRow, unknown_provider};
pub use tenant::requests::RequestFilter;
pub use tenant::usage::{UsageBy, UsageFilter, UsagePlace, UsageRow, known_cost};
