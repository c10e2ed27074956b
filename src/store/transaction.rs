//! Changes of an organization's configuration: one transaction, followed by a new snapshot.
//!
//! The row of the organization is updated first, so that concurrent changes of one organization are serialized. The
//! global change counter is incremented last, which notifies the other processes, and its value is the number of the
//! change. As the row of the counter stays locked until the commit, changes are committed in the order of their numbers.
//! Audit entries are written in the transaction of the change, so that neither exists without the other.

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId};
use entity::{api_keys, audit_entries, instance_state, organizations};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter};

use super::{OrgStore, Store};
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::store::database::connections::Transaction;
use crate::store::tenant::audit::AuditEntry;

/// A transaction on the configuration of one organization. It is rolled back if it is dropped without
/// [`Change::commit`].
pub(super) struct Change {
    store: Store,
    organization_id: OrganizationId,
    version: i64,
    actor: Actor,
    transaction: Transaction,
    revoked: Vec<ApiKeyId>,
}

impl OrgStore {
    /// Begins a change of the configuration of this organization.
    pub(in crate::store) async fn change(&self) -> Result<Change, Error> {
        Change::begin(&self.store, self.organization_id, self.actor.clone()).await
    }

    /// Begins a change of keys of this organization, and of nothing else. Only the keys are read again.
    pub(in crate::store) async fn key_change(&self) -> Result<Change, Error> {
        Change::begin_with(&self.store, self.organization_id, self.actor.clone(), false).await
    }
}

impl Change {
    pub(super) async fn begin(
        store: &Store,
        organization_id: OrganizationId,
        actor: Actor,
    ) -> Result<Self, Error> {
        Self::begin_with(store, organization_id, actor, true).await
    }

    async fn begin_with(
        store: &Store,
        organization_id: OrganizationId,
        actor: Actor,
        changes_catalog: bool,
    ) -> Result<Self, Error> {
        let transaction = store.begin().await?;
        let version = Expr::col(organizations::Column::Version).add(1);
        let mut update = organizations::Entity::update_many()
            .col_expr(organizations::Column::Version, version.clone())
            .col_expr(organizations::Column::UpdatedAt, Expr::value(store.inner.clock.now()));
        if changes_catalog {
            update = update.col_expr(organizations::Column::CatalogVersion, version);
        }
        let moved: Option<organizations::Model> = update
            .filter(organizations::Column::Id.eq(organization_id))
            .exec_with_returning(&transaction)
            .await?
            .pop();
        let version = moved.ok_or_else(|| Error::absent("organization", organization_id))?.version;
        let revoked = Vec::new();
        Ok(Self { store: store.clone(), organization_id, version, actor, transaction, revoked })
    }

    /// The transaction, for the statements of the change.
    pub(super) fn on(&self) -> &Transaction {
        &self.transaction
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The version of the organization with this change, which the keys get that it writes.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Notes that the change revokes a key, which other processes then refuse before they read the change itself.
    pub(super) fn revokes(&mut self, id: ApiKeyId) {
        self.revoked.push(id);
    }

    /// Writes an audit entry.
    pub(super) async fn audit(&self, entry: AuditEntry) -> Result<(), Error> {
        let clock = &self.store.inner.clock;
        audit(&self.transaction, clock, self.organization_id, &self.actor, entry).await
    }

    /// Commits the change and refreshes the snapshot. After that, requests of this process see the change.
    pub(super) async fn commit(self) -> Result<(), Error> {
        let number = tell_other_processes(&self.transaction, self.organization_id).await?;
        if !self.revoked.is_empty() {
            api_keys::Entity::update_many()
                .col_expr(api_keys::Column::RevocationSeq, Expr::value(number))
                .filter(api_keys::Column::OrganizationId.eq(self.organization_id))
                .filter(api_keys::Column::Id.is_in(self.revoked))
                .exec(&self.transaction)
                .await?;
        }
        self.transaction.commit().await?;
        self.store.inner.snapshots.refresh(&self.store, self.organization_id, self.version).await
    }
}

/// Checks that a row has not changed since the caller read it. `seen` is the time of the last change that the caller
/// saw, in microseconds; `None` skips the check.
pub(super) fn check_seen(seen: Option<i64>, updated_at: DateTime<Utc>) -> Result<(), Error> {
    let current = updated_at.timestamp_micros();
    match seen {
        Some(seen) if seen != current => Err(Error::RevisionChanged { current }),
        _ => Ok(()),
    }
}

/// Writes an audit entry in the transaction of the change.
pub(super) async fn audit(
    transaction: &Transaction,
    clock: &Clock,
    organization_id: OrganizationId,
    actor: &Actor,
    entry: AuditEntry,
) -> Result<(), Error> {
    audit_entries::Entity::insert(audit_entries::ActiveModel {
        id: Set(clock.new_id().into()),
        organization_id: Set(organization_id),
        actor_kind: Set(actor.kind().to_owned()),
        actor_id: Set(actor.id()),
        actor_label: Set(actor.label().to_owned()),
        action: Set(entry.action.to_owned()),
        resource_kind: Set(entry.resource_kind.to_owned()),
        resource_id: Set(Some(entry.resource_id)),
        resource_name: Set(entry.resource_name),
        before: Set(entry.before),
        after: Set(entry.after),
        request_id: Set(actor.request_id()),
        created_at: Set(clock.now()),
    })
    .exec_without_returning(transaction)
    .await?;
    Ok(())
}

/// Increments the counter that every process polls, and gives the change of the organization its value as a number, which
/// is returned. It must be at the end of a transaction, because all changes wait for the lock on the row of the counter.
pub(super) async fn tell_other_processes(
    transaction: &Transaction,
    organization_id: OrganizationId,
) -> Result<i64, Error> {
    let (value, numbered) = (instance_state::Column::Value, instance_state::Column::Numbered);
    let counter: Option<instance_state::Model> = instance_state::Entity::update_many()
        .col_expr(value, Expr::col(value).add(1))
        .col_expr(numbered, Expr::col(numbered).add(1))
        .filter(instance_state::Column::Name.eq(super::snapshot::CHANGE_COUNTER))
        .exec_with_returning(transaction)
        .await?
        .pop();
    let number = counter.ok_or_else(|| Error::internal("the change counter is missing"))?.value;
    organizations::Entity::update_many()
        .col_expr(organizations::Column::ChangeSeq, Expr::value(number))
        .filter(organizations::Column::Id.eq(organization_id))
        .exec(transaction)
        .await?;
    Ok(number)
}
